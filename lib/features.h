/* features: a set of vectors of one length, as scores of sets need them: their mean and covariance, and the vectors themselves.
 *
 * Vectors are kept in a temporary file without a name, mapped into memory when all are there: what the process itself holds doesn't grow with their number. Where only mean and
 * covariance are wanted, no more than d - 1 are kept, since beyond that they aren't needed (frechet.h). */
#ifndef FACADE_FEATURES_H
#define FACADE_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

#include "moments.h"
#include "rng.h"

typedef struct {
    int d;
    uint64_t n;
    const float *x; /* [n, d]; NULL when they weren't kept, and for statistics from elsewhere */
    moments m; /* m.d is 0 until features_end */
    /* its own: */
    struct moments_sum *sum;
    int fd;
    bool all;
    float *block;
    int held;
} features;

/* all: keep every vector. Exits with 1 when there is no memory, or no room for a temporary file; so do the others. */
void features_begin(features *s, int d, bool all);
void features_add(features *s, const float *x);
/* No more will come; n >= 2. */
void features_end(features *s);
void features_free(features *s);

/* The generator of draw number `which` of a kind ("batch/a"): keyed by (seed, "fidcalc", "batch/a/17"). */
rng features_rng(uint64_t seed, const char *what, int which);

/* m different numbers of 0..n-1, in rising order; every set of m is equally likely. m <= n. */
void features_choose(rng *r, uint64_t n, int m, uint32_t *index);

#endif
