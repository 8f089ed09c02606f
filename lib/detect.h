/* detect: faces in pictures of any size, by a YOLOv8 network.
 *
 *     detector d;
 *     if (!detector_open(&d, "face.tns", -1, err, &corrupt)) ...
 *     detections found = {0};
 *     switch (detect(&d, rgb, h, w, .25, .7, &found)) ...   // thread-safe
 *     detections_free(&found); detector_close(&d);
 *
 * Three kinds of output are told apart by their shapes, with S_h x S_w the network's input and n = (1/64 + 1/256 + 1/1024) S_h S_w its cells at strides 8, 16, 32:
 *   rows   one output of n rows (or columns): x y w h in the network's pixels, a confidence a class, then maybe landmarks
 *   maps   three outputs, S/8, S/16 and S/32, in any order: 64 numbers for the box (4 sides x 16 bins), a logit a class, then maybe landmarks
 * A row of 4 + k numbers (a map of 64 + k channels) is of k classes; k = 1 is a face's confidence alone, k = 16 that and five landmarks of x, y and visibility,
 * k = 11 that and five landmarks of x and y. Of another k the caller must name the class that is a face.
 *
 * A side's distance in a map is the mean of its 16 bins under their softmax, in strides from the cell's centre (column + .5, row + .5); a landmark is
 * (2 v + centre - .5) strides, its visibility a sigmoid. (Ultralytics' YOLOv8, Jocher et al. 2023.) */
#ifndef FACADE_DETECT_H
#define FACADE_DETECT_H

#include "infer_pool.h"
#include "model.h"

enum { DETECT_LANDMARKS = 5, DETECT_MOST = 300 };

typedef struct {
    double x1, y1, x2, y2; /* edges, in the picture's pixels, cut to the picture */
    double conf;
    double landmark[DETECT_LANDMARKS][3]; /* x, y in the picture's pixels, may lie outside; visibility 0..1 */
} detection;

/* The surest first; at most DETECT_MOST. Zero-initialise, reuse, detections_free. */
typedef struct {
    detection *face;
    int count;
    struct {
        detection *candidate;
        int count, room;
    } all; /* before non-maximum suppression */
    uint8_t *canvas;
    float *x, *y;
} detections;

typedef struct {
    model m;
    net *graph;
    infer *plan;
    infer_pool *runs;
    int height, width; /* of the network's input */
    bool maps, columns; /* neither: rows; columns: rows that are columns */
    int classes, class, point_size; /* point_size: numbers a landmark has, 0: no landmarks */
    size_t output_size;
} detector;

/* class: which class a face is, -1 for a model of one. False with a message; *corrupt as for model_open. */
bool detector_open(detector *d, const char *operand, int64_t class, char err[MODEL_ERROR], bool *corrupt);
void detector_close(detector *d);

typedef enum { DETECT_DONE, DETECT_NO_MEMORY, DETECT_NOT_FINITE } detect_status;

/* Faces surer than conf, of which no two overlap by more than iou (of the two the surer stays): rgb[h, w, 3], letterboxed (letterbox.h). DETECT_NOT_FINITE: the network
 * gave a number that isn't. */
detect_status detect(const detector *d, const uint8_t *rgb, int h, int w, double conf, double iou, detections *found)
    __attribute__((warn_unused_result));
void detections_free(detections *found);

/* Keeps of count boxes, surest first, those that no surer one kept overlaps by more than iou (intersection over union), in place and in order, at most `most`; returns how many. */
int detect_suppress(detection *box, int count, double iou, int most);

#endif
