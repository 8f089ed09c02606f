/* weights: named tensors in the files that people keep weights in, told apart by content: .npz, .safetensors, PyTorch's .pth in the zip form and in
 * the old one. Nothing in a file is ever executed; what it claims is checked against the bytes there are before anything is allocated. */
#ifndef FACADE_WEIGHTS_H
#define FACADE_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/tns.h"

enum { WEIGHTS_ERROR = 400 };

typedef struct {
    char *name;
    int dtype; /* tns_dtype */
    int rank;
    uint32_t shape[TNS_MAX_RANK];
    /* Where its elements are, for weights_read. */
    int64_t stride[TNS_MAX_RANK], offset; /* in elements, from the start of the storage */
    const char *storage; /* its key, while the file is being listed */
    const unsigned char *data; /* the storage; NULL: in a member of the archive */
    size_t bytes; /* of the storage */
    int member;
    size_t skip; /* bytes before the storage, in the member */
    bool swapped;
} weight;

typedef struct {
    const char *form; /* "npz", "safetensors", "PyTorch", "PyTorch (old form)" */
    weight *weight;
    int count;
    void *archive; /* a zip, or NULL */
} weights;

/* Lists the tensors of a file that is in memory; p stays the caller's and must outlive w. max_data: the most bytes that one tensor may have. False with a
 * message (that doesn't name the file). */
bool weights_open(weights *w, const unsigned char *p, size_t n, uint64_t max_data, char err[WEIGHTS_ERROR]);
/* Tensor i, contiguous, in its own dtype, little-endian: into a frame of that shape. False with a message. */
bool weights_read(const weights *w, int i, tns_frame *f, char err[WEIGHTS_ERROR]);
void weights_close(weights *w);

#endif
