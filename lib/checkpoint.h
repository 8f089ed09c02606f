/* checkpoint: the file in which a training keeps its state (state.h), for programs that go on from it.
 *
 * Failures end the program: 1, or 3 when the file is to blame. Two runs on one state would take turns at spoiling it: the second to write finds out,
 * and stops. */
#ifndef FACADE_CHECKPOINT_H
#define FACADE_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "state.h"

typedef struct {
    const char *path;
    tns_meta header; /* of the file as it was opened */
    tns_reader *r;
    int fd;
    struct stat known; /* the file as this run knows it */
} checkpoint;

/* Reads the header of what is there. False when there is no such file. */
bool checkpoint_open(checkpoint *c, const char *path);
/* Ends the program unless the header's field is `now`: "PATH: was trained with WHAT: '...', now it is '...'". */
void checkpoint_must_match(const checkpoint *c, const char *field, const char *now, const char *what);
/* The header's number number `index` (from 0) of "N:N:..." in a field: whole, or as C's %a writes it. */
uint64_t checkpoint_whole(const checkpoint *c, const char *field, int index);
double checkpoint_real(const checkpoint *c, const char *field, int index);
/* Fills the arrays of s with the records, and closes the file. */
void checkpoint_fill(checkpoint *c, state *s);
/* Puts a new one in place, synced to disk. */
void checkpoint_write(checkpoint *c, const state *s, const tns_meta *header);
/* The same as any file, which nobody goes on from: whatever is there is replaced. */
void checkpoint_export(const char *path, const state *s, const tns_meta *header);
void checkpoint_free(checkpoint *c);

#endif
