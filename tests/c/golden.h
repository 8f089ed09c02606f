/* golden: a file of what another program computed (tests/golden), and the numbers that went in, which are a formula of integers (formula.py there). */
#ifndef FACADE_GOLDEN_H
#define FACADE_GOLDEN_H

#include <stddef.h>
#include <stdint.h>

#include "lib/tns.h"

/* Reads all records of a file; the program ends with a message when it can't. */
void golden_read(const char *path);
void golden_free(void);
/* Record i, with its key in *key; NULL past the last. */
const tns_frame *golden_at(int i, const char **key);
/* A record's numbers; the program ends with a message when there is none of that key, or it has another count. */
const double *golden_find(const char *key, size_t count);

/* Whole number `index` of a name, and the same in [-.5, .5). */
uint32_t golden_number(const char *key, size_t index);
double golden_centred(const char *key, size_t index);

#endif
