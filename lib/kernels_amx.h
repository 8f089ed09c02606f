/* kernels_amx: products of matrices of bfloat16 (the upper half of a float) summed in float, by the tile instructions of processors that have AMX.
 *
 * A tile is 1 KB. Of a left matrix it holds 16 rows x 32 columns, a row after the other; of a right matrix 32 rows x 16 columns as 16 lines, line r the pairs
 * (element of row 2r, of row 2r+1) for each column. Numbers below the smallest normal one are taken as 0, by the processor. Nothing is allocated, nothing fails.
 * On other processors than x86-64 there is none of this. A thread calls amx_configure before its first product and amx_release when it is done. */
#ifndef FACADE_KERNELS_AMX_H
#define FACADE_KERNELS_AMX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AMX_ROWS = 16, AMX_DEPTH = 32, AMX_TILE = 512 }; /* AMX_TILE: numbers a tile */

/* Whether the processor has tiles of bfloat16 and the system lets us use them: nothing else here may be called before. FACADE_KERNELS (kernels.h) set to a lesser one: false. */
bool amx_available(void);
void amx_configure(void);
void amx_release(void);

/* y = x rounded to nearest, ties to even. */
void amx_round(size_t count, const float *x, uint16_t *y);
/* AMX_DEPTH rows of `columns` numbers, `stride` numbers apart, as tiles of a right matrix; columns is a multiple of AMX_ROWS, tile i begins at to + i*step. */
void amx_right(const uint16_t *rows, size_t stride, int columns, uint16_t *to, size_t step);
/* The same rows transposed, as tiles of a left matrix of so many rows. */
void amx_left_transposed(const uint16_t *rows, size_t stride, int columns, uint16_t *to, size_t step);

/* Rows of a left matrix, in tiles or in an array: the distances of its rows, of the next AMX_DEPTH columns and of the next AMX_ROWS rows, in numbers; multiples of AMX_DEPTH. */
typedef struct {
    const uint16_t *at;
    size_t row, depth, block;
} amx_left;

/* c [2*AMX_ROWS, right_blocks*AMX_ROWS] (rows c_row floats apart) = left x right, or += when add, over depth*AMX_DEPTH columns of left. right_blocks is 1 or 2; the tiles of the
 * right matrix's block i and depth d are at right + i*right_block + d*right_depth. */
void amx_product(const amx_left *left, const uint16_t *right, size_t right_block, size_t right_depth, int right_blocks, int depth,
                 float *c, size_t c_row, bool add);

/* y[i] = v > 0 ? v : slope * v, v = sums[i] + bias[i]; bias may be NULL. */
void amx_finish(size_t count, const float *sums, const float *bias, float slope, float *y);

#endif
