/* ops_winograd: the training convolutions that go by the Winograd kernels (kernels.h): 3x3 of stride 1, 4x4 and 5x5 of stride 2, and the transposed ones; each of their
 * three passes where it is large enough to win. As exact as direct sums to the sixth digit. Part of the table ops_f32 (ops.h); one caller at a time. */
#ifndef FACADE_OPS_WINOGRAD_H
#define FACADE_OPS_WINOGRAD_H

#include "ops.h"

typedef enum { WINOGRAD_FORWARD, WINOGRAD_BACKWARD_DATA, WINOGRAD_BACKWARD_WEIGHTS } winograd_pass;

/* Whether it is such a pass. A stride of 2 splits the channels' side of it in four, so they must be a multiple of 16. */
bool winograd_fits(winograd_pass pass, const conv_shape *s);
/* Whether the passes below can do this activation. */
bool winograd_applies(activation act);

/* As ops.h says; what doesn't fit must not come. */
void winograd_forward(const conv_shape *s, const float *x, const float *w, const float *bias, activation act, float *y);
void winograd_backward_data(const conv_shape *s, const float *dy, const float *w, const float *bias, activation act, float *dx);
/* The same bytes for every number of threads. */
void winograd_backward_weights(const conv_shape *s, const float *x, const float *dy, float *dw);

#endif
