#include "frechet_sets.h"

#include <cblas.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base.h"
#include "prog.h"

static const float *vector(const features *s, uint64_t i) {
    return s->x + (size_t)i * (size_t)s->d;
}

static bool of_choice(frechet_factor *f, const features *s, const uint32_t *index, const int *weight, int n,
                      char err[FRECHET_ERROR]) {
    const float **x = xarray((size_t)n, sizeof *x);
    for (int i = 0; i < n; i++) x[i] = vector(s, index[i]);
    bool good = frechet_of_rows(f, x, weight, n, s->d, err);
    free(x);
    return good;
}

/* The distance of what was chosen of each. */
static bool distance(const features *a, const uint32_t *ia, const int *wa, int na, const features *b, const uint32_t *ib,
                     const int *wb, int nb, double *d2, char err[FRECHET_ERROR]) {
    frechet_factor f = {0}, g = {0};
    bool good = of_choice(&f, a, ia, wa, na, err) && of_choice(&g, b, ib, wb, nb, err) && frechet_distance(&f, &g, d2, err);
    frechet_free(&f);
    frechet_free(&g);
    return good;
}

static bool of_all(frechet_factor *f, const features *s, char err[FRECHET_ERROR]) {
    if (!s->x || s->n >= (uint64_t)s->d) return frechet_of_moments(f, &s->m, err);
    uint32_t *index = xarray((size_t)s->n, sizeof *index);
    for (uint32_t i = 0; i < s->n; i++) index[i] = i;
    bool good = of_choice(f, s, index, NULL, (int)s->n, err);
    free(index);
    return good;
}

bool frechet_sets_distance(const features *a, const features *b, double *d2, char err[FRECHET_ERROR]) {
    frechet_factor f = {0}, g = {0};
    bool good = of_all(&f, a, err) && of_all(&g, b, err) && frechet_distance(&f, &g, d2, err);
    frechet_free(&f);
    frechet_free(&g);
    return good;
}

bool frechet_sets_batches(const features *a, const features *b, int size, int count, uint64_t seed, int threads, double *d2,
                          char err[FRECHET_ERROR]) {
    bool good = true;
    int before = openblas_get_num_threads();
    openblas_set_num_threads(1);
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (int i = 0; i < count; i++) {
        char why[FRECHET_ERROR];
        uint32_t *ia = xarray((size_t)size, 2 * sizeof *ia), *ib = ia + size;
        rng r = features_rng(seed, b ? "batch/a" : "floor", i);
        if (b) {
            features_choose(&r, a->n, size, ia);
            r = features_rng(seed, "batch/b", i);
            features_choose(&r, b->n, size, ib);
        } else {
            /* Twice as many, and every one of them goes to one side or the other. */
            features_choose(&r, a->n, 2 * size, ia);
            for (int k = 2 * size - 1; k > 0; k--) {
                uint64_t other = rng_below(&r, (uint64_t)k + 1);
                uint32_t t = ia[k];
                ia[k] = ia[other], ia[other] = t;
            }
        }
        if (!distance(a, ia, NULL, size, b ? b : a, ib, NULL, size, &d2[i], why))
#pragma omp critical
            good = false, snprintf(err, FRECHET_ERROR, "%s", why);
        free(ia);
    }
    openblas_set_num_threads(before);
    return good;
}

bool frechet_sets_extrapolated(const features *a, const features *b, int points, uint64_t seed, double *d2, double *slope,
                               char err[FRECHET_ERROR]) {
    uint64_t most = a->n < b->n ? a->n : b->n, least = most / 2 > 2 ? most / 2 : 2;
    double sx = 0, sy = 0, sxx = 0, sxy = 0;
    uint32_t *ia = xarray((size_t)most, 2 * sizeof *ia), *ib = ia + most;
    bool good = true;
    for (int i = 0; good && i < points; i++) {
        int n = (int)(points > 1 ? least + (most - least) * (uint64_t)i / (uint64_t)(points - 1) : most);
        double y, x = 1. / n;
        rng r = features_rng(seed, "extrapolate/a", i);
        features_choose(&r, a->n, n, ia);
        r = features_rng(seed, "extrapolate/b", i);
        features_choose(&r, b->n, n, ib);
        good = distance(a, ia, NULL, n, b, ib, NULL, n, &y, err);
        sx += x, sy += y, sxx += x * x, sxy += x * y;
        prog_progress((uint64_t)i + 1, (uint64_t)points, "sizes");
    }
    free(ia);
    double spread = points * sxx - sx * sx;
    *slope = spread > 0 ? (points * sxy - sx * sy) / spread : 0;
    *d2 = (sy - *slope * sx) / points;
    return good;
}

/* n draws with repetition from 0..n-1: which came up, and how often. Returns how many did. */
static int draw_again(rng *r, uint64_t n, uint32_t *index, int *weight) {
    int *times = xarray((size_t)n, sizeof *times), count = 0;
    for (uint64_t i = 0; i < n; i++) times[rng_below(r, n)]++;
    for (uint32_t i = 0; i < n; i++)
        if (times[i]) index[count] = i, weight[count++] = times[i];
    free(times);
    return count;
}

bool frechet_sets_bootstrap(const features *a, const features *b, int count, uint64_t seed, double *d2, char err[FRECHET_ERROR]) {
    size_t room = (size_t)(a->n > b->n ? a->n : b->n);
    uint32_t *ia = xarray(room, 2 * sizeof *ia), *ib = ia + room;
    int *wa = xarray(room, 2 * sizeof *wa), *wb = wa + room;
    bool good = true;
    for (int i = 0; good && i < count; i++) {
        rng r = features_rng(seed, "bootstrap/a", i);
        int na = draw_again(&r, a->n, ia, wa);
        r = features_rng(seed, "bootstrap/b", i);
        int nb = draw_again(&r, b->n, ib, wb);
        good = distance(a, ia, wa, na, b, ib, wb, nb, &d2[i], err);
        prog_progress((uint64_t)i + 1, (uint64_t)count, "replicates");
    }
    free(ia);
    free(wa);
    return good;
}
