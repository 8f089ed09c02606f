#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "ops_f32.h"
#include "wide.h"

/* ---- batch norm ---- */

/* Sums of x-shift and its square: shifted by the first row, so that a large mean costs no digits of the variance. */
WIDE static void add_moments(const row_terms *t, size_t row, int c, float *restrict sums) {
    const float *x = t->x + row * (size_t)c, *shift = t->shift;
    for (int k = 0; k < c; k++) {
        float d = x[k] - shift[k];
        sums[k] += d;
        sums[c + k] += d * d;
    }
}

/* y = act(x*scale + offset), a channel. */
WIDE static void scale_range(size_t from, size_t to, int c, const float *x, const float *scale, const float *offset,
                             activation act, float *y) {
    float slope;
    bool linear = piecewise_linear(act, &slope);
    for (size_t r = from; r < to; r++) {
        const float *in = x + r * (size_t)c;
        float *out = y + r * (size_t)c;
        if (linear) {
            for (int k = 0; k < c; k++) {
                float v = in[k] * scale[k] + offset[k];
                out[k] = v > 0 ? v : slope * v;
            }
        } else {
            for (int k = 0; k < c; k++) out[k] = apply(act, in[k] * scale[k] + offset[k]);
        }
    }
}

static void scale_rows(size_t rows, int c, const float *x, const float *scale, const float *offset, activation act, float *y) {
#pragma omp parallel for
    for (size_t chunk = 0; chunk < (rows + 63) / 64; chunk++)
        scale_range(chunk * 64, chunk * 64 + 64 < rows ? chunk * 64 + 64 : rows, c, x, scale, offset, act, y);
}

float *norm_channel_rows(int c) {
    static float *v;
    static int size;
    if (c > size) {
        free(v);
        v = xarray(5 * (size_t)c, sizeof *v);
        size = c;
    }
    return v;
}

void norm_batch_moments(size_t rows, int c, const float *x, const float *gamma, const float *beta, double eps, float *mean,
                        float *istd, float *running_mean, float *running_var, double momentum, bool unbiased,
                        const float **scalep, const float **offsetp) {
    float *rm = running_mean, *rv = running_var, *scale = norm_channel_rows(c), *offset = scale + c;
    double *sum = sum_totals(2 * (size_t)c), n = (double)rows;
    sum_rows(rows, c, 2 * c, add_moments, &(row_terms){.x = x, .shift = x}, sum);
    for (int k = 0; k < c; k++) {
        double d = sum[k] / n, m = (double)x[k] + d, var = sum[c + k] / n - d * d;
        if (var < 0) var = 0;
        double is = 1 / sqrt(var + eps);
        mean[k] = (float)m, istd[k] = (float)is;
        scale[k] = (float)(is * (double)gamma[k]);
        offset[k] = (float)((double)beta[k] - m * is * (double)gamma[k]);
        if (rm) rm[k] = (float)(momentum * (double)rm[k] + (1 - momentum) * m);
        if (rv) rv[k] = (float)(momentum * (double)rv[k] + (1 - momentum) * (unbiased && rows > 1 ? var * n / (n - 1) : var));
    }
    *scalep = scale, *offsetp = offset;
}

void norm_batch_forward(size_t rows, int c, const void *x, const void *gamma, const void *beta, double eps, activation act,
                        void *y, void *mean, void *istd, void *running_mean, void *running_var, double momentum, bool unbiased) {
    const float *scale, *offset;
    norm_batch_moments(rows, c, x, gamma, beta, eps, mean, istd, running_mean, running_var, momentum, unbiased, &scale, &offset);
    scale_rows(rows, c, x, scale, offset, act, y);
}

void norm_batch_infer(size_t rows, int c, const void *x, const void *gammav, const void *betav, double eps, activation act,
                      const void *running_mean, const void *running_var, void *y) {
    const float *gamma = gammav, *beta = betav, *rm = running_mean, *rv = running_var;
    float *scale = norm_channel_rows(c), *offset = scale + c;
    for (int k = 0; k < c; k++) {
        double is = (double)gamma[k] / sqrt((double)rv[k] + eps);
        scale[k] = (float)is;
        offset[k] = (float)((double)beta[k] - (double)rm[k] * is);
    }
    scale_rows(rows, c, x, scale, offset, act, y);
}

/* Sums of d*xhat and of d, where d = dy*act'(y), act piecewise linear. */
WIDE static void add_norm_gradients(const row_terms *t, size_t row, int c, float *restrict sums) {
    const float *x = t->x + row * (size_t)c, *y = t->y + row * (size_t)c, *dy = t->dy + row * (size_t)c, *mean = t->mean,
                *istd = t->istd;
    float slope = t->slope;
    for (int k = 0; k < c; k++) {
        float d = y[k] > 0 ? dy[k] : slope * dy[k];
        sums[k] += d * ((x[k] - mean[k]) * istd[k]);
        sums[c + k] += d;
    }
}

/* dx = scale*d - per_x*(x-mean) - constant, a channel; the three of them are one row of c after another. dx may be dy. */
WIDE static void gradient_rows(size_t from, size_t to, int c, const row_terms *t, const float *factors, float *dxs) {
    const float *scale = factors, *per_x = factors + c, *constant = factors + 2 * c, *mean = t->mean;
    const float slope = t->slope;
    for (size_t r = from; r < to; r++) {
        size_t at = r * (size_t)c;
        const float *x = t->x + at, *y = t->y + at, *dy = t->dy + at;
        float *dx = dxs + at;
#pragma omp simd
        for (int k = 0; k < c; k++) {
            float d = y[k] > 0 ? dy[k] : slope * dy[k];
            dx[k] = scale[k] * d - per_x[k] * (x[k] - mean[k]) - constant[k];
        }
    }
}

void norm_batch_backward(size_t rows, int c, const void *xv, const void *yv, const void *gammav, const void *meanv,
                         const void *istdv, activation act, const void *dyv, void *dxv, void *dgammav, void *dbetav) {
    const float *x = xv, *y = yv, *gamma = gammav, *mean = meanv, *istd = istdv, *dy = dyv;
    float *dx = dxv, *dgamma = dgammav, *dbeta = dbetav, slope;
    if (!piecewise_linear(act, &slope)) { /* rare: take the activation off first */
#pragma omp parallel for
        for (size_t i = 0; i < rows * (size_t)c; i++) dx[i] = dy[i] * derivative(act, 0, y[i]);
        dy = dx, slope = 1;
    }
    double *sum = sum_totals(2 * (size_t)c);
    sum_rows(rows, c, 2 * c, add_norm_gradients,
             &(row_terms){.x = x, .y = y, .dy = dy, .mean = mean, .istd = istd, .slope = slope}, sum);
    float *scale = norm_channel_rows(c), *per_x = scale + c, *constant = per_x + c;
    for (int k = 0; k < c; k++) {
        double g = (double)gamma[k] * (double)istd[k];
        scale[k] = (float)g;
        per_x[k] = (float)(g * sum[k] * (double)istd[k] / (double)rows);
        constant[k] = (float)(g * sum[c + k] / (double)rows);
        dgamma[k] = (float)sum[k], dbeta[k] = (float)sum[c + k];
    }
    const row_terms t = {.x = x, .y = y, .dy = dy, .mean = mean, .slope = slope};
#pragma omp parallel for
    for (size_t chunk = 0; chunk < (rows + 63) / 64; chunk++)
        gradient_rows(chunk * 64, chunk * 64 + 64 < rows ? chunk * 64 + 64 : rows, c, &t, scale, dx);
}

/* ty = act'(y) * (per_tx*tx - per_x*(x-mean) - constant), a channel. */
WIDE static void tangent_rows(size_t from, size_t to, int c, const float *x, const float *y, const float *mean,
                              const float *per_tx, const float *per_x, const float *constant, activation act, const float *tx,
                              float *ty) {
    float slope;
    bool linear = piecewise_linear(act, &slope);
    for (size_t r = from; r < to; r++) {
        size_t at = r * (size_t)c;
        const float *xr = x + at, *yr = y + at, *txr = tx + at;
        float *tyr = ty + at;
        for (int k = 0; k < c; k++) {
            float v = per_tx[k] * txr[k] - per_x[k] * (xr[k] - mean[k]) - constant[k];
            tyr[k] = linear ? (yr[k] > 0 ? v : slope * v) : v * derivative(act, 0, yr[k]);
        }
    }
}

/* Sums of tx and of tx*xhat. */
WIDE static void add_tangents(const row_terms *t, size_t row, int c, float *restrict sums) {
    const float *x = t->x + row * (size_t)c, *tx = t->tx + row * (size_t)c, *mean = t->mean, *istd = t->istd;
    for (int k = 0; k < c; k++) {
        sums[k] += tx[k];
        sums[c + k] += tx[k] * ((x[k] - mean[k]) * istd[k]);
    }
}

void norm_batch_tangent(size_t rows, int c, const void *x, const void *y, const void *gammav, const void *meanv,
                        const void *istdv, activation act, const void *tx, void *ty) {
    const float *gamma = gammav, *mean = meanv, *istd = istdv;
    double *sum = sum_totals(2 * (size_t)c);
    sum_rows(rows, c, 2 * c, add_tangents, &(row_terms){.x = x, .tx = tx, .mean = mean, .istd = istd}, sum);
    float *per_tx = norm_channel_rows(c), *per_x = per_tx + c, *constant = per_x + c;
    for (int k = 0; k < c; k++) {
        double scale = (double)gamma[k] * (double)istd[k];
        per_tx[k] = (float)scale;
        per_x[k] = (float)(scale * (double)istd[k] * sum[c + k] / (double)rows);
        constant[k] = (float)(scale * sum[k] / (double)rows);
    }
#pragma omp parallel for
    for (size_t chunk = 0; chunk < (rows + 63) / 64; chunk++)
        tangent_rows(chunk * 64, chunk * 64 + 64 < rows ? chunk * 64 + 64 : rows, c, x, y, mean, per_tx, per_x, constant, act, tx,
                     ty);
}

/* What both normalisations sum for the second order, a channel. */
enum { SUM_D, SUM_D_X, SUM_TD, SUM_TD_X, SUM_D_TX, SUM_TX, SUM_TX_X, SUMS };

WIDE static void add_second(const row_terms *t, size_t row, int c, float *restrict sums) {
    size_t at = row * (size_t)c;
    const float *x = t->x + at, *y = t->y + at, *dy = t->dy + at, *tx = t->tx + at, *mean = t->mean, *istd = t->istd;
    float slope = t->slope;
    for (int k = 0; k < c; k++) {
        float d = y[k] > 0 ? dy[k] : slope * dy[k], hat = (x[k] - mean[k]) * istd[k];
        sums[SUM_D * c + k] += d;
        sums[SUM_D_X * c + k] += d * hat;
        sums[SUM_D_TX * c + k] += d * tx[k];
        sums[SUM_TX * c + k] += tx[k];
        sums[SUM_TX_X * c + k] += tx[k] * hat;
    }
    if (!t->td) return;
    for (int k = 0; k < c; k++) {
        float hat = (x[k] - mean[k]) * istd[k];
        sums[SUM_TD * c + k] += t->td[at + (size_t)k];
        sums[SUM_TD_X * c + k] += t->td[at + (size_t)k] * hat;
    }
}

/* tdx = per_td*td + per_d*d + per_tx*tx + per_x*(x-mean) + constant, a channel; the five of them are one row of c after another. */
WIDE static void second_rows(size_t from, size_t to, int c, const row_terms *t, const float *factors, float *tdx) {
    const float *per_td = factors, *per_d = factors + c, *per_tx = factors + 2 * c, *per_x = factors + 3 * c,
                *constant = factors + 4 * c, *mean = t->mean;
    for (size_t r = from; r < to; r++) {
        size_t at = r * (size_t)c;
        const float *x = t->x + at, *y = t->y + at, *dy = t->dy + at, *tx = t->tx + at, *td = t->td ? t->td + at : NULL;
        float *out = tdx + at;
        for (int k = 0; k < c; k++) {
            float d = y[k] > 0 ? dy[k] : t->slope * dy[k], start = td ? per_td[k] * td[k] : 0;
            out[k] = start + per_d[k] * d + per_tx[k] * tx[k] + per_x[k] * (x[k] - mean[k]) + constant[k];
        }
    }
}

/* d with a curved activation taken off, in *spare (to be freed); dy itself where rows can do that as they go. */
static const float *straight(activation act, size_t count, const float *y, const float *dy, float *slope, float **spare) {
    *spare = NULL;
    if (piecewise_linear(act, slope)) return dy;
    float *d = *spare = xmalloc(count * sizeof *d);
#pragma omp parallel for
    for (size_t i = 0; i < count; i++) d[i] = dy[i] * derivative(act, 0, y[i]);
    *slope = 1;
    return d;
}

void norm_batch_second(size_t rows, int c, const void *x, const void *y, const void *gammav, const void *meanv, const void *istdv,
                       activation act, const void *dy, const void *tx, const void *td, void *tdx, void *tdgammav, void *tdbetav) {
    const float *gamma = gammav, *mean = meanv, *istd = istdv;
    float *tdgamma = tdgammav, *tdbeta = tdbetav, *spare;
    row_terms t = {.x = x, .y = y, .tx = tx, .td = td, .mean = mean, .istd = istd};
    t.dy = straight(act, rows * (size_t)c, y, dy, &t.slope, &spare);
    double *sum = sum_totals(SUMS * (size_t)c), n = (double)rows;
    sum_rows(rows, c, SUMS * c, add_second, &t, sum);
    float *factors = norm_channel_rows(c);
    for (int k = 0; k < c; k++) {
        double s = (double)istd[k], scale = (double)gamma[k] * s, d = sum[SUM_D * c + k], dx = sum[SUM_D_X * c + k],
               m = sum[SUM_TX_X * c + k] / n, tx_mean = sum[SUM_TX * c + k] / n;
        double dh = s * (sum[SUM_D_TX * c + k] - d * tx_mean - dx * m); /* the sum of d*h */
        double whole = sum[SUM_TD_X * c + k] + dh;
        tdgamma[k] = (float)whole;
        tdbeta[k] = (float)sum[SUM_TD * c + k];
        factors[k] = (float)scale;
        factors[c + k] = (float)(-scale * s * m);
        factors[2 * c + k] = (float)(-scale * s * dx / n);
        factors[3 * c + k] = (float)(scale * s * (2 * s * m * dx - whole) / n);
        factors[4 * c + k] = (float)(scale * (s * m * d - sum[SUM_TD * c + k] + s * dx * tx_mean) / n);
    }
#pragma omp parallel for
    for (size_t chunk = 0; chunk < (rows + 63) / 64; chunk++)
        second_rows(chunk * 64, chunk * 64 + 64 < rows ? chunk * 64 + 64 : rows, c, &t, factors, tdx);
    free(spare);
}

/* ---- layer norm: a sample's rows have one mean and one istd; its sums are first taken a channel, as batch norm's are ---- */

/* Rows of floats and of doubles for one sample, a thread's own, kept between calls. */
static float *sample_rows(int c) {
    static _Thread_local float *v;
    static _Thread_local int size;
    if (c > size) {
        free(v);
        v = xarray(7 * (size_t)c, sizeof *v);
        size = c;
    }
    return v;
}

/* Sums of a sample, in double; zeroed. */
static double *sample_sums(size_t count) {
    static _Thread_local double *v;
    static _Thread_local size_t size;
    if (count > size) {
        free(v);
        v = xarray(count, sizeof *v);
        size = count;
    }
    memset(v, 0, count * sizeof *v);
    return v;
}

static void fill(int c, float value, float *to) {
    for (int k = 0; k < c; k++) to[k] = value;
}

/* What the samples give to scale and shift, added in order: partial [n][2][c]. */
static void add_samples(int n, int c, const double *partial, float *scale, float *shift) {
    for (int k = 0; k < c; k++) {
        double a = 0, b = 0;
        for (int i = 0; i < n; i++) a += partial[2 * i * c + k], b += partial[(2 * i + 1) * c + k];
        scale[k] = (float)a, shift[k] = (float)b;
    }
}

void norm_layer_forward(int n, size_t per, int c, const void *x, const void *gammav, const void *betav, double eps,
                        activation act, void *y, void *meanv, void *istdv) {
    const float *gamma = gammav, *beta = betav;
    float *mean = meanv, *istd = istdv;
    size_t count = per * (size_t)c;
#pragma omp parallel for
    for (int i = 0; i < n; i++) {
        const float *from = (const float *)x + (size_t)i * count;
        float *shift = sample_rows(c), *scale = shift + c, *offset = scale + c;
        double *sum = sample_sums(2 * (size_t)c), first = (double)from[0], total = 0, squares = 0;
        fill(c, from[0], shift);
        sum_range(0, per, c, 2 * c, add_moments, &(row_terms){.x = from, .shift = shift}, sum);
        for (int k = 0; k < c; k++) total += sum[k], squares += sum[c + k];
        total /= (double)count;
        double var = squares / (double)count - total * total, m = first + total, s = 1 / sqrt((var > 0 ? var : 0) + eps);
        if (mean) mean[i] = (float)m, istd[i] = (float)s;
        for (int k = 0; k < c; k++) {
            scale[k] = (float)(s * (double)gamma[k]);
            offset[k] = (float)((double)beta[k] - m * s * (double)gamma[k]);
        }
        scale_range(0, per, c, from, scale, offset, act, (float *)y + (size_t)i * count);
    }
}

void norm_layer_backward(int n, size_t per, int c, const void *x, const void *y, const void *gammav, const void *meanv,
                         const void *istdv, activation act, const void *dy, void *dx, void *dgamma, void *dbeta) {
    const float *gamma = gammav, *mean = meanv, *istd = istdv;
    size_t count = per * (size_t)c;
    double *partial = sum_totals((size_t)n * 2 * (size_t)c);
    float slope, *spare;
    const float *d = straight(act, (size_t)n * count, y, dy, &slope, &spare);
#pragma omp parallel for
    for (int i = 0; i < n; i++) {
        float *means = sample_rows(c), *istds = means + c;
        const float *xi = (const float *)x + (size_t)i * count, *yi = (const float *)y + (size_t)i * count,
                    *di = d + (size_t)i * count;
        float *to = (float *)dx + (size_t)i * count;
        double *sum = partial + (size_t)i * 2 * (size_t)c, shift = 0, dot = 0, s = (double)istd[i];
        memset(sum, 0, 2 * (size_t)c * sizeof *sum);
        fill(c, mean[i], means), fill(c, istd[i], istds);
        sum_range(0, per, c, 2 * c, add_norm_gradients,
                  &(row_terms){.x = xi, .y = yi, .dy = di, .mean = means, .istd = istds, .slope = slope}, sum);
        for (int k = 0; k < c; k++) dot += (double)gamma[k] * sum[k], shift += (double)gamma[k] * sum[c + k];
        float constant = (float)(s * shift / (double)count), per_x = (float)(s * s * dot / (double)count);
        for (size_t r = 0; r < per; r++)
            for (int k = 0; k < c; k++) {
                size_t at = r * (size_t)c + (size_t)k;
                float e = yi[at] > 0 ? di[at] : slope * di[at];
                to[at] = istd[i] * gamma[k] * e - per_x * (xi[at] - mean[i]) - constant;
            }
    }
    add_samples(n, c, partial, dgamma, dbeta);
    free(spare);
}

void norm_layer_tangent(int n, size_t per, int c, const void *x, const void *y, const void *gammav, const void *meanv,
                        const void *istdv, activation act, const void *tx, void *ty) {
    const float *gamma = gammav, *mean = meanv, *istd = istdv;
    size_t count = per * (size_t)c;
#pragma omp parallel for
    for (int i = 0; i < n; i++) {
        float *means = sample_rows(c), *istds = means + c, *per_tx = istds + c, *per_x = per_tx + c, *constant = per_x + c;
        const float *xi = (const float *)x + (size_t)i * count, *txi = (const float *)tx + (size_t)i * count;
        double *sum = sample_sums(2 * (size_t)c), total = 0, dot = 0, s = (double)istd[i];
        fill(c, mean[i], means), fill(c, istd[i], istds);
        sum_range(0, per, c, 2 * c, add_tangents, &(row_terms){.x = xi, .tx = txi, .mean = means, .istd = istds}, sum);
        for (int k = 0; k < c; k++) total += sum[k], dot += sum[c + k];
        for (int k = 0; k < c; k++) {
            double scale = (double)gamma[k] * s;
            per_tx[k] = (float)scale;
            per_x[k] = (float)(scale * s * dot / (double)count);
            constant[k] = (float)(scale * total / (double)count);
        }
        tangent_rows(0, per, c, xi, (const float *)y + (size_t)i * count, means, per_tx, per_x, constant, act, txi,
                     (float *)ty + (size_t)i * count);
    }
}

void norm_layer_second(int n, size_t per, int c, const void *x, const void *y, const void *gammav, const void *meanv,
                       const void *istdv, activation act, const void *dy, const void *tx, const void *td, void *tdx,
                       void *tdgamma, void *tdbeta) {
    const float *gamma = gammav, *mean = meanv, *istd = istdv;
    size_t count = per * (size_t)c;
    double *partial = sum_totals((size_t)n * 2 * (size_t)c);
    float slope, *spare;
    const float *d = straight(act, (size_t)n * count, y, dy, &slope, &spare);
#pragma omp parallel for
    for (int i = 0; i < n; i++) {
        float *means = sample_rows(c), *istds = means + c, *factors = istds + c;
        size_t at = (size_t)i * count;
        row_terms t = {.x = (const float *)x + at,
                       .y = (const float *)y + at,
                       .dy = d + at,
                       .tx = (const float *)tx + at,
                       .td = td ? (const float *)td + at : NULL,
                       .mean = means,
                       .istd = istds,
                       .slope = slope};
        double *sum = sample_sums(SUMS * (size_t)c), *scale = partial + (size_t)i * 2 * (size_t)c, *shift = scale + c;
        double whole[SUMS] = {0}, s = (double)istd[i], size = (double)count;
        fill(c, mean[i], means), fill(c, istd[i], istds);
        sum_range(0, per, c, SUMS * c, add_second, &t, sum);
        for (int what = 0; what < SUMS; what++) /* gradients to xhat are gamma times those to y */
            for (int k = 0; k < c; k++)
                whole[what] += (what == SUM_TX || what == SUM_TX_X ? 1 : (double)gamma[k]) * sum[what * c + k];
        double m = whole[SUM_TX_X] / size, tx_mean = whole[SUM_TX] / size;
        double te_x = whole[SUM_TD_X] + s * (whole[SUM_D_TX] - whole[SUM_D] * tx_mean - whole[SUM_D_X] * m);
        for (int k = 0; k < c; k++) {
            scale[k] =
                sum[SUM_TD_X * c + k] + s * (sum[SUM_D_TX * c + k] - sum[SUM_D * c + k] * tx_mean - sum[SUM_D_X * c + k] * m);
            shift[k] = sum[SUM_TD * c + k];
            factors[k] = (float)(s * (double)gamma[k]);
            factors[c + k] = (float)(-s * s * m * (double)gamma[k]);
        }
        fill(c, (float)(-s * s * whole[SUM_D_X] / size), factors + 2 * c);
        fill(c, (float)(s * s * (2 * s * m * whole[SUM_D_X] - te_x) / size), factors + 3 * c);
        fill(c, (float)(s * (s * m * whole[SUM_D] - whole[SUM_TD] + s * whole[SUM_D_X] * tx_mean) / size), factors + 4 * c);
        second_rows(0, per, c, &t, factors, (float *)tdx + at);
    }
    add_samples(n, c, partial, tdgamma, tdbeta);
    free(spare);
}
