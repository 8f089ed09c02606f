/* Any bytes as a .npy file or a list of labels: what is taken can be written and read again. From a descriptor and from memory.
 * seeds:
 * sources: formats/npy.c lib/tns.c lib/crc.c lib/base.c */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    static int fd = -1;
    char err[256] = "", path[40];
    npy_header h, again;
    size_t used;
    int is_errno;
    if (fd < 0) fd = memfd_create("npy", 0);
    if (ftruncate(fd, 0) || pwrite(fd, p, n, 0) != (ssize_t)n || lseek(fd, 0, SEEK_SET)) abort();
    if (!npy_read_header(fd, &h, err, &is_errno)) {
        unsigned char bytes[NPY_MAX_HEADER];
        if (h.rank < 0 || h.rank > NPY_MAX_RANK || !tns_dtype_size(h.dtype)) abort();
        if (lseek(fd, 0, SEEK_CUR) > (off_t)n) abort();
        h.swapped = false;
        size_t len = npy_header_bytes(&h, bytes);
        if (npy_parse(bytes, len, &again, &used, err) || used != len || again.rank != h.rank || again.dtype != h.dtype ||
            memcmp(again.shape, h.shape, sizeof *h.shape * (size_t)h.rank))
            abort();
    }
    if (n >= 10) npy_parse(p, n < 65548 ? n : 65548, &h, &used, err);
    text lines = {0};
    uint64_t count;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    npy_read_lines(path, &lines, &count, err);
    free(lines.s);
    return 0;
}
