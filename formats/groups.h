/* groups: which records belong together (a person, a source pair), told by their keys. */
#ifndef FACADE_GROUPS_H
#define FACADE_GROUPS_H

#include <stdint.h>

typedef struct groups groups;

/* The group is the first capture of a POSIX extended regular expression in the key, or the whole match when it has no
 * capture. Bytes, not characters. Exits with 2 when it isn't one. */
groups *groups_from_regex(const char *regex);
/* The group stands in a file: a line a key, then a tab, then the group; both as tls prints them (%XX for a byte). A first
 * line "key<TAB>group" is passed over. Exits with 1 when it can't be read, a line has no tab, or a key has two groups. */
groups *groups_from_table(const char *path);
/* Of a table: FNV-1a over the file. */
uint64_t groups_digest(const groups *g);
/* NULL: none. The caller frees. Thread-safe. */
char *groups_find(const groups *g, const char *key);
void groups_free(groups *g);

#endif
