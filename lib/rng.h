/* rng: counter-based random numbers, keyed by what they are for and never by position.
 *
 * A generator is (seed, program, key, epoch) hashed to a Philox4x32-10 key and counter (Salmon et al., "Parallel random
 * numbers: as easy as 1, 2, 3", 2011). Two generators with different keys are independent; the same keys give the same
 * numbers on every machine, for any number of threads, in any order. */
#ifndef FACADE_RNG_H
#define FACADE_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t key[2], ctr[4], out[4];
    int left; /* numbers still unused in out */
} rng;

/* program: the stage's name ("augment"), key: the sample's identity or what is drawn ("z"), NULL as "". */
rng rng_make(uint64_t seed, const char *program, const char *key, uint64_t epoch);

uint32_t rng_u32(rng *r);
uint64_t rng_u64(rng *r);
/* [0, 1) in steps of 2^-53. */
double rng_uniform(rng *r);
/* The next n of them, several times faster. */
void rng_fill_uniform(rng *r, double *out, size_t n);
/* Goes on as if so many times two uniform (or 64-bit) numbers, or one normal, had been drawn, an even number of them before: a part of a long row of numbers can be
 * drawn by itself. */
void rng_skip(rng *r, uint64_t blocks);
/* [lo, hi). */
double rng_range(rng *r, double lo, double hi);
/* 0..n-1 without bias; n > 0. */
uint64_t rng_below(rng *r, uint64_t n);
/* Standard normal, Box-Muller in double. */
double rng_normal(rng *r);
void rng_fill_normal(rng *r, float *out, size_t n);

/* Philox4x32-10 itself: out = f(ctr, key). */
void philox4x32(const uint32_t ctr[4], const uint32_t key[2], uint32_t out[4]);

#endif
