/* feature_set: a set of features for a score, whatever form it comes in: images (seen through a network), features, or statistics as .tns or .npz. */
#ifndef FACADE_FEATURE_SET_H
#define FACADE_FEATURE_SET_H

#include "lib/extract.h"
#include "lib/features.h"
#include "lib/prog.h"

typedef struct {
    const char *path; /* as in messages */
    features f; /* f.n 0: statistics that don't say of how many; f.x NULL: statistics, or not kept */
    tns_meta header; /* of the stream it came from; empty for .npz */
    /* How the features were made, where that is known (else NULL), as a features' or statistics' header says: */
    char *model; /* model=NAME */
    char *model_id; /* model_id=, the model's checksum and layer */
    char *sha256; /* source_sha256= of the weights that it was made from */
    char *mode; /* mode=pytorch, tf1 or clean */
} feature_set;

/* Called for each vector as it comes, with the record it was made from. */
typedef void feature_set_each(const float *x, const tns_frame *f, void *to);

/* Reads all of operand (NULL or "-": standard input). e is for images, and may be NULL when none are expected; all: keep every vector. begin (may be NULL) is called when the first record is known, before
 * each (may be NULL). Ends the program with a message for what is wrong: another kind of record, vectors of different lengths, numbers that aren't finite, fewer than 2. */
void feature_set_read(feature_set *s, const char *operand, const extractor *e, bool all,
                      void (*begin)(const feature_set *s, void *to), feature_set_each *each, void *to);
void feature_set_free(feature_set *s);

/* Whether the two were made the same way, as far as is known. False with what differs. */
bool feature_sets_agree(const feature_set *a, const feature_set *b, char err[300]);
/* Whether they came out of FID's official weights (pytorch-fid's file, sha256 6726825d...), as far as is known. */
bool feature_sets_official(const feature_set *a, const feature_set *b);

/* A header of that kind with the set's history, its model and its mode; the program's own pg line isn't there yet. */
void feature_set_header(const feature_set *s, const char *kind, tns_meta *to);

#endif
