#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "buffers.h"
#include "net_run.h"

static void *own(net_run *r, size_t elements, size_t size) {
    if (size && elements > SIZE_MAX / size) return NULL;
    void *p = aligned_alloc64(elements * size);
    if (!p) return NULL;
    r->owned[r->owned_count++] = p;
    r->bytes += elements * size;
    return p;
}

/* Memory for the buffers; to[layer] becomes each one's. */
static bool plan(net_run *r, buffer *b, int n, void **to) {
    size_t *size = xarray((size_t)n + 1, sizeof *size);
    int slots = buffers_share(b, n, size);
    void **memory = xarray((size_t)slots + 1, sizeof *memory);
    bool good = true;
    for (int s = 0; s < slots && good; s++) good = (memory[s] = own(r, size[s], r->n->ops->real_size)) != NULL;
    for (int i = 0; i < n && good; i++) to[b[i].id] = memory[b[i].slot];
    free(size);
    free(memory);
    return good;
}

/* What the second order needs besides; b: the buffers of the gradients, which it uses up. */
static bool plan_second(net_run *r, buffer *b, int count, const int *last_use) {
    const net *n = r->n;
    int layers = n->layers;
    r->ty = xarray((size_t)layers, sizeof *r->ty);
    r->kept = xarray((size_t)layers, sizeof *r->kept);
    r->td.at = xarray((size_t)layers, sizeof *r->td.at);
    r->td.written = xarray((size_t)layers, sizeof *r->td.written);
    for (int i = 0; i < layers; i++)
        if (is_linear(&n->layer[i]) && is_curved(n->layer[i].act) &&
            !(r->kept[i] = own(r, (size_t)r->batch * sample_count(&n->layer[i]), n->ops->real_size)))
            return false;
    if (!plan(r, b, count, r->ty)) return false; /* all live */
    for (int k = 0; k < count; k++) {
        int i = b[k].id;
        b[k] = (buffer){i, last_use[i] ? layers - last_use[i] : 0, layers - i, (size_t)r->batch * sample_count(&n->layer[i])};
    }
    return plan(r, b, count, r->td.at);
}

/* Which batch norms are computed with the max pooling after them (ops.h), in training of the first order. A reshape between the two, or before, has a buffer in common with
 * what it reads, and other channels. */
static void plan_pooled(net_run *r, const int *readers, const int *last_use) {
    const net *n = r->n;
    if (!n->ops->batchnorm_pool_forward) return;
    for (int p = 1; p < n->layers; p++) {
        const net_layer *pool = &n->layer[p], *seen = &n->layer[pool->input[0]];
        if (pool->op != OP_MAXPOOL) continue;
        int i = r->root[pool->input[0]];
        const net_layer *norm = &n->layer[i];
        if (norm->op != OP_BATCHNORM || readers[i] > 1 || last_use[i] != p || is_curved(norm->act) || seen->c != norm->c)
            continue;
        /* Padding below and on the right shows by windows that reach beyond the map. */
        if (pool->kh != pool->stride_h || pool->kw != pool->stride_w || pool->top || pool->left || pool->h * pool->kh > seen->h ||
            pool->w * pool->kw > seen->w)
            continue;
        int x = r->root[norm->input[0]];
        const net_layer *conv = &n->layer[x];
        if (x == 0) continue;
        r->pooled[i] = p;
        r->norm_of[p] = i;
        r->folded[x] =
            is_linear(conv) && readers[x] == 1 && last_use[x] < n->layers && conv->c == norm->c && !is_curved(conv->act);
    }
}

net_run *net_run_new(net *n, int batch, net_mode mode) {
    int layers = n->layers;
    bool train = mode != NET_INFER, second = mode == NET_SECOND;
    char err[NET_ERROR];
    if (!net_can_train(n, err)) return NULL;
    if ((mode == NET_TRAIN || second) && !n->grads) {
        if (!(n->grads = calloc(n->weight_count, n->ops->real_size))) return NULL;
        n->grads_empty = true;
    }
    net_run *r = xarray(1, sizeof *r);
    r->n = n, r->batch = batch, r->train = train, r->frozen = mode == NET_FROZEN;
    r->root = xarray((size_t)layers, sizeof *r->root);
    r->y = xarray((size_t)layers, sizeof *r->y);
    r->d.at = xarray((size_t)layers, sizeof *r->d.at);
    r->d.written = xarray((size_t)layers, sizeof *r->d.written);
    r->aux = xarray((size_t)layers, sizeof *r->aux);
    r->pooled = xarray((size_t)layers, sizeof *r->pooled);
    r->norm_of = xarray((size_t)layers, sizeof *r->norm_of);
    r->folded = xarray((size_t)layers, sizeof *r->folded);
    r->owned = xarray((size_t)layers * 8 + 8, sizeof *r->owned);
    int *last_use = xarray((size_t)layers, sizeof *last_use); /* index of the last layer that reads the buffer */
    int *readers = xarray((size_t)layers, sizeof *readers);
    buffer *b = xarray((size_t)layers, sizeof *b);

    for (int i = 0; i < layers; i++) {
        const net_layer *l = &n->layer[i];
        r->root[i] = l->alias >= 0 ? r->root[l->alias] : i;
        for (int k = 0; k < l->inputs; k++) {
            int in = r->root[l->input[k]];
            last_use[in] = i;
            if (l->alias < 0) readers[in]++;
        }
    }
    last_use[r->root[layers - 1]] = layers; /* the caller reads the output */
    if (mode == NET_TRAIN) plan_pooled(r, readers, last_use);

    int count = 0;
    bool good = true;
    size_t scratch = 0, scratch2 = 1;
    for (int i = 1; i < layers && good; i++) {
        const net_layer *l = &n->layer[i];
        if (r->root[i] != i) continue;
        if (!r->pooled[i]) b[count++] = (buffer){i, train ? 0 : i, train ? layers : last_use[i], (size_t)batch * sample_count(l)};
        if (!train) continue;
        if (l->op == OP_BATCHNORM) good = (r->aux[i] = own(r, 2 * ((size_t)l->c + 16), n->ops->real_size)) != NULL;
        if (l->op == OP_LAYERNORM) good = (r->aux[i] = own(r, 2 * ((size_t)batch + 16), n->ops->real_size)) != NULL;
        if (l->op == OP_MAXPOOL) good = (r->aux[i] = own(r, (size_t)batch * sample_count(l), sizeof(int32_t))) != NULL;
        if ((l->op == OP_BATCHNORM || l->op == OP_LAYERNORM) && 3 * (size_t)l->c > scratch2) scratch2 = 3 * (size_t)l->c;
    }
    good = good && plan(r, b, count, r->y);
    if (train && good) {
        /* Backward visits layer i at time layers - i; a gradient is first written when the last reader is visited. */
        count = 0;
        for (int i = 0; i < layers; i++) {
            size_t elements = (size_t)batch * sample_count(&n->layer[i]);
            if (r->root[i] != i || r->pooled[i]) continue;
            int norm = r->norm_of[i]; /* it is that which uses the gradient */
            b[count++] = (buffer){i, last_use[i] && !second ? layers - last_use[i] : 0,
                                  second ? layers : layers - (norm ? norm : i), elements};
            if (readers[i] > 1 && elements > scratch) scratch = elements;
        }
        good = plan(r, b, count, r->d.at) && (!second || plan_second(r, b, count, last_use));
        for (int k = 0; k < n->params; k++)
            if (n->param[k].trained && n->param[k].count > scratch) scratch = n->param[k].count;
        good = good && (r->scratch = own(r, scratch + 16, n->ops->real_size)) &&
               (r->scratch2 = own(r, scratch2 + 16, n->ops->real_size));
    }
    free(last_use);
    free(readers);
    free(b);
    if (good) return r;
    net_run_free(r);
    return NULL;
}

void net_run_free(net_run *r) {
    if (!r) return;
    for (int i = 0; i < r->owned_count; i++) free(r->owned[i]);
    free(r->owned);
    free(r->root);
    free(r->y);
    free(r->d.at);
    free(r->d.written);
    free(r->aux);
    free(r->pooled);
    free(r->norm_of);
    free(r->folded);
    free(r->ty);
    free(r->kept);
    free(r->td.at);
    free(r->td.written);
    free(r);
}

size_t net_run_bytes(const net_run *r) {
    return r->bytes;
}

/* The convolution a layer is, or (transposed) is read backwards from. */
conv_shape net_conv_of(const net_run *r, const net_layer *l) {
    const net_layer *x = &r->n->layer[l->input[0]];
    const net_layer *wide = l->op == OP_CONVT ? l : x, *narrow = l->op == OP_CONVT ? x : l;
    return (conv_shape){.n = r->batch,
                        .h = wide->h,
                        .w = wide->w,
                        .c = wide->c,
                        .oh = narrow->h,
                        .ow = narrow->w,
                        .oc = narrow->c,
                        .kh = l->kh,
                        .kw = l->kw,
                        .stride_h = l->stride_h,
                        .stride_w = l->stride_w,
                        .dil_h = l->dil_h,
                        .dil_w = l->dil_w,
                        .top = l->top,
                        .left = l->left,
                        .groups = l->groups};
}

pool_shape net_pool_of(const net_run *r, const net_layer *l) {
    const net_layer *x = &r->n->layer[l->input[0]];
    if (l->op == OP_GAP)
        return (pool_shape){.n = r->batch,
                            .h = x->h,
                            .w = x->w,
                            .c = x->c,
                            .oh = 1,
                            .ow = 1,
                            .kh = x->h,
                            .kw = x->w,
                            .stride_h = 1,
                            .stride_w = 1};
    return (pool_shape){.n = r->batch,
                        .h = x->h,
                        .w = x->w,
                        .c = x->c,
                        .oh = l->h,
                        .ow = l->w,
                        .kh = l->kh,
                        .kw = l->kw,
                        .stride_h = l->stride_h,
                        .stride_w = l->stride_w,
                        .top = l->top,
                        .left = l->left,
                        .max = l->op == OP_MAXPOOL,
                        .count_pad = l->count_pad};
}

void *net_param_of(const net_run *r, int index) {
    return index < 0 ? NULL : net_param_data(r->n, &r->n->param[index]);
}

void *net_second_half(const net_run *r, void *aux, int count) {
    return (char *)aux + ((size_t)count + 15) / 16 * 16 * r->n->ops->real_size;
}

/* Each dropout line draws for itself, named or not. */
static void drop(const net_run *r, int i, const void *from, void *to) {
    const net_layer *l = &r->n->layer[i];
    char name[32];
    snprintf(name, sizeof name, "layer%d", i);
    r->n->ops->dropout((size_t)r->batch * sample_count(l), l->value, r->seed, name, r->step, from, to);
}

void net_apply(const net_run *r, const net_layer *l, const void *x, const void *bias, activation act, void *y) {
    const ops *o = r->n->ops;
    const void *w = net_param_of(r, l->weight);
    if (l->op == OP_DENSE) {
        o->dense_forward(r->batch, r->n->layer[l->input[0]].c, l->c, x, w, bias, act, y);
        return;
    }
    conv_shape s = net_conv_of(r, l);
    if (l->op == OP_CONV)
        o->conv_forward(&s, x, w, bias, act, y);
    else
        o->conv_backward_data(&s, x, w, bias, act, y);
}

bool net_forward_plain(const net_run *r, void **ys, int i) {
    const net *n = r->n;
    const ops *o = n->ops;
    const net_layer *l = &n->layer[i], *in = &n->layer[l->input[0]];
    const void *x = ys[r->root[l->input[0]]];
    void *y = ys[i];
    size_t rows = (size_t)r->batch * (size_t)l->h * (size_t)l->w, count = (size_t)r->batch * sample_count(l), at = 0;
    pool_shape s;
    switch (l->op) {
    case OP_AVGPOOL:
    case OP_GAP:
        s = net_pool_of(r, l);
        o->pool_forward(&s, x, y, NULL);
        return true;
    case OP_DROPOUT:
        if (r->train && !r->frozen)
            drop(r, i, x, y);
        else
            memcpy(y, x, count * o->real_size);
        return true;
    case OP_UPSAMPLE:
        o->upsample_forward(r->batch, in->h, in->w, in->c, l->kh, x, y);
        return true;
    case OP_ADD:
        memcpy(y, x, count * o->real_size);
        for (int k = 1; k < l->inputs; k++) o->axpy(count, 1, ys[r->root[l->input[k]]], y);
        return true;
    case OP_CONCAT:
        for (int k = 0; k < l->inputs; k++) {
            size_t c = (size_t)n->layer[l->input[k]].c;
            o->copy_columns(rows, c, ys[r->root[l->input[k]]], c, (char *)y + at * o->real_size, (size_t)l->c);
            at += c;
        }
        return true;
    default:
        return false;
    }
}

static void forward_layer(net_run *r, int i) {
    const ops *o = r->n->ops;
    const net_layer *l = &r->n->layer[i];
    const void *x = r->y[r->root[l->input[0]]];
    void *y = r->y[i], *w = net_param_of(r, l->weight), *b = net_param_of(r, l->bias_param);
    size_t rows = (size_t)r->batch * (size_t)l->h * (size_t)l->w, count = (size_t)r->batch * sample_count(l);
    pool_shape s;
    switch (l->op) {
    case OP_DENSE:
    case OP_CONV:
    case OP_CONVT:
        net_apply(r, l, x, b, l->act, y);
        break;
    case OP_BATCHNORM:
        if (r->pooled[i]) {
            s = net_pool_of(r, &r->n->layer[r->pooled[i]]);
            o->batchnorm_pool_forward(&s, x, w, b, l->eps, l->act, r->y[r->pooled[i]], r->aux[r->pooled[i]], r->aux[i],
                                      net_second_half(r, r->aux[i], l->c), net_param_of(r, l->mean), net_param_of(r, l->var),
                                      l->momentum, l->unbiased);
        } else if (r->train && !r->frozen)
            o->batchnorm_forward(rows, l->c, x, w, b, l->eps, l->act, y, r->aux[i], net_second_half(r, r->aux[i], l->c),
                                 net_param_of(r, l->mean), net_param_of(r, l->var), l->momentum, l->unbiased);
        else
            o->batchnorm_infer(rows, l->c, x, w, b, l->eps, l->act, net_param_of(r, l->mean), net_param_of(r, l->var), y);
        break;
    case OP_LAYERNORM:
        o->layernorm_forward(r->batch, (size_t)l->h * (size_t)l->w, l->c, x, w, b, l->eps, l->act, y, r->train ? r->aux[i] : NULL,
                             r->train ? net_second_half(r, r->aux[i], r->batch) : NULL);
        break;
    case OP_ACT:
        o->act_forward(l->act, count, x, y);
        break;
    case OP_MAXPOOL:
        if (r->norm_of[i]) break; /* done with that */
        s = net_pool_of(r, l);
        o->pool_forward(&s, x, y, r->aux[i]);
        break;
    default: /* input, reshape, flatten: never computed; the ops of inference: net_can_train refused them */
        net_forward_plain(r, r->y, i);
        break;
    }
}

const void *net_forward(net_run *r, const void *x, uint64_t seed, uint64_t step) {
    r->y[0] = (void *)x; /* only read */
    r->seed = seed, r->step = step;
    for (int i = 1; i < r->n->layers; i++)
        if (r->root[i] == i) forward_layer(r, i);
    return net_value(r, r->n->layers - 1);
}

void *net_dout(net_run *r) {
    return r->d.at[r->root[r->n->layers - 1]];
}

void *net_begin_gradient(net_run *r, gradients *g, int layer) {
    return g->written[r->root[layer]] ? r->scratch : g->at[r->root[layer]];
}

void net_end_gradient(net_run *r, gradients *g, int layer) {
    int i = r->root[layer];
    if (g->written[i]) r->n->ops->axpy((size_t)r->batch * sample_count(&r->n->layer[i]), 1, r->scratch, g->at[i]);
    g->written[i] = true;
}

/* The same for a parameter's gradient, over the passes since net_zero_grad: where it may be written, which is `spare` when it is to be added, or not wanted. */
static void *begin_param(net_run *r, bool wanted, int param, void *spare) {
    return wanted && param >= 0 && r->n->grads_empty ? net_param_grad(r->n, &r->n->param[param]) : spare;
}

static void end_param(net_run *r, int param, const void *scratch) {
    const net_param *p = &r->n->param[param];
    if (!r->n->grads_empty) r->n->ops->axpy(p->count, 1, scratch, net_param_grad(r->n, p));
}

void net_backward_params(net_run *r, const net_layer *l, const void *x, const void *dy, bool bias) {
    const ops *o = r->n->ops;
    if (bias && l->bias_param >= 0) {
        o->bias_backward((size_t)r->batch * (size_t)l->h * (size_t)l->w, l->c, dy,
                         begin_param(r, true, l->bias_param, r->scratch));
        end_param(r, l->bias_param, r->scratch);
    }
    void *dw = begin_param(r, true, l->weight, r->scratch);
    conv_shape s;
    if (l->op != OP_DENSE) s = net_conv_of(r, l);
    if (l->op == OP_DENSE)
        o->dense_backward_weights(r->batch, r->n->layer[l->input[0]].c, l->c, x, dy, dw);
    else if (l->op == OP_CONV)
        o->conv_backward_weights(&s, x, dy, dw);
    else
        o->conv_backward_weights(&s, dy, x, dw);
    end_param(r, l->weight, r->scratch);
}

static void backward_norm(net_run *r, int i, const void *x, const void *dy, void *dx, bool params) {
    const ops *o = r->n->ops;
    const net_layer *l = &r->n->layer[i];
    void *gamma = net_param_of(r, l->weight), *mean = r->aux[i];
    /* dx may be r->scratch, so gradients of scale and shift that are to be added, or thrown away, go to the second one. */
    void *dgamma = begin_param(r, params, l->weight, r->scratch2),
         *dbeta = begin_param(r, params, l->bias_param, (char *)r->scratch2 + (size_t)l->c * o->real_size);
    if (l->op == OP_BATCHNORM)
        o->batchnorm_backward((size_t)r->batch * (size_t)l->h * (size_t)l->w, l->c, x, r->y[i], gamma, mean,
                              net_second_half(r, mean, l->c), l->act, dy, dx, dgamma, dbeta);
    else
        o->layernorm_backward(r->batch, (size_t)l->h * (size_t)l->w, l->c, x, r->y[i], gamma, mean,
                              net_second_half(r, mean, r->batch), l->act, dy, dx, dgamma, dbeta);
    if (params) {
        end_param(r, l->weight, dgamma);
        end_param(r, l->bias_param, dbeta);
    }
}

/* Batch norm i with the pooling after it, and before it the activation of the convolution it normalises, whose bias is summed up on the way. */
static void backward_pooled(net_run *r, int i, int what) {
    const net_layer *l = &r->n->layer[i];
    const int p = r->pooled[i], below = r->root[l->input[0]];
    const net_layer *conv = &r->n->layer[below];
    const int param[3] = {l->weight, l->bias_param, r->folded[below] ? conv->bias_param : -1};
    void *to[3];
    for (int k = 0; k < 3; k++)
        to[k] = begin_param(r, what & NET_PARAMS, param[k], (char *)r->scratch2 + (size_t)(k * l->c) * r->n->ops->real_size);
    pool_shape s = net_pool_of(r, &r->n->layer[p]);
    r->n->ops->batchnorm_pool_backward(
        &s, r->y[below], r->y[p], r->aux[p], net_param_of(r, l->weight), r->aux[i], net_second_half(r, r->aux[i], l->c), l->act,
        r->folded[below] ? conv->act : (activation){0}, r->d.at[p], net_begin_gradient(r, &r->d, below), to[0], to[1], to[2]);
    net_end_gradient(r, &r->d, below);
    for (int k = 0; k < 3; k++)
        if (what & NET_PARAMS && param[k] >= 0) end_param(r, param[k], to[k]);
}

/* Batch norm with running statistics is a factor a channel: the same function, with everything else zero. */
static void backward_frozen_norm(net_run *r, int i, void *dy, void *dx) {
    const ops *o = r->n->ops;
    const net_layer *l = &r->n->layer[i];
    size_t rows = (size_t)r->batch * (size_t)l->h * (size_t)l->w;
    if (l->act.kind != ACT_NONE) o->act_backward(l->act, rows * (size_t)l->c, NULL, r->y[i], dy, dy);
    memset(r->scratch2, 0, (size_t)l->c * o->real_size);
    o->batchnorm_infer(rows, l->c, dy, net_param_of(r, l->weight), r->scratch2, l->eps, (activation){0}, r->scratch2,
                       net_param_of(r, l->var), dx);
}

/* dx, the gradient to its one input, of a linear layer, with or without parameters. */
static void backward_linear(net_run *r, int i, const void *dy, void *dx) {
    const net *n = r->n;
    const ops *o = n->ops;
    const net_layer *l = &n->layer[i], *in = &n->layer[l->input[0]];
    const void *w = net_param_of(r, l->weight);
    conv_shape s;
    pool_shape p;
    switch (l->op) {
    case OP_DENSE:
        o->dense_backward_data(r->batch, in->c, l->c, dy, w, dx);
        break;
    case OP_CONV:
        s = net_conv_of(r, l);
        o->conv_backward_data(&s, dy, w, NULL, (activation){0}, dx);
        break;
    case OP_CONVT:
        s = net_conv_of(r, l);
        o->conv_forward(&s, dy, w, NULL, (activation){0}, dx);
        break;
    case OP_MAXPOOL:
    case OP_AVGPOOL:
    case OP_GAP:
        p = net_pool_of(r, l);
        o->pool_backward(&p, dy, r->aux[i], dx);
        break;
    case OP_DROPOUT:
        if (r->frozen)
            memcpy(dx, dy, (size_t)r->batch * sample_count(l) * o->real_size);
        else
            drop(r, i, dy, dx);
        break;
    case OP_UPSAMPLE:
        o->upsample_backward(r->batch, in->h, in->w, in->c, l->kh, dy, dx);
        break;
    default:
        break;
    }
}

void net_propagate(net_run *r, gradients *g, int i, bool to_x) {
    const net *n = r->n;
    const ops *o = n->ops;
    const net_layer *l = &n->layer[i];
    const void *dy = g->at[i];
    if (l->op == OP_ADD || l->op == OP_CONCAT) {
        size_t rows = (size_t)r->batch * (size_t)l->h * (size_t)l->w, at = 0;
        for (int k = 0; k < l->inputs; k++) {
            size_t c = (size_t)n->layer[l->input[k]].c;
            void *dx = net_begin_gradient(r, g, l->input[k]);
            if (l->op == OP_ADD)
                memcpy(dx, dy, rows * c * o->real_size);
            else
                o->copy_columns(rows, c, (const char *)dy + at * o->real_size, (size_t)l->c, dx, c);
            net_end_gradient(r, g, l->input[k]);
            at += c;
        }
    } else if (r->root[l->input[0]] != 0 || to_x) {
        backward_linear(r, i, dy, net_begin_gradient(r, g, l->input[0]));
        net_end_gradient(r, g, l->input[0]);
    }
}

static void backward_layer(net_run *r, int i, int what) {
    const ops *o = r->n->ops;
    const net_layer *l = &r->n->layer[i];
    const void *x = r->y[r->root[l->input[0]]];
    void *dy = r->d.at[i];
    size_t count = (size_t)r->batch * sample_count(l);
    bool norm = l->op == OP_BATCHNORM || l->op == OP_LAYERNORM;
    if (r->norm_of[i]) return;
    if (r->pooled[i]) {
        backward_pooled(r, i, what);
        return;
    }
    if (!norm && l->op != OP_ACT) {
        if (is_linear(l) && l->act.kind != ACT_NONE && !r->folded[i]) {
            if (r->kept && r->kept[i]) memcpy(r->kept[i], dy, count * o->real_size);
            o->act_backward(l->act, count, NULL, r->y[i], dy, dy);
        }
        if (is_linear(l) && what & NET_PARAMS) net_backward_params(r, l, x, dy, !r->folded[i]);
        net_propagate(r, &r->d, i, what & NET_INPUT);
        return;
    }
    bool wanted = r->root[l->input[0]] != 0 || what & NET_INPUT;
    if (!wanted && !norm) return;
    void *dx = net_begin_gradient(r, &r->d, l->input[0]);
    if (r->frozen && l->op == OP_BATCHNORM)
        backward_frozen_norm(r, i, dy, dx);
    else if (norm)
        backward_norm(r, i, x, dy, dx, what & NET_PARAMS);
    else
        o->act_backward(l->act, count, l->act.kind == ACT_SILU ? x : NULL, r->y[i], dy, dx);
    if (wanted) net_end_gradient(r, &r->d, l->input[0]);
}

/* Visits the layers above `last`, from the output down. */
static void backward_down_to(net_run *r, int last, int what) {
    net *n = r->n;
    memset(r->d.written, 0, (size_t)n->layers * sizeof *r->d.written);
    r->d.written[r->root[n->layers - 1]] = true;
    for (int i = n->layers - 1; i > last; i--) {
        if (r->root[i] != i) continue;
        if (r->d.written[r->pooled[i] ? r->pooled[i] : i])
            backward_layer(r, i, what);
        else if (what & NET_PARAMS && n->grads_empty) /* leads nowhere: no gradient */
            for (int k = 0; k < n->params; k++)
                if (n->param[k].layer == i && n->param[k].trained)
                    memset(net_param_grad(n, &n->param[k]), 0, n->param[k].count * n->ops->real_size);
    }
}

const void *net_backward(net_run *r, int what) {
    backward_down_to(r, 0, what);
    if (what & NET_PARAMS) r->n->grads_empty = false;
    return what & NET_INPUT ? r->d.at[0] : NULL;
}

const void *net_value(const net_run *r, int layer) {
    return r->y[r->root[layer]];
}

const void *net_backward_to(net_run *r, int layer) {
    backward_down_to(r, r->root[layer], NET_INPUT);
    return r->d.written[r->root[layer]] ? r->d.at[r->root[layer]] : NULL;
}
