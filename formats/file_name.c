#include "file_name.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LONGEST_PART = 200, LONGEST_PATH = 1000 };

static size_t without_suffix(const char *key) {
    static const char *const known[] = {".jpg", ".jpeg", ".png",  ".webp", ".tif", ".tiff",
                                        ".gif", ".bmp",  ".heif", ".heic", ".avif"};
    size_t n = strlen(key);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t k = strlen(known[i]);
        if (n > k && key[n - k - 1] != '/' && !strcasecmp(key + n - k, known[i])) return n - k;
    }
    return n;
}

/* The first bytes of s, whole UTF-8 characters, and a hash of all of it. */
static void add_cut(text *out, const char *s, size_t n, size_t most) {
    uint64_t h = hash64(HASH64_START, s, n);
    size_t cut = most - 17;
    while (cut && ((unsigned char)s[cut] & 0xc0) == 0x80) cut--;
    text_addn(out, s, cut);
    text_addf(out, "~%016" PRIx64, h);
}

static void add_part(text *out, const char *s, size_t n) {
    text part = {0};
    if (n == 2 && !memcmp(s, "..", 2))
        text_add(&part, "%2E%2E");
    else
        for (size_t i = 0; i < n; i++)
            text_addf(&part, (unsigned char)s[i] < ' ' || s[i] == 127 ? "%%%02X" : "%c", (unsigned char)s[i]);
    if (out->len) text_add(out, "/");
    if (part.len > LONGEST_PART)
        add_cut(out, part.s, part.len, LONGEST_PART);
    else
        text_addn(out, part.s, part.len);
    free(part.s);
}

static void path_from_key(text *out, const char *key) {
    out->len = 0;
    const char *end = key + without_suffix(key);
    for (const char *p = key; p < end;) {
        const char *slash = memchr(p, '/', (size_t)(end - p)), *stop = slash ? slash : end;
        if (stop > p && !(stop - p == 1 && *p == '.')) add_part(out, p, (size_t)(stop - p));
        p = stop + 1;
    }
    if (!out->len) text_add(out, "_");
    if (out->len <= LONGEST_PATH) return;
    text flat = {0};
    add_cut(&flat, out->s, out->len, LONGEST_PART);
    for (size_t i = 0; i < flat.len; i++)
        if (flat.s[i] == '/') flat.s[i] = '_';
    free(out->s);
    *out = flat;
}

void file_name_from_key(text *out, const char *key, const char *suffix) {
    path_from_key(out, key);
    text_add(out, suffix);
}

/* The slot of a name: open addressing, at most half full. */
static struct file_name_slot *find(file_names *t, uint64_t hash) {
    size_t i = (size_t)(hash * UINT64_C(0x9e3779b97f4a7c15)) & (t->cap - 1);
    while (t->slot[i].count && t->slot[i].hash != hash) i = (i + 1) & (t->cap - 1);
    return &t->slot[i];
}

static void grow(file_names *t) {
    file_names more = {.cap = t->cap ? t->cap * 2 : 1024, .used = t->used};
    more.slot = xarray(more.cap, sizeof *more.slot);
    for (size_t i = 0; i < t->cap; i++)
        if (t->slot[i].count) *find(&more, t->slot[i].hash) = t->slot[i];
    free(t->slot);
    *t = more;
}

/* How often a name was asked for, with this time. */
static uint64_t ask(file_names *t, const text *name) {
    if (2 * t->used >= t->cap) grow(t);
    struct file_name_slot *s = find(t, hash64(HASH64_START, name->s, name->len));
    if (!s->count) {
        s->hash = hash64(HASH64_START, name->s, name->len);
        t->used++;
    }
    return ++s->count;
}

void file_names_new(file_names *taken, text *out, const char *key, const char *suffix) {
    path_from_key(out, key);
    size_t plain = out->len;
    uint64_t n = ask(taken, out);
    while (n > 1) {
        out->s[out->len = plain] = 0;
        text_addf(out, "#%" PRIu64, n);
        if (ask(taken, out) == 1) break;
        out->s[out->len = plain] = 0;
        n = ask(taken, out);
    }
    text_add(out, suffix);
}
