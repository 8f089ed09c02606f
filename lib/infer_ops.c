#include "infer_ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static float *at(const map *m, int s, int i, int j) {
    return m->data + (((size_t)s * (size_t)m->h + (size_t)i) * (size_t)m->w + (size_t)j) * m->stride;
}

/* Copies what is the same sequence of numbers in another shape. */
static void copy(int n, const map *in, const map *out) {
    size_t from_pixels = (size_t)n * (size_t)in->h * (size_t)in->w, a = 0, i = 0;
    size_t to_pixels = (size_t)n * (size_t)out->h * (size_t)out->w;
    for (size_t p = 0; p < to_pixels; p++)
        for (size_t k = 0; k < (size_t)out->c;) {
            size_t run = (size_t)in->c - i < (size_t)out->c - k ? (size_t)in->c - i : (size_t)out->c - k;
            memcpy(out->data + p * out->stride + k, in->data + a * in->stride + i, run * sizeof(float));
            k += run;
            if ((i += run) == (size_t)in->c) i = 0, a++;
            if (a == from_pixels) return;
        }
}

static void concat(const net_layer *l, int n, const map *in, const map *out) {
    int row = 0, column = 0, channel = 0;
    for (int k = 0; k < l->inputs; k++) {
        const map *x = &in[k];
        for (int s = 0; s < n && x->data; s++)
            for (int i = 0; i < x->h; i++)
                for (int j = 0; j < x->w; j++)
                    memcpy(at(out, s, row + i, column + j) + channel, at(x, s, i, j), (size_t)x->c * sizeof(float));
        if (l->axis[0] == 0)
            row += x->h;
        else if (l->axis[0] == 1)
            column += x->w;
        else
            channel += x->c;
    }
}

static inline float combine(op_kind op, float a, float b) {
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
        return a < b || a != a ? a : b;
    default:
        return a > b || a != a ? a : b;
    }
}

/* out = a op b; an axis of size 1 is repeated. b may not be out, a may when it has out's shape. */
static void binary(op_kind op, int n, const map *a, const map *b, const map *out) {
    size_t step_a = a->c > 1, step_b = b->c > 1;
    for (int s = 0; s < n; s++)
        for (int i = 0; i < out->h; i++)
            for (int j = 0; j < out->w; j++) {
                const float *x = at(a, s, a->h > 1 ? i : 0, a->w > 1 ? j : 0), *y = at(b, s, b->h > 1 ? i : 0, b->w > 1 ? j : 0);
                float *z = at(out, s, i, j);
                switch (op) {
                case OP_ADD:
                    for (size_t c = 0; c < (size_t)out->c; c++) z[c] = x[c * step_a] + y[c * step_b];
                    break;
                case OP_MUL:
                    for (size_t c = 0; c < (size_t)out->c; c++) z[c] = x[c * step_a] * y[c * step_b];
                    break;
                default:
                    for (size_t c = 0; c < (size_t)out->c; c++) z[c] = combine(op, x[c * step_a], y[c * step_b]);
                }
            }
}

static void elementwise(const net_layer *l, int n, const map *in, const map *out) {
    binary(l->op, n, &in[0], &in[1], out);
    for (int k = 2; k < l->inputs; k++) binary(l->op, n, out, &in[k], out);
}

static void layernorm(const net_layer *l, int n, const map *in, const float *gamma, const float *beta, const map *out) {
    double count = (double)in->h * in->w * in->c;
    size_t pixels = (size_t)in->h * (size_t)in->w;
    for (int s = 0; s < n; s++) {
        const float *x = at(in, s, 0, 0);
        float *y = at(out, s, 0, 0);
        double sum = 0, squares = 0;
        for (size_t p = 0; p < pixels; p++)
            for (int c = 0; c < in->c; c++) sum += x[p * in->stride + (size_t)c];
        double mean = sum / count;
        for (size_t p = 0; p < pixels; p++)
            for (int c = 0; c < in->c; c++) {
                double d = x[p * in->stride + (size_t)c] - mean;
                squares += d * d;
            }
        double istd = 1 / sqrt(squares / count + l->eps);
        for (size_t p = 0; p < pixels; p++)
            for (int c = 0; c < in->c; c++)
                y[p * out->stride + (size_t)c] = (float)((x[p * in->stride + (size_t)c] - mean) * istd * gamma[c] + beta[c]);
    }
}

static void softmax(int n, const map *in, const map *out) {
    for (size_t p = 0; p < (size_t)n * (size_t)in->h * (size_t)in->w; p++) {
        const float *x = in->data + p * in->stride;
        float *y = out->data + p * out->stride, most = x[0];
        double sum = 0;
        for (int c = 1; c < in->c; c++)
            if (x[c] > most) most = x[c];
        for (int c = 0; c < in->c; c++) sum += y[c] = expf(x[c] - most);
        float scale = (float)(1 / sum);
        for (int c = 0; c < in->c; c++) y[c] *= scale;
    }
}

/* The mean over the axes that are gone in `out`; sums in double. */
static void mean(int n, const map *in, bool over_c, const map *out) {
    bool over_h = out->h < in->h, over_w = out->w < in->w;
    double *sum = calloc((size_t)out->c, sizeof *sum),
           count = (over_h ? in->h : 1.) * (over_w ? in->w : 1.) * (over_c ? in->c : 1.);
    for (int s = 0; s < n && sum; s++)
        for (int i = 0; i < out->h; i++)
            for (int j = 0; j < out->w; j++) {
                for (int c = 0; c < out->c; c++) sum[c] = 0;
                for (int u = over_h ? 0 : i; u < (over_h ? in->h : i + 1); u++)
                    for (int v = over_w ? 0 : j; v < (over_w ? in->w : j + 1); v++) {
                        const float *x = at(in, s, u, v);
                        if (over_c)
                            for (int c = 0; c < in->c; c++) sum[0] += x[c];
                        else
                            for (int c = 0; c < in->c; c++) sum[c] += x[c];
                    }
                float *y = at(out, s, i, j);
                for (int c = 0; c < out->c; c++) y[c] = (float)(sum[c] / count);
            }
    free(sum);
}

static void largest(int n, const map *in, const map *out) {
    for (int s = 0; s < n; s++) {
        float *y = at(out, s, 0, 0);
        for (size_t p = 0; p < (size_t)in->h * (size_t)in->w; p++) {
            const float *x = at(in, s, 0, 0) + p * in->stride;
            for (int c = 0; c < in->c; c++)
                if (!p || x[c] > y[c] || x[c] != x[c]) y[c] = x[c];
        }
    }
}

static void slice(const net_layer *l, int n, const map *in, const map *out) {
    for (int s = 0; s < n; s++)
        for (int i = 0; i < out->h; i++)
            for (int j = 0; j < out->w; j++) {
                const float *x = at(in, s, l->from[0] + i * l->step[0], l->from[1] + j * l->step[1]) + l->from[2];
                float *y = at(out, s, i, j);
                for (int c = 0; c < out->c; c++) y[c] = x[c * l->step[2]];
            }
}

static void transpose(const net_layer *l, int n, const map *in, const map *out) {
    int index[3];
    for (int s = 0; s < n; s++)
        for (int i = 0; i < out->h; i++)
            for (int j = 0; j < out->w; j++)
                for (int c = 0; c < out->c; c++) {
                    index[l->axis[0]] = i, index[l->axis[1]] = j, index[l->axis[2]] = c;
                    at(out, s, i, j)[c] = at(in, s, index[0], index[1])[index[2]];
                }
}

/* Where index i of a padded axis comes from; -1: nowhere. */
static int inside(int i, int size, int mode) {
    if (i >= 0 && i < size) return i;
    if (mode == PAD_EDGE) return i < 0 ? 0 : size - 1;
    if (mode == PAD_REFLECT) return i < 0 ? -i : 2 * (size - 1) - i;
    return -1;
}

static void pad(const net_layer *l, int n, const map *in, const map *out) {
    for (int s = 0; s < n; s++)
        for (int i = 0; i < out->h; i++)
            for (int j = 0; j < out->w; j++) {
                int u = inside(i - l->top, in->h, l->mode), v = inside(j - l->left, in->w, l->mode);
                float *y = at(out, s, i, j);
                if (u >= 0 && v >= 0)
                    memcpy(y, at(in, s, u, v), (size_t)in->c * sizeof *y);
                else
                    for (int c = 0; c < in->c; c++) y[c] = (float)l->value;
            }
}

static void upsample(const net_layer *l, int n, const map *in, const map *out) {
    for (int s = 0; s < n; s++)
        for (int i = 0; i < out->h; i++)
            for (int j = 0; j < out->w; j++)
                memcpy(at(out, s, i, j), at(in, s, i / l->kh, j / l->kh), (size_t)in->c * sizeof(float));
}

/* The two pixels of the input that output pixel i lies between, and how far it is towards the second. */
static double between(int i, int size, int wanted, int mode, int *low, int *high) {
    double x = mode == SCALE_CORNERS ? (wanted > 1 ? (double)i * (size - 1) / (wanted - 1) : 0) : (i + .5) * size / wanted - .5;
    if (x < 0) x = 0;
    *low = (int)x < size - 1 ? (int)x : size - 1;
    *high = *low < size - 1 ? *low + 1 : *low;
    return x - *low;
}

static void resize(const net_layer *l, int n, const map *in, const map *out) {
    for (int s = 0; s < n; s++)
        for (int i = 0; i < out->h; i++) {
            int top, bottom;
            float down = (float)between(i, in->h, out->h, l->mode, &top, &bottom);
            for (int j = 0; j < out->w; j++) {
                float *y = at(out, s, i, j);
                if (l->mode == SCALE_NEAREST) {
                    int u = (int)((int64_t)i * in->h / out->h), v = (int)((int64_t)j * in->w / out->w);
                    memcpy(y, at(in, s, u, v), (size_t)in->c * sizeof *y);
                    continue;
                }
                int left, right;
                float across = (float)between(j, in->w, out->w, l->mode, &left, &right);
                const float *a = at(in, s, top, left), *b = at(in, s, top, right), *c = at(in, s, bottom, left),
                            *d = at(in, s, bottom, right);
                for (int k = 0; k < in->c; k++) {
                    float upper = a[k] + (b[k] - a[k]) * across, lower = c[k] + (d[k] - c[k]) * across;
                    y[k] = upper + (lower - upper) * down;
                }
            }
        }
}

void infer_op(const net_layer *l, int n, const map *in, const float *weight, const float *bias, const map *out) {
    size_t pixels = (size_t)n * (size_t)out->h * (size_t)out->w;
    switch (l->op) {
    case OP_LAYERNORM:
        layernorm(l, n, in, weight, bias, out);
        break;
    case OP_GAP:
        mean(n, in, false, out);
        break;
    case OP_MEAN:
        mean(n, in, l->axis[2], out);
        break;
    case OP_GMP:
        largest(n, in, out);
        break;
    case OP_CONCAT:
        concat(l, n, in, out);
        break;
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
    case OP_MIN:
    case OP_MAX:
        elementwise(l, n, in, out);
        break;
    case OP_GRID:
        for (int s = 0; s < n; s++)
            for (int i = 0; i < out->h; i++)
                for (int j = 0; j < out->w; j++) at(out, s, i, j)[0] = (float)j + .5f, at(out, s, i, j)[1] = (float)i + .5f;
        break;
    case OP_CONSTANT:
        for (int s = 0; s < n; s++) {
            map value = {(float *)weight, out->h, out->w, out->c, (size_t)out->c}, to = *out; /* only read */
            to.data = at(out, s, 0, 0);
            copy(1, &value, &to);
        }
        break;
    case OP_POWER:
        for (size_t p = 0; p < pixels; p++)
            for (int c = 0; c < out->c; c++)
                out->data[p * out->stride + (size_t)c] = powf(in->data[p * in->stride + (size_t)c], (float)l->value);
        break;
    case OP_PRELU:
        for (size_t p = 0; p < pixels; p++)
            for (int c = 0; c < out->c; c++) {
                float x = in->data[p * in->stride + (size_t)c];
                out->data[p * out->stride + (size_t)c] = x < 0 ? x * weight[c] : x;
            }
        break;
    case OP_SOFTMAX:
        softmax(n, in, out);
        break;
    case OP_SLICE:
        slice(l, n, in, out);
        break;
    case OP_TRANSPOSE:
        transpose(l, n, in, out);
        break;
    case OP_PAD:
        pad(l, n, in, out);
        break;
    case OP_UPSAMPLE:
        upsample(l, n, in, out);
        break;
    case OP_RESIZE:
        resize(l, n, in, out);
        break;
    default: /* reshape, flatten, dropout */
        copy(n, in, out);
    }
}
