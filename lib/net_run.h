/* net_run: what lib/net_run.c and lib/net_second.c share. Programs use net.h. */
#ifndef FACADE_NET_RUN_H
#define FACADE_NET_RUN_H

#include "net.h"

/* One gradient a layer, to its output; by the layer whose buffer it is. */
typedef struct {
    void **at;
    bool *written; /* has it a value in this pass */
} gradients;

/* Buffers are planned once: each has a time of its first write and of its last use, and buffers whose times don't overlap
 * share memory. In training, outputs live for ever (backward needs them) and only gradients share; for the second order those of the first pass
 * live too. */
struct net_run {
    net *n;
    int batch;
    bool train, frozen; /* train: keeps what backward needs; frozen: but computes as in inference */
    int *root; /* the layer whose buffer a layer's output is in */
    void **y; /* per layer, of roots; y[0] is the caller's x */
    gradients d;
    void **aux; /* normalisation: mean then istd; max pooling: the winners */
    int *pooled,
        *norm_of; /* a batch norm that is computed with the max pooling after it, whose own output and gradient don't exist, and that pooling: each
                            * other; else 0 */
    bool *folded; /* a convolution's activation and bias are part of such a batch norm's backward */
    void **owned; /* what to free */
    int owned_count;
    void *scratch, *scratch2; /* a further term of a sum, before it is added */
    size_t bytes;
    uint64_t seed, step;
    /* The second order only, else NULL: the outputs' tangents, those of the gradients, and gradients as they were before a curved activation that is
     * fused into its layer. */
    void **ty, **kept;
    gradients td;
};

static inline size_t sample_count(const net_layer *l) {
    return (size_t)l->h * (size_t)l->w * (size_t)l->c;
}

static inline bool is_linear(const net_layer *l) { /* but for an activation fused into it */
    return l->op == OP_DENSE || l->op == OP_CONV || l->op == OP_CONVT;
}

/* Whether the activation's slope changes other than in jumps. */
static inline bool is_curved(activation a) {
    return a.kind != ACT_NONE && a.kind != ACT_RELU && a.kind != ACT_LEAKY;
}

conv_shape net_conv_of(const net_run *r, const net_layer *l);
pool_shape net_pool_of(const net_run *r, const net_layer *l);
void *net_param_of(const net_run *r, int index); /* NULL for -1 */
void *net_second_half(const net_run *r, void *aux, int count); /* what follows count means, aligned */

/* y = W x + bias: a linear layer without its activation when act is ACT_NONE. */
void net_apply(const net_run *r, const net_layer *l, const void *x, const void *bias, activation act, void *y);
/* The layers that are linear and have no parameters: y[i] from its inputs in y. False for any other. */
bool net_forward_plain(const net_run *r, void **y, int i);
/* Adds what layer i, linear with or without parameters, gives to its inputs' gradients. to_x: also to the network's input. */
void net_propagate(net_run *r, gradients *g, int i, bool to_x);
/* Where the gradient to a layer's output goes: its buffer, or scratch when that holds a term of the sum already. */
void *net_begin_gradient(net_run *r, gradients *g, int layer);
void net_end_gradient(net_run *r, gradients *g, int layer);
/* Adds a linear layer's gradients of weights (and bias) to net.grads. */
void net_backward_params(net_run *r, const net_layer *l, const void *x, const void *dy, bool bias);

#endif
