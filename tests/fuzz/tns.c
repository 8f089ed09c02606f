/* Any bytes as a stream: reading ends in frames or a message, and what was read, written again, is the same bytes.
 * seeds:
 * sources: lib/tns.c lib/crc.c lib/base.c lib/merge.c */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/crc.h"
#include "lib/merge.h"
#include "lib/tns.h"

enum { MOST = 1 << 20 };

static uint64_t number(const uint8_t *p, int bytes) {
    uint64_t v = 0;
    while (bytes--) v = v << 8 | p[bytes];
    return v;
}

static void put32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> 8 * i);
}

/* Checksums stop a fuzzer at the first byte it changes: so they are made right, for as long as frames follow each other. */
static void make_sums_right(uint8_t *p, size_t n) {
    for (size_t at = 0; n - at >= 64;) {
        uint8_t *h = p + at;
        uint64_t meta = (number(h + 12, 4) + 63) / 64 * 64, data = number(h + 16, 8), left = n - at - 64;
        data = data > left ? UINT64_MAX : (data + 63) / 64 * 64;
        bool fits = meta <= left && data <= left - meta;
        if (fits) put32(h + 56, crc32_of(0, h + 64, (size_t)(meta + data)));
        put32(h + 60, crc32_of(0, h, 60));
        if (!fits) return;
        at += (size_t)(64 + meta + data);
    }
}

static int file_of(int fd, const uint8_t *p, size_t n) {
    if (ftruncate(fd, 0) || pwrite(fd, p, n, 0) != (ssize_t)n || lseek(fd, 0, SEEK_SET)) abort();
    return fd;
}

static void look_at(const tns_frame *f, tns_frame *merged) {
    text name = {0}, value = {0};
    tns_meta copy = {0};
    char err[512];
    int lines = 0;
    for (size_t pos = 0; tns_meta_next(&f->meta, &pos, &name, &value);) {
        tns_meta_add(&copy, name.s, value.s);
        if (lines++ < 8 && !tns_meta_get(&f->meta, name.s, &value)) abort(); /* each walks all: a few do */
    }
    if (copy.t.len != f->meta.t.len || (copy.t.len && memcmp(copy.t.s, f->meta.t.s, copy.t.len))) abort(); /* canonical */
    tns_meta_set(&copy, "key", "x\n%\x01");
    if (strcmp(tns_meta_get(&copy, "key", &value), "x\n%\x01")) abort();
    tns_meta_drop(&copy, "label");
    if (f->type == 'H') merge_header(merged, f, err);
    free(name.s);
    free(value.s);
    tns_meta_free(&copy);
}

static void read_all(const uint8_t *p, size_t n) {
    static int in = -1, out = -1;
    if (in < 0) in = memfd_create("in", 0), out = memfd_create("out", 0);
    tns_reader *r = tns_reader_open(file_of(in, p, n), "x", MOST);
    file_of(out, NULL, 0);
    tns_writer *w = tns_writer_open(out);
    tns_frame f = {0}, merged = {0};
    int got, is_errno;
    char err[512];
    while ((got = tns_read(r, &f)) > 0) {
        look_at(&f, &merged);
        if (tns_write(w, &f) < 0) abort();
    }
    if (got < 0 && (!*tns_reader_error(r) || tns_reader_errno(r))) abort();
    uint64_t whole = tns_reader_next_offset(r), length;
    uint8_t *again = malloc(whole + 1);
    if (whole > n || pread(out, again, whole, 0) != (ssize_t)whole || memcmp(again, p, whole)) abort();
    free(again);
    tns_reader_close(r);

    r = tns_reader_open(file_of(in, p, n), "x", MOST);
    int skimmed;
    while ((skimmed = tns_skim(r, &f)) > 0) {
        if (!tns_peek_at(in, tns_reader_offset(r), MOST, &length)) abort();
        if (tns_read_at(in, tns_reader_offset(r), "x", MOST, &f, err, &is_errno) < 0) abort();
    }
    if (skimmed != got) abort();
    tns_reader_close(r);
    tns_writer_close(w);
    tns_frame_free(&f);
    tns_frame_free(&merged);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    read_all(p, n);
    uint8_t *copy = malloc(n + 1);
    if (n) memcpy(copy, p, n);
    make_sums_right(copy, n);
    read_all(copy, n);
    free(copy);
    return 0;
}
