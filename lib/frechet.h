/* frechet: the Fréchet distance of two Gaussians, and with it of two sets of features (FID: Heusel et al. 2017).
 *
 *     d^2 = |m1 - m2|^2 + Tr S1 + Tr S2 - 2 Tr (S1 S2)^(1/2)
 *
 * A set is given by its mean and by a factor F [rows, d] of its covariance, S = F'F. Then Tr (S1 S2)^(1/2) is the sum of the singular values of F1 F2'
 * (S1 S2 = F1' (F1 F2') F2 has the eigenvalues of (F1 F2')(F1 F2')'), which are never negative or complex, whatever the rounding. Of n < d vectors the factor is the
 * vectors themselves, (x - m)/sqrt(n - 1): no covariance is ever formed, and equal sets are at distance 0 to the last digits. Of more, or of statistics from
 * elsewhere, it is the covariance's pivoted Cholesky factor, which exists where S is singular too. When both factors have d rows, the singular values are taken as
 * square roots of the eigenvalues of (F1 F2')(F1 F2')', symmetric and four times as fast; rounding is then about 1e-8 of the largest variance, a feature.
 *
 * All in double. Threads are OpenBLAS'; the distance depends on their number in the last digits at most. */
#ifndef FACADE_FRECHET_H
#define FACADE_FRECHET_H

#include <stdbool.h>

#include "moments.h"

enum { FRECHET_ERROR = 200 };

typedef struct {
    int d, rows;
    double *mean; /* [d] */
    double *f; /* [rows, d]: F */
    double trace; /* of S */
} frechet_factor;

/* Of rows x[i], i < n, of d numbers each, counted weight[i] > 0 times (NULL: once). Where n >= d, by way of their covariance. False with a message when
 * memory is short or they count for less than 2. */
bool frechet_of_rows(frechet_factor *f, const float *const *x, const int *weight, int n, int d, char err[FRECHET_ERROR]);
/* Of mean and covariance. False with a message also when the covariance isn't one (it has clearly negative eigenvalues). */
bool frechet_of_moments(frechet_factor *f, const moments *m, char err[FRECHET_ERROR]);
void frechet_free(frechet_factor *f);

/* d^2 into *out, not below 0. False with a message: memory, different d, or LAPACK gave up. */
bool frechet_distance(const frechet_factor *a, const frechet_factor *b, double *out, char err[FRECHET_ERROR]);

#endif
