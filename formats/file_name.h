/* file_name: names of files for records, from keys that anybody may have written. */
#ifndef FACADE_FILE_NAME_H
#define FACADE_FILE_NAME_H

#include "lib/base.h"

/* Makes of a key a relative path that stays below the directory it is used in: "a/b.jpg" with ".png" is a/b.png. An image's suffix makes way for
 * the new one; empty and "." parts are left out, ".." becomes %2E%2E, control characters %XX; parts over 200 bytes, and paths
 * over 1000, are cut and told apart by a hash. *out is emptied first. */
void file_name_from_key(text *out, const char *key, const char *suffix);

/* Which names are taken. Memory: 16 to 32 bytes a name. Zero-initialise; free(slot). */
typedef struct {
    struct file_name_slot {
        uint64_t hash;
        uint64_t count;
    } * slot;
    size_t used, cap;
} file_names;

/* As file_name_from_key; a name that was given out before gets #2, #3... before its suffix. */
void file_names_new(file_names *taken, text *out, const char *key, const char *suffix);

#endif
