#include "zip.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "lib/base.h"
#include "lib/crc.h"

enum { DIRECTORY = 46, LOCAL = 30, END = 22, END64 = 56, LOCATOR64 = 20 };

static uint64_t number(const unsigned char *p, int bytes) {
    uint64_t v = 0;
    for (int i = bytes - 1; i >= 0; i--) v = v << 8 | p[i];
    return v;
}

static bool is(const unsigned char *p, const char *mark) {
    return p[0] == 'P' && p[1] == 'K' && p[2] == (unsigned char)mark[0] && p[3] == (unsigned char)mark[1];
}

/* The directory's place and entries, from the record at the archive's end. */
static const char *find_directory(const unsigned char *p, size_t n, uint64_t *at, uint64_t *size, uint64_t *count) {
    if (n < END) return "too short for a zip archive";
    size_t end = n - END;
    while (!is(p + end, "\5\6")) /* a comment may follow it */
        if (end-- == 0 || n - end > END + 0xffff) return "no end record: the archive is cut off";
    *count = number(p + end + 10, 2), *size = number(p + end + 12, 4), *at = number(p + end + 16, 4);
    if (*count == 0xffff || *size == 0xffffffff || *at == 0xffffffff) {
        if (end < LOCATOR64 || !is(p + end - LOCATOR64, "\6\7")) return "no zip64 locator";
        uint64_t wide = number(p + end - LOCATOR64 + 8, 8);
        if (wide > n || n - wide < END64 || !is(p + wide, "\6\6")) return "no zip64 end record";
        *count = number(p + wide + 32, 8), *size = number(p + wide + 40, 8), *at = number(p + wide + 48, 8);
    }
    if (*at > n || *size > n - *at) return "its directory lies outside the archive";
    if (*count > ZIP_MAX_MEMBERS) return "too many members";
    return NULL;
}

/* Sizes and place that don't fit 32 bits are in the extra field 1, in this order. */
static bool widen(const unsigned char *extra, size_t n, uint64_t *values[3]) {
    bool missing = false;
    for (int i = 0; i < 3; i++) missing |= *values[i] == 0xffffffff;
    if (!missing) return true;
    while (n >= 4) {
        size_t len = (size_t)number(extra + 2, 2), at = 4;
        if (len > n - 4) return false;
        if (number(extra, 2) == 1) {
            for (int i = 0; i < 3; i++) {
                if (*values[i] != 0xffffffff) continue;
                if (at + 8 > len + 4) return false;
                *values[i] = number(extra + at, 8);
                at += 8;
            }
            return true;
        }
        extra += len + 4, n -= len + 4;
    }
    return false;
}

const char *zip_open(zip *z, const unsigned char *p, size_t n, char err[ZIP_ERROR]) {
    uint64_t at, size, count;
    *z = (zip){0};
    const char *wrong = find_directory(p, n, &at, &size, &count);
    if (wrong) return wrong;
    z->member = xarray((size_t)count + 1, sizeof *z->member);
    const unsigned char *d = p + at, *end = d + size;
    for (uint64_t i = 0; i < count && !wrong; i++) {
        if ((size_t)(end - d) < DIRECTORY || !is(d, "\1\2")) {
            wrong = "its directory is damaged";
            break;
        }
        size_t name = (size_t)number(d + 28, 2), extra = (size_t)number(d + 30, 2), comment = (size_t)number(d + 32, 2);
        uint64_t packed = number(d + 20, 4), whole = number(d + 24, 4), local = number(d + 42, 4), method = number(d + 10, 2);
        if ((size_t)(end - d) - DIRECTORY < name + extra + comment ||
            !widen(d + DIRECTORY + name, extra, (uint64_t *[]){&whole, &packed, &local})) {
            wrong = "its directory is damaged";
            break;
        }
        zip_member *m = &z->member[z->count++];
        m->name = xasprintf("%.*s", (int)name, (const char *)d + DIRECTORY);
        m->size = whole, m->packed = packed, m->crc = (uint32_t)number(d + 16, 4), m->deflated = method == 8;
        if (number(d + 8, 2) & 1)
            wrong = "is encrypted";
        else if (method != 0 && method != 8)
            wrong = "is compressed by a method that isn't deflate";
        else if (local > n || n - local < LOCAL || !is(p + local, "\3\4"))
            wrong = "lies outside the archive";
        else {
            uint64_t start = local + LOCAL + number(p + local + 26, 2) + number(p + local + 28, 2);
            if (start > n || packed > n - start)
                wrong = "is cut off";
            else if (!m->deflated && whole != packed)
                wrong = "has two sizes";
            m->data = p + start;
        }
        if (wrong) {
            snprintf(err, ZIP_ERROR, "member %.100s %s", m->name, wrong);
            wrong = err;
        } else if (name && d[DIRECTORY + name - 1] == '/') {
            free(m->name);
            z->count--;
        }
        d += DIRECTORY + name + extra + comment;
    }
    if (wrong) zip_close(z);
    return wrong;
}

void zip_close(zip *z) {
    for (int i = 0; i < z->count; i++) free(z->member[i].name);
    free(z->member);
    *z = (zip){0};
}

const zip_member *zip_find(const zip *z, const char *name) {
    for (int i = 0; i < z->count; i++)
        if (!strcmp(z->member[i].name, name)) return &z->member[i];
    return NULL;
}

/* zlib counts in 32 bits, so in pieces. */
static const char *inflate_member(const zip_member *m, unsigned char *to, size_t n) {
    enum { PIECE = 1 << 30 };
    z_stream s = {0};
    if (inflateInit2(&s, -MAX_WBITS) != Z_OK) out_of_memory(0);
    uint64_t in = 0, out = 0;
    int status = Z_OK;
    while (out < n && status == Z_OK) {
        if (!s.avail_in) {
            s.next_in = (unsigned char *)m->data + in; /* zlib only reads it */
            s.avail_in = (unsigned)(m->packed - in < PIECE ? m->packed - in : PIECE);
            in += s.avail_in;
        }
        unsigned room = (unsigned)(n - out < PIECE ? n - out : PIECE);
        s.next_out = to + out, s.avail_out = room;
        status = inflate(&s, Z_NO_FLUSH);
        out += room - s.avail_out;
        if (status == Z_OK && s.avail_out && !s.avail_in && in == m->packed) break;
    }
    inflateEnd(&s);
    if (status == Z_MEM_ERROR) out_of_memory(0);
    return out == n && (status == Z_OK || status == Z_STREAM_END) ? NULL : "is damaged";
}

const char *zip_read(const zip_member *m, void *to, size_t n) {
    if (n > m->size) return "is shorter than it should be";
    const char *wrong = NULL;
    if (m->deflated)
        wrong = inflate_member(m, to, n);
    else if (n)
        memcpy(to, m->data, n);
    if (!wrong && n == m->size && crc32_of(0, to, n) != m->crc) wrong = "is damaged: its checksum differs";
    return wrong;
}

/* ---- writing ---- */

zip_writer zip_write_begin(int fd) {
    return (zip_writer){.fd = fd};
}

static void put(text *t, uint64_t v, int bytes) {
    for (int i = 0; i < bytes; i++, v >>= 8) {
        char byte = (char)(v & 255);
        text_addn(t, &byte, 1);
    }
}

/* What the local header and the directory's entry have in common, from "version needed" on. The date is 1980-01-01: the same content is the same bytes. */
static void common(text *t, uint32_t crc, uint64_t size, size_t name) {
    put(t, 20, 2), put(t, 0, 2), put(t, 0, 2); /* version, flags, stored */
    put(t, 0, 2), put(t, 0x21, 2); /* time, date */
    put(t, crc, 4), put(t, size, 4), put(t, size, 4);
    put(t, name, 2), put(t, 0, 2);
}

bool zip_write_member(zip_writer *z, const char *name, const zip_piece *piece, int count) {
    uint64_t size = 0;
    uint32_t crc = 0;
    for (int i = 0; i < count; i++) {
        size += piece[i].size;
        crc = crc32_of(crc, piece[i].data, piece[i].size);
    }
    if (size >= UINT32_MAX || z->at + size >= UINT32_MAX - (1 << 20)) {
        errno = EFBIG;
        return false;
    }
    text local = {0};
    text_addn(&local, "PK\3\4", 4);
    common(&local, crc, size, strlen(name));
    text_add(&local, name);
    text_addn(&z->directory, "PK\1\2", 4);
    put(&z->directory, 20, 2); /* made by */
    common(&z->directory, crc, size, strlen(name));
    put(&z->directory, 0, 2), put(&z->directory, 0, 2), put(&z->directory, 0, 2); /* comment, disk, kind of file */
    put(&z->directory, 0, 4), put(&z->directory, z->at, 4);
    text_add(&z->directory, name);
    z->members++;
    bool good = full_write(z->fd, local.s, local.len) == 0;
    for (int i = 0; good && i < count; i++) good = full_write(z->fd, piece[i].data, piece[i].size) == 0;
    z->at += local.len + size;
    free(local.s);
    return good;
}

bool zip_write_end(zip_writer *z) {
    uint64_t size = z->directory.len;
    text_addn(&z->directory, "PK\5\6", 4);
    put(&z->directory, 0, 4);
    put(&z->directory, (uint64_t)z->members, 2), put(&z->directory, (uint64_t)z->members, 2);
    put(&z->directory, size, 4), put(&z->directory, z->at, 4), put(&z->directory, 0, 2);
    bool good = full_write(z->fd, z->directory.s, z->directory.len) == 0;
    free(z->directory.s);
    return good;
}
