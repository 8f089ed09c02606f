/* resize: antialiased scaling of interleaved images, the one way Facade does it.
 *
 * Convention: pixel i covers [i, i+1) and its centre is i + .5 ("half pixel"), so output pixel x lies at
 * box.x0 + (x + .5) * scale, scale = (box.x1 - box.x0) / width. When shrinking, the kernel is widened by the scale (that is the
 * antialiasing); when enlarging it interpolates. Taps that fall outside the image are left out and the others take their
 * weight, so edges neither darken nor repeat. Taps may reach outside the box as long as they are in the image. These are
 * the conventions of Pillow's Image.resize. Float results agree with its mode F within 1e-3 of 255; u8 results within one level
 * of its mode RGB, except where bicubic or Lanczos overshoots (Pillow rounds and clamps after each of its two passes, this
 * only once, at the end).
 *
 * An image that was shrunk already has lost some of its detail to that. When it is shrunk again, kernels are a little narrower, and bicubic is a little sharper, so that the whole is
 * no worse than one resize of the original (bench/quality.py measures it): with b^2 = (1 - 1/shrunk^2) / scale^2, at most 1/4, the width is 1 - b^2/5 of what it would be, and
 * bicubic's a = -1/2 - 3/5 b^2.
 *
 * Weights are made in double. Bytes to bytes are computed in 16-bit whole numbers, within .1 of the exact value before it is rounded (resizer.h), where the ratio
 * allows (up to 40 weights an output; else as floats); floats are sums in a fixed order, without fused multiply-add: the same
 * bytes on every processor and for every number of threads. Values are not linearised (as everywhere else in this field). */
#ifndef FACADE_RESIZE_H
#define FACADE_RESIZE_H

#include <stdbool.h>
#include <stdint.h>

/* Nearest takes the pixel under the centre. Bilinear is the triangle (support 1), bicubic Keys' with a = -1/2 (support 2),
 * Lanczos has support 3. Supports are in output pixels when shrinking. */
typedef enum { RESIZE_NEAREST, RESIZE_BILINEAR, RESIZE_BICUBIC, RESIZE_LANCZOS3 } resize_kernel;

/* A part of an image, in its pixels, not necessarily whole ones: 0 <= x0 < x1 <= width. */
typedef struct {
    double x0, y0, x1, y1;
} resize_box;

/* An image to read: height x width x channels, C-contiguous, channels 1..4; exactly one of u8 and f32 is set. */
typedef struct {
    int width, height, channels;
    const uint8_t *u8;
    const float *f32;
    int shrunk; /* so many times smaller than the original by means over blocks, as a JPEG decoded at 1/2, 1/4 or 1/8 is; 0 or 1: it isn't */
    double spread_x, spread_y; /* kernels are so many times as wide on this axis, against noise; 0: as they are */
} resize_source;

/* Scales the box (NULL: all) of src to out_width x out_height, same channels. Row y of the output begins at
 * out + y * out_stride elements (so an image can be put inside a larger one). Thread-safe, keeps nothing.
 *   _u8:  rounded to nearest (halves up) and clamped to 0..255.
 *   _f32: as computed: bicubic and Lanczos can leave the range of the input; the caller clamps.
 * false: no memory. Sizes must be positive and the box inside the image. */
bool resize_u8(const resize_source *src, const resize_box *box, resize_kernel kernel, int out_width, int out_height, uint8_t *out,
               int64_t out_stride) __attribute__((warn_unused_result));
bool resize_f32(const resize_source *src, const resize_box *box, resize_kernel kernel, int out_width, int out_height, float *out,
                int64_t out_stride) __attribute__((warn_unused_result));

#endif
