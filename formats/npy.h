/* npy: NumPy's file format for one array, versions 1.0 to 3.0, as far as tensors go.
 *
 * A file is "\x93NUMPY", two bytes of version, the length of a header (2 bytes, from version 2 on 4), the header, which is the text
 * of a Python dictionary {'descr': '<f4', 'fortran_order': False, 'shape': (10, 64, 64, 3), }, and the elements. */
#ifndef FACADE_NPY_H
#define FACADE_NPY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/tns.h"

enum { NPY_MAX_RANK = TNS_MAX_RANK + 1, NPY_MAX_HEADER = 256 };

typedef struct {
    int dtype; /* tns_dtype; booleans are TNS_U8, 0 and 1 */
    bool fortran; /* the first axis varies fastest; only npy_parse gives such */
    bool swapped; /* big-endian: npy_swap what was read */
    int rank; /* 0..NPY_MAX_RANK */
    uint64_t shape[NPY_MAX_RANK];
} npy_header;

/* Reads the header from fd, and no byte of the data. NULL, or what is wrong with it, in err or static. *is_errno is 0, or the
 * errno of a read that failed. Refused: what isn't numbers of a size that tensors have (complex, strings, dates, objects,
 * records), Fortran order (unless there is only one axis), more than NPY_MAX_RANK axes, a header over 64 KiB. */
const char *npy_read_header(int fd, npy_header *h, char err[256], int *is_errno);

/* The same from memory: *used is where the data begins. Takes Fortran order too. Needs 10 bytes and at most 64 KiB + 12. */
const char *npy_parse(const unsigned char *p, size_t n, npy_header *h, size_t *used, char err[256]);

/* The header as bytes, padded so that the data is 64-byte aligned in the file; returns how many there are. Little-endian, version 1.0.
 * A dtype that .npy hasn't (bf16, none) is the caller's mistake. */
size_t npy_header_bytes(const npy_header *h, unsigned char out[NPY_MAX_HEADER]);

/* Reverses the bytes of each of n elements of that size. */
void npy_swap(void *data, size_t n, size_t size);

/* Labels or keys, one a record, from a text file (a line each) or a .npy of one axis of integers: as lines, each ended by a newline, in out.
 * NULL, or what is wrong, in err or static. */
const char *npy_read_lines(const char *path, text *out, uint64_t *count, char err[256]);

#endif
