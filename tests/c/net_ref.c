#include "net_ref.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "ops_f64.h"

static size_t count_of(const net_layer *l) {
    return (size_t)l->h * (size_t)l->w * (size_t)l->c;
}

/* Where pixel (i, j)'s channel k is in a layer's output. */
static size_t index_of(const net_layer *l, int i, int j, int k) {
    return ((size_t)i * (size_t)l->w + (size_t)j) * (size_t)l->c + (size_t)k;
}

/* A parameter in double; NULL when there is none. The caller frees. */
static double *param(const net *n, int i) {
    if (i < 0) return NULL;
    double *v = xarray(n->param[i].count, sizeof *v);
    n->ops->to_f64(n->param[i].count, net_param_data(n, &n->param[i]), v);
    return v;
}

static double activate(activation a, double x) {
    double y;
    switch (a.kind) {
    case ACT_SOFTPLUS:
        return log1p(exp(-fabs(x))) + fmax(x, 0);
    case ACT_MISH:
        return x * tanh(log1p(exp(-fabs(x))) + fmax(x, 0));
    case ACT_GELU:
        return x * (1 + erf(x / sqrt(2))) / 2;
    case ACT_HARDSWISH:
        return x * fmin(fmax(x + 3, 0), 6) / 6;
    case ACT_EXP:
        return exp(x);
    case ACT_SQRT:
        return sqrt(x);
    case ACT_ABS:
        return fabs(x);
    case ACT_CLIP:
        return fmin(fmax(x, a.alpha), a.beta);
    case ACT_HARDSIGMOID:
        return fmin(fmax(a.alpha * x + a.beta, 0), 1);
    case ACT_SCALE:
        return a.alpha * x + a.beta;
    default:
        ops_f64.act_forward(a, 1, &x, &y);
        return y;
    }
}

static double combine(op_kind op, double a, double b) {
    switch (op) {
    case OP_ADD:
        return a + b;
    case OP_SUB:
        return a - b;
    case OP_MUL:
        return a * b;
    case OP_DIV:
        return a / b;
    case OP_MIN:
        return fmin(a, b);
    default:
        return fmax(a, b);
    }
}

static void convolution(const net_layer *l, const net_layer *x, const double *from, const double *weight, const double *bias,
                        double *y) {
    const net_layer *large = l->op == OP_CONV ? x : l, *small = l->op == OP_CONV ? l : x;
    conv_shape s = {.n = 1,
                    .h = large->h,
                    .w = large->w,
                    .c = large->c,
                    .oh = small->h,
                    .ow = small->w,
                    .oc = small->c,
                    .kh = l->kh,
                    .kw = l->kw,
                    .stride_h = l->stride_h,
                    .stride_w = l->stride_w,
                    .dil_h = l->dil_h,
                    .dil_w = l->dil_w,
                    .top = l->top,
                    .left = l->left,
                    .groups = l->groups};
    if (l->op == OP_CONV)
        ops_f64.conv_forward(&s, from, weight, bias, (activation){0}, y);
    else
        ops_f64.conv_backward_data(&s, from, weight, bias, (activation){0}, y);
}

static double pooled(const net_layer *l, const net_layer *x, const double *from, int i, int j, int k) {
    double sum = 0, most = -INFINITY;
    int cells = 0;
    for (int u = 0; u < l->kh; u++)
        for (int v = 0; v < l->kw; v++) {
            int r = i * l->stride_h + u * l->dil_h - l->top, q = j * l->stride_w + v * l->dil_w - l->left;
            if (r < 0 || r >= x->h || q < 0 || q >= x->w) continue;
            double value = from[index_of(x, r, q, k)];
            sum += value, most = fmax(most, value), cells++;
        }
    if (l->op == OP_MAXPOOL) return most;
    return sum / (l->count_pad ? l->kh * l->kw : cells);
}

/* The mean or the largest of channel k (k < 0: of all of them), over row i (all) and column j (all). */
static double reduced(bool largest, const net_layer *x, const double *from, int i, int j, int k) {
    double sum = 0, most = -INFINITY, cells = 0;
    for (int r = 0; r < x->h; r++)
        for (int q = 0; q < x->w; q++)
            for (int c = 0; c < x->c; c++) {
                if ((i >= 0 && r != i) || (j >= 0 && q != j) || (k >= 0 && c != k)) continue;
                double value = from[index_of(x, r, q, c)];
                sum += value, most = fmax(most, value), cells++;
            }
    return largest ? most : sum / cells;
}

/* The coordinate in 0..size-1 that coordinate i of a padded axis shows; -1: outside. */
static int shown(int i, int size, int mode) {
    if (i >= 0 && i < size) return i;
    if (mode == PAD_CONSTANT) return -1;
    if (mode == PAD_EDGE) return i < 0 ? 0 : size - 1;
    return i < 0 ? -i : 2 * (size - 1) - i;
}

static double resized(const net_layer *l, const net_layer *x, const double *from, int i, int j, int k) {
    int at[2] = {i, j}, in[2] = {x->h, x->w}, out[2] = {l->h, l->w}, low[2], high[2];
    double part[2];
    for (int a = 0; a < 2; a++) {
        double where = l->mode == SCALE_CORNERS ? out[a] > 1 ? (double)at[a] * (in[a] - 1) / (out[a] - 1) : 0
                                                : (at[a] + .5) * in[a] / out[a] - .5;
        if (l->mode == SCALE_NEAREST) where = (double)((int64_t)at[a] * in[a] / out[a]);
        where = fmin(fmax(where, 0), in[a] - 1);
        low[a] = (int)floor(where), part[a] = where - low[a];
        high[a] = low[a] + 1 < in[a] ? low[a] + 1 : low[a];
    }
    double above = from[index_of(x, low[0], low[1], k)] * (1 - part[1]) + from[index_of(x, low[0], high[1], k)] * part[1];
    double below = from[index_of(x, high[0], low[1], k)] * (1 - part[1]) + from[index_of(x, high[0], high[1], k)] * part[1];
    return above * (1 - part[0]) + below * part[0];
}

/* Element (i, j, k) of the ops that give each element by itself. */
static double element(const net *n, const net_layer *l, double *const *all, const double *weight, const double *bias, int i,
                      int j, int k) {
    const net_layer *x = l->inputs ? &n->layer[l->input[0]] : NULL;
    const double *from = l->inputs ? all[l->input[0]] : NULL;
    double same = from && x->h == l->h && x->w == l->w && x->c == l->c ? from[index_of(l, i, j, k)] : NAN, sum = 0;
    switch (l->op) {
    case OP_ACT:
        return activate(l->act, same);
    case OP_AFFINE:
        return weight[k] * same + (bias ? bias[k] : 0);
    case OP_PRELU:
        return same < 0 ? weight[k] * same : same;
    case OP_POWER:
        return pow(same, l->value);
    case OP_CONSTANT:
        return weight[index_of(l, i, j, k)];
    case OP_GRID:
        return k == 0 ? j + .5 : i + .5;
    case OP_SOFTMAX:
        for (int c = 0; c < l->c; c++) sum += exp(from[index_of(x, i, j, c)] - same);
        return 1 / sum;
    case OP_MAXPOOL:
    case OP_AVGPOOL:
        return pooled(l, x, from, i, j, k);
    case OP_GAP:
    case OP_GMP:
        return reduced(l->op == OP_GMP, x, from, -1, -1, k);
    case OP_MEAN:
        return reduced(false, x, from, l->axis[0] ? -1 : i, l->axis[1] ? -1 : j, l->axis[2] ? -1 : k);
    case OP_SLICE:
        return from[index_of(x, l->from[0] + i * l->step[0], l->from[1] + j * l->step[1], l->from[2] + k * l->step[2])];
    case OP_TRANSPOSE: {
        int at[3];
        at[l->axis[0]] = i, at[l->axis[1]] = j, at[l->axis[2]] = k;
        return from[index_of(x, at[0], at[1], at[2])];
    }
    case OP_PAD: {
        int r = shown(i - l->top, x->h, l->mode), q = shown(j - l->left, x->w, l->mode);
        return r < 0 || q < 0 ? l->value : from[index_of(x, r, q, k)];
    }
    case OP_UPSAMPLE:
        return from[index_of(x, i / l->kh, j / l->kh, k)];
    case OP_RESIZE:
        return resized(l, x, from, i, j, k);
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_MIN:
    case OP_MAX:
        for (int a = 0; a < l->inputs; a++) {
            const net_layer *y = &n->layer[l->input[a]];
            double value = all[l->input[a]][index_of(y, y->h > 1 ? i : 0, y->w > 1 ? j : 0, y->c > 1 ? k : 0)];
            sum = a == 0 ? value : combine(l->op, sum, value);
        }
        return sum;
    case OP_CONCAT: {
        int at[3] = {i, j, k};
        for (int a = 0; a < l->inputs; a++) {
            const net_layer *y = &n->layer[l->input[a]];
            int size = l->axis[0] == 0 ? y->h : l->axis[0] == 1 ? y->w : y->c;
            if (at[l->axis[0]] < size) return all[l->input[a]][index_of(y, at[0], at[1], at[2])];
            at[l->axis[0]] -= size;
        }
        return NAN;
    }
    default:
        return NAN;
    }
}

static double *layer(const net *n, const net_layer *l, double *const *all) {
    const net_layer *x = l->inputs ? &n->layer[l->input[0]] : NULL;
    const double *from = l->inputs ? all[l->input[0]] : NULL;
    double *weight = param(n, l->weight), *bias = param(n, l->bias_param), *y = xarray(count_of(l), sizeof *y);
    switch (l->op) {
    case OP_CONV:
    case OP_CONVT:
        convolution(l, x, from, weight, bias, y);
        break;
    case OP_DENSE:
        ops_f64.dense_forward(1, x->c, l->c, from, weight, bias, (activation){0}, y);
        break;
    case OP_BATCHNORM: {
        double *mean = param(n, l->mean), *var = param(n, l->var);
        ops_f64.batchnorm_infer((size_t)l->h * (size_t)l->w, l->c, from, weight, bias, l->eps, (activation){0}, mean, var, y);
        free(mean);
        free(var);
        break;
    }
    case OP_LAYERNORM:
        ops_f64.layernorm_forward(1, (size_t)l->h * (size_t)l->w, l->c, from, weight, bias, l->eps, (activation){0}, y, NULL,
                                  NULL);
        break;
    case OP_DROPOUT:
    case OP_RESHAPE:
    case OP_FLATTEN:
        memcpy(y, from, count_of(l) * sizeof *y);
        break;
    default:
        for (int i = 0; i < l->h; i++)
            for (int j = 0; j < l->w; j++)
                for (int k = 0; k < l->c; k++) y[index_of(l, i, j, k)] = element(n, l, all, weight, bias, i, j, k);
    }
    free(weight);
    free(bias);
    return y;
}

double **net_ref_forward(const net *n, const double *x) {
    double **y = xarray((size_t)n->layers, sizeof *y);
    y[0] = xarray(count_of(&n->layer[0]), sizeof **y);
    memcpy(y[0], x, count_of(&n->layer[0]) * sizeof **y);
    for (int i = 1; i < n->layers; i++)
        if (n->layer[i].op != OP_OUTPUT) y[i] = layer(n, &n->layer[i], y);
    return y;
}

void net_ref_free(const net *n, double **y) {
    for (int i = 0; i < n->layers; i++) free(y[i]);
    free(y);
}
