/* zip: members of a zip archive that is in memory (npz, torch's files): stored or deflated, zip64 too; the central directory decides. And archives written, in
 * the plainest form. */
#ifndef FACADE_ZIP_H
#define FACADE_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base.h"

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

/* Writing: members are stored as they are. */
typedef struct {
    const void *data;
    size_t size;
} zip_piece;

typedef struct {
    int fd;
    uint64_t at; /* bytes written */
    text directory;
    int members;
} zip_writer;

zip_writer zip_write_begin(int fd);
/* A member of `count` pieces, less than 4 GiB in all, in an archive of less than 4 GiB. False with errno (EFBIG beyond these). */
bool zip_write_member(zip_writer *z, const char *name, const zip_piece *piece, int count);
/* Writes the directory; nothing more may follow. Frees what z holds. False with errno. */
bool zip_write_end(zip_writer *z);

#endif
