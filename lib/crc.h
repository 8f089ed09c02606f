/* crc: zlib's CRC-32, at the speed of memory where the processor can multiply without carries. */
#ifndef FACADE_CRC_H
#define FACADE_CRC_H

#include <stddef.h>
#include <stdint.h>

/* As crc32_z() of zlib: 0 to begin, the last result to go on. p may be NULL when n is 0. */
uint32_t crc32_of(uint32_t last, const void *p, size_t n);

#endif
