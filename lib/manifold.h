/* manifold: precision and recall of a generator, by nearest neighbours (Kynkäänniemi et al. 2019).
 *
 * A set's manifold is the union of a ball about each vector, as wide as the distance to its k-th nearest other one. Precision is the share of fakes in the reals' manifold, recall
 * that of reals in the fakes'. */
#ifndef FACADE_MANIFOLD_H
#define FACADE_MANIFOLD_H

#include "features.h"

/* inside[i]: whether vector i of b lies in a's manifold. Both were kept; a->n > k. In double; distances near 0 are computed by differences, so that a vector is always as far from its
 * copy as the copy's copies are: 0. Memory O(block * d + n). Exits with 1 when there is none. */
void manifold_holds(const features *a, const features *b, int k, bool *inside);

#endif
