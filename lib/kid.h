/* kid: the kernel distance of two sets of features (Bińkowski et al. 2018): the unbiased estimate of the squared maximum mean discrepancy with
 *
 *     k(x, y) = (x.y / d + 1)^3
 *
 *     sum_{i != j} k(x_i, x_j) / (m (m - 1)) + the same of y - 2 sum_{i, j} k(x_i, y_j) / m^2
 *
 * It can be below 0; between sets of one source its mean is 0. In double. */
#ifndef FACADE_KID_H
#define FACADE_KID_H

#include "features.h"

/* value[subsets]: each of `size` vectors chosen from each set without repetition, keyed by (seed, "fidcalc", which). Both were kept; 2 <= size <= n. Returns how many
 * were computed: 1, where the subsets would all be the whole sets. Exits with 1 when memory is short. */
int kid_subsets(const features *a, const features *b, int size, int subsets, uint64_t seed, double *value);

/* value[count]: of sets drawn with repetition from each, as large as each (of different n, m and n take their places above); pairs of one vector with itself are left out, in whichever draws they
 * come. Kernels are computed once, in blocks: memory is O(n (count + d)). */
void kid_bootstrap(const features *a, const features *b, int count, uint64_t seed, double *value);

#endif
