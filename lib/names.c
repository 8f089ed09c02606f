#include "names.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

typedef struct {
    const char *name;
    size_t number;
} node;

static int compare(const void *a, const void *b) {
    return strcmp(((const node *)a)->name, ((const node *)b)->name);
}

size_t names_number(names *n, const char *name) {
    node probe = {.name = name};
    node **found = tfind(&probe, &n->tree, compare);
    if (found) return (*found)->number;
    if (!(n->count & (n->count - 1))) n->name = xrealloc(n->name, (n->count ? n->count * 2 : 1) * sizeof *n->name);
    node *added = xmalloc(sizeof *added);
    *added = (node){n->name[n->count] = xstrdup(name), n->count};
    if (!tsearch(added, &n->tree, compare)) die(EXIT_FAILED, "no memory for the names");
    return n->count++;
}

void names_free(names *n) {
    tdestroy(n->tree, free);
    for (size_t i = 0; i < n->count; i++) free(n->name[i]);
    free(n->name);
    *n = (names){0};
}
