#include "manifold.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "prog.h"

enum { BLOCK = 256 };

/* Vectors first.. of s, moved by -shift, as double, and their squared lengths. */
static int gather(const features *s, uint64_t first, const double *shift, double *to, double *square) {
    int n = s->n - first < BLOCK ? (int)(s->n - first) : BLOCK;
    for (int i = 0; i < n; i++) {
        const float *x = s->x + ((size_t)first + (size_t)i) * (size_t)s->d;
        double sum = 0;
        for (int k = 0; k < s->d; k++) {
            double v = x[k] - shift[k];
            *to++ = v;
            sum += v * v;
        }
        square[i] = sum;
    }
    return n;
}

typedef struct {
    double *x, *y, *xx, *yy, *k; /* two blocks of vectors, their squares, the products */
} scratch;

/* t->k[m, n]: squared distances of block x[m] and block y[n]. */
static void distances(scratch *t, int m, int n, int d) {
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, d, -2, t->x, d, t->y, d, 0, t->k, n);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double *k = &t->k[(size_t)i * (size_t)n + (size_t)j], lengths = t->xx[i] + t->yy[j];
            *k += lengths;
            if (*k > 1e-6 * lengths) continue;
            /* What is left after the difference of two large numbers is rounding. */
            const double *x = t->x + (size_t)i * (size_t)d, *y = t->y + (size_t)j * (size_t)d;
            double sum = 0;
            for (int c = 0; c < d; c++) sum += (x[c] - y[c]) * (x[c] - y[c]);
            *k = sum;
        }
}

/* Keeps the k smallest in rising order. */
static void insert(double *nearest, int k, double v) {
    if (v >= nearest[k - 1]) return;
    int i = k - 1;
    for (; i > 0 && nearest[i - 1] > v; i--) nearest[i] = nearest[i - 1];
    nearest[i] = v;
}

void manifold_holds(const features *a, const features *b, int k, bool *inside) {
    size_t d = (size_t)a->d;
    scratch t = {xarray(BLOCK * d, sizeof(double)), xarray(BLOCK * d, sizeof(double)), xarray(BLOCK, sizeof(double)),
                 xarray(BLOCK, sizeof(double)), xarray((size_t)BLOCK * BLOCK, sizeof(double))};
    double *nearest = xarray(BLOCK * (size_t)k, sizeof *nearest);
    memset(inside, 0, (size_t)b->n * sizeof *inside);
    for (uint64_t first = 0; first < a->n; first += BLOCK) {
        int m = gather(a, first, a->m.mean, t.x, t.xx);
        for (int i = 0; i < m * k; i++) nearest[i] = 1e300;
        for (uint64_t other = 0; other < a->n; other += BLOCK) {
            int n = gather(a, other, a->m.mean, t.y, t.yy);
            distances(&t, m, n, a->d);
            for (int i = 0; i < m; i++)
                for (int j = 0; j < n; j++)
                    if (first + (uint64_t)i != other + (uint64_t)j)
                        insert(nearest + (size_t)i * (size_t)k, k, t.k[(size_t)i * (size_t)n + (size_t)j]);
        }
        for (uint64_t other = 0; other < b->n; other += BLOCK) {
            int n = gather(b, other, a->m.mean, t.y, t.yy);
            distances(&t, m, n, a->d);
            for (int i = 0; i < m; i++)
                for (int j = 0; j < n; j++)
                    inside[other + (uint64_t)j] |=
                        t.k[(size_t)i * (size_t)n + (size_t)j] <= nearest[(size_t)i * (size_t)k + (size_t)k - 1];
        }
        prog_progress(first + (uint64_t)m, a->n, "neighbourhoods");
    }
    free(t.x), free(t.y), free(t.xx), free(t.yy), free(t.k), free(nearest);
}
