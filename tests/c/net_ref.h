/* net_ref: a network's inference in double, every op as plain loops straight from what net.h says of it: slow, and what lib/infer.h is held against. */
#ifndef FACADE_NET_REF_H
#define FACADE_NET_REF_H

#include "lib/net.h"

/* All layers' outputs for one sample x [h, w, c]: [layers], each [h, w, c] of that layer, before an activation that the graph has fused into it; `output` has none (NULL).
 * n: shaped, with its weights in any table of operations. */
double **net_ref_forward(const net *n, const double *x);
void net_ref_free(const net *n, double **y);

#endif
