/* lineage: the steps by which a stream was made, from the history (pg= lines, TNS.md) in its header. */
#ifndef FACADE_LINEAGE_H
#define FACADE_LINEAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/tns.h"

/* A pg line: "ID PREVIOUS[,PREVIOUS...] PROGRAM VERSION COMMAND...". The id is a hash of the rest, previous ids among it: equal ids, equal histories. */
typedef struct {
    char *id, *previous, *program, *version, *command; /* previous: "-" where a chain begins */
    bool continued; /* a later step names it as previous */
} lineage_step;

/* Zero-initialise. Every step stands behind those that it names as previous. */
typedef struct {
    lineage_step *step;
    int count;
} lineage;

/* False when there is no history, or it is malformed: fields that are missing, an id that comes twice, a previous id that doesn't come
 * before, control characters. l must be freed in any case. */
bool lineage_read(lineage *l, const tns_meta *header);
void lineage_free(lineage *l);
/* The step with that id (n bytes), or -1. */
int lineage_find(const lineage *l, const char *id, size_t n);

/* In what two steps differ, said in one line after the program's name: "option --size: 64x64 in A, 32x32 in B". a and b say what to call
 * the streams. Nothing is added when both are the same program with the same version and command, and false returned. */
bool lineage_differ(text *out, const lineage_step *s, const char *a, const lineage_step *t, const char *b);

#endif
