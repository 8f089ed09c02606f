/* ops_f32: what the files behind the table ops_f32 (ops.h) share. */
#ifndef FACADE_OPS_F32_H
#define FACADE_OPS_F32_H

#include <math.h>

#include "kernels.h"
#include "ops.h"

/* Below 0, everything piecewise linear is y = slope*x. */
static inline bool piecewise_linear(activation a, float *slope) {
    *slope = a.kind == ACT_RELU ? 0 : a.kind == ACT_LEAKY ? (float)a.alpha : 1;
    return a.kind == ACT_NONE || a.kind == ACT_RELU || a.kind == ACT_LEAKY;
}

static inline float sigmoid(float x) {
    return 1 / (1 + expf(-x));
}

static inline float apply(activation a, float x) {
    switch (a.kind) {
    case ACT_NONE:
        return x;
    case ACT_RELU:
        return x > 0 ? x : 0;
    case ACT_LEAKY:
        return x > 0 ? x : (float)a.alpha * x;
    case ACT_ELU:
        return x > 0 ? x : (float)a.alpha * expm1f(x);
    case ACT_TANH:
        return tanhf(x);
    case ACT_SIGMOID:
        return sigmoid(x);
    case ACT_SILU:
        return x * sigmoid(x);
    default: /* only in inference */
        return x;
    }
}

static inline float derivative(activation a, float x, float y) {
    float s;
    switch (a.kind) {
    case ACT_NONE:
        return 1;
    case ACT_RELU:
        return y > 0 ? 1 : 0;
    case ACT_LEAKY:
        return y > 0 ? 1 : (float)a.alpha;
    case ACT_ELU:
        return y > 0 ? 1 : y + (float)a.alpha;
    case ACT_TANH:
        return 1 - y * y;
    case ACT_SIGMOID:
        return y * (1 - y);
    case ACT_SILU:
        s = sigmoid(x);
        return s + x * s * (1 - s);
    default:
        break;
    }
    return 1;
}

/* ---- sums over rows ---- */

/* What a row adds to `width` running sums. */
typedef struct {
    const float *x, *y, *dy, *shift, *mean, *istd, *tx, *td;
    float slope;
    const void *more; /* of whoever wrote `add` */
    int block; /* rows that are summed in float before they go on in double; 0: 16 */
} row_terms;
typedef void add_row(const row_terms *t, size_t row, int c, float *restrict sums);

/* sum [width] += over rows from..to-1 of what `add` adds, width a multiple of c: in float over a few rows, and in double beyond. */
void sum_range(size_t from, size_t to, int c, int width, add_row *add, const row_terms *t, double *sum);
/* total [width] = the sum over all rows, cut into pieces wherever the threads are and added in order: the same bytes for every number of threads. */
void sum_rows(size_t rows, int c, int width, add_row *add, const row_terms *t, double *total);
/* count doubles, kept between calls. One caller at a time, like all of ops. */
double *sum_totals(size_t count);

/* Memory that is kept from call to call and only grows: at least so many bytes, 64-byte aligned, with whatever was in it. No memory: ends the program with status 1. */
typedef struct {
    void *p;
    size_t size;
} room;
void *room_take(room *r, size_t bytes);

/* ---- lib/norm_f32.c ---- */

/* A channel's scale gamma*istd and offset beta - mean*scale of x's own moments, kept until the next call of a norm; mean, istd and the running ones as
 * batchnorm_forward's. */
void norm_batch_moments(size_t rows, int c, const float *x, const float *gamma, const float *beta, double eps, float *mean,
                        float *istd, float *running_mean, float *running_var, double momentum, bool unbiased, const float **scale,
                        const float **offset);
/* Five rows of c floats, kept between calls. */
float *norm_channel_rows(int c);
void norm_batch_forward(size_t rows, int c, const void *x, const void *gamma, const void *beta, double eps, activation act,
                        void *y, void *mean, void *istd, void *running_mean, void *running_var, double momentum, bool unbiased);
void norm_batch_infer(size_t rows, int c, const void *x, const void *gamma, const void *beta, double eps, activation act,
                      const void *running_mean, const void *running_var, void *y);
void norm_batch_backward(size_t rows, int c, const void *x, const void *y, const void *gamma, const void *mean, const void *istd,
                         activation act, const void *dy, void *dx, void *dgamma, void *dbeta);
void norm_batch_tangent(size_t rows, int c, const void *x, const void *y, const void *gamma, const void *mean, const void *istd,
                        activation act, const void *tx, void *ty);
void norm_batch_second(size_t rows, int c, const void *x, const void *y, const void *gamma, const void *mean, const void *istd,
                       activation act, const void *dy, const void *tx, const void *td, void *tdx, void *tdgamma, void *tdbeta);
void norm_layer_forward(int n, size_t per, int c, const void *x, const void *gamma, const void *beta, double eps, activation act,
                        void *y, void *mean, void *istd);
void norm_layer_backward(int n, size_t per, int c, const void *x, const void *y, const void *gamma, const void *mean,
                         const void *istd, activation act, const void *dy, void *dx, void *dgamma, void *dbeta);
void norm_layer_tangent(int n, size_t per, int c, const void *x, const void *y, const void *gamma, const void *mean,
                        const void *istd, activation act, const void *tx, void *ty);
void norm_layer_second(int n, size_t per, int c, const void *x, const void *y, const void *gamma, const void *mean,
                       const void *istd, activation act, const void *dy, const void *tx, const void *td, void *tdx, void *tdgamma,
                       void *tdbeta);

/* ---- lib/norm_pool_f32.c ---- */

/* Max pooling with its winners, of x, or normalised on the way (kernels.h, pool_winners). */
void pool_rows(const pool_shape *s, const float *x, const pooled_norm *f, float *y, int32_t *where);

void norm_pool_forward(const pool_shape *s, const void *x, const void *gamma, const void *beta, double eps, activation act,
                       void *y, int32_t *where, void *mean, void *istd, void *running_mean, void *running_var, double momentum,
                       bool unbiased);
void norm_pool_backward(const pool_shape *s, const void *x, const void *y, const int32_t *where, const void *gamma,
                        const void *mean, const void *istd, activation act, activation before, const void *dy, void *dz,
                        void *dgamma, void *dbeta, void *dbias);

#endif
