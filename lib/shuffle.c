#include "shuffle.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rng.h"

static uint64_t draw(uint64_t seed, const char *what, const char *key, uint64_t number) {
    rng r = rng_make(seed, what, key, number);
    return rng_u64(&r);
}

/* ---- adding ---- */

static uint32_t count_label(shuffle *s, const char *label) {
    size_t known = s->labels.count, number = names_number(&s->labels, label);
    if (s->labels.count > known) {
        s->label_count = xrealloc(s->label_count, s->labels.count * sizeof *s->label_count);
        s->label_count[number] = 0;
    }
    s->label_count[number]++;
    return (uint32_t)number;
}

static shuffle_entry *new_entry(shuffle *s) {
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 1024;
        s->entry = xrealloc(s->entry, s->cap * sizeof *s->entry);
    }
    return memset(&s->entry[s->count++], 0, sizeof *s->entry);
}

bool shuffle_add(shuffle *s, const tns_frame *record, uint64_t offset) {
    text buf = {0};
    const char *label = s->by_label ? tns_meta_get(&record->meta, "label", &buf) : NULL;
    bool ok = label || !s->by_label;
    if (ok) {
        shuffle_entry *e = new_entry(s);
        uint64_t copy;
        e->offset = offset;
        if (label) e->label = count_label(s, label);
        e->key = draw(s->seed, "tshuf", tns_meta_get(&record->meta, "key", &buf), 0);
        if (tns_meta_get(&record->meta, "copy", &buf) && parse_u64(buf.s, &copy) && copy <= UINT32_MAX) e->copy = (uint32_t)copy;
    }
    free(buf.s);
    return ok;
}

/* ---- identities ---- */

static int compare_u64(uint64_t a, uint64_t b) {
    return a < b ? -1 : a > b;
}

static int compare_identity(const void *a, const void *b) {
    const shuffle_entry *x = a, *y = b;
    return x->key != y->key ? compare_u64(x->key, y->key) : compare_u64(x->copy, y->copy);
}

/* By draw, then by the entries' order, which doesn't depend on the file's either. */
static int compare_places(const void *a, const void *b) {
    const shuffle_place *x = a, *y = b;
    return x->draw != y->draw ? compare_u64(x->draw, y->draw) : compare_u64(x->entry, y->entry);
}

static uint64_t identity(const shuffle_entry *e) {
    return draw(e->key, "tshuf copy", NULL, e->copy);
}

/* Records that share key and copy number: the first by checksum is like any other record, further ones are numbered. Records that
 * are equal byte for byte need no telling apart. */
static void settle_run(shuffle_entry *run, size_t n, int fd) {
    shuffle_place *place = xarray(n, sizeof *place);
    shuffle_entry *sorted = xarray(n, sizeof *sorted);
    for (size_t i = 0; i < n; i++) {
        uint32_t crc;
        if (pread(fd, &crc, 4, (off_t)run[i].offset + 56) != 4) die(EXIT_FAILED, "the input can't be read again:");
        place[i] = (shuffle_place){crc, i};
    }
    qsort(place, n, sizeof *place, compare_places);
    for (size_t i = 0; i < n; i++) {
        sorted[i] = run[place[i].entry];
        if (i) sorted[i].id = draw(sorted[i].id, "tshuf again", NULL, i);
    }
    memcpy(run, sorted, n * sizeof *run);
    free(sorted);
    free(place);
}

static void identify(shuffle *s, int fd) {
    if (!s->entry) return; /* no records */
    qsort(s->entry, s->count, sizeof *s->entry, compare_identity);
    for (size_t i = 0; i < s->count; i++) s->entry[i].id = identity(&s->entry[i]);
    for (size_t i = 0, n; i < s->count; i += n) {
        for (n = 1; i + n < s->count && !compare_identity(&s->entry[i], &s->entry[i + n]);) n++;
        if (n > 1) settle_run(&s->entry[i], n, fd);
    }
}

/* ---- repeating ---- */

static void forget_copies(shuffle *s, size_t n) {
    for (size_t i = 0; i < n; i++) s->entry[i].copy = 0;
}

/* Adds more[i] copies of the i-th entry. */
static void repeat(shuffle *s, const uint64_t *more) {
    size_t n = s->count, total = n;
    for (size_t i = 0; i < n; i++)
        if (__builtin_add_overflow(total, more[i], &total) || total > SIZE_MAX / 2 / sizeof *s->entry)
            die(EXIT_FAILED, "more copies than fit into memory");
    if (total) s->entry = xrealloc(s->entry, total * sizeof *s->entry);
    s->cap = total;
    for (size_t i = 0, run; i < n; i += run) {
        uint32_t copy = 0;
        for (run = 0; i + run < n && s->entry[i + run].key == s->entry[i].key; run++)
            if (s->entry[i + run].copy > copy) copy = s->entry[i + run].copy;
        for (size_t k = i; k < i + run; k++)
            for (uint64_t m = 0; m < more[k]; m++) {
                if (!++copy) die(EXIT_FAILED, "more than %u copies of a record", UINT32_MAX);
                shuffle_entry *e = new_entry(s);
                *e = s->entry[k];
                e->copy = copy;
                e->id = identity(e);
            }
    }
    forget_copies(s, n);
}

void shuffle_settle(shuffle *s, int fd) {
    identify(s, fd);
    forget_copies(s, s->count);
}

void shuffle_copies(shuffle *s, int fd, uint64_t more) {
    identify(s, fd);
    uint64_t *each = xarray(s->count + 1, sizeof *each);
    for (size_t i = 0; i < s->count; i++) each[i] = more;
    repeat(s, each);
    free(each);
}

static void place_all(shuffle *s, const char *what, uint64_t epoch) {
    if (!s->place) s->place = xarray(s->count + 1, sizeof *s->place);
    for (size_t i = 0; i < s->count; i++) s->place[i] = (shuffle_place){draw(s->entry[i].id, what, NULL, epoch), i};
    qsort(s->place, s->count, sizeof *s->place, compare_places);
}

void shuffle_up_to(shuffle *s, int fd, uint64_t target) {
    identify(s, fd);
    if (!target)
        for (size_t i = 0; i < s->labels.count; i++)
            if (s->label_count[i] > target) target = s->label_count[i];
    /* Every record of a label gets the same share of what it lacks; the first ones drawn, one of the rest. */
    uint64_t *more = xarray(s->count + 1, sizeof *more), *rest = xarray(s->labels.count + 1, sizeof *rest);
    for (size_t i = 0; i < s->labels.count; i++) rest[i] = target > s->label_count[i] ? target % s->label_count[i] : 0;
    place_all(s, "tshuf repeat", 0);
    for (size_t i = 0; i < s->count; i++) {
        size_t k = s->place[i].entry;
        uint32_t label = s->entry[k].label;
        more[k] = target > s->label_count[label] ? target / s->label_count[label] - 1 : 0;
        if (rest[label]) more[k]++, rest[label]--;
    }
    free(s->place);
    s->place = NULL;
    repeat(s, more);
    free(rest);
    free(more);
}

void shuffle_order(shuffle *s, uint64_t epoch) {
    place_all(s, "tshuf epoch", epoch);
}

void shuffle_free(shuffle *s) {
    names_free(&s->labels);
    free(s->label_count);
    free(s->entry);
    free(s->place);
    *s = (shuffle){0};
}
