#include "golden.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "lib/base.h"

enum { MAX_RECORDS = 200 };
static struct {
    char *key;
    tns_frame frame;
} golden[MAX_RECORDS + 1];
static int records;

void golden_read(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) die(EXIT_FAILED, "%s (run me from the top of the repository):", path);
    tns_reader *r = tns_reader_open(fd, path, 0);
    int got;
    while ((got = tns_read(r, &golden[records].frame)) > 0) {
        text value = {0};
        tns_frame *f = &golden[records].frame;
        if (f->type != 'R') continue;
        golden[records].key = xstrdup(tns_meta_get(&f->meta, "key", &value));
        free(value.s);
        if (++records == MAX_RECORDS) die(EXIT_FAILED, "%s: too many records", path);
    }
    if (got < 0) die(EXIT_CORRUPT, "%s", tns_reader_error(r));
    tns_reader_close(r);
    close(fd);
}

void golden_free(void) {
    for (int i = 0; i <= records; i++) {
        free(golden[i].key);
        tns_frame_free(&golden[i].frame);
    }
}

const tns_frame *golden_at(int i, const char **key) {
    if (i >= records) return NULL;
    *key = golden[i].key;
    return &golden[i].frame;
}

const double *golden_find(const char *key, size_t count) {
    for (int i = 0; i < records; i++)
        if (!strcmp(golden[i].key, key)) {
            if (tns_frame_count(&golden[i].frame) != count) die(EXIT_FAILED, "%s: another count in the golden file", key);
            return golden[i].frame.data;
        }
    die(EXIT_FAILED, "%s isn't in the golden file", key);
}

uint32_t golden_number(const char *key, size_t index) {
    uint32_t x = (uint32_t)index + (uint32_t)crc32(0, (const Bytef *)key, (uInt)strlen(key));
    x = (x ^ x >> 16) * 0x21F0AAADu;
    x = (x ^ x >> 15) * 0x735A2D97u;
    return x ^ x >> 15;
}

double golden_centred(const char *key, size_t index) {
    return golden_number(key, index) / 4294967296.0 - .5;
}
