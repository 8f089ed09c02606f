/* ops_f32: what the files behind the table ops_f32 (ops.h) share. */
#ifndef FACADE_OPS_F32_H
#define FACADE_OPS_F32_H

#include <math.h>

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

#endif
