#include "merge.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Metadata is escaped canonically, so lines are compared as they are on the wire. */
static bool has_line(const tns_meta *m, const char *line, size_t n) {
    const char *p = m->t.s, *end = p + m->t.len;
    while (m->t.len && (p = memmem(p, (size_t)(end - p), line, n))) {
        if (p == m->t.s || p[-1] == '\n') return true;
        p++;
    }
    return false;
}

static void add_missing_line(tns_meta *into, const char *line, size_t n) {
    if (!has_line(into, line, n)) text_addn(&into->t, line, n);
}

/* Calls f for every line, its newline included. */
static const char *next_line(const tns_meta *m, size_t *pos, size_t *n) {
    if (*pos >= m->t.len) return NULL;
    const char *line = m->t.s + *pos, *newline = memchr(line, '\n', m->t.len - *pos);
    *n = newline ? (size_t)(newline - line) + 1 : m->t.len - *pos;
    *pos += *n;
    return line;
}

static bool must_agree(const char *line, size_t n) {
    static const char *const names[] = {"kind", "axes", "range", "space", "positive", "net", "cursor"};
    size_t len = (size_t)((const char *)memchr(line, '=', n) - line);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == len && !memcmp(names[i], line, len)) return true;
    return len > 4 && !memcmp(line, "net.", 4);
}

/* Finds a line of walked, of a name that must agree, that the other header hasn't, and says what first and next hold of it. */
static bool differ(const tns_meta *walked, const tns_meta *other, const tns_meta *first, const tns_meta *next, char err[512]) {
    size_t pos = 0, n;
    for (const char *line; (line = next_line(walked, &pos, &n));) {
        if (!must_agree(line, n) || has_line(other, line, n)) continue;
        char *name = xstrdup(line);
        *strchr(name, '=') = 0;
        text a = {0}, b = {0};
        const char *x = tns_meta_get(first, name, &a), *y = tns_meta_get(next, name, &b);
        snprintf(err, 512, "the headers differ in %s: %.80s and %.80s", name, x ? x : "none", y ? y : "none");
        free(a.s);
        free(b.s);
        free(name);
        return true;
    }
    return false;
}

bool merge_header(tns_frame *into, const tns_frame *next, char err[512]) {
    if (!into->type) {
        if (!tns_frame_copy(into, next)) out_of_memory(next->data_len);
        return true;
    }
    tns_meta *a = &into->meta;
    const tns_meta *b = &next->meta;
    if (a->t.len == b->t.len && (!a->t.len || !memcmp(a->t.s, b->t.s, a->t.len))) return true;
    if (differ(a, b, a, b, err) || differ(b, a, a, b, err)) return false;
    size_t before = a->t.len, pos = 0, n;
    for (const char *line; (line = next_line(b, &pos, &n));) add_missing_line(a, line, n);
    if (a->t.len <= TNS_MAX_META) return true;
    a->t.s[a->t.len = before] = 0;
    snprintf(err, 512, "the merged header would be longer than %u bytes", TNS_MAX_META);
    return false;
}

/* dropped=REASON:N: the length of "dropped=REASON:", 0 when the line is something else. */
static size_t count_prefix(const char *line, size_t n, uint64_t *count) {
    const char *colon = memrchr(line, ':', n);
    char digits[24];
    size_t len = colon ? (size_t)(line + n - 1 - (colon + 1)) : 0; /* less the newline */
    if (n < 8 || memcmp(line, "dropped=", 8) || !len || len >= sizeof digits) return 0;
    memcpy(digits, colon + 1, len);
    digits[len] = 0;
    return parse_u64(digits, count) ? (size_t)(colon + 1 - line) : 0;
}

void merge_end(tns_meta *into, const tns_meta *next) {
    size_t pos = 0, n;
    for (const char *line; (line = next_line(next, &pos, &n));) {
        uint64_t more, had;
        size_t prefix = count_prefix(line, n, &more), at = 0, m, start = 0;
        const char *old = NULL;
        while (prefix && (start = at, old = next_line(into, &at, &m)))
            if (count_prefix(old, m, &had) == prefix && !memcmp(old, line, prefix)) break;
        if (!old) {
            add_missing_line(into, line, n);
            continue;
        }
        tns_meta sum = {0};
        text_addn(&sum.t, into->t.s, start + prefix);
        text_addf(&sum.t, "%" PRIu64 "\n", had + more);
        text_addn(&sum.t, into->t.s + at, into->t.len - at);
        tns_meta_free(into);
        *into = sum;
    }
}
