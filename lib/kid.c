#include "kid.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>

#include "base.h"
#include "prog.h"

enum { BLOCK = 256 };

/* to[n, d] = vectors index[0..n-1] (NULL: 0..n-1, from first on). */
static void gather(const features *s, const uint32_t *index, uint64_t first, int n, double *to) {
    for (int i = 0; i < n; i++) {
        const float *x = s->x + (size_t)(index ? index[first + (uint64_t)i] : first + (uint64_t)i) * (size_t)s->d;
        for (int k = 0; k < s->d; k++) *to++ = x[k];
    }
}

/* k[m, n] of x[m, d] and y[n, d]. */
static void kernels(const double *x, int m, const double *y, int n, int d, double *k) {
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, d, 1. / d, x, d, y, d, 0, k, n);
    for (size_t i = 0; i < (size_t)m * (size_t)n; i++) k[i] = (k[i] + 1) * (k[i] + 1) * (k[i] + 1);
}

/* Sum of all kernels of x[m] and y[n], or, where y is NULL, of x with the others of x. */
static double total(const double *x, int m, const double *y, int n, int d, double *k) {
    double sum = 0;
    for (int first = 0; first < m; first += BLOCK) {
        /* Of one set, a block with what follows it: the rest is the mirror image. */
        int rows = m - first < BLOCK ? m - first : BLOCK, columns = y ? n : m - first;
        const double *from = x + (size_t)first * (size_t)d;
        kernels(from, rows, y ? y : from, columns, d, k);
        for (int i = 0; i < rows; i++) {
            const double *row = k + (size_t)i * (size_t)columns;
            double part = 0;
            if (y)
                for (int j = 0; j < columns; j++) part += row[j];
            else
                for (int j = i + 1; j < columns; j++) part += 2 * row[j];
            sum += part;
        }
    }
    return sum;
}

int kid_subsets(const features *a, const features *b, int size, int subsets, uint64_t seed, double *value) {
    if ((uint64_t)size == a->n && (uint64_t)size == b->n) subsets = 1;
    size_t rows = (size_t)size, d = (size_t)a->d;
    double *x = xarray(rows * d, sizeof *x), *y = xarray(rows * d, sizeof *y), *k = xarray(BLOCK * rows, sizeof *k), m = size;
    uint32_t *index = xarray(rows, sizeof *index);
    for (int i = 0; i < subsets; i++) {
        rng r = features_rng(seed, "kid/a", i);
        features_choose(&r, a->n, size, index);
        gather(a, index, 0, size, x);
        r = features_rng(seed, "kid/b", i);
        features_choose(&r, b->n, size, index);
        gather(b, index, 0, size, y);
        value[i] = (total(x, size, NULL, 0, a->d, k) + total(y, size, NULL, 0, a->d, k)) / (m * (m - 1)) -
                   2 * total(x, size, y, size, a->d, k) / (m * m);
        prog_progress((uint64_t)i + 1, (uint64_t)subsets, "subsets");
    }
    free(x), free(y), free(k), free(index);
    return subsets;
}

/* How often each of n vectors comes up in each of `count` draws: times[n, count]. */
static double *draws(uint64_t n, int count, uint64_t seed, const char *what) {
    double *times = xarray((size_t)n * (size_t)count, sizeof *times);
    for (int c = 0; c < count; c++) {
        rng r = features_rng(seed, what, c);
        for (uint64_t i = 0; i < n; i++) times[rng_below(&r, n) * (uint64_t)count + (uint64_t)c]++;
    }
    return times;
}

/* sum[c] += sum over i, j (of one set: i != j) of times_a[i, c] k(a_i, b_j) times_b[j, c]. */
static void weighted(const features *a, const double *times_a, const features *b, const double *times_b, int count, double *sum) {
    int d = a->d, n = (int)b->n;
    size_t columns = (size_t)count;
    double *x = xarray((size_t)BLOCK * (size_t)d, sizeof *x), *y = xarray((size_t)BLOCK * (size_t)d, sizeof *y);
    double *k = xarray((size_t)BLOCK * BLOCK, sizeof *k), *kt = xarray(BLOCK * columns, sizeof *kt);
    for (uint64_t i = 0; i < a->n; i += BLOCK) {
        int rows = a->n - i < BLOCK ? (int)(a->n - i) : BLOCK;
        gather(a, NULL, i, rows, x);
        for (int j = 0; j < n; j += BLOCK) {
            int wide = n - j < BLOCK ? n - j : BLOCK;
            gather(b, NULL, (uint64_t)j, wide, y);
            kernels(x, rows, y, wide, d, k);
            for (int p = 0; a == b && i == (uint64_t)j && p < rows; p++) k[(size_t)p * (size_t)wide + (size_t)p] = 0;
            cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, count, wide, 1, k, wide, times_b + (size_t)j * columns,
                        count, 0, kt, count);
            for (size_t p = 0; p < (size_t)rows; p++)
                for (size_t c = 0; c < columns; c++) sum[c] += times_a[(i + p) * columns + c] * kt[p * columns + c];
        }
    }
    free(x), free(y), free(k), free(kt);
}

void kid_bootstrap(const features *a, const features *b, int count, uint64_t seed, double *value) {
    size_t columns = (size_t)count;
    double *ta = draws(a->n, count, seed, "kid-bootstrap/a"), *tb = draws(b->n, count, seed, "kid-bootstrap/b");
    double *sum = xarray(3 * columns, sizeof *sum), *pairs = xarray(2 * columns, sizeof *pairs),
           n[2] = {(double)a->n, (double)b->n};
    weighted(a, ta, a, ta, count, sum);
    weighted(b, tb, b, tb, count, sum + columns);
    weighted(a, ta, b, tb, count, sum + 2 * columns);
    for (size_t c = 0; c < columns; c++) {
        for (size_t i = 0; i < a->n; i++) pairs[c] += ta[i * columns + c] * ta[i * columns + c];
        for (size_t i = 0; i < b->n; i++) pairs[columns + c] += tb[i * columns + c] * tb[i * columns + c];
        value[c] = sum[c] / (n[0] * n[0] - pairs[c]) + sum[columns + c] / (n[1] * n[1] - pairs[columns + c]) -
                   2 * sum[2 * columns + c] / (n[0] * n[1]);
    }
    free(ta), free(tb), free(sum), free(pairs);
}
