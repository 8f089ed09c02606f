/* evaluate: a classifier in inference over a labelled stream, as netrun runs it. */
#ifndef FACADE_EVALUATE_H
#define FACADE_EVALUATE_H

#include <stdbool.h>

#include "metrics.h"
#include "net.h"
#include "prog.h"

/* Whether the record's label= is the positive one. Exits with 3 when it has none. */
bool label_is(const prog_input *in, const tns_frame *f, const char *positive);

typedef struct {
    scored *s; /* count of them, in the stream's order; the caller's to free */
    size_t count;
    double loss; /* mean BCE on the logits */
} evaluation;

/* Runs a net that gives logits (cls_net) over all records of the stream, in so many threads. Results don't depend on them. Exits with 1 or 3 when the file can't be
 * read, isn't what the network wants, has no records or one without a label, or a number isn't finite. */
evaluation evaluate(const net *n, const char *path, const char *positive, int threads);

#endif
