/* dropout: which elements a dropout layer keeps: a function of (seed, layer's name, step, index) and of nothing else, so that
 * every table of operations (ops.h), every number of threads and every rerun drops the same ones. */
#ifndef FACADE_DROPOUT_H
#define FACADE_DROPOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "rng.h"

/* The draws of one layer in one step. */
static inline rng dropout_draws(uint64_t seed, const char *name, uint64_t step) {
    return rng_make(seed, "dropout", name, step);
}

/* The draws of elements 4*block .. 4*block+3 (one call of Philox). Any order, any thread. */
static inline void dropout_block(const rng *draws, uint64_t block, uint32_t out[4]) {
    uint32_t ctr[4] = {(uint32_t)block, (uint32_t)(block >> 32), draws->ctr[2], draws->ctr[3]};
    philox4x32(ctr, draws->key, out);
}

/* An element is kept when its draw is at least this: rate * 2^32, rate in [0, 1]; 1 drops all (2^32 is above every draw). */
static inline uint64_t dropout_threshold(double rate) {
    return (uint64_t)(rate * 0x1p32);
}

static inline bool dropout_keeps(const rng *draws, uint64_t threshold, uint64_t index) {
    uint32_t out[4];
    dropout_block(draws, index / 4, out);
    return out[index % 4] >= threshold;
}

#endif
