#include <string.h>

#include "net_run.h"

/* Along x + e*v everything has a derivative at e = 0, its tangent: outputs y have ty, gradients to them dy have td. A linear layer's tangents go the ways of its
 * values, and td is 0 above the uppermost layer that is curved:
 *     y = W x,  dx = W^T dy,  dW = dy x^T       ty = W tx,  tdx = W^T td,  tdW = dy tx^T + td x^T
 * An activation's slope changes with its input: for dx = dy*act'(x), tdx = td*act'(x) + dy*act''(x)*tx. Normalisation: see ops.h. */

static void tangent_layer(net_run *r, int i) {
    const ops *o = r->n->ops;
    const net_layer *l = &r->n->layer[i];
    int in = r->root[l->input[0]];
    const void *x = r->y[in], *tx = r->ty[in], *gamma = net_param_of(r, l->weight);
    void *y = r->y[i], *ty = r->ty[i], *mean = r->aux[i];
    size_t per = (size_t)l->h * (size_t)l->w, count = (size_t)r->batch * sample_count(l);
    pool_shape s;
    switch (l->op) {
    case OP_DENSE:
    case OP_CONV:
    case OP_CONVT:
        net_apply(r, l, tx, NULL, (activation){0}, ty);
        if (l->act.kind != ACT_NONE) o->act_backward(l->act, count, NULL, y, ty, ty);
        break;
    case OP_BATCHNORM:
        o->batchnorm_tangent((size_t)r->batch * per, l->c, x, y, gamma, mean, net_second_half(r, mean, l->c), l->act, tx, ty);
        break;
    case OP_LAYERNORM:
        o->layernorm_tangent(r->batch, per, l->c, x, y, gamma, mean, net_second_half(r, mean, r->batch), l->act, tx, ty);
        break;
    case OP_ACT:
        o->act_backward(l->act, count, l->act.kind == ACT_SILU ? x : NULL, y, tx, ty);
        break;
    case OP_MAXPOOL:
        s = net_pool_of(r, l);
        o->maxpool_tangent(&s, tx, r->aux[i], ty);
        break;
    default:
        net_forward_plain(r, r->ty, i);
        break;
    }
}

const void *net_tangent(net_run *r, const void *v) {
    r->ty[0] = (void *)v; /* only read */
    for (int i = 1; i < r->n->layers; i++)
        if (r->root[i] == i) tangent_layer(r, i);
    return r->ty[r->root[r->n->layers - 1]];
}

/* Adds scratch to a parameter's gradient. */
static void add_param(net_run *r, int param, const void *from) {
    const net_param *p = &r->n->param[param];
    r->n->ops->axpy(p->count, 1, from, net_param_grad(r->n, p));
}

/* What an activation fused into layer i makes of td (NULL: 0), with dy the gradient to its output. */
static void *before_activation(net_run *r, int i, const void *dy, void *td) {
    const ops *o = r->n->ops;
    activation act = r->n->layer[i].act;
    size_t count = (size_t)r->batch * sample_count(&r->n->layer[i]);
    void *to = r->td.at[i];
    if (is_curved(act))
        o->act_second(act, count, NULL, r->y[i], r->ty[i], dy, td, to);
    else if (td && act.kind != ACT_NONE)
        o->act_backward(act, count, NULL, r->y[i], td, to);
    else
        to = td;
    return to;
}

/* A layer with a slope that changes: td of its input from dy and td (NULL: 0) of its output. */
static void second_norm(net_run *r, int i, void *td) {
    const ops *o = r->n->ops;
    const net_layer *l = &r->n->layer[i];
    int in = r->root[l->input[0]];
    const void *x = r->y[in], *tx = r->ty[in], *gamma = net_param_of(r, l->weight);
    void *y = r->y[i], *dy = r->d.at[i], *mean = r->aux[i];
    size_t per = (size_t)l->h * (size_t)l->w;
    td = before_activation(r, i, dy, td);
    void *tdx = net_begin_gradient(r, &r->td, l->input[0]);
    void *tdgamma = r->scratch2, *tdbeta = (char *)r->scratch2 + (size_t)l->c * o->real_size;
    if (l->op == OP_BATCHNORM)
        o->batchnorm_second((size_t)r->batch * per, l->c, x, y, gamma, mean, net_second_half(r, mean, l->c), l->act, dy, tx, td,
                            tdx, tdgamma, tdbeta);
    else
        o->layernorm_second(r->batch, per, l->c, x, y, gamma, mean, net_second_half(r, mean, r->batch), l->act, dy, tx, td, tdx,
                            tdgamma, tdbeta);
    net_end_gradient(r, &r->td, l->input[0]);
    add_param(r, l->weight, tdgamma);
    add_param(r, l->bias_param, tdbeta);
}

static void second_layer(net_run *r, int i) {
    const ops *o = r->n->ops;
    const net_layer *l = &r->n->layer[i];
    int in = r->root[l->input[0]];
    const void *x = r->y[in], *tx = r->ty[in];
    void *td = r->td.written[i] ? r->td.at[i] : NULL;
    size_t count = (size_t)r->batch * sample_count(l);
    if (l->op == OP_BATCHNORM || l->op == OP_LAYERNORM) {
        second_norm(r, i, td);
    } else if (l->op == OP_ACT) {
        if ((!td && !is_curved(l->act)) || in == 0) return;
        bool silu = l->act.kind == ACT_SILU;
        void *tdx = net_begin_gradient(r, &r->td, l->input[0]);
        o->act_second(l->act, count, silu ? x : NULL, r->y[i], silu ? tx : r->ty[i], r->d.at[i], td, tdx);
        net_end_gradient(r, &r->td, l->input[0]);
    } else {
        if (is_linear(l)) {
            td = before_activation(r, i, r->kept[i], td);
            net_backward_params(r, l, tx, r->d.at[i], false);
            if (td) net_backward_params(r, l, x, td, true);
        }
        if (td) net_propagate(r, &r->td, i, false);
    }
}

void net_backward_tangent(net_run *r) {
    net *n = r->n;
    if (n->grads_empty) memset(n->grads, 0, n->weight_count * n->ops->real_size);
    n->grads_empty = false;
    memset(r->td.written, 0, (size_t)n->layers * sizeof *r->td.written);
    for (int i = n->layers - 1; i > 0; i--)
        if (r->root[i] == i && r->d.written[i]) second_layer(r, i);
}
