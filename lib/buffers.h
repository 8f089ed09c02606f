/* buffers: which values can share memory, when each is needed only for a while. */
#ifndef FACADE_BUFFERS_H
#define FACADE_BUFFERS_H

#include <stddef.h>

typedef struct {
    int id; /* the caller's */
    int start, end; /* the times of its first write and of its last use, inclusive */
    size_t count; /* elements */
    int slot; /* out: the memory it gets */
} buffer;

/* Gives each buffer the best fitting slot that is free from its start on, and sorts them by start. size[n] gets the slots' sizes in elements. Returns how
 * many slots there are. */
int buffers_share(buffer *b, int n, size_t *size);

#endif
