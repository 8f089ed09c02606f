#include "frechet.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* LAPACK, as OpenBLAS exports it; matrices by columns. */
extern void dpstrf_(const char *uplo, const int *n, double *a, const int *lda, int *piv, int *rank, const double *tol,
                    double *work, int *info);
extern void dgesdd_(const char *job, const int *m, const int *n, double *a, const int *lda, double *s, double *u, const int *ldu,
                    double *vt, const int *ldvt, double *work, const int *lwork, int *iwork, int *info);
extern void dsyevd_(const char *job, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
                    const int *lwork, int *iwork, const int *liwork, int *info);

static bool fail(char err[FRECHET_ERROR], const char *why) {
    snprintf(err, FRECHET_ERROR, "%s", why);
    return false;
}

static double *doubles(size_t rows, size_t columns) {
    return calloc(rows && columns ? rows * columns : 1, sizeof(double));
}

void frechet_free(frechet_factor *f) {
    free(f->mean);
    free(f->f);
    *f = (frechet_factor){0};
}

bool frechet_of_moments(frechet_factor *f, const moments *m, char err[FRECHET_ERROR]) {
    size_t d = (size_t)m->d;
    int n = m->d, rank = 0, info = 0;
    *f = (frechet_factor){.d = n, .mean = doubles(1, d)};
    double *a = doubles(d, d), *work = doubles(2, d), largest = 0, least = 0, tolerance = -1;
    int *pivot = calloc(d, sizeof *pivot);
    bool good = f->mean && a && work && pivot;
    if (!good) fail(err, "out of memory");
    if (good) {
        memcpy(f->mean, m->mean, d * sizeof(double));
        memcpy(a, m->cov, d * d * sizeof(double));
        for (size_t i = 0; i < d; i++) {
            f->trace += a[i * d + i];
            if (a[i * d + i] > largest) largest = a[i * d + i];
        }
        if (largest > 0) dpstrf_("L", &n, a, &n, pivot, &rank, &tolerance, work, &info);
        /* What Cholesky left undone would be 0 but for rounding. */
        for (size_t i = (size_t)rank; i < d; i++)
            if (a[i * d + i] < least) least = a[i * d + i];
        if (info < 0 || least < -1e-6 * largest)
            good = fail(err, "the covariance has negative eigenvalues, so it is none");
        else if (!(f->f = doubles((size_t)rank, d)))
            good = fail(err, "out of memory");
    }
    if (good) {
        /* P'SP = LL': row k of F is column k of L, its elements put back where the pivots took them from. */
        f->rows = rank;
        for (size_t k = 0; k < (size_t)rank; k++)
            for (size_t i = k; i < d; i++) f->f[k * d + (size_t)(pivot[i] - 1)] = a[k * d + i];
    }
    free(a), free(work), free(pivot);
    if (!good) frechet_free(f);
    return good;
}

/* The covariance of more rows than it has dimensions. */
static bool of_many_rows(frechet_factor *f, const float *const *x, const int *weight, int n, int d, char err[FRECHET_ERROR]) {
    moments_sum *s = moments_sum_new(d);
    if (!s) return fail(err, "out of memory");
    for (int i = 0; i < n; i++)
        for (int k = 0; k < (weight ? weight[i] : 1); k++) moments_sum_add(s, x[i]);
    moments m;
    moments_sum_finish(s, &m);
    bool good = frechet_of_moments(f, &m, err);
    moments_free(&m);
    return good;
}

bool frechet_of_rows(frechet_factor *f, const float *const *x, const int *weight, int n, int d, char err[FRECHET_ERROR]) {
    double total = 0;
    *f = (frechet_factor){0};
    for (int i = 0; i < n; i++) total += weight ? weight[i] : 1;
    if (total < 2) return fail(err, "two vectors at least make a covariance");
    if (n >= d) return of_many_rows(f, x, weight, n, d, err);
    size_t columns = (size_t)d;
    *f = (frechet_factor){d, n, doubles(1, columns), doubles((size_t)n, columns), 0};
    if (!f->mean || !f->f) {
        frechet_free(f);
        return fail(err, "out of memory");
    }
    for (int i = 0; i < n; i++) {
        double w = weight ? weight[i] : 1;
        for (size_t k = 0; k < columns; k++) f->mean[k] += w * x[i][k];
    }
    /* Divided, not multiplied by 1/total: the mean of equal numbers is then that number. */
    for (size_t k = 0; k < columns; k++) f->mean[k] /= total;
    for (int i = 0; i < n; i++) {
        double *row = f->f + (size_t)i * columns, w = sqrt((weight ? weight[i] : 1) / (total - 1)), sum = 0;
        for (size_t k = 0; k < columns; k++) row[k] = w * (x[i][k] - f->mean[k]), sum += row[k] * row[k];
        f->trace += sum;
    }
    return true;
}

/* The sum of the singular values of p [m, n] by columns, which is overwritten. -1: no memory, -2: LAPACK gave up. */
static double nuclear_norm(double *p, int m, int n) {
    int least = m < n ? m : n, info = 0, ask = -1, one = 1;
    double *s = doubles(1, (size_t)least), need, sum = 0;
    int *iwork = calloc(8 * (size_t)least, sizeof *iwork);
    dgesdd_("N", &m, &n, p, &m, s, NULL, &one, NULL, &one, &need, &ask, iwork, &info);
    int room = (int)need;
    double *work = doubles(1, (size_t)room);
    if (!s || !iwork || !work)
        sum = -1;
    else
        dgesdd_("N", &m, &n, p, &m, s, NULL, &one, NULL, &one, work, &room, iwork, &info);
    for (int i = 0; sum >= 0 && i < least; i++) sum += s[i];
    free(s), free(iwork), free(work);
    return info ? -2 : sum;
}

/* The same of a square one, by the eigenvalues of p p'. */
static double nuclear_norm_square(double *p, int n) {
    double *q = doubles((size_t)n, (size_t)n), *w = doubles(1, (size_t)n), need, sum = 0;
    int info = 0, ask = -1, ineed;
    dsyevd_("N", "L", &n, q, &n, w, &need, &ask, &ineed, &ask, &info);
    int room = (int)need, iroom = ineed;
    double *work = doubles(1, (size_t)room);
    int *iwork = calloc((size_t)iroom, sizeof *iwork);
    if (!q || !w || !work || !iwork) {
        sum = -1;
    } else {
        cblas_dsyrk(CblasColMajor, CblasLower, CblasNoTrans, n, n, 1, p, n, 0, q, n);
        dsyevd_("N", "L", &n, q, &n, w, work, &room, iwork, &iroom, &info);
    }
    for (int i = 0; sum >= 0 && i < n; i++) sum += sqrt(fmax(0, w[i]));
    free(q), free(w), free(work), free(iwork);
    return info ? -2 : sum;
}

bool frechet_distance(const frechet_factor *a, const frechet_factor *b, double *out, char err[FRECHET_ERROR]) {
    if (a->d != b->d) {
        snprintf(err, FRECHET_ERROR, "vectors of %d and of %d numbers can't be compared", a->d, b->d);
        return false;
    }
    double mean = 0, root = 0;
    for (int k = 0; k < a->d; k++) mean += (a->mean[k] - b->mean[k]) * (a->mean[k] - b->mean[k]);
    if (a->rows && b->rows) {
        double *p = doubles((size_t)a->rows, (size_t)b->rows);
        if (!p) return fail(err, "out of memory");
        /* By rows F1 F2' [a.rows, b.rows]; by columns its transpose, which has the same singular values. */
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, a->rows, b->rows, a->d, 1, a->f, a->d, b->f, b->d, 0, p, b->rows);
        bool square = a->rows == a->d && b->rows == b->d;
        root = square ? nuclear_norm_square(p, a->d) : nuclear_norm(p, b->rows, a->rows);
        free(p);
        if (root == -1) return fail(err, "out of memory");
    }
    double d = mean + a->trace + b->trace - 2 * root;
    if (root < 0 || !isfinite(d))
        return fail(err, "the singular values can't be computed: are there huge numbers in the features?");
    *out = d > 0 ? d : 0;
    return true;
}
