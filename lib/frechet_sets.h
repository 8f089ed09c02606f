/* frechet_sets: the Fréchet distance between two sets of features, whole, in small batches, extrapolated, and how sure it is.
 *
 * Everything but _distance needs the vectors themselves (features_begin with all). Draws are keyed by (seed, "fidcalc", what and which): the same for any
 * number of threads. False with a message in err (memory, or what frechet.h says). */
#ifndef FACADE_FRECHET_SETS_H
#define FACADE_FRECHET_SETS_H

#include "features.h"
#include "frechet.h"

/* d^2 of the whole sets: by their vectors where a set has fewer than d and they were kept, else by its covariance. */
bool frechet_sets_distance(const features *a, const features *b, double *d2, char err[FRECHET_ERROR]);

/* d2[count]: of `size` vectors of each set, chosen anew for every draw, without repetition within one. b NULL: of two sets of `size` vectors of a that have none in common: the
 * floor, what such a figure is between equals. size <= n (2*size <= n for the floor). One thread a draw. */
bool frechet_sets_batches(const features *a, const features *b, int size, int count, uint64_t seed, int threads, double *d2,
                          char err[FRECHET_ERROR]);

/* The distance at infinitely many samples, after Chong and Forsyth (2020): the bias of d^2 falls as 1/n, so d^2 of n chosen vectors of each set, for `points` values of n from a half of
 * the smaller set to all of it, is fitted by a line in 1/n and read at 0. Both sets are drawn (there only the fakes are), so the bias of both goes. *slope: of the line. */
bool frechet_sets_extrapolated(const features *a, const features *b, int points, uint64_t seed, double *d2, double *slope,
                               char err[FRECHET_ERROR]);

/* d2[count]: of sets drawn with repetition from each, as large as each (the bootstrap's replicates). Repetition makes sets poorer than they are, so these lie above d^2 as a whole:
 * their spread counts, not their place. */
bool frechet_sets_bootstrap(const features *a, const features *b, int count, uint64_t seed, double *d2, char err[FRECHET_ERROR]);

#endif
