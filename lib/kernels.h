/* kernels: the inner loops of inference (infer.h), and some of training, for one thread, in the widest vectors this processor has.
 *
 * Everything works on pixels of channels: a map [n,h,w,c] whose pixel p = (sample*h + row)*w + column has its channels at data + p*stride,
 * stride >= c (in floats), so that a map may be a slice of a wider one. A convolution's sum runs over taps, then channels, one fused multiply-add after
 * the other from the bias on: every output pixel is computed the same way wherever it stands in its batch. Nothing is allocated and nothing fails; the
 * caller brings scratch memory, 64-byte aligned, of the size that a _scratch function says. */
#ifndef FACADE_KERNELS_H
#define FACADE_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "ops.h"
#include "rng.h"

/* What happens to a sum before it is stored: then(first(sum + bias) + add). */
typedef struct {
    const float *bias; /* [oc rounded up to `columns`] */
    activation first, then;
    const float *add; /* a map of the output's size, or NULL */
    size_t add_stride;
} epilogue;

/* One pass of a convolution, transposed convolution or dense layer: for each (i,j) of a grid over each sample,
 *     out(out_y + i*out_step_h, out_x + j*out_step_w) = epilogue(sum over taps t, channels q of in(i*in_step_h + dy[t], j*in_step_w + dx[t])[q] * weight)
 * with zeros outside the input. Weights as kernels.pack leaves them, of taps*k rows (tap-major) and oc columns. k may be a multiple of the input's
 * channels when it is contiguous and never padded sideways: a tap is then a whole row of the kernel. */
typedef struct {
    int h, w;
    size_t stride; /* input */
    int oh, ow, oc;
    size_t out_stride;
    int grid_h, grid_w, out_y, out_x, out_step_h, out_step_w;
    int in_step_h, in_step_w;
    int taps, k;
    const int *dy, *dx;
    const float *weights;
} gather;

/* A 3x3 (r = 3) or 5x5 (r = 5) convolution of stride 1 by Winograd's F(4x4,3x3) or F(2x2,5x5), Lavin & Gray, "Fast algorithms for convolutional neural
 * networks", 2015: 36 products a tile where the sum has 144 or 100. */
typedef struct {
    int h, w, c;
    size_t stride;
    int oh, ow, oc;
    size_t out_stride;
    int top, left, r;
    const float *weights; /* as winograd_pack leaves them */
} winograd;

typedef struct {
    int h, w, c;
    size_t stride;
    int oh, ow;
    size_t out_stride;
    int kh, kw, stride_h, stride_w, dil_h, dil_w, top, left;
    const float *weights; /* depthwise: [kh*kw][c]; NULL for pooling */
    bool max, count_pad; /* pooling, as pool_shape (ops.h) */
    int bottom, right; /* average with count_pad: the padding that counts */
} window;

typedef struct kernels {
    const char *name;
    int lanes, columns; /* floats a vector; output channels a panel */

    /* Matrices [rows, columns] (element (r,c) at from[r*row_step + c*column_step]) to panels; packed_size floats. */
    size_t (*packed_size)(int rows, int columns);
    void (*pack)(int rows, int columns, const float *from, size_t row_step, size_t column_step, float *to);

    size_t (*gather_scratch)(const gather *g); /* bytes */
    /* zeros: at least k + 16 of them. */
    void (*gather)(const gather *g, int n, const float *x, const epilogue *e, float *y, const float *zeros, void *scratch);

    size_t (*winograd_size)(int r, int c, int oc); /* floats */
    /* w [oc,c,r,r] to the transformed weights. */
    void (*winograd_pack)(int r, int c, int oc, const float *w, float *to);
    size_t (*winograd_scratch)(const winograd *g); /* bytes */
    void (*winograd)(const winograd *g, int n, const float *x, const epilogue *e, float *y, void *scratch);

    void (*depthwise)(const window *g, int n, const float *x, const epilogue *e, float *y);
    void (*pool)(const window *g, int n, const float *x, float *y);
    /* y[p][c] = first(x[p][c]) for `pixels` pixels; y may be x. */
    void (*activate)(activation a, size_t pixels, int c, const float *x, size_t x_stride, float *y, size_t y_stride);

    /* In training: max pooling that keeps the winners, index row*w + column, the first of equals (ops.h, pool_forward); NaN never wins. x, y and where have no gaps between
     * pixels (the strides aren't used). */
    void (*pool_winners)(const window *g, int n, const float *x, float *y, int32_t *where);
    /* In training: elements 4*block .. 4*block + count-1 of a dropout (dropout.h, ops.h): y[i] = x[i] * scale where kept, else 0. x and y begin at the first of them; y may
     * be x. */
    void (*dropout)(const rng *draws, uint64_t threshold, uint64_t block, size_t count, float scale, const float *x, float *y);
} kernels;

/* The table for this processor. FACADE_KERNELS=generic|avx2|avx512 in the environment chooses a lesser one. */
const kernels *kernels_get(void);
/* By name; NULL when this processor (or build) doesn't have it. */
const kernels *kernels_named(const char *name);

#endif
