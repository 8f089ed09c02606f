#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "dnn.h"
#include "dropout.h"
#include "kernels.h"
#include "ops_f32.h"
#include "ops_winograd.h"
#include "tns.h"
#include "wide.h"

/* Sums over many rows are cut into CHUNKS pieces wherever the threads are, each summed in float over BLOCK rows and in double
 * beyond, and added in order: the same bytes for every number of threads, and nearly double's precision. */
enum { CHUNKS = 32, BLOCK = 16 };

static void set_threads(int threads) {
    omp_set_num_threads(threads);
}

void *room_take(room *r, size_t bytes) {
    if (bytes > r->size) {
        free(r->p);
        if (!(r->p = aligned_alloc64(bytes))) die(EXIT_FAILED, "out of memory for a convolution");
        r->size = bytes;
    }
    return r->p;
}

/* ---- activations ---- */

static void act_forward(activation act, size_t count, const void *xv, void *yv) {
    const float *x = xv;
    float *y = yv, slope;
    if (piecewise_linear(act, &slope)) {
#pragma omp parallel for simd
        for (size_t i = 0; i < count; i++) y[i] = x[i] > 0 ? x[i] : slope * x[i];
        return;
    }
#pragma omp parallel for
    for (size_t i = 0; i < count; i++) y[i] = apply(act, x[i]);
}

static void act_backward(activation act, size_t count, const void *xv, const void *yv, const void *dyv, void *dxv) {
    const float *x = xv, *y = yv, *dy = dyv;
    float *dx = dxv, slope;
    if (piecewise_linear(act, &slope)) {
#pragma omp parallel for simd
        for (size_t i = 0; i < count; i++) dx[i] = y[i] > 0 ? dy[i] : slope * dy[i];
        return;
    }
#pragma omp parallel for
    for (size_t i = 0; i < count; i++) dx[i] = dy[i] * derivative(act, x ? x[i] : 0, y[i]);
}

/* act''/act' where the function is curved: from y, but silu's, times act', from x. */
static inline float curvature(activation a, float x, float y) {
    float s;
    switch (a.kind) {
    case ACT_ELU:
        return y > 0 ? 0 : 1;
    case ACT_TANH:
        return -2 * y;
    case ACT_SIGMOID:
        return 1 - 2 * y;
    case ACT_SILU:
        s = sigmoid(x);
        return s * (1 - s) * (2 + x * (1 - 2 * s));
    default:
        return 0;
    }
}

static void act_second(activation act, size_t count, const void *xv, const void *yv, const void *tv, const void *dyv,
                       const void *tdv, void *tdxv) {
    const float *x = xv, *y = yv, *t = tv, *dy = dyv, *td = tdv;
    float *tdx = tdxv;
#pragma omp parallel for
    for (size_t i = 0; i < count; i++) {
        float at = x ? x[i] : 0, slope = derivative(act, at, y[i]), bend = curvature(act, at, y[i]);
        tdx[i] = (td ? td[i] * slope : 0) + dy[i] * bend * t[i];
    }
}

/* y [rows,c] = act(y + bias), in place. */
static void add_bias(size_t rows, int c, const float *bias, activation act, float *y) {
    float slope;
    bool linear = piecewise_linear(act, &slope);
    if (bias) {
#pragma omp parallel for
        for (size_t r = 0; r < rows; r++) {
            float *row = y + r * (size_t)c;
            if (linear) {
                for (int k = 0; k < c; k++) {
                    float v = row[k] + bias[k];
                    row[k] = v > 0 ? v : slope * v;
                }
            } else {
                for (int k = 0; k < c; k++) row[k] = apply(act, row[k] + bias[k]);
            }
        }
    } else if (act.kind != ACT_NONE) {
        act_forward(act, rows * (size_t)c, y, y);
    }
}

/* ---- linear maps ---- */

static void dense_forward(int n, int in, int out, const void *x, const void *w, const void *bias, activation act, void *y) {
    dnn_product(false, true, n, out, in, x, w, y);
    add_bias((size_t)n, out, bias, act, y);
}

static void dense_backward_data(int n, int in, int out, const void *dy, const void *w, void *dx) {
    dnn_product(false, false, n, in, out, dy, w, dx);
}

static void dense_backward_weights(int n, int in, int out, const void *x, const void *dy, void *dw) {
    dnn_product(true, false, out, in, n, dy, x, dw);
}

/* A kernel that covers all of its input: a dense layer over it, with the weights in another order. */
static bool covers(const conv_shape *s) {
    return s->oh == 1 && s->ow == 1 && s->kh == s->h && s->kw == s->w && !s->top && !s->left && s->groups == 1 && s->dil_h == 1 &&
           s->dil_w == 1;
}

/* Room for its weights [oc,kh,kw,c], kept between calls; from w [oc,c,kh,kw], unless that is NULL. */
static float *dense_weights(const conv_shape *s, const float *w) {
    static float *kept;
    static size_t size;
    size_t oc = (size_t)s->oc, c = (size_t)s->c, taps = (size_t)s->kh * (size_t)s->kw;
    if (oc * c * taps > size) {
        free(kept);
        kept = xarray(size = oc * c * taps, sizeof *kept);
    }
    for (size_t o = 0; w && o < oc; o++)
        for (size_t t = 0; t < taps; t++)
            for (size_t q = 0; q < c; q++) kept[(o * taps + t) * c + q] = w[(o * c + q) * taps + t];
    return kept;
}

static void conv_forward(const conv_shape *s, const void *x, const void *w, const void *bias, activation act, void *y) {
    if (covers(s))
        dense_forward(s->n, s->h * s->w * s->c, s->oc, x, dense_weights(s, w), bias, act, y);
    else if (winograd_fits(WINOGRAD_FORWARD, s) && winograd_applies(act))
        winograd_forward(s, x, w, bias, act, y);
    else
        dnn_conv_forward(s, x, w, bias, act, y);
}

static void conv_backward_data(const conv_shape *s, const void *dy, const void *w, const void *bias, activation act, void *dx) {
    bool fits = winograd_fits(WINOGRAD_BACKWARD_DATA, s);
    if (fits && winograd_applies(act)) {
        winograd_backward_data(s, dy, w, bias, act, dx);
        return;
    }
    if (covers(s))
        dense_backward_data(s->n, s->h * s->w * s->c, s->oc, dy, dense_weights(s, w), dx);
    else if (fits)
        winograd_backward_data(s, dy, w, NULL, (activation){0}, dx);
    else
        dnn_conv_backward_data(s, dy, w, dx);
    add_bias((size_t)s->n * (size_t)s->h * (size_t)s->w, s->c, bias, act, dx);
}

static void conv_backward_weights(const conv_shape *s, const void *x, const void *dy, void *dw) {
    if (covers(s)) {
        float *plain = dense_weights(s, NULL), *to = dw;
        size_t c = (size_t)s->c, taps = (size_t)s->kh * (size_t)s->kw;
        dense_backward_weights(s->n, s->h * s->w * s->c, s->oc, x, dy, plain);
        for (size_t o = 0; o < (size_t)s->oc; o++)
            for (size_t t = 0; t < taps; t++)
                for (size_t q = 0; q < c; q++) to[(o * c + q) * taps + t] = plain[(o * taps + t) * c + q];
    } else if (winograd_fits(WINOGRAD_BACKWARD_WEIGHTS, s)) {
        winograd_backward_weights(s, x, dy, dw);
    } else {
        dnn_conv_backward_weights(s, x, dy, dw);
    }
}

/* ---- sums over rows ---- */

/* Room for the chunks' sums, kept between calls. One caller at a time, like all of ops. */
static double *partial_sums(size_t count) {
    static double *sums;
    static size_t size;
    if (count > size) {
        free(sums);
        sums = xarray(count, sizeof *sums);
        size = count;
    }
    memset(sums, 0, count * sizeof *sums);
    return sums;
}

static float *block_sums(size_t count) {
    static _Thread_local float *sums;
    static _Thread_local size_t size;
    if (count > size) {
        free(sums);
        sums = xmalloc(count * sizeof *sums);
        size = count;
    }
    return sums;
}

void sum_range(size_t from, size_t to, int c, int width, add_row *add, const row_terms *t, double *sum) {
    float *block = block_sums((size_t)width);
    const size_t rows = t->block ? (size_t)t->block : BLOCK;
    for (size_t r = from; r < to; r += rows) {
        size_t end = r + rows < to ? r + rows : to;
        memset(block, 0, (size_t)width * sizeof *block);
        for (size_t k = r; k < end; k++) add(t, k, c, block);
        for (int k = 0; k < width; k++) sum[k] += (double)block[k];
    }
}

void sum_rows(size_t rows, int c, int width, add_row *add, const row_terms *t, double *total) {
    double *partial = partial_sums((size_t)CHUNKS * (size_t)width);
#pragma omp parallel for schedule(static, 1)
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
        size_t from = rows * (size_t)chunk / CHUNKS, to = rows * (size_t)(chunk + 1) / CHUNKS;
        sum_range(from, to, c, width, add, t, partial + (size_t)chunk * (size_t)width);
    }
    for (int k = 0; k < width; k++) {
        total[k] = 0;
        for (int chunk = 0; chunk < CHUNKS; chunk++) total[k] += partial[chunk * width + k];
    }
}

double *sum_totals(size_t count) {
    static double *sums;
    static size_t size;
    if (count > size) {
        free(sums);
        sums = xarray(count, sizeof *sums);
        size = count;
    }
    return sums;
}

WIDE static void add_plain(const row_terms *t, size_t row, int c, float *restrict sums) {
    const float *x = t->dy + row * (size_t)c;
    for (int k = 0; k < c; k++) sums[k] += x[k];
}

static void bias_backward(size_t rows, int c, const void *dy, void *dbv) {
    float *db = dbv;
    double *sum = sum_totals((size_t)c);
    sum_rows(rows, c, c, add_plain, &(row_terms){.dy = dy}, sum);
    for (int k = 0; k < c; k++) db[k] = (float)sum[k];
}

/* ---- pooling, dropout, upsampling ---- */

/* The part [*from, *to) of the window along one axis that lies inside the image; the whole window's cells when pads count. */
static void clip(int out, int stride, int pad, int k, int size, int *from, int *to) {
    int start = out * stride - pad;
    *from = start < 0 ? 0 : start;
    *to = start + k < size ? start + k : size;
}

static void pool_forward(const pool_shape *s, const void *xv, void *yv, int32_t *where) {
    const float *x = xv;
    float *y = yv;
    int c = s->c;
    if (s->max && where) {
        pool_rows(s, x, NULL, y, where);
        return;
    }
#pragma omp parallel for collapse(2)
    for (int n = 0; n < s->n; n++)
        for (int i = 0; i < s->oh; i++)
            for (int j = 0; j < s->ow; j++) {
                int top, bottom, left, right;
                clip(i, s->stride_h, s->top, s->kh, s->h, &top, &bottom);
                clip(j, s->stride_w, s->left, s->kw, s->w, &left, &right);
                size_t at = (((size_t)n * (size_t)s->oh + (size_t)i) * (size_t)s->ow + (size_t)j) * (size_t)c;
                const float *image = x + (size_t)n * (size_t)s->h * (size_t)s->w * (size_t)c;
                float *out = y + at;
                for (int k = 0; k < c; k++) out[k] = s->max ? -INFINITY : 0;
                for (int u = top; u < bottom; u++)
                    for (int v = left; v < right; v++) {
                        const float *p = image + ((size_t)u * (size_t)s->w + (size_t)v) * (size_t)c;
                        if (!s->max)
                            for (int k = 0; k < c; k++) out[k] += p[k];
                        else
                            for (int k = 0; k < c; k++) out[k] = p[k] > out[k] ? p[k] : out[k];
                    }
                int cells = s->count_pad ? s->kh * s->kw : (bottom - top) * (right - left);
                if (!s->max && cells > 0)
                    for (int k = 0; k < c; k++) out[k] /= (float)cells;
            }
}

static void pool_backward(const pool_shape *s, const void *dyv, const int32_t *where, void *dxv) {
    const float *dy = dyv;
    size_t c = (size_t)s->c, image = (size_t)s->h * (size_t)s->w * c;
#pragma omp parallel for
    for (int n = 0; n < s->n; n++) {
        float *dx = (float *)dxv + (size_t)n * image;
        memset(dx, 0, image * sizeof *dx);
        for (int i = 0; i < s->oh; i++)
            for (int j = 0; j < s->ow; j++) {
                size_t at = (((size_t)n * (size_t)s->oh + (size_t)i) * (size_t)s->ow + (size_t)j) * c;
                if (s->max) {
                    for (size_t k = 0; k < c; k++) dx[(size_t)where[at + k] * c + k] += dy[at + k];
                    continue;
                }
                int top, bottom, left, right;
                clip(i, s->stride_h, s->top, s->kh, s->h, &top, &bottom);
                clip(j, s->stride_w, s->left, s->kw, s->w, &left, &right);
                int cells = s->count_pad ? s->kh * s->kw : (bottom - top) * (right - left);
                for (int u = top; u < bottom; u++)
                    for (int v = left; v < right; v++)
                        for (size_t k = 0; k < c; k++)
                            dx[((size_t)u * (size_t)s->w + (size_t)v) * c + k] += dy[at + k] / (float)cells;
            }
    }
}

static void maxpool_tangent(const pool_shape *s, const void *txv, const int32_t *where, void *tyv) {
    const float *tx = txv;
    float *ty = tyv;
    size_t c = (size_t)s->c, in = (size_t)s->h * (size_t)s->w * c, out = (size_t)s->oh * (size_t)s->ow * c;
#pragma omp parallel for
    for (size_t row = 0; row < (size_t)s->n * (size_t)s->oh * (size_t)s->ow; row++)
        for (size_t k = row * c; k < (row + 1) * c; k++) ty[k] = tx[k / out * in + (size_t)where[k] * c + k % c];
}

static void dropout(size_t count, double rate, uint64_t seed, const char *name, uint64_t step, const void *xv, void *yv) {
    const float *x = xv;
    float *y = yv, scale = (float)(1 / (1 - rate));
    const rng draws = dropout_draws(seed, name, step);
    const uint64_t threshold = dropout_threshold(rate);
    const kernels *k = kernels_get();
    enum { PIECE = 4096 };
#pragma omp parallel for
    for (size_t from = 0; from < count; from += PIECE)
        k->dropout(&draws, threshold, from / 4, count - from < PIECE ? count - from : PIECE, scale, x + from, y + from);
}

static void upsample_forward(int n, int h, int w, int c, int factor, const void *xv, void *yv) {
    const float *x = xv;
    float *y = yv;
    size_t width = (size_t)w * (size_t)factor;
#pragma omp parallel for
    for (size_t row = 0; row < (size_t)n * (size_t)h * (size_t)factor; row++)
        for (size_t j = 0; j < width; j++)
            memcpy(y + (row * width + j) * (size_t)c, x + (row / (size_t)factor * (size_t)w + j / (size_t)factor) * (size_t)c,
                   (size_t)c * sizeof *y);
}

static void upsample_backward(int n, int h, int w, int c, int factor, const void *dyv, void *dxv) {
    const float *dy = dyv;
    float *dx = dxv;
    size_t f = (size_t)factor, width = (size_t)w * f;
#pragma omp parallel for
    for (size_t row = 0; row < (size_t)n * (size_t)h; row++)
        for (size_t j = 0; j < (size_t)w; j++) {
            float *to = dx + (row * (size_t)w + j) * (size_t)c;
            memset(to, 0, (size_t)c * sizeof *to);
            for (size_t u = 0; u < f * f; u++) {
                const float *from = dy + ((row * f + u / f) * width + j * f + u % f) * (size_t)c;
                for (int k = 0; k < c; k++) to[k] += from[k];
            }
        }
}

static void copy_columns(size_t rows, size_t cols, const void *from, size_t from_stride, void *to, size_t to_stride) {
#pragma omp parallel for
    for (size_t r = 0; r < rows; r++)
        memcpy((float *)to + r * to_stride, (const float *)from + r * from_stride, cols * sizeof(float));
}

/* ---- plain vectors ---- */

static void axpy(size_t count, double a, const void *xv, void *yv) {
    const float *x = xv;
    float *y = yv, factor = (float)a;
#pragma omp parallel for simd
    for (size_t i = 0; i < count; i++) y[i] += factor * x[i];
}

static void norms(size_t count, const void *xv, double *sum_abs, double *sum_squares) {
    const float *x = xv;
    double partial[2 * CHUNKS] = {0};
#pragma omp parallel for schedule(static, 1)
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
        size_t from = count * (size_t)chunk / CHUNKS, to = count * (size_t)(chunk + 1) / CHUNKS;
        double a = 0, b = 0;
        for (size_t i = from; i < to; i++) {
            a += fabs((double)x[i]);
            b += (double)x[i] * (double)x[i];
        }
        partial[2 * chunk] = a, partial[2 * chunk + 1] = b;
    }
    *sum_abs = *sum_squares = 0;
    for (int chunk = 0; chunk < CHUNKS; chunk++) *sum_abs += partial[2 * chunk], *sum_squares += partial[2 * chunk + 1];
}

static bool all_finite(size_t count, const void *xv) {
    const float *x = xv;
    int bad = 0;
#pragma omp parallel for reduction(| : bad)
    for (size_t i = 0; i < count; i++) bad |= !(fabsf(x[i]) <= 3.402823466e38f);
    return !bad;
}

static void from_u8(size_t count, double scale, double shift, const uint8_t *from, void *tov) {
    float *to = tov, table[256];
    for (int i = 0; i < 256; i++) table[i] = (float)(scale * i + shift);
#pragma omp parallel for
    for (size_t i = 0; i < count; i++) to[i] = table[from[i]];
}

static void to_u8(size_t count, double scale, double shift, const void *fromv, uint8_t *to) {
    const float *from = fromv;
#pragma omp parallel for
    for (size_t i = 0; i < count; i++) {
        double v = floor((double)from[i] * scale + shift + .5);
        to[i] = v >= 255 ? 255 : v > 0 ? (uint8_t)v : 0; /* NaN gives 0 */
    }
}

static void from_f64(size_t count, const double *from, void *tov) {
    float *to = tov;
    for (size_t i = 0; i < count; i++) to[i] = (float)from[i];
}

static void to_f64(size_t count, const void *fromv, double *to) {
    const float *from = fromv;
    for (size_t i = 0; i < count; i++) to[i] = (double)from[i];
}

/* ---- losses and optimisers ---- */

static double bce_logits(int n, const void *zv, double target, void *dzv, double *mean_p) {
    const float *z = zv;
    float *dz = dzv;
    double loss = 0, p_sum = 0;
    for (int i = 0; i < n; i++) {
        double v = (double)z[i], p = v >= 0 ? 1 / (1 + exp(-v)) : exp(v) / (1 + exp(v));
        loss += (v > 0 ? v : 0) - v * target + log1p(exp(-fabs(v)));
        p_sum += p;
        if (dz) dz[i] = (float)((p - target) / n);
    }
    if (mean_p) *mean_p = p_sum / n;
    return loss / n;
}

static double mean_logits(int n, const void *zv, double sign, void *dzv) {
    const float *z = zv;
    float *dz = dzv;
    double sum = 0;
    for (int i = 0; i < n; i++) {
        sum += (double)z[i];
        if (dz) dz[i] = (float)(sign / n);
    }
    return sum / n;
}

static void interpolate(int n, size_t count, const double *alpha, const void *av, const void *bv, void *xv) {
    const float *a = av, *b = bv;
    float *x = xv;
#pragma omp parallel for
    for (int i = 0; i < n; i++) {
        float part = (float)alpha[i], rest = (float)(1 - alpha[i]);
        for (size_t k = (size_t)i * count; k < (size_t)(i + 1) * count; k++) x[k] = part * a[k] + rest * b[k];
    }
}

static double gradient_penalty(int n, size_t count, const void *gv, double lambda, void *vv) {
    const float *g = gv;
    float *v = vv;
    double penalty = 0, *term = sum_totals((size_t)n);
#pragma omp parallel for
    for (int i = 0; i < n; i++) {
        const float *from = g + (size_t)i * count;
        float *to = v + (size_t)i * count;
        double squares = 0;
        for (size_t k = 0; k < count; k++) squares += (double)from[k] * (double)from[k];
        double norm = sqrt(squares);
        float factor = (float)(norm > 0 ? 2 * lambda / n * (1 - 1 / norm) : 0);
        for (size_t k = 0; k < count; k++) to[k] = factor * from[k];
        term[i] = (norm - 1) * (norm - 1);
    }
    for (int i = 0; i < n; i++) penalty += term[i];
    return lambda * penalty / n;
}

typedef struct {
    float b1, b2, c1, c2, rate, root, eps; /* w -= rate * m / (sqrt(v)*root + eps) */
} adam_factors;

WIDE static void adam_range(const adam_factors *factors, size_t count, float *restrict w, const float *restrict g,
                            float *restrict m, float *restrict v) {
    const adam_factors f = *factors;
    for (size_t i = 0; i < count; i++) {
        m[i] = f.b1 * m[i] + f.c1 * g[i];
        v[i] = f.b2 * v[i] + f.c2 * g[i] * g[i];
        w[i] -= f.rate * m[i] / (sqrtf(v[i]) * f.root + f.eps);
    }
}

static void adam(size_t count, const adam_options *o, uint64_t t, void *wv, const void *gv, void *mv, void *vv) {
    float *w = wv, *m = mv, *v = vv;
    const float *g = gv;
    double correct1 = 1 - pow(o->beta1, (double)t), correct2 = 1 - pow(o->beta2, (double)t);
    const adam_factors f = {.b1 = (float)o->beta1,
                            .b2 = (float)o->beta2,
                            .c1 = (float)(1 - o->beta1),
                            .c2 = (float)(1 - o->beta2),
                            .rate = (float)(o->keras_eps ? o->lr * sqrt(correct2) / correct1 : o->lr / correct1),
                            .root = o->keras_eps ? 1 : (float)(1 / sqrt(correct2)),
                            .eps = (float)o->eps};
    enum { PIECE = 4096 };
#pragma omp parallel for
    for (size_t i = 0; i < count; i += PIECE) adam_range(&f, count - i < PIECE ? count - i : PIECE, w + i, g + i, m + i, v + i);
}

const ops ops_f32 = {
    .name = "f32",
    .real_size = sizeof(float),
    .dtype = TNS_F32,
    .set_threads = set_threads,
    .conv_forward = conv_forward,
    .conv_backward_data = conv_backward_data,
    .conv_backward_weights = conv_backward_weights,
    .dense_forward = dense_forward,
    .dense_backward_data = dense_backward_data,
    .dense_backward_weights = dense_backward_weights,
    .bias_backward = bias_backward,
    .act_forward = act_forward,
    .act_backward = act_backward,
    .batchnorm_forward = norm_batch_forward,
    .batchnorm_infer = norm_batch_infer,
    .batchnorm_backward = norm_batch_backward,
    .batchnorm_pool_forward = norm_pool_forward,
    .batchnorm_pool_backward = norm_pool_backward,
    .layernorm_forward = norm_layer_forward,
    .layernorm_backward = norm_layer_backward,
    .act_second = act_second,
    .batchnorm_tangent = norm_batch_tangent,
    .batchnorm_second = norm_batch_second,
    .layernorm_tangent = norm_layer_tangent,
    .layernorm_second = norm_layer_second,
    .maxpool_tangent = maxpool_tangent,
    .pool_forward = pool_forward,
    .pool_backward = pool_backward,
    .dropout = dropout,
    .upsample_forward = upsample_forward,
    .upsample_backward = upsample_backward,
    .copy_columns = copy_columns,
    .axpy = axpy,
    .norms = norms,
    .finite = all_finite,
    .from_u8 = from_u8,
    .to_u8 = to_u8,
    .from_f64 = from_f64,
    .to_f64 = to_f64,
    .bce_logits = bce_logits,
    .mean_logits = mean_logits,
    .interpolate = interpolate,
    .gradient_penalty = gradient_penalty,
    .adam = adam,
};
