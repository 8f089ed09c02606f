/* floats: a frame's numbers, of any type, as f32. */
#ifndef FACADE_FLOATS_H
#define FACADE_FLOATS_H

#include "tns.h"

/* All tns_frame_count(f) of them; rounds what f32 can't hold. False for frames without data. */
bool floats_of(const tns_frame *f, float *to);
/* Whether none of x[n] is NaN or infinite. */
bool floats_finite(const float *x, size_t n);
/* IEEE binary16 as f32. */
float float_of_half(uint16_t h);
/* The nearest IEEE binary16, ties to even; from 65520 on it is infinite. */
uint16_t half_of_float(float f);

#endif
