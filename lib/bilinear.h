/* bilinear: scaling without antialias, as networks' own code does it (lib/resize.h is for everything else).
 *
 * An output pixel lies between two rows and two columns of the input: at (i + .5) * in/out - .5 ("half pixel", as PyTorch's and OpenCV's), or at i * in/out
 * (TensorFlow 1's). Places before the first pixel are the first pixel, those behind the last the last. Computed in float: rows first, then columns. */
#ifndef FACADE_BILINEAR_H
#define FACADE_BILINEAR_H

#include <stdbool.h>
#include <stdint.h>

/* y[out_h, out_w, c] of u[h, w, c], still 0..255; sizes are positive. At its own size an image is copied. False: no memory. */
bool bilinear_f32(const uint8_t *u, int h, int w, int c, bool half_pixel, int out_h, int out_w, float *y)
    __attribute__((warn_unused_result));
/* The same rounded to the nearest (halves up); row i begins at y + i * stride. */
bool bilinear_u8(const uint8_t *u, int h, int w, int c, bool half_pixel, int out_h, int out_w, uint8_t *y, int64_t stride)
    __attribute__((warn_unused_result));

#endif
