/* resize_taps: which inputs make each output along one axis of a resize, and with what weights (resize.h says the conventions). */
#ifndef FACADE_RESIZE_TAPS_H
#define FACADE_RESIZE_TAPS_H

#include "resize.h"

/* Output i is the sum over k < count[i] of weight[i * most + k] times input first[i] + k. first[] never falls, the weights of an output sum to 1. */
typedef struct {
    int out, most;
    int *first, *count;
    float *weight;
} resize_taps;

/* Outputs 0..out-1 over the inputs' from..to, of 0..in; shrunk and spread are the source's on this axis. False: no memory. resize_taps_free either way. */
bool resize_taps_make(resize_taps *t, resize_kernel kernel, int shrunk, double spread, int in, double from, double to, int out)
    __attribute__((warn_unused_result));
void resize_taps_free(resize_taps *t);

#endif
