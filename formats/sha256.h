/* sha256: the digest that public weights carry in their names (FIPS 180-4). */
#ifndef FACADE_SHA256_H
#define FACADE_SHA256_H

#include <stddef.h>

/* 64 hexadecimal digits and a NUL. */
void sha256_hex(const void *p, size_t n, char out[65]);

#endif
