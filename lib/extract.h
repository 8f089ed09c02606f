/* extract: features of images of any size, by a network, on all threads, in order.
 *
 *     extractor e;
 *     if (!extractor_open(&e, "inception.tns", NULL, FID_PYTORCH, err, &corrupt)) ...
 *     extract *x = extract_start(&e, threads, each, to);
 *     while (more) extract_put(x, &frame);     // takes the frame's contents
 *     extract_end(x);
 *
 * u8 pixels are resized to the network's input and scaled as the mode says, where the network's input line says -1:1, as FID's own network's does; other networks keep the scale of their
 * input line (net.h; 0..1 where it says nothing).
 * Features don't depend on the number of threads, nor on what other images there are. */
#ifndef FACADE_EXTRACT_H
#define FACADE_EXTRACT_H

#include "fid_input.h"
#include "infer.h"
#include "model.h"

typedef struct {
    model m;
    net *graph;
    infer *plan;
    fid_mode mode;
    int d; /* numbers a vector has */
    char *name; /* the model's: its file's without directory and ".tns", then ":NAME" of the network and ":LAYER" where said */
} extractor;

/* layer: whose output the features are; NULL: the network's own, or, of a classifier (its header has positive=), what its last dense layer sees. False with a message; *corrupt as for model_open. */
bool extractor_open(extractor *e, const char *operand, const char *layer, fid_mode mode, char err[MODEL_ERROR], bool *corrupt);
void extractor_close(extractor *e);

/* What is wrong with the record as an image for it, or NULL: it takes u8, any height and width, the network's channels. */
const char *extractor_refuses(const extractor *e, const tns_frame *f);

typedef struct extract extract;
/* each() is called from the caller's thread, in the order of the images, and may use the frame until it returns. */
extract *extract_start(const extractor *e, int threads, void (*each)(const float *x, const tns_frame *image, void *to), void *to);
/* f has been found good; it gets another frame's memory in exchange. */
void extract_put(extract *x, tns_frame *f);
/* Waits for the rest, and frees x. */
void extract_end(extract *x);

#endif
