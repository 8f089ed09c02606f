/* infer_ops: the operations of inference that no kernel (kernels.h) does: plain loops over maps. */
#ifndef FACADE_INFER_OPS_H
#define FACADE_INFER_OPS_H

#include "net.h"

/* A batch of maps [n,h,w,c]; pixel p of all the batch's at data + p*stride. */
typedef struct {
    float *data;
    int h, w, c;
    size_t stride;
} map;

/* out = l's operation on `in`, for a batch of n. weight, bias: l's parameters in float where it has them (constant: its value), or NULL.
 * l is one of: layernorm, flatten and reshape and dropout (a copy), upsample, add, sub, mul, div, min, max, grid, constant, power, prelu, softmax, mean,
 * gap, gmp, slice, transpose, pad, resize. For concat only inputs whose in[k].data isn't NULL are copied. */
void infer_op(const net_layer *l, int n, const map *in, const float *weight, const float *bias, const map *out);

#endif
