/* spool: input that can be read twice, or out of order, wherever it comes from. */
#ifndef FACADE_SPOOL_H
#define FACADE_SPOOL_H

#include <sys/types.h>

/* The path to give to prog_open (NULL: standard input) so that its descriptor is a regular file. That is path itself when it names one
 * or is standard input (NULL or "-") redirected from one. Anything else, a pipe mostly, is copied to its end into an unlinked
 * temporary file in $TMPDIR (default /tmp), which becomes standard input. Exits with 1 when that fails. */
const char *spool_input(const char *path);

/* Where such an input begins: 0 of a path, where standard input stands when path is NULL. Exits with 1 when that can't be had. */
off_t spool_start(const char *path);

/* Copies the rest of descriptor `from` into such a temporary file, and gives a descriptor of that, at its beginning. name is for messages.
 * Exits with 1 when it fails. Both descriptors are the caller's. */
int spool_copy(int from, const char *name);

/* Such a temporary file, empty, open for reading and writing. Exits with 1 when it can't be made. */
int spool_file(void);

#endif
