/* moments: mean and covariance of vectors that come one after another, in double; memory doesn't grow with their number. */
#ifndef FACADE_MOMENTS_H
#define FACADE_MOMENTS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int d; /* length of the vectors */
    uint64_t n; /* how many there were; 0: unknown (statistics from elsewhere) */
    double *mean; /* [d] */
    double *cov; /* [d, d], symmetric, of n - 1 degrees of freedom */
} moments;

typedef struct moments_sum moments_sum;

/* NULL when there is no memory. */
moments_sum *moments_sum_new(int d);
/* Another vector, x[d]; they count in the order they come in, and the result depends on that order in the last digits only.
 * Deviations are summed from the mean of the first vectors, not from 0, so that equal vectors have a covariance of exactly 0. */
void moments_sum_add(moments_sum *s, const float *x);
/* Mean and covariance of what was added (n >= 2), into *m, whose arrays the caller frees with moments_free. Frees s. */
void moments_sum_finish(moments_sum *s, moments *m);
void moments_sum_free(moments_sum *s);

/* False when there is no memory. Zeroed. */
bool moments_alloc(moments *m, int d);
void moments_free(moments *m);

#endif
