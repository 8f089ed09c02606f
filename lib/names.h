/* names: small numbers for names, 0, 1, 2... as they turn up. */
#ifndef FACADE_NAMES_H
#define FACADE_NAMES_H

#include <stddef.h>

/* Zero-initialise; names_free when done. */
typedef struct {
    size_t count;
    char **name; /* [count], owned by the set */
    void *tree;
} names;

/* The number of a name, a new one when it is seen for the first time. Exits with 1 when there is no memory. */
size_t names_number(names *n, const char *name);
void names_free(names *n);

#endif
