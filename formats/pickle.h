/* pickle: the values in a Python pickle, as far as PyTorch's weights need them, and nothing executed.
 *
 * Only opcodes and globals on a short list are taken: dictionaries, lists, tuples, strings, numbers, storages (persistent ids), and the one call that
 * rebuilds a tensor from its storage. Anything else is an error that names it. Bounded: values, stack, memo and nesting. */
#ifndef FACADE_PICKLE_H
#define FACADE_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT,
    PICKLE_FLOAT,
    PICKLE_TEXT,
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_DICT,
    PICKLE_GLOBAL,
    PICKLE_STORAGE,
    PICKLE_TENSOR
} pickle_kind;

enum { PICKLE_MAX_RANK = 8, PICKLE_ERROR = 300 };

typedef struct pickle_value {
    pickle_kind kind;
    int64_t number; /* bool, int; storage: elements; tensor: the first element in its storage */
    int dtype; /* storage, tensor: a tns_dtype */
    char *text; /* text; global: "module name"; storage, tensor: the storage's key */
    /* tuple, list: items; dict: key, value, key, value...; items may be shared, and contain each other. */
    struct pickle_value **item;
    int items, room;
    int rank; /* tensor */
    int64_t shape[PICKLE_MAX_RANK], stride[PICKLE_MAX_RANK]; /* stride in elements */
} pickle_value;

typedef struct pickle pickle;

/* Reads one pickle from p; *used is how many bytes it took. NULL with a message. The result's root is pickle_root(). */
pickle *pickle_read(const unsigned char *p, size_t n, size_t *used, char err[PICKLE_ERROR]);
const pickle_value *pickle_root(const pickle *k);
void pickle_free(pickle *k);
/* The value of a text key; NULL when v is no dictionary or hasn't it. */
const pickle_value *pickle_get(const pickle_value *v, const char *key);
/* The dtype of the storage of that key, wherever the pickle names it; -1 when it doesn't. */
int pickle_storage_dtype(const pickle *k, const char *key);

#endif
