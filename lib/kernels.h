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

/* Sizes, in floats, of a Winograd gradient's arrays for so many rows, and how many blocks its input channels make. */
struct winograd_room {
    size_t v, m, du;
    int blocks, tiles_h, tiles_w;
};

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

/* A convolution by Winograd's way (Lavin & Gray, "Fast algorithms for convolutional neural networks", 2015), r x r with r = 2, 3 or 5: from tiles of (m+r-1)^2 inputs
 * as many products for m x m outputs, m = 4, 4, 2: 25, 36 and 36 where the sum has 64, 144 and 100.
 *
 * in_step 1 is a plain convolution of stride 1. in_step 2 is one of stride 2 and up to 2r x 2r taps, as a convolution of stride 1 over the four interleaved maps
 * of every second pixel: there are 4c channels then, q = (2*dy + dx)*c + channel is the pixel (2i + dy, 2j + dx), and a tile's row i is that of the input 2i + dy - top.
 *
 * Output (i,j) of sample s is the pixel out_first + s*out_sample + i*out_row + j*out_step: with a step of 2 this fills every second pixel of a map, so
 * a transposed convolution of stride 2 is four of these. */
typedef struct {
    int h, w, c;
    size_t stride;
    int in_step; /* 1 or 2; c is a multiple of `lanes` where it is 2 */
    int oh, ow, oc;
    size_t out_stride;
    size_t out_first, out_step, out_row, out_sample; /* in pixels */
    int top, left, r;
    const float *weights; /* as winograd_pack leaves them */
} winograd;

/* The weights of a Winograd convolution that stand in an array of another order: element (output o, input q, tap u, tap v) at
 * from[o*o_step + q % c * q_step + tap(q / c, u, v)], with q / c = 0 for in_step 1. A tap < 0 is 0. */
typedef struct {
    int r, c, oc, in_step;
    size_t o_step, q_step;
    int tap[4][5][5];
} winograd_weights;

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

/* The batch norm before a max pooling of windows that don't overlap, in training (ops.h, batchnorm_pool_*). Rows of c floats. */
typedef struct {
    const float *scale; /* gamma*istd */
    const float *offset; /* forward: x*scale + offset is normalised */
    const float *mean, *istd, *per_x, *constant; /* backward: dx = scale*d - per_x*(x-mean) - constant */
    float slope, slope_before; /* below 0, of the activations after it and before it */
} pooled_norm;

typedef struct kernels {
    const char *name;
    int lanes, columns; /* floats a vector; output channels a panel */

    /* Matrices [rows, columns] (element (r,c) at from[r*row_step + c*column_step]) to panels; packed_size floats. */
    size_t (*packed_size)(int rows, int columns);
    void (*pack)(int rows, int columns, const float *from, size_t row_step, size_t column_step, float *to);

    size_t (*gather_scratch)(const gather *g); /* bytes */
    /* zeros: at least k + 16 of them. */
    void (*gather)(const gather *g, int n, const float *x, const epilogue *e, float *y, const float *zeros, void *scratch);

    size_t (*winograd_size)(int r, int c, int oc); /* floats; c: all channels of a tile, 4 times the map's with in_step 2 */
    /* Transforms weights, of output channels from..to-1; from is a multiple of `columns`, and so is to, or it is all of them: threads can share the work. */
    void (*winograd_pack)(const winograd_weights *l, const float *w, int from, int to, float *packed);
    size_t (*winograd_scratch)(const winograd *g); /* bytes */
    void (*winograd)(const winograd *g, int n, const float *x, const epilogue *e, float *y, void *scratch);

    /* The gradient of a Winograd convolution's weights, the transpose of the same algorithm: with the tiles of x transformed as for the convolution, and those of dy by the
     * transpose of what makes outputs, each of the transformed weights' gradients is a product of two matrices, summed over tiles; then it goes back by the transpose of
     * what makes transformed weights. Each tile of a batch has a row in both arrays. */
    struct winograd_room (*gradient_sizes)(const winograd *g, size_t tiles);
    /* Tiles first..first+count-1 of the batch (tile t is of sample t / tiles a sample) to rows row.. of v and m, which have `rows` rows. x, dy: the whole batch. dy is as winograd's
     * output (the pixel's place too). scratch: as winograd_scratch. */
    void (*gradient_x)(const winograd *g, const float *x, size_t first, int count, size_t rows, size_t row, float *v,
                       void *scratch);
    void (*gradient_dy)(const winograd *g, const float *dy, size_t first, int count, size_t rows, size_t row, float *m);
    /* Adds v^T m over the first `used` rows to du, or sets it when `begin`, for one block of input channels; when dw isn't NULL goes on to write the gradients of these
     * channels where l says the weights are. block < winograd_room.blocks. du: winograd_room.du floats a block. */
    void (*gradient_sum)(const winograd *g, const winograd_weights *l, int block, size_t rows, size_t used, const float *v,
                         const float *m, bool begin, float *du, float *dw);

    void (*depthwise)(const window *g, int n, const float *x, const epilogue *e, float *y);
    void (*pool)(const window *g, int n, const float *x, float *y);
    /* y[p][c] = first(x[p][c]) for `pixels` pixels; y may be x. */
    void (*activate)(activation a, size_t pixels, int c, const float *x, size_t x_stride, float *y, size_t y_stride);

    /* In training: row i of a sample's max pooling that keeps the winners, index row*w + column, the first of equals (ops.h, pool_forward); NaN never wins. x: the
     * sample; y and where: the row. x, y and where have no gaps between pixels (the strides aren't used). f: of act(x*scale + offset); NULL: of x. */
    void (*pool_winners)(const window *g, int i, const float *x, const pooled_norm *f, float *y, int32_t *where);
    /* Adds row i of windows to sums [2][c]: of d*xhat over the winners, and of d = dy*act'(y). x: the sample; the others: the row. */
    void (*winner_sums)(const window *g, int i, const float *x, const pooled_norm *f, const float *y, const int32_t *where,
                        const float *dy, float *sums);
    /* Row h of the sample's pixels of dz = dx*before'(x), with d = 0 where no window is, and adds them to sums [c]. y, where and dy: the row of windows it is in. */
    void (*winner_gradient)(const window *g, int h, const float *x, const pooled_norm *f, const float *y, const int32_t *where,
                            const float *dy, float *dz, float *sums);
    /* In training: elements 4*block .. 4*block + count-1 of a dropout (dropout.h, ops.h): y[i] = x[i] * scale where kept, else 0. x and y begin at the first of them; y may
     * be x. */
    void (*dropout)(const rng *draws, uint64_t threshold, uint64_t block, size_t count, float scale, const float *x, float *y);
} kernels;

/* Weights w [oc,c,r,r] of a plain convolution. */
winograd_weights winograd_plain(int r, int c, int oc);

/* The table for this processor. FACADE_KERNELS=generic|avx2|avx512 in the environment chooses a lesser one. */
const kernels *kernels_get(void);
/* By name; NULL when this processor (or build) doesn't have it. */
const kernels *kernels_named(const char *name);

#endif
