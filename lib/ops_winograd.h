/* ops_winograd: 3x3 convolutions of stride 1 in training, forward and to the data, by the Winograd kernels of inference (kernels.h): twice as fast as direct ones on
 * large maps, and as exact to the sixth digit. Part of the table ops_f32 (ops.h); one caller at a time. */
#ifndef FACADE_OPS_WINOGRAD_H
#define FACADE_OPS_WINOGRAD_H

#include "ops.h"

/* Whether such a convolution (and its activation) is worth it. */
bool winograd_fits(const conv_shape *s, activation act);
void winograd_forward(const conv_shape *s, const float *x, const float *w, const float *bias, activation act, float *y);
void winograd_backward_data(const conv_shape *s, const float *dy, const float *w, float *dx);

#endif
