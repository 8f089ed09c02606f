#include "optimiser.h"

#include <stdlib.h>

bool optimiser_open(optimiser *a, net *n, const adam_options *o) {
    size_t count = n->weight_count, size = n->ops->real_size;
    /* Zeros from the system, which brings each page when it is first used: the first step's threads do that, not the start. */
    *a = (optimiser){.n = n, .o = *o, .m = calloc(count, size), .v = calloc(count, size)};
    return a->m && a->v;
}

void optimiser_close(optimiser *a) {
    free(a->m);
    free(a->v);
    a->m = a->v = NULL;
}

void optimiser_step(optimiser *a) {
    a->n->ops->adam(a->n->weight_count, &a->o, ++a->t, a->n->weights, a->n->grads, a->m, a->v);
}
