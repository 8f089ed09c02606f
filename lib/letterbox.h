/* letterbox: a picture of any size as a detector's input: as large as it goes, in the middle, grey around it.
 *
 * As YOLOv8's own: r = min(S_h/h, S_w/w), also to enlarge; the picture becomes round(h*r) x round(w*r) (half to even) by bilinear scaling without antialias,
 * rounded; it begins at round((S - size)/2 - .1) rows from the top and columns from the left; the rest is 114. */
#ifndef FACADE_LETTERBOX_H
#define FACADE_LETTERBOX_H

#include <stdbool.h>
#include <stdint.h>

enum { LETTERBOX_GREY = 114 };

typedef struct {
    double ratio; /* pixels of the canvas a pixel of the picture */
    int top, left, height, width; /* where the picture is on the canvas */
    int canvas_height, canvas_width;
} letterbox;

/* Sizes are positive. */
letterbox letterbox_make(int height, int width, int canvas_height, int canvas_width);

/* canvas[canvas_height, canvas_width, 3] from rgb[height, width, 3], the size that l was made for. False: no memory. */
bool letterbox_draw(const letterbox *l, const uint8_t *rgb, int height, int width, uint8_t *canvas)
    __attribute__((warn_unused_result));

/* A place on the canvas in the picture's own pixels; may lie outside it. */
double letterbox_x(const letterbox *l, double x);
double letterbox_y(const letterbox *l, double y);

#endif
