#include "optimiser.h"

#include <stdlib.h>
#include <string.h>

#include "base.h"

bool optimiser_open(optimiser *a, net *n, const adam_options *o) {
    size_t bytes = n->weight_count * n->ops->real_size;
    *a = (optimiser){.n = n, .o = *o, .m = aligned_alloc64(bytes), .v = aligned_alloc64(bytes)};
    if (!a->m || !a->v) return false;
    memset(a->m, 0, bytes);
    memset(a->v, 0, bytes);
    return true;
}

void optimiser_close(optimiser *a) {
    free(a->m);
    free(a->v);
    a->m = a->v = NULL;
}

void optimiser_step(optimiser *a) {
    a->n->ops->adam(a->n->weight_count, &a->o, ++a->t, a->n->weights, a->n->grads, a->m, a->v);
}
