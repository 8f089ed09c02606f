#include "base.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

const char *base_program = "facade";

/* One write() a message, so that lines of several programs in a pipeline don't interleave. */
static void message(const char *fmt, va_list ap) {
    int saved = errno;
    text out = {0};
    char *body = NULL;
    if (vasprintf(&body, fmt, ap) < 0) body = NULL;
    const char *s = body ? body : fmt;
    text_addf(&out, "%s: ", base_program);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < 32 || c == 127)
            text_addf(&out, "\\x%02x", c);
        else if (c == 0xc2 && (s[1] & 0xe0) == 0x80) /* U+0080 to U+009F, which terminals obey too */
            text_addf(&out, "\\xc2\\x%02x", (unsigned char)*++s);
        else
            text_addn(&out, s, 1);
    }
    size_t n = strlen(fmt);
    if (n && fmt[n - 1] == ':') text_addf(&out, " %s", strerror(saved));
    text_add(&out, "\n");
    full_write(2, out.s, out.len);
    free(out.s);
    free(body);
    errno = saved;
}

void warn(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    message(fmt, ap);
    va_end(ap);
}

void die(int status, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    message(fmt, ap);
    va_end(ap);
    exit(status);
}

void out_of_memory(size_t n) {
    /* No allocation here: there is none to be had. */
    char line[128];
    int len = n ? snprintf(line, sizeof line, "%.60s: out of memory (%zu bytes asked for)\n", base_program, n)
                : snprintf(line, sizeof line, "%.60s: out of memory\n", base_program);
    full_write(2, line, (size_t)len);
    exit(EXIT_FAILED);
}

void *xmalloc(size_t n) {
    void *p = malloc(n ? n : 1);
    if (!p) out_of_memory(n);
    return p;
}

void *xarray(size_t n, size_t size) {
    void *p = calloc(n ? n : 1, size ? size : 1);
    if (!p) out_of_memory(size && n > SIZE_MAX / size ? SIZE_MAX : n * size);
    return p;
}

void *xrealloc(void *p, size_t n) {
    void *q = realloc(p, n ? n : 1);
    if (!q) out_of_memory(n);
    return q;
}

char *xstrdup(const char *s) {
    size_t n = strlen(s) + 1;
    return memcpy(xmalloc(n), s, n);
}

char *xasprintf(const char *fmt, ...) {
    char *s;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0) out_of_memory(strlen(fmt));
    va_end(ap);
    return s;
}

void *aligned_alloc64(size_t n) {
    if (n > SIZE_MAX - 64) return NULL;
    n = (n + 63) / 64 * 64;
    return aligned_alloc(64, n ? n : 64);
}

void text_addn(text *t, const char *s, size_t n) {
    if (t->len + n + 1 > t->cap) {
        size_t cap = t->cap ? t->cap : 64;
        while (cap < t->len + n + 1) cap *= 2;
        t->s = xrealloc(t->s, cap);
        t->cap = cap;
    }
    if (n) memcpy(t->s + t->len, s, n);
    t->len += n;
    t->s[t->len] = 0;
}

void text_add(text *t, const char *s) {
    text_addn(t, s, strlen(s));
}

void text_addf(text *t, const char *fmt, ...) {
    char small[256], *s = small;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (n >= (int)sizeof small) {
        va_start(ap, fmt);
        if (vasprintf(&s, fmt, ap) < 0) out_of_memory((size_t)n);
        va_end(ap);
    }
    if (n > 0) text_addn(t, s, (size_t)n);
    if (s != small) free(s);
}

void text_add_shell(text *t, const char *s) {
    bool plain = *s != 0;
    for (const char *p = s; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("-_=+./:,@%^", *p)) plain = false;
    if (plain) {
        text_add(t, s);
        return;
    }
    text_add(t, "'");
    for (; *s; s++) {
        if (*s == '\'')
            text_add(t, "'\\''");
        else
            text_addn(t, s, 1);
    }
    text_add(t, "'");
}

/* Bytes of the UTF-8 character at s; 0 when it is none. */
static int utf8_length(const unsigned char *s) {
    int n = s[0] < 0x80                   ? 1
            : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
            : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
            : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                          : 0;
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

void text_add_json(text *t, const char *s) {
    text_add(t, "\"");
    while (*s) {
        int n = utf8_length((const unsigned char *)s);
        if (*s == '"' || *s == '\\')
            text_addf(t, "\\%c", *s);
        else if (n == 1 && (unsigned char)*s < 0x20)
            text_addf(t, "\\u%04x", (unsigned char)*s);
        else if (n)
            text_addn(t, s, (size_t)n);
        else
            text_add(t, "\\ufffd");
        s += n ? n : 1;
    }
    text_add(t, "\"");
}

bool parse_u64(const char *s, uint64_t *out) {
    if (!isdigit((unsigned char)*s)) return false;
    char *end;
    errno = 0;
    unsigned long long v = strtoull(s, &end, 10);
    if (errno || *end) return false;
    *out = v;
    return true;
}

bool parse_i64(const char *s, int64_t *out) {
    if (!isdigit((unsigned char)s[*s == '-' || *s == '+'])) return false;
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno || *end) return false;
    *out = v;
    return true;
}

bool parse_f64(const char *s, double *out) {
    static locale_t c;
    if (!c) c = newlocale(LC_ALL_MASK, "C", 0);
    /* strtod also takes blanks, "inf", "nan" and hexadecimal; we don't. */
    if (s[strspn(s, "+-.0123456789eE")] || !*s) return false;
    char *end;
    errno = 0;
    double v = c ? strtod_l(s, &end, c) : strtod(s, &end);
    if (*end || end == s || !isfinite(v)) return false;
    *out = v;
    return true;
}

bool parse_size(const char *s, uint64_t *out) {
    char digits[32];
    size_t n = strlen(s);
    if (n == 0 || n >= sizeof digits) return false;
    memcpy(digits, s, n + 1);
    int shift = 0;
    switch (digits[n - 1]) {
    case 'K':
        shift = 10;
        break;
    case 'M':
        shift = 20;
        break;
    case 'G':
        shift = 30;
        break;
    }
    if (shift) digits[n - 1] = 0;
    uint64_t v;
    if (!parse_u64(digits, &v) || v > UINT64_MAX >> shift) return false;
    *out = v << shift;
    return true;
}

void format_f64(char out[32], double v) {
    for (int digits = 1; digits <= 17; digits++) {
        double back;
        snprintf(out, 32, "%.*g", digits, v);
        char *comma = strchr(out, ','); /* some locales' decimal point */
        if (comma) *comma = '.';
        bool whole = strchr(out, 'e') && fabs(v) >= 10 && fabs(v) < 1e9 && v == floor(v); /* 50, not 5e+01 */
        if (!isfinite(v) || (parse_f64(out, &back) && back == v && !whole)) break; /* 2e+308 is none */
    }
}

ptrdiff_t full_read(int fd, void *buf, size_t n) {
    size_t got = 0;
    while (got < n) {
        ssize_t k = read(fd, (char *)buf + got, n - got);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return -1;
        if (k == 0) break;
        got += (size_t)k;
    }
    return (ptrdiff_t)got;
}

int full_write(int fd, const void *buf, size_t n) {
    const char *p = buf;
    while (n) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return -1;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

bool regex_finds(const regex_t *re, const char *s, size_t matches, regmatch_t *match) {
    errno = 0;
    int wrong = regexec(re, s, matches, match, 0);
    if (wrong == REG_ESPACE || (wrong && errno == ENOMEM)) out_of_memory(0);
    return !wrong;
}

char *read_file(const char *path, size_t max, size_t *len) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return NULL;
    size_t cap = 4096, n = 0;
    char *s = xmalloc(cap + 1);
    for (;;) {
        ptrdiff_t k = full_read(fd, s + n, cap - n);
        int failed = k < 0 ? errno : 0;
        if (!failed) n += (size_t)k;
        if (!failed && n > max) failed = EFBIG;
        if (failed) {
            free(s);
            close(fd);
            errno = failed;
            return NULL;
        }
        if (n < cap) break;
        s = xrealloc(s, (cap *= 2) + 1);
    }
    close(fd);
    s[n] = 0;
    if (len) *len = n;
    return s;
}

bool machine_failed(int error) {
    return error == ENOMEM || error == EMFILE || error == ENFILE || error == EIO;
}

uint64_t hash64(uint64_t h, const void *p, size_t n) {
    for (const unsigned char *s = p; n--; s++) h = (h ^ *s) * UINT64_C(0x100000001b3);
    return h;
}

double monotonic_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
