/* ops_bf16: the table of operations ops_f32 (ops.h) with convolutions and transposed ones multiplied in bfloat16, on processors that have AMX.
 *
 * Everything that is kept, weights, activations, gradients and moments, stays in float. What enters a product is rounded to bfloat16 (8 bits, to nearest), products are
 * summed in float: a result is off by about 2^-8 of the typical term. Where that gains nothing it stays in float: grouped convolutions, few channels, and few pixels
 * (dense layers).
 * Its own products give the same bytes for every number of threads. */
#ifndef FACADE_OPS_BF16_H
#define FACADE_OPS_BF16_H

#include "ops.h"

/* The table, or NULL where the processor or the system has no AMX. */
const ops *ops_bf16(void);

/* Also where it gains nothing, so that tests can try any shape. Process-wide. */
void ops_bf16_always(bool yes);

/* For an option --bf16: ops_f32 without it; where it can't be, the program ends with status 1. */
const ops *ops_choose(bool bf16);

#endif
