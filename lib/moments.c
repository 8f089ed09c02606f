#include "moments.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 256 };

struct moments_sum {
    int d, held; /* vectors in block */
    uint64_t n; /* vectors already in sum and square */
    double *shift; /* [d]; what is subtracted from every vector */
    double *block; /* [BLOCK, d] */
    double *sum, *square; /* of deviations: [d], and [d, d] of which one triangle counts */
};

bool moments_alloc(moments *m, int d) {
    size_t n = (size_t)d;
    *m = (moments){.d = d, .mean = calloc(n, sizeof(double)), .cov = calloc(n * n, sizeof(double))};
    if (m->mean && m->cov) return true;
    moments_free(m);
    return false;
}

void moments_free(moments *m) {
    free(m->mean);
    free(m->cov);
    *m = (moments){0};
}

moments_sum *moments_sum_new(int d) {
    moments_sum *s = calloc(1, sizeof *s);
    size_t n = (size_t)d;
    if (!s) return NULL;
    s->d = d;
    s->shift = calloc(n, sizeof(double)), s->sum = calloc(n, sizeof(double));
    s->block = calloc(BLOCK * n, sizeof(double)), s->square = calloc(n * n, sizeof(double));
    if (s->shift && s->sum && s->block && s->square) return s;
    moments_sum_free(s);
    return NULL;
}

void moments_sum_free(moments_sum *s) {
    if (!s) return;
    free(s->shift), free(s->sum), free(s->block), free(s->square);
    free(s);
}

static void add_block(moments_sum *s) {
    size_t d = (size_t)s->d;
    if (!s->n && s->held) {
        for (int i = 0; i < s->held; i++) cblas_daxpy(s->d, 1, s->block + (size_t)i * d, 1, s->shift, 1);
        cblas_dscal(s->d, 1. / s->held, s->shift, 1);
    }
    for (int i = 0; i < s->held; i++) {
        double *x = s->block + (size_t)i * d;
        for (size_t k = 0; k < d; k++) x[k] -= s->shift[k], s->sum[k] += x[k];
    }
    if (s->held) cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, s->d, s->held, 1, s->block, s->d, 1, s->square, s->d);
    s->n += (uint64_t)s->held;
    s->held = 0;
}

void moments_sum_add(moments_sum *s, const float *x) {
    double *to = s->block + (size_t)s->held * (size_t)s->d;
    for (int k = 0; k < s->d; k++) to[k] = x[k];
    if (++s->held == BLOCK) add_block(s);
}

void moments_sum_finish(moments_sum *s, moments *m) {
    add_block(s);
    size_t d = (size_t)s->d;
    double n = (double)s->n;
    *m = (moments){s->d, s->n, s->shift, s->square};
    for (size_t i = 0; i < d; i++)
        for (size_t k = i; k < d; k++) {
            double c = (m->cov[i * d + k] - s->sum[i] * s->sum[k] / n) / (n - 1);
            m->cov[i * d + k] = m->cov[k * d + i] = c;
        }
    for (size_t i = 0; i < d; i++) m->mean[i] += s->sum[i] / n;
    s->shift = s->square = NULL;
    moments_sum_free(s);
}
