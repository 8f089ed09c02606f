/* dnn: convolutions and products by oneDNN, the one place that knows its API (2.x and 3.x).
 *
 * Arrays are as in ops.h: NHWC and plain OIHW weights, float. The activations stay as they are (oneDNN's kernels take plain NHWC
 * nearly as fast as their own blocked layouts); weights are put into the kernel's layout at every call, which costs under 2% of a
 * training step. Primitives are cached by shape, so only the first call of a shape allocates. Not for several threads at once: each call uses
 * all of OpenMP's. A failure ends the program with status 1 and says what oneDNN refused. */
#ifndef FACADE_DNN_H
#define FACADE_DNN_H

#include "ops.h"

void dnn_conv_forward(const conv_shape *s, const float *x, const float *w, const float *bias, activation act, float *y);
void dnn_conv_backward_data(const conv_shape *s, const float *dy, const float *w, float *dx);
void dnn_conv_backward_weights(const conv_shape *s, const float *x, const float *dy, float *dw);
/* c [m,n] = a b, with a [m,k] and b [k,n]; or, where transposed, the array a is [k,m], b [n,k]. By oneDNN rather than by OpenBLAS, whose kernel depends on whether
 * its release knows the processor: 0.3.21 falls back to SSE3 on several new ones. */
void dnn_product(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, const float *b, float *c);
/* "oneDNN 2.6.3" */
const char *dnn_version(void);

#endif
