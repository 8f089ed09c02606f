/* zip: members of a zip archive that is in memory (npz, torch's files): stored or deflated, zip64 too; the central directory decides. */
#ifndef FACADE_ZIP_H
#define FACADE_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *name;
    uint64_t size, packed; /* bytes as they were, and in the archive */
    const unsigned char *data; /* in the archive */
    uint32_t crc;
    bool deflated;
} zip_member;

typedef struct {
    zip_member *member;
    int count;
} zip;

enum { ZIP_ERROR = 300, ZIP_MAX_MEMBERS = 1 << 16 };

/* Lists the members; directories are left out. p stays the caller's and must outlive z. NULL, or what is wrong, in err or static. */
const char *zip_open(zip *z, const unsigned char *p, size_t n, char err[ZIP_ERROR]);
void zip_close(zip *z);
const zip_member *zip_find(const zip *z, const char *name);
/* The first n bytes of a member (n <= size), into `to`; the checksum is verified when all are read. NULL, or what is wrong. */
const char *zip_read(const zip_member *m, void *to, size_t n);

#endif
