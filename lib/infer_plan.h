/* infer_plan: inside infer.h: the steps that a network becomes. Not for others. */
#ifndef FACADE_INFER_PLAN_H
#define FACADE_INFER_PLAN_H

#include "infer.h"
#include "kernels.h"

/* Where a layer's output is: in its root's buffer (the root is a layer that has one of its own; 0 is the network's input), from `offset` floats on, a pixel
 * every `stride` floats. */
typedef struct {
    int root;
    size_t offset, stride;
} place;

typedef enum { STEP_GATHER, STEP_WINOGRAD, STEP_DEPTHWISE, STEP_POOL, STEP_ACTIVATE, STEP_OP } step_kind;

/* One pass of a convolution: a phase of a transposed one, a group of a grouped one. */
typedef struct {
    gather g;
    size_t x_offset, y_offset; /* channels */
} pass;

typedef struct {
    step_kind kind;
    int layer; /* whose operation it is */
    int out; /* whose output it writes: that layer, or the last one that was fused into it */
    int add; /* the layer that the epilogue adds, or -1 */
    activation first, then;
    float *bias, *weights; /* own */
    int *taps; /* dy, dx of all passes; own */
    pass *passes;
    int pass_count;
    winograd wino;
    window win;
    bool bordered; /* gather: the input is copied into a border of zeros first, so that a row of the kernel is one tap */
    int border_h, border_w; /* of that copy */
    size_t scratch; /* bytes, at the plan's batch */
    bool *skip; /* concat: the inputs that are there already; own */
} step;

struct infer {
    net *n; /* its own copy of the graph: the text parsed again */
    const kernels *k;
    place *at; /* a layer */
    step *steps;
    int step_count;
    float **param; /* a layer's weight and bias in float for STEP_OP: param[2*layer], param[2*layer + 1]; NULL when not needed */
    int *out_layer, outputs;
    infer_output *out;
    int batch;
    /* Memory, in floats a sample. */
    size_t *slot_size;
    int slots, *slot_of; /* of a root, -1: none */
    size_t scratch; /* bytes */
    size_t zeros; /* floats */
    bool keep_input; /* an output is the input itself */
};

/* A layer's floats a pixel buffer has for one sample. */
static inline size_t infer_sample(const infer *p, int root) {
    const net_layer *l = &p->n->layer[root];
    return (size_t)l->h * (size_t)l->w * (size_t)l->c;
}

#endif
