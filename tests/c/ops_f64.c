#include "ops_f64.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/dropout.h"
#include "lib/tns.h"

static void set_threads(int threads) {
    (void)threads; /* one, always */
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static double act(activation a, double x) {
    switch (a.kind) {
    case ACT_NONE:
        return x;
    case ACT_RELU:
        return x > 0 ? x : 0;
    case ACT_LEAKY:
        return x > 0 ? x : a.alpha * x;
    case ACT_ELU:
        return x > 0 ? x : a.alpha * (exp(x) - 1);
    case ACT_TANH:
        return tanh(x);
    case ACT_SIGMOID:
        return sigmoid(x);
    case ACT_SILU:
        return x * sigmoid(x);
    default:
        break;
    }
    return NAN;
}

/* x is looked at for silu, y for all others. */
static double act_slope(activation a, double x, double y) {
    double s = sigmoid(x);
    switch (a.kind) {
    case ACT_NONE:
        return 1;
    case ACT_RELU:
        return y > 0 ? 1 : 0;
    case ACT_LEAKY:
        return y > 0 ? 1 : a.alpha;
    case ACT_ELU:
        return y > 0 ? 1 : y + a.alpha;
    case ACT_TANH:
        return 1 - y * y;
    case ACT_SIGMOID:
        return y * (1 - y);
    case ACT_SILU:
        return s + x * s * (1 - s);
    default:
        break;
    }
    return NAN;
}

static void act_forward(activation a, size_t count, const void *x_, void *y_) {
    const double *x = x_;
    double *y = y_;
    for (size_t i = 0; i < count; i++) y[i] = act(a, x[i]);
}

static void act_backward(activation a, size_t count, const void *x_, const void *y_, const void *dy_, void *dx_) {
    const double *x = x_, *y = y_, *dy = dy_;
    double *dx = dx_;
    for (size_t i = 0; i < count; i++) dx[i] = dy[i] * act_slope(a, x ? x[i] : 0, y ? y[i] : 0);
}

/* act''/act' from y; silu: act'' itself, from x. */
static double act_bend(activation a, double x, double y) {
    double s = sigmoid(x);
    switch (a.kind) {
    case ACT_ELU:
        return y > 0 ? 0 : 1;
    case ACT_TANH:
        return -2 * y;
    case ACT_SIGMOID:
        return 1 - 2 * y;
    case ACT_SILU:
        return s * (1 - s) * (2 + x * (1 - 2 * s));
    default:
        return 0;
    }
}

static void act_second(activation a, size_t count, const void *x_, const void *y_, const void *t_, const void *dy_,
                       const void *td_, void *tdx_) {
    const double *x = x_, *y = y_, *t = t_, *dy = dy_, *td = td_;
    double *tdx = tdx_;
    for (size_t i = 0; i < count; i++)
        tdx[i] = (td ? td[i] * act_slope(a, x ? x[i] : 0, y[i]) : 0) + dy[i] * act_bend(a, x ? x[i] : 0, y[i]) * t[i];
}

/* ---- linear maps ---- */

typedef enum { TO_Y, TO_X, TO_W } conv_way;

/* Every product of the convolution's sum, once; it is linear in each of x, w and y, so its three functions are three readings
 * of the same loops. An output's taps are innermost, as a filter has them beside each other in memory. */
static inline void conv_terms(const conv_shape *s, double *x, double *w, double *y, conv_way way) {
    int group_in = s->c / s->groups, group_out = s->oc / s->groups, taps = s->kh * s->kw;
    int *tap = xarray((size_t)taps, sizeof *tap); /* those of an output that fall on the image, */
    size_t *at = xarray((size_t)taps, sizeof *at); /* and the pixels that they fall on */
    for (int n = 0; n < s->n; n++)
        for (int i = 0; i < s->oh; i++)
            for (int j = 0; j < s->ow; j++) {
                int count = 0;
                for (int u = 0; u < s->kh; u++)
                    for (int v = 0; v < s->kw; v++) {
                        int row = i * s->stride_h + u * s->dil_h - s->top, column = j * s->stride_w + v * s->dil_w - s->left;
                        if (row < 0 || row >= s->h || column < 0 || column >= s->w) continue;
                        tap[count] = u * s->kw + v;
                        at[count++] = (((size_t)n * s->h + row) * s->w + column) * s->c;
                    }
                for (int o = 0; o < s->oc; o++) {
                    double *yo = y + (((size_t)n * s->oh + i) * s->ow + j) * s->oc + o, out = *yo;
                    for (int q = 0; q < group_in; q++) {
                        double *xs = x + o / group_out * group_in + q, *ws = w + ((size_t)o * group_in + q) * taps;
                        for (int t = 0; t < count; t++) {
                            if (way == TO_Y) out += xs[at[t]] * ws[tap[t]];
                            if (way == TO_X) xs[at[t]] += out * ws[tap[t]];
                            if (way == TO_W) ws[tap[t]] += out * xs[at[t]];
                        }
                    }
                    if (way == TO_Y) *yo = out;
                }
            }
    free(tap);
    free(at);
}

static void bias_act(size_t rows, int c, const double *bias, activation a, double *y) {
    for (size_t i = 0; i < rows * c; i++) y[i] = act(a, y[i] + (bias ? bias[i % c] : 0));
}

static void conv_forward(const conv_shape *s, const void *x, const void *w, const void *bias, activation a, void *y) {
    size_t rows = (size_t)s->n * s->oh * s->ow;
    memset(y, 0, rows * s->oc * sizeof(double));
    conv_terms(s, (double *)x, (double *)w, y, TO_Y);
    bias_act(rows, s->oc, bias, a, y);
}

static void conv_backward_data(const conv_shape *s, const void *dy, const void *w, const void *bias, activation a, void *dx) {
    size_t rows = (size_t)s->n * s->h * s->w;
    memset(dx, 0, rows * s->c * sizeof(double));
    conv_terms(s, dx, (double *)w, (double *)dy, TO_X);
    bias_act(rows, s->c, bias, a, dx);
}

static void conv_backward_weights(const conv_shape *s, const void *x, const void *dy, void *dw) {
    memset(dw, 0, (size_t)s->oc * (s->c / s->groups) * s->kh * s->kw * sizeof(double));
    conv_terms(s, (double *)x, dw, (double *)dy, TO_W);
}

static void dense_forward(int n, int in, int out, const void *x_, const void *w_, const void *bias, activation a, void *y_) {
    const double *x = x_, *w = w_;
    double *y = y_;
    for (int i = 0; i < n; i++)
        for (int o = 0; o < out; o++) {
            double sum = 0;
            for (int k = 0; k < in; k++) sum += x[(size_t)i * in + k] * w[(size_t)o * in + k];
            y[(size_t)i * out + o] = sum;
        }
    bias_act(n, out, bias, a, y);
}

static void dense_backward_data(int n, int in, int out, const void *dy_, const void *w_, void *dx_) {
    const double *dy = dy_, *w = w_;
    double *dx = dx_;
    memset(dx, 0, (size_t)n * in * sizeof *dx);
    for (int i = 0; i < n; i++)
        for (int o = 0; o < out; o++)
            for (int k = 0; k < in; k++) dx[(size_t)i * in + k] += dy[(size_t)i * out + o] * w[(size_t)o * in + k];
}

static void dense_backward_weights(int n, int in, int out, const void *x_, const void *dy_, void *dw_) {
    const double *x = x_, *dy = dy_;
    double *dw = dw_;
    memset(dw, 0, (size_t)out * in * sizeof *dw);
    for (int i = 0; i < n; i++)
        for (int o = 0; o < out; o++)
            for (int k = 0; k < in; k++) dw[(size_t)o * in + k] += dy[(size_t)i * out + o] * x[(size_t)i * in + k];
}

static void bias_backward(size_t rows, int c, const void *dy_, void *db_) {
    const double *dy = dy_;
    double *db = db_;
    memset(db, 0, c * sizeof *db);
    for (size_t i = 0; i < rows * c; i++) db[i % c] += dy[i];
}

/* ---- normalisation ---- */

/* Mean and biased variance of count numbers, step apart. */
static void moments(size_t count, size_t step, const double *x, double *mean, double *var) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) sum += x[i * step];
    *mean = sum / count;
    for (size_t i = 0; i < count; i++) squares += (x[i * step] - *mean) * (x[i * step] - *mean);
    *var = squares / count;
}

static void batchnorm_forward(size_t rows, int c, const void *x_, const void *gamma_, const void *beta_, double eps, activation a,
                              void *y_, void *mean_, void *istd_, void *running_mean, void *running_var, double momentum,
                              bool unbiased) {
    const double *x = x_, *gamma = gamma_, *beta = beta_;
    double *y = y_, *mean = mean_, *istd = istd_, *rm = running_mean, *rv = running_var;
    for (int k = 0; k < c; k++) {
        double var;
        moments(rows, c, x + k, &mean[k], &var);
        istd[k] = 1 / sqrt(var + eps);
        if (rm) rm[k] = momentum * rm[k] + (1 - momentum) * mean[k];
        if (rv) rv[k] = momentum * rv[k] + (1 - momentum) * (unbiased && rows > 1 ? var * rows / (rows - 1) : var);
    }
    for (size_t i = 0; i < rows * c; i++) y[i] = act(a, gamma[i % c] * (x[i] - mean[i % c]) * istd[i % c] + beta[i % c]);
}

static void batchnorm_infer(size_t rows, int c, const void *x_, const void *gamma_, const void *beta_, double eps, activation a,
                            const void *running_mean, const void *running_var, void *y_) {
    const double *x = x_, *gamma = gamma_, *beta = beta_, *mean = running_mean, *var = running_var;
    double *y = y_;
    for (size_t i = 0; i < rows * c; i++) {
        size_t k = i % c;
        y[i] = act(a, gamma[k] * (x[i] - mean[k]) / sqrt(var[k] + eps) + beta[k]);
    }
}

static void batchnorm_backward(size_t rows, int c, const void *x_, const void *y_, const void *gamma_, const void *mean_,
                               const void *istd_, activation a, const void *dy_, void *dx_, void *dgamma_, void *dbeta_) {
    const double *x = x_, *y = y_, *gamma = gamma_, *mean = mean_, *istd = istd_, *dy = dy_;
    double *dx = dx_, *dgamma = dgamma_, *dbeta = dbeta_;
    for (int k = 0; k < c; k++) {
        dgamma[k] = dbeta[k] = 0;
        for (size_t i = k; i < rows * c; i += c) {
            double d = dy[i] * act_slope(a, 0, y[i]);
            dgamma[k] += d * (x[i] - mean[k]) * istd[k];
            dbeta[k] += d;
        }
        for (size_t i = k; i < rows * c; i += c) {
            double d = dy[i] * act_slope(a, 0, y[i]), xhat = (x[i] - mean[k]) * istd[k];
            dx[i] = gamma[k] * istd[k] * (d - dbeta[k] / rows - xhat * dgamma[k] / rows);
        }
    }
}

static void layernorm_forward(int n, size_t per, int c, const void *x_, const void *gamma_, const void *beta_, double eps,
                              activation a, void *y_, void *mean_, void *istd_) {
    const double *x = x_, *gamma = gamma_, *beta = beta_;
    double *y = y_, *mean = mean_, *istd = istd_;
    size_t count = per * c;
    for (int s = 0; s < n; s++) {
        double m, var;
        moments(count, 1, x + s * count, &m, &var);
        double is = 1 / sqrt(var + eps);
        if (mean) mean[s] = m, istd[s] = is;
        for (size_t i = s * count; i < (s + 1) * count; i++) y[i] = act(a, gamma[i % c] * (x[i] - m) * is + beta[i % c]);
    }
}

static void layernorm_backward(int n, size_t per, int c, const void *x_, const void *y_, const void *gamma_, const void *mean_,
                               const void *istd_, activation a, const void *dy_, void *dx_, void *dgamma_, void *dbeta_) {
    const double *x = x_, *y = y_, *gamma = gamma_, *mean = mean_, *istd = istd_, *dy = dy_;
    double *dx = dx_, *dgamma = dgamma_, *dbeta = dbeta_;
    size_t count = per * c;
    memset(dgamma, 0, c * sizeof *dgamma);
    memset(dbeta, 0, c * sizeof *dbeta);
    for (int s = 0; s < n; s++) {
        /* e, the gradient to xhat, and its mean and its mean product with xhat over the sample. */
        double mean_e = 0, mean_ex = 0;
        for (size_t i = s * count; i < (s + 1) * count; i++) {
            double d = dy[i] * act_slope(a, 0, y[i]), xhat = (x[i] - mean[s]) * istd[s];
            dgamma[i % c] += d * xhat;
            dbeta[i % c] += d;
            mean_e += d * gamma[i % c] / count;
            mean_ex += d * gamma[i % c] * xhat / count;
        }
        for (size_t i = s * count; i < (s + 1) * count; i++) {
            double e = dy[i] * act_slope(a, 0, y[i]) * gamma[i % c], xhat = (x[i] - mean[s]) * istd[s];
            dx[i] = istd[s] * (e - mean_e - xhat * mean_ex);
        }
    }
}

/* One set of numbers that are normalised together: count of them, step apart; number i has the scale gamma[i % c]. */
typedef struct {
    size_t count, step, c;
    const double *x, *gamma;
    double mean, istd;
} norm_set;

static double hat(const norm_set *s, size_t i) {
    return (s->x[i * s->step] - s->mean) * s->istd;
}

/* The mean of tx, and of tx*xhat. */
static void direction(const norm_set *s, const double *tx, double *mean, double *m) {
    *mean = *m = 0;
    for (size_t i = 0; i < s->count; i++) {
        *mean += tx[i * s->step] / s->count;
        *m += tx[i * s->step] * hat(s, i) / s->count;
    }
}

static void set_tangent(const norm_set *s, activation a, const double *y, const double *tx, double *ty) {
    double mean, m;
    direction(s, tx, &mean, &m);
    for (size_t i = 0; i < s->count; i++)
        ty[i * s->step] =
            act_slope(a, 0, y[i * s->step]) * s->gamma[i % s->c] * s->istd * (tx[i * s->step] - mean - hat(s, i) * m);
}

/* tdx, and what the set adds to tdgamma [c] and tdbeta [c]. */
static void set_second(const norm_set *s, activation a, const double *y, const double *dy, const double *tx, const double *td,
                       double *tdx, double *tdgamma, double *tdbeta) {
    double mean, m, e_mean = 0, e_hat = 0, te_mean = 0, te_hat = 0;
    direction(s, tx, &mean, &m);
    for (size_t i = 0; i < s->count; i++) {
        size_t at = i * s->step;
        double d = dy[at] * act_slope(a, 0, y[at]), t = td ? td[at] : 0, h = s->istd * (tx[at] - mean - hat(s, i) * m);
        double e = s->gamma[i % s->c] * d, te = s->gamma[i % s->c] * t;
        tdgamma[i % s->c] += t * hat(s, i) + d * h;
        tdbeta[i % s->c] += t;
        e_mean += e / s->count, e_hat += e * hat(s, i) / s->count;
        te_mean += te / s->count, te_hat += (te * hat(s, i) + e * h) / s->count;
    }
    for (size_t i = 0; i < s->count; i++) {
        size_t at = i * s->step;
        double e = s->gamma[i % s->c] * dy[at] * act_slope(a, 0, y[at]), te = td ? s->gamma[i % s->c] * td[at] : 0,
               h = s->istd * (tx[at] - mean - hat(s, i) * m), dx = s->istd * (e - e_mean - hat(s, i) * e_hat);
        tdx[at] = -s->istd * m * dx + s->istd * (te - te_mean - h * e_hat - hat(s, i) * te_hat);
    }
}

static void batchnorm_tangent(size_t rows, int c, const void *x, const void *y, const void *gamma, const void *mean,
                              const void *istd, activation a, const void *tx, void *ty) {
    for (int k = 0; k < c; k++) {
        norm_set s = {rows, c, 1, (double *)x + k, (double *)gamma + k, ((double *)mean)[k], ((double *)istd)[k]};
        set_tangent(&s, a, (double *)y + k, (double *)tx + k, (double *)ty + k);
    }
}

static void batchnorm_second(size_t rows, int c, const void *x, const void *y, const void *gamma, const void *mean,
                             const void *istd, activation a, const void *dy, const void *tx, const void *td, void *tdx,
                             void *tdgamma, void *tdbeta) {
    memset(tdgamma, 0, c * sizeof(double));
    memset(tdbeta, 0, c * sizeof(double));
    for (int k = 0; k < c; k++) {
        norm_set s = {rows, c, 1, (double *)x + k, (double *)gamma + k, ((double *)mean)[k], ((double *)istd)[k]};
        set_second(&s, a, (double *)y + k, (double *)dy + k, (double *)tx + k, td ? (double *)td + k : NULL, (double *)tdx + k,
                   (double *)tdgamma + k, (double *)tdbeta + k);
    }
}

static void layernorm_tangent(int n, size_t per, int c, const void *x, const void *y, const void *gamma, const void *mean,
                              const void *istd, activation a, const void *tx, void *ty) {
    for (int i = 0; i < n; i++) {
        size_t at = i * per * c;
        norm_set s = {per * c, 1, c, (double *)x + at, gamma, ((double *)mean)[i], ((double *)istd)[i]};
        set_tangent(&s, a, (double *)y + at, (double *)tx + at, (double *)ty + at);
    }
}

static void layernorm_second(int n, size_t per, int c, const void *x, const void *y, const void *gamma, const void *mean,
                             const void *istd, activation a, const void *dy, const void *tx, const void *td, void *tdx,
                             void *tdgamma, void *tdbeta) {
    memset(tdgamma, 0, c * sizeof(double));
    memset(tdbeta, 0, c * sizeof(double));
    for (int i = 0; i < n; i++) {
        size_t at = i * per * c;
        norm_set s = {per * c, 1, c, (double *)x + at, gamma, ((double *)mean)[i], ((double *)istd)[i]};
        set_second(&s, a, (double *)y + at, (double *)dy + at, (double *)tx + at, td ? (double *)td + at : NULL,
                   (double *)tdx + at, tdgamma, tdbeta);
    }
}

/* ---- the rest ---- */

/* A window that meets no cell of x: y is 0 and where is -1. */
static void pool_forward(const pool_shape *s, const void *x_, void *y_, int32_t *where) {
    const double *x = x_;
    double *y = y_;
    for (size_t i = 0; i < (size_t)s->n * s->oh * s->ow * s->c; i++) {
        int k = i % s->c, column = i / s->c % s->ow, row = i / s->c / s->ow % s->oh, n = i / s->c / s->ow / s->oh;
        int cells = 0, winner = -1;
        double sum = 0, best = 0;
        for (int u = 0; u < s->kh; u++)
            for (int v = 0; v < s->kw; v++) {
                int r = row * s->stride_h + u - s->top, q = column * s->stride_w + v - s->left;
                if (r < 0 || r >= s->h || q < 0 || q >= s->w) continue;
                double value = x[(((size_t)n * s->h + r) * s->w + q) * s->c + k];
                sum += value;
                if (!cells++ || value > best) best = value, winner = r * s->w + q;
            }
        if (s->max && where) where[i] = winner;
        if (s->count_pad) cells = s->kh * s->kw;
        y[i] = s->max ? best : cells ? sum / cells : 0;
    }
}

static void pool_backward(const pool_shape *s, const void *dy_, const int32_t *where, void *dx_) {
    const double *dy = dy_;
    double *dx = dx_;
    memset(dx, 0, (size_t)s->n * s->h * s->w * s->c * sizeof *dx);
    for (size_t i = 0; i < (size_t)s->n * s->oh * s->ow * s->c; i++) {
        int k = i % s->c, column = i / s->c % s->ow, row = i / s->c / s->ow % s->oh, n = i / s->c / s->ow / s->oh;
        double *map = dx + (size_t)n * s->h * s->w * s->c + k;
        if (s->max) {
            if (where[i] >= 0) map[(size_t)where[i] * s->c] += dy[i];
            continue;
        }
        /* Twice over the window: count, then share. */
        for (int share = 0, cells = 0; share < 2; share++)
            for (int u = 0; u < s->kh; u++)
                for (int v = 0; v < s->kw; v++) {
                    int r = row * s->stride_h + u - s->top, q = column * s->stride_w + v - s->left;
                    if (r < 0 || r >= s->h || q < 0 || q >= s->w) continue;
                    if (share)
                        map[((size_t)r * s->w + q) * s->c] += dy[i] / (s->count_pad ? s->kh * s->kw : cells);
                    else
                        cells++;
                }
    }
}

static void maxpool_tangent(const pool_shape *s, const void *tx_, const int32_t *where, void *ty_) {
    const double *tx = tx_;
    double *ty = ty_;
    size_t each = (size_t)s->oh * s->ow * s->c;
    for (size_t i = 0; i < s->n * each; i++) ty[i] = where[i] < 0 ? 0 : tx[(i / each * s->h * s->w + where[i]) * s->c + i % s->c];
}

static void dropout(size_t count, double rate, uint64_t seed, const char *name, uint64_t step, const void *x_, void *y_) {
    const double *x = x_;
    double *y = y_;
    rng draws = dropout_draws(seed, name, step);
    for (size_t i = 0; i < count; i++) y[i] = dropout_keeps(&draws, dropout_threshold(rate), i) ? x[i] / (1 - rate) : 0;
}

static void upsample_forward(int n, int h, int w, int c, int factor, const void *x_, void *y_) {
    const double *x = x_;
    double *y = y_;
    size_t oh = (size_t)h * factor, ow = (size_t)w * factor;
    for (size_t i = 0; i < n * oh; i++)
        for (size_t j = 0; j < ow; j++)
            for (int k = 0; k < c; k++) y[(i * ow + j) * c + k] = x[(i / factor * w + j / factor) * c + k];
}

static void upsample_backward(int n, int h, int w, int c, int factor, const void *dy_, void *dx_) {
    const double *dy = dy_;
    double *dx = dx_;
    size_t oh = (size_t)h * factor, ow = (size_t)w * factor;
    memset(dx, 0, (size_t)n * h * w * c * sizeof *dx);
    for (size_t i = 0; i < n * oh; i++)
        for (size_t j = 0; j < ow; j++)
            for (int k = 0; k < c; k++) dx[(i / factor * w + j / factor) * c + k] += dy[(i * ow + j) * c + k];
}

static void copy_columns(size_t rows, size_t cols, const void *from, size_t from_stride, void *to, size_t to_stride) {
    for (size_t r = 0; r < rows; r++)
        memcpy((double *)to + r * to_stride, (const double *)from + r * from_stride, cols * sizeof(double));
}

static void axpy(size_t count, double a, const void *x_, void *y_) {
    const double *x = x_;
    double *y = y_;
    for (size_t i = 0; i < count; i++) y[i] += a * x[i];
}

static void norms(size_t count, const void *x_, double *sum_abs, double *sum_squares) {
    const double *x = x_;
    *sum_abs = *sum_squares = 0;
    for (size_t i = 0; i < count; i++) {
        *sum_abs += fabs(x[i]);
        *sum_squares += x[i] * x[i];
    }
}

static bool finite_all(size_t count, const void *x_) {
    const double *x = x_;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

static void from_u8(size_t count, double scale, double shift, const uint8_t *from, void *to) {
    for (size_t i = 0; i < count; i++) ((double *)to)[i] = scale * from[i] + shift;
}

/* What isn't a number comes out black. */
static void to_u8(size_t count, double scale, double shift, const void *from, uint8_t *to) {
    for (size_t i = 0; i < count; i++) {
        double v = round(((const double *)from)[i] * scale + shift);
        to[i] = v > 255 ? 255 : v > 0 ? (uint8_t)v : 0;
    }
}

static void from_f64(size_t count, const double *from, void *to) {
    memcpy(to, from, count * sizeof(double));
}

static void to_f64(size_t count, const void *from, double *to) {
    memcpy(to, from, count * sizeof(double));
}

static double bce_logits(int n, const void *z_, double target, void *dz_, double *mean_p) {
    const double *z = z_;
    double *dz = dz_, sum = 0, sum_p = 0;
    for (int i = 0; i < n; i++) {
        double p = sigmoid(z[i]);
        sum += fmax(z[i], 0) - z[i] * target + log1p(exp(-fabs(z[i])));
        sum_p += p;
        if (dz) dz[i] = (p - target) / n;
    }
    if (mean_p) *mean_p = sum_p / n;
    return sum / n;
}

static double mean_logits(int n, const void *z_, double sign, void *dz_) {
    const double *z = z_;
    double *dz = dz_, sum = 0;
    for (int i = 0; i < n; i++) {
        sum += z[i];
        if (dz) dz[i] = sign / n;
    }
    return sum / n;
}

static void interpolate(int n, size_t count, const double *alpha, const void *a_, const void *b_, void *x_) {
    const double *a = a_, *b = b_;
    double *x = x_;
    for (size_t i = 0; i < n * count; i++) x[i] = alpha[i / count] * a[i] + (1 - alpha[i / count]) * b[i];
}

static double gradient_penalty(int n, size_t count, const void *g_, double lambda, void *v_) {
    const double *g = g_;
    double *v = v_, sum = 0;
    for (int i = 0; i < n; i++) {
        double squares = 0;
        for (size_t k = 0; k < count; k++) squares += g[i * count + k] * g[i * count + k];
        double norm = sqrt(squares);
        for (size_t k = 0; k < count; k++) v[i * count + k] = norm > 0 ? 2 * lambda / n * (1 - 1 / norm) * g[i * count + k] : 0;
        sum += (norm - 1) * (norm - 1);
    }
    return lambda * sum / n;
}

static void adam(size_t count, const adam_options *o, uint64_t t, void *w_, const void *g_, void *m_, void *v_) {
    const double *g = g_;
    double *w = w_, *m = m_, *v = v_;
    double c1 = 1 - pow(o->beta1, t), c2 = 1 - pow(o->beta2, t);
    for (size_t i = 0; i < count; i++) {
        m[i] = o->beta1 * m[i] + (1 - o->beta1) * g[i];
        v[i] = o->beta2 * v[i] + (1 - o->beta2) * g[i] * g[i];
        if (o->keras_eps)
            w[i] -= o->lr * sqrt(c2) / c1 * m[i] / (sqrt(v[i]) + o->eps);
        else
            w[i] -= o->lr / c1 * m[i] / (sqrt(v[i] / c2) + o->eps);
    }
}

const ops ops_f64 = {
    .name = "f64",
    .real_size = sizeof(double),
    .dtype = TNS_F64,
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
    .batchnorm_forward = batchnorm_forward,
    .batchnorm_infer = batchnorm_infer,
    .batchnorm_backward = batchnorm_backward,
    .layernorm_forward = layernorm_forward,
    .layernorm_backward = layernorm_backward,
    .act_second = act_second,
    .batchnorm_tangent = batchnorm_tangent,
    .batchnorm_second = batchnorm_second,
    .layernorm_tangent = layernorm_tangent,
    .layernorm_second = layernorm_second,
    .maxpool_tangent = maxpool_tangent,
    .pool_forward = pool_forward,
    .pool_backward = pool_backward,
    .dropout = dropout,
    .upsample_forward = upsample_forward,
    .upsample_backward = upsample_backward,
    .copy_columns = copy_columns,
    .axpy = axpy,
    .norms = norms,
    .finite = finite_all,
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
