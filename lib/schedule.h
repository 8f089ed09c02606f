/* schedule: how a learning rate falls, and when a training has stopped getting better. */
#ifndef FACADE_SCHEDULE_H
#define FACADE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum { DECAY_NONE, DECAY_EXP, DECAY_PLATEAU, DECAY_COSINE } decay_kind;

typedef struct {
    decay_kind kind;
    double rate; /* exp: RATE; plateau: FACTOR */
    uint64_t steps; /* exp, cosine: STEPS; plateau: PATIENCE, in epochs */
} decay;

/* "none", "exp:RATE,STEPS", "plateau:FACTOR,PATIENCE", "cosine:STEPS"; RATE and FACTOR in (0, 1], STEPS and PATIENCE from 1. False for anything else. */
bool decay_parse(const char *s, decay *d);

/* What to multiply the learning rate with in step number `step` (from 0); 1 for none and plateau, which doesn't go by steps.
 *     exp     RATE^(step/STEPS), as Keras' ExponentialDecay (staircase=False)
 *     cosine  (1 + cos(pi*step/STEPS)) / 2, and 0 from STEPS on: Keras' CosineDecay */
double decay_factor(const decay *d, uint64_t step);

/* A figure an epoch that ought to fall. */
typedef struct {
    double best; /* INFINITY before the first epoch */
    uint64_t wait; /* epochs since then */
} watch;

typedef enum { WATCH_BETTER, WATCH_WAITS, WATCH_OUT } watch_verdict;

/* BETTER: it's less than the best by more than margin. OUT: that has now not happened for `patience` epochs; the count begins anew. NaN is never better.
 * Keras: ReduceLROnPlateau has margin 1e-4, EarlyStopping 0. */
watch_verdict watch_epoch(watch *w, double value, double margin, uint64_t patience);

#endif
