#include "features.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base.h"
#include "spool.h"

enum { BLOCK = 256 };

void features_begin(features *s, int d, bool all) {
    *s = (features){.d = d, .sum = moments_sum_new(d), .fd = spool_file(), .all = all};
    s->block = xarray((size_t)d * BLOCK, sizeof *s->block);
    if (!s->sum) die(EXIT_FAILED, "not enough memory for the covariance of vectors of %d numbers", d);
}

static void write_block(features *s) {
    if (full_write(s->fd, s->block, (size_t)s->held * (size_t)s->d * sizeof *s->block) < 0)
        die(EXIT_FAILED, "no room for features in the directory of temporary files (set TMPDIR):");
    s->held = 0;
}

void features_add(features *s, const float *x) {
    moments_sum_add(s->sum, x);
    s->n++;
    if (s->fd < 0) return;
    if (!s->all && s->n >= (uint64_t)s->d) {
        close(s->fd);
        s->fd = -1;
        return;
    }
    memcpy(s->block + (size_t)s->held++ * (size_t)s->d, x, (size_t)s->d * sizeof *x);
    if (s->held == BLOCK) write_block(s);
}

void features_end(features *s) {
    moments_sum_finish(s->sum, &s->m);
    s->sum = NULL;
    if (s->fd < 0) return;
    write_block(s);
    void *p = mmap(NULL, (size_t)s->n * (size_t)s->d * sizeof *s->x, PROT_READ, MAP_SHARED, s->fd, 0);
    if (p == MAP_FAILED) die(EXIT_FAILED, "can't map the features into memory:");
    s->x = p;
    close(s->fd);
    s->fd = -1;
}

void features_free(features *s) {
    if (s->x) munmap((void *)s->x, (size_t)s->n * (size_t)s->d * sizeof *s->x);
    if (s->sum) moments_sum_free(s->sum);
    if (s->fd > 0) close(s->fd);
    moments_free(&s->m);
    free(s->block);
    *s = (features){0};
}

rng features_rng(uint64_t seed, const char *what, int which) {
    char key[60];
    snprintf(key, sizeof key, "%s/%d", what, which);
    return rng_make(seed, "fidcalc", key, 0);
}

/* Knuth's algorithm S (TAOCP 3.4.2). */
void features_choose(rng *r, uint64_t n, int m, uint32_t *index) {
    uint64_t wanted = (uint64_t)m;
    for (uint64_t i = 0; wanted; i++)
        if (rng_below(r, n - i) < wanted) *index++ = (uint32_t)i, wanted--;
}
