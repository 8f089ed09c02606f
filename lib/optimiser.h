/* optimiser: what Adam remembers of a net between steps. */
#ifndef FACADE_OPTIMISER_H
#define FACADE_OPTIMISER_H

#include <stdbool.h>
#include <stdint.h>

#include "net.h"

typedef struct {
    net *n;
    adam_options o;
    uint64_t t; /* steps taken */
    void *m, *v; /* moments, laid out as n->weights */
} optimiser;

/* Zeroed moments. False when there is no memory. */
bool optimiser_open(optimiser *a, net *n, const adam_options *o);
void optimiser_close(optimiser *a);
/* Moves the net's weights along its gradients. */
void optimiser_step(optimiser *a);

#endif
