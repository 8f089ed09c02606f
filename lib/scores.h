/* scores: a stream of scored and labelled records (kind=scores, as netrun writes it), taken apart by a metadata name. */
#ifndef FACADE_SCORES_H
#define FACADE_SCORES_H

#include <stdint.h>

#include "metrics.h"
#include "names.h"

/* The records of one value, or all of them. */
typedef struct {
    char *value; /* percent-escaped, as on the wire; "-" for records without that name; "*" for all */
    scored *s; /* sorted, highest first */
    size_t count, room, units;
    names unit; /* groups, and keys of records without one */
} score_set;

typedef struct {
    score_set *set; /* set[0]: all; then one a value, in the order of their bytes */
    size_t sets;
    char *positive; /* the class that the scores are the probability of */
} scores;

/* Reads a stream (path NULL: standard input). by: NULL, or the name to take it apart by. positive: the class that the user says, NULL where he doesn't: then the header's positive=, else
 * "fake". Ends the program with 1 or 3 when the stream has no records, the header says another class, or a record has no label or isn't one number from 0 to 1. */
scores scores_read(const char *path, const char *by, const char *positive);
void scores_free(scores *s);

#endif
