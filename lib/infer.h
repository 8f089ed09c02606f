/* infer: a network's forward pass in inference, as fast as it goes.
 *
 * A plan is made once from a net with its weights: batch norm and affine layers are folded into the convolution before them; bias, activation, a
 * residual sum and the activation after it are applied while a convolution's results are still in registers; slices along channels, and concatenations of
 * what a convolution or pooling wrote, cost no copy; buffers are planned once and shared. Activations are NHWC; 3x3 convolutions of stride 1 run as
 * Winograd F(4x4,3x3) where that wins. All sums run in an order that depends on the network alone, so a sample's result is the same bytes whatever
 * batch, thread or neighbour it was computed with, on the same kind of processor.
 *
 *     infer *p = infer_new(n, NULL, 0, err);          // n: shaped, with its weights; may be freed afterwards
 *     infer_run *r = infer_run_new(p);                // one a thread
 *     infer_forward(r, x, count);                     // count <= infer_batch(p) samples [count, h, w, c], float
 *     const infer_output *o = infer_out(p, 0);        // its name and shape
 *     infer_read(r, 0, i, y);                         // output 0 of sample i, contiguous, o->h * o->w * o->c floats
 */
#ifndef FACADE_INFER_H
#define FACADE_INFER_H

#include <stdbool.h>
#include <stddef.h>

#include "net.h"

typedef struct infer infer; /* the plan with its packed weights: immutable, shared by threads */
typedef struct infer_run infer_run; /* one thread's buffers */

typedef struct {
    const char *name; /* the layer's, "" when it has none */
    int h, w, c;
    bool flat; /* a vector of c */
} infer_output;

/* outputs: names of layers wanted instead of the net's own outputs (NULL, 0: those). Layers that nothing wanted depends on aren't computed. The plan copies the
 * weights it needs. NULL with a message for an unknown name (the message lists near ones) or when memory is short. */
infer *infer_new(const net *n, const char *const *outputs, int count, char err[NET_ERROR]);
void infer_free(infer *p);
int infer_outputs(const infer *p);
const infer_output *infer_out(const infer *p, int i);
/* The most samples a forward pass takes; depends on the network alone. */
int infer_batch(const infer *p);

/* NULL when there is no memory. */
infer_run *infer_run_new(const infer *p);
void infer_run_free(infer_run *r);
size_t infer_run_bytes(const infer_run *r);
/* x is read during the call only. */
void infer_forward(infer_run *r, const float *x, int count);
void infer_read(const infer_run *r, int output, int sample, float *y);

/* Which instructions the kernels use: "avx512", "avx2" or "generic"; FACADE_KERNELS in the environment may name a lesser one. */
const char *infer_kernels(void);

#endif
