#include "tns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "crc.h"

enum { HEADER = 64, PIPE_BYTES = 1 << 20 };
static const unsigned char magic[4] = {0x89, 'T', 'N', 'S'};

/* ---- dtypes ---- */

static const struct {
    int dtype;
    const char *name;
} dtypes[] = {{TNS_NONE, "none"}, {TNS_U8, "u8"},   {TNS_U16, "u16"},  {TNS_U32, "u32"}, {TNS_U64, "u64"},
              {TNS_I8, "i8"},     {TNS_I16, "i16"}, {TNS_I32, "i32"},  {TNS_I64, "i64"}, {TNS_F16, "f16"},
              {TNS_F32, "f32"},   {TNS_F64, "f64"}, {TNS_BF16, "bf16"}};
enum { N_DTYPES = sizeof dtypes / sizeof *dtypes };

const char *tns_dtype_name(int dtype) {
    for (int i = 0; i < N_DTYPES; i++)
        if (dtypes[i].dtype == dtype) return dtypes[i].name;
    return NULL;
}

int tns_dtype_parse(const char *name) {
    for (int i = 0; i < N_DTYPES; i++)
        if (!strcmp(dtypes[i].name, name)) return dtypes[i].dtype;
    return -1;
}

size_t tns_dtype_size(int dtype) {
    return dtype == TNS_NONE || !tns_dtype_name(dtype) ? 0 : (size_t)1 << (dtype & 15);
}

/* ---- metadata ---- */

/* Length of the valid UTF-8 sequence at s (n bytes left), 0 when there is none: no overlong forms, no surrogates. */
static size_t utf8_length(const unsigned char *s, size_t n) {
    if (s[0] < 0x80) return 1;
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || n < len) return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if (s[0] == 0xe0 && s[1] < 0xa0) return 0;
    if (s[0] == 0xed && s[1] > 0x9f) return 0;
    if (s[0] == 0xf0 && s[1] < 0x90) return 0;
    if (s[0] == 0xf4 && s[1] > 0x8f) return 0;
    return len;
}

/* How many bytes at s stand for themselves on the wire: 0 means that s[0] must be escaped. */
static size_t plain_length(const unsigned char *s, size_t n) {
    size_t len = utf8_length(s, n);
    if (len == 1 && (s[0] < 0x20 || s[0] == 0x7f || s[0] == '%')) return 0;
    if (len == 2 && s[0] == 0xc2 && s[1] < 0xa0) return 0; /* U+0080 to U+009F, control characters too */
    return len;
}

static void add_escaped(text *t, const char *value) {
    const unsigned char *s = (const unsigned char *)value;
    size_t n = strlen(value);
    while (n) {
        size_t len = plain_length(s, n);
        if (len)
            text_addn(t, (const char *)s, len);
        else
            text_addf(t, "%%%02X", s[0]), len = 1;
        s += len, n -= len;
    }
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Unescapes n bytes onto t; a malformed escape is kept as it stands (readers refuse it before). */
static void add_unescaped(text *t, const char *s, size_t n) {
    text_addn(t, "", 0);
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        if (c == '%' && i + 2 < n && hex_digit(s[i + 1]) >= 0 && hex_digit(s[i + 2]) >= 0) {
            c = (char)(hex_digit(s[i + 1]) << 4 | hex_digit(s[i + 2]));
            i += 2;
        }
        text_addn(t, &c, 1);
    }
}

/* Is the text what tns_meta_add would have written? Canonical: unescaping and escaping again gives the same bytes. */
static bool meta_valid(const char *s, size_t n) {
    text plain = {0}, again = {0};
    bool good = true;
    while (n && good) {
        const char *end = memchr(s, '\n', n);
        const char *eq = end ? memchr(s, '=', (size_t)(end - s)) : NULL;
        if (!eq || eq == s || memchr(s, 0, (size_t)(end - s))) {
            good = false;
            break;
        }
        bool simple = true;
        for (const char *p = s; p < end && simple; p++) simple = *p >= 0x20 && *p < 0x7f && *p != '%';
        if (!simple) {
            plain.len = again.len = 0;
            add_unescaped(&plain, s, (size_t)(end - s));
            text_addn(&again, "", 0);
            good = !memchr(plain.s, 0, plain.len); /* an escaped NUL would cut the value short for every reader in C */
            if (good) {
                add_escaped(&again, plain.s);
                good = again.len == (size_t)(end - s) && !memcmp(again.s, s, again.len);
            }
        }
        n -= (size_t)(end + 1 - s);
        s = end + 1;
    }
    free(plain.s);
    free(again.s);
    return good;
}

/* The line at *pos: name [s, eq), value (eq, end). False at the end. */
static bool meta_line(const tns_meta *m, size_t *pos, const char **s, const char **eq, const char **end) {
    while (*pos < m->t.len) {
        *s = m->t.s + *pos;
        *end = memchr(*s, '\n', m->t.len - *pos);
        if (!*end) return false;
        *pos = (size_t)(*end + 1 - m->t.s);
        *eq = memchr(*s, '=', (size_t)(*end - *s));
        if (*eq) return true;
    }
    return false;
}

static bool name_is(const char *s, const char *eq, const char *name) {
    size_t n = strlen(name);
    return (size_t)(eq - s) == n && !memcmp(s, name, n);
}

bool tns_meta_next(const tns_meta *m, size_t *pos, text *name_buf, text *value_buf) {
    const char *s, *eq, *end;
    if (!meta_line(m, pos, &s, &eq, &end)) return false;
    name_buf->len = value_buf->len = 0;
    add_unescaped(name_buf, s, (size_t)(eq - s));
    add_unescaped(value_buf, eq + 1, (size_t)(end - eq - 1));
    return true;
}

const char *tns_meta_get(const tns_meta *m, const char *name, text *buf) {
    const char *s, *eq, *end;
    for (size_t pos = 0; meta_line(m, &pos, &s, &eq, &end);)
        if (name_is(s, eq, name)) {
            buf->len = 0;
            add_unescaped(buf, eq + 1, (size_t)(end - eq - 1));
            return buf->s;
        }
    return NULL;
}

void tns_meta_add(tns_meta *m, const char *name, const char *value) {
    add_escaped(&m->t, name);
    text_add(&m->t, "=");
    add_escaped(&m->t, value);
    text_add(&m->t, "\n");
}

void tns_meta_addf(tns_meta *m, const char *name, const char *fmt, ...) {
    char *value;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&value, fmt, ap) < 0) out_of_memory(0);
    va_end(ap);
    tns_meta_add(m, name, value);
    free(value);
}

/* Replaces the first line of that name by `value` (or drops it, when NULL), drops the others; true when there was one. */
static bool meta_replace(tns_meta *m, const char *name, const char *value) {
    const char *s, *eq, *end;
    bool found = false;
    text out = {0};
    for (size_t pos = 0; meta_line(m, &pos, &s, &eq, &end);) {
        if (!name_is(s, eq, name)) {
            text_addn(&out, s, (size_t)(end + 1 - s));
        } else if (!found) {
            found = true;
            if (value) {
                tns_meta line = {out};
                tns_meta_add(&line, name, value);
                out = line.t;
            }
        }
    }
    if (found) {
        free(m->t.s);
        m->t = out;
    } else {
        free(out.s);
    }
    return found;
}

void tns_meta_set(tns_meta *m, const char *name, const char *value) {
    if (!meta_replace(m, name, value)) tns_meta_add(m, name, value);
}

bool tns_meta_drop(tns_meta *m, const char *name) {
    return meta_replace(m, name, NULL);
}

void tns_meta_copy(tns_meta *to, const tns_meta *from) {
    to->t.len = 0;
    text_addn(&to->t, from->t.len ? from->t.s : "", from->t.len);
}

void tns_meta_clear(tns_meta *m) {
    m->t.len = 0;
    if (m->t.s) m->t.s[0] = 0;
}

void tns_meta_free(tns_meta *m) {
    free(m->t.s);
    *m = (tns_meta){0};
}

/* ---- frames ---- */

size_t tns_frame_count(const tns_frame *f) {
    size_t n = 1;
    for (int i = 0; i < f->rank; i++) n *= f->shape[i];
    return n;
}

/* Bytes of a tensor; false when they don't fit in 63 bits. */
static bool tensor_bytes(int dtype, int rank, const uint32_t *shape, uint64_t *bytes) {
    uint64_t n = tns_dtype_size(dtype), limit = INT64_MAX;
    bool zero = false;
    for (int i = 0; i < rank; i++) zero |= shape[i] == 0;
    for (int i = 0; i < rank && !zero; i++) {
        if (n > limit / shape[i]) return false;
        n *= shape[i];
    }
    *bytes = zero ? 0 : n;
    return true;
}

static bool reserve(tns_frame *f, size_t n) {
    size_t padded = (n + TNS_ALIGN - 1) / TNS_ALIGN * TNS_ALIGN;
    if (f->data && padded <= f->data_cap) return true;
    void *p = aligned_alloc64(padded);
    if (!p) return false;
    free(f->data);
    f->data = p;
    f->data_cap = padded;
    return true;
}

bool tns_frame_shape(tns_frame *f, int dtype, int rank, const uint32_t *shape) {
    uint64_t bytes;
    if (rank < 0 || rank > TNS_MAX_RANK || !tensor_bytes(dtype, rank, shape, &bytes) || bytes > SIZE_MAX - 128) return false;
    if (!reserve(f, (size_t)bytes)) return false;
    f->dtype = dtype;
    f->rank = rank;
    for (int i = 0; i < TNS_MAX_RANK; i++) f->shape[i] = i < rank ? shape[i] : 0;
    f->data_len = (size_t)bytes;
    return true;
}

bool tns_frame_copy(tns_frame *to, const tns_frame *from) {
    if (!reserve(to, from->data_len)) return false;
    to->type = from->type, to->dtype = from->dtype, to->rank = from->rank, to->seq = from->seq;
    memcpy(to->shape, from->shape, sizeof to->shape);
    to->data_len = from->data_len;
    if (from->data_len) memcpy(to->data, from->data, from->data_len);
    tns_meta_copy(&to->meta, &from->meta);
    return true;
}

void tns_frame_swap(tns_frame *a, tns_frame *b) {
    tns_frame t = *a;
    *a = *b;
    *b = t;
}

void tns_frame_free(tns_frame *f) {
    free(f->data);
    tns_meta_free(&f->meta);
    *f = (tns_frame){0};
}

void tns_shape_text(const tns_frame *f, char out[80]) {
    int n = 0;
    if (!f->rank) strcpy(out, "scalar");
    for (int i = 0; i < f->rank; i++) n += sprintf(out + n, i ? "x%u" : "%u", f->shape[i]);
}

/* ---- the header, 64 bytes ---- */

static void put32(unsigned char *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (unsigned char)(v >> (8 * i));
}
static void put64(unsigned char *p, uint64_t v) {
    for (int i = 0; i < 8; i++) p[i] = (unsigned char)(v >> (8 * i));
}
static uint32_t get32(const unsigned char *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static uint64_t get64(const unsigned char *p) {
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}
static size_t padding(uint64_t n) {
    return (size_t)(-n & (TNS_ALIGN - 1));
}

typedef struct {
    size_t meta_len, data_len; /* unpadded */
    uint32_t body_crc;
} header_lengths;

/* Checks a header and fills the frame's description. NULL, or what is wrong (in buf, or static). Nothing is allocated. */
static const char *parse_header(const unsigned char h[HEADER], uint64_t max_data, tns_frame *f, header_lengths *l,
                                char buf[160]) {
    if (memcmp(h, magic, 4)) return "not a TNS frame (bad magic)";
    if (crc32_of(0, h, 60) != get32(h + 60)) return "header checksum mismatch";
    if (h[4] != 1) {
        snprintf(buf, 160, "version %d, this program reads version 1", h[4]);
        return buf;
    }
    f->type = h[5], f->dtype = h[6], f->rank = h[7];
    if (f->type != 'H' && f->type != 'R' && f->type != 'E') return "unknown frame type";
    if (!tns_dtype_name(f->dtype)) return "unknown dtype";
    if (f->rank > TNS_MAX_RANK) return "rank over 6";
    if (get32(h + 8)) return "reserved bytes that aren't zero";
    f->seq = get64(h + 24);
    for (int i = 0; i < TNS_MAX_RANK; i++) {
        f->shape[i] = get32(h + 32 + 4 * i);
        if (i >= f->rank && f->shape[i]) return "unused shape that isn't zero";
    }
    if (f->type != 'R' && f->dtype != TNS_NONE) return f->type == 'H' ? "a header with data" : "an end frame with data";
    if (f->dtype == TNS_NONE && f->rank) return "a shape without data";
    uint64_t bytes, data_len = get64(h + 16), meta_len = get32(h + 12);
    if (meta_len > TNS_MAX_META) {
        snprintf(buf, 160, "%llu bytes of metadata, over the limit of %u", (unsigned long long)meta_len, TNS_MAX_META);
        return buf;
    }
    if (!tensor_bytes(f->dtype, f->rank, f->shape, &bytes) || bytes != data_len) return "length doesn't match shape and dtype";
    if (data_len > max_data) {
        snprintf(buf, 160, "%llu bytes of data, over the limit of %llu; --max-record raises it", (unsigned long long)data_len,
                 (unsigned long long)max_data);
        return buf;
    }
    if (data_len > SIZE_MAX - 2 * TNS_ALIGN) return "too large for this machine";
    l->meta_len = (size_t)meta_len, l->data_len = (size_t)data_len, l->body_crc = get32(h + 56);
    return NULL;
}

static bool all_zero(const unsigned char *p, size_t n) {
    while (n--)
        if (*p++) return false;
    return true;
}

/* ---- reading ---- */

struct tns_reader {
    int fd;
    char *name;
    uint64_t max_data;
    unsigned char ahead[4096]; /* what came with the last read, from ahead_at to ahead_end */
    size_t ahead_at, ahead_end;
    uint64_t offset, next_offset; /* of the frame last returned, and of the one after it */
    bool in_segment, failed;
    uint64_t segment, next_seq;
    text error, key;
    int error_number;
    unsigned char *scratch;
};

tns_reader *tns_reader_open(int fd, const char *name, uint64_t max_data) {
    tns_reader *r = xarray(1, sizeof *r);
    r->fd = fd;
    r->name = xstrdup(name ? name : "");
    r->max_data = max_data ? max_data : TNS_MAX_DATA;
    int saved = errno;
    fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES); /* fails on what isn't a pipe: all the same to us */
    errno = saved;
    return r;
}

void tns_reader_close(tns_reader *r) {
    if (!r) return;
    free(r->name);
    free(r->error.s);
    free(r->key.s);
    free(r->scratch);
    free(r);
}

const char *tns_reader_error(const tns_reader *r) {
    return r->error.s ? r->error.s : "";
}

int tns_reader_errno(const tns_reader *r) {
    return r->error_number;
}

uint64_t tns_reader_offset(const tns_reader *r) {
    return r->offset;
}

uint64_t tns_reader_next_offset(const tns_reader *r) {
    return r->next_offset;
}

/* Leaves the message and returns -1. f: the frame being read when its header was good, else NULL. */
static int fail(tns_reader *r, const tns_frame *f, const char *what) {
    r->failed = true;
    r->error.len = 0;
    if (*r->name) text_addf(&r->error, "%s: ", r->name);
    if (r->segment > 1) text_addf(&r->error, "segment %llu, ", (unsigned long long)r->segment);
    if (f ? f->type == 'H' : !r->in_segment)
        text_add(&r->error, "header");
    else if (f && f->type == 'E')
        text_add(&r->error, "end frame");
    else {
        text_addf(&r->error, "record %llu", (unsigned long long)r->next_seq);
        const char *key = f && f->meta.t.len ? tns_meta_get(&f->meta, "key", &r->key) : NULL;
        if (key) text_addf(&r->error, " (key %s)", key);
    }
    text_addf(&r->error, ": %s", what);
    return -1;
}

static int fail_errno(tns_reader *r, const tns_frame *f) {
    r->error_number = errno;
    return fail(r, f, strerror(errno));
}

/* Reads n bytes, less at the end. What comes with them is kept for the next call: that makes one system call a record, and fewer
 * when records are small, and never waits for more than n. */
static ptrdiff_t read_bytes(tns_reader *r, void *buf, size_t n) {
    size_t got = r->ahead_end - r->ahead_at;
    if (got > n) got = n;
    memcpy(buf, r->ahead + r->ahead_at, got);
    r->ahead_at += got;
    while (got < n) {
        struct iovec v[2] = {{(char *)buf + got, n - got}, {r->ahead, sizeof r->ahead}};
        ssize_t k = readv(r->fd, v, 2);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return -1;
        if (k == 0) break;
        size_t more = (size_t)k < n - got ? 0 : (size_t)k - (n - got);
        r->ahead_at = 0, r->ahead_end = more;
        got += (size_t)k - more;
    }
    return (ptrdiff_t)got;
}

static int check_grammar(tns_reader *r, const tns_frame *f) {
    if (f->type == 'H') {
        if (r->in_segment) return fail(r, f, "a new header before the END of the segment; did an upstream stage fail?");
        if (f->seq) return fail(r, f, "sequence number that isn't 0");
        return 0;
    }
    if (!r->in_segment) return fail(r, f, "a frame outside a segment, where a header should be");
    if (f->seq != r->next_seq) {
        char what[120];
        snprintf(what, sizeof what, f->type == 'E' ? "counts %llu records, %llu came" : "sequence number %llu, expected %llu",
                 (unsigned long long)f->seq, (unsigned long long)r->next_seq);
        return fail(r, f, what);
    }
    return 0;
}

/* Reads the n bytes of data and their padding, a piece at a time: the sum is taken while a piece is in the cache, and the writer fills
 * the pipe again. *zero: the padding is. */
static int read_data(tns_reader *r, tns_frame *f, size_t n, bool keep, uint32_t *crc, bool *zero) {
    enum { PIECE = 1 << 18 };
    size_t padded = n + padding(n);
    if (keep && !reserve(f, n)) {
        errno = ENOMEM;
        return fail_errno(r, f);
    }
    if (!keep && !r->scratch && padded) r->scratch = xmalloc(PIECE);
    for (size_t at = 0; at < padded;) {
        size_t want = padded - at < PIECE ? padded - at : PIECE;
        unsigned char *p = keep ? (unsigned char *)f->data + at : r->scratch;
        ptrdiff_t got = read_bytes(r, p, want);
        if (got < 0) return fail_errno(r, f);
        if ((size_t)got < want) return fail(r, f, "cut off in the data; did an upstream stage fail?");
        *crc = crc32_of(*crc, p, want);
        at += want;
        if (at == padded) *zero &= all_zero(p + want - (padded - n), padded - n);
    }
    return 0;
}

static int next_frame(tns_reader *r, tns_frame *f, bool keep) {
    if (r->failed) return -1;
    f->meta.t.len = 0;
    unsigned char head[HEADER];
    ptrdiff_t got = read_bytes(r, head, HEADER);
    if (got < 0) return fail_errno(r, NULL);
    if (got == 0 && !r->in_segment) return r->segment ? 0 : fail(r, NULL, "empty input; did an upstream stage fail?");
    if (got == 0) {
        char what[100];
        if (r->next_seq)
            snprintf(what, sizeof what, "no END after record %llu", (unsigned long long)(r->next_seq - 1));
        else
            snprintf(what, sizeof what, "no END after the header");
        r->failed = true;
        r->error.len = 0;
        if (*r->name) text_addf(&r->error, "%s: ", r->name);
        if (r->segment > 1) text_addf(&r->error, "segment %llu: ", (unsigned long long)r->segment);
        text_addf(&r->error, "%s; did an upstream stage fail?", what);
        return -1;
    }
    if (!r->in_segment) r->segment++, r->next_seq = 0;
    if (got < HEADER) {
        bool ours = !memcmp(head, magic, got < 4 ? (size_t)got : 4);
        return fail(r, NULL, ours ? "cut off in the frame's header; did an upstream stage fail?" : "not a TNS frame (bad magic)");
    }

    char buf[160];
    header_lengths len;
    const char *wrong = parse_header(head, r->max_data, f, &len, buf);
    if (wrong) return fail(r, NULL, wrong);

    /* Metadata: read with its padding, then cut to its length. */
    size_t padded = len.meta_len + padding(len.meta_len);
    if (f->meta.t.cap < padded + 1) {
        f->meta.t.s = xrealloc(f->meta.t.s, padded + 1);
        f->meta.t.cap = padded + 1;
    }
    got = read_bytes(r, f->meta.t.s, padded);
    if (got < 0) return fail_errno(r, f);
    if ((size_t)got < padded) return fail(r, f, "cut off in the metadata; did an upstream stage fail?");
    uint32_t crc = crc32_of(0, (unsigned char *)f->meta.t.s, padded);
    bool zero = all_zero((unsigned char *)f->meta.t.s + len.meta_len, padded - len.meta_len);
    f->meta.t.len = len.meta_len;
    f->meta.t.s[len.meta_len] = 0;
    f->data_len = len.data_len;

    if (check_grammar(r, f) < 0) return -1;
    if (read_data(r, f, len.data_len, keep, &crc, &zero) < 0) return -1;
    if (crc != len.body_crc) return fail(r, f, "checksum mismatch");
    if (!zero) return fail(r, f, "padding that isn't zero");
    if (!meta_valid(f->meta.t.s, f->meta.t.len)) return fail(r, f, "malformed metadata");
    text key = {0};
    bool keyed = f->type != 'R' || tns_meta_get(&f->meta, "key", &key);
    free(key.s);
    if (!keyed) return fail(r, f, "no key= in the metadata");

    r->in_segment = f->type != 'E';
    if (f->type == 'R') r->next_seq++;
    r->offset = r->next_offset;
    r->next_offset += HEADER + padded + len.data_len + padding(len.data_len);
    return 1;
}

int tns_read(tns_reader *r, tns_frame *f) {
    return next_frame(r, f, true);
}

int tns_skim(tns_reader *r, tns_frame *f) {
    return next_frame(r, f, false);
}

static ptrdiff_t full_pread(int fd, void *buf, size_t n, uint64_t at) {
    size_t got = 0;
    while (got < n) {
        ssize_t k = pread(fd, (char *)buf + got, n - got, (off_t)(at + got));
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return -1;
        if (k == 0) break;
        got += (size_t)k;
    }
    return (ptrdiff_t)got;
}

int tns_read_at(int fd, uint64_t offset, const char *name, uint64_t max_data, tns_frame *f, char err[512], int *is_errno) {
    unsigned char h[HEADER];
    char buf[160];
    const char *wrong = NULL;
    header_lengths len;
    text key = {0};
    uint32_t crc = 0;
    *is_errno = 0;
    f->meta.t.len = 0;
    ptrdiff_t got = full_pread(fd, h, HEADER, offset);
    if (got < 0)
        *is_errno = errno;
    else if (got < HEADER)
        wrong = "cut off: the file has changed since it was indexed";
    else
        wrong = parse_header(h, max_data ? max_data : TNS_MAX_DATA, f, &len, buf);
    if (*is_errno || wrong) goto failed;

    size_t meta = len.meta_len + padding(len.meta_len), data = len.data_len + padding(len.data_len);
    f->data_len = len.data_len;
    if (f->meta.t.cap < meta + 1) {
        f->meta.t.s = xrealloc(f->meta.t.s, meta + 1);
        f->meta.t.cap = meta + 1;
    }
    if (!reserve(f, len.data_len)) {
        *is_errno = ENOMEM;
        goto failed;
    }
    ptrdiff_t got_meta = full_pread(fd, f->meta.t.s, meta, offset + HEADER);
    ptrdiff_t got_data = got_meta < 0 ? -1 : full_pread(fd, f->data, data, offset + HEADER + meta);
    if (got_data < 0) {
        *is_errno = errno;
        goto failed;
    }
    if ((size_t)got_meta < meta || (size_t)got_data < data) {
        wrong = "cut off: the file has changed since it was indexed";
        goto failed;
    }
    crc = crc32_of(crc32_of(0, (unsigned char *)f->meta.t.s, meta), f->data, data);
    bool zero = all_zero((unsigned char *)f->meta.t.s + len.meta_len, meta - len.meta_len) &&
                all_zero((unsigned char *)f->data + len.data_len, data - len.data_len);
    f->meta.t.len = len.meta_len;
    f->meta.t.s[len.meta_len] = 0;
    if (crc != len.body_crc)
        wrong = "checksum mismatch";
    else if (!zero)
        wrong = "padding that isn't zero";
    else if (!meta_valid(f->meta.t.s, f->meta.t.len))
        wrong = "malformed metadata";
    if (!wrong) return 1;

failed:
    if (err) {
        const char *k = f->meta.t.len ? tns_meta_get(&f->meta, "key", &key) : NULL;
        snprintf(err, 512, "%.150s%sframe at byte %llu%s%.100s%s: %.150s", name ? name : "", name && *name ? ": " : "",
                 (unsigned long long)offset, k ? " (key " : "", k ? k : "", k ? ")" : "", wrong ? wrong : strerror(*is_errno));
    }
    free(key.s);
    return -1;
}

int tns_peek_at(int fd, uint64_t offset, uint64_t max_data, uint64_t *length) {
    unsigned char h[HEADER];
    char buf[160];
    header_lengths len;
    tns_frame f = {0};
    ptrdiff_t got = full_pread(fd, h, HEADER, offset);
    if (got < 0) return -1;
    if (got < HEADER || parse_header(h, max_data ? max_data : TNS_MAX_DATA, &f, &len, buf)) return 0;
    *length = HEADER + len.meta_len + padding(len.meta_len) + len.data_len + padding(len.data_len);
    return f.type;
}

/* ---- writing ---- */

struct tns_writer {
    int fd;
    bool in_segment;
    uint64_t next_seq;
};

tns_writer *tns_writer_open(int fd) {
    tns_writer *w = xarray(1, sizeof *w);
    w->fd = fd;
    int saved = errno;
    fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
    errno = saved;
    return w;
}

tns_writer *tns_writer_resume(int fd, uint64_t count) {
    tns_writer *w = tns_writer_open(fd);
    w->in_segment = true;
    w->next_seq = count;
    return w;
}

uint64_t tns_writer_count(const tns_writer *w) {
    return w->next_seq;
}

void tns_writer_close(tns_writer *w) {
    free(w);
}

static int write_all(int fd, struct iovec *v, int n) {
    while (n) {
        ssize_t k = writev(fd, v, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return -1;
        size_t left = (size_t)k;
        while (n && left >= v->iov_len) left -= v->iov_len, v++, n--;
        if (n) {
            v->iov_base = (char *)v->iov_base + left;
            v->iov_len -= left;
        }
    }
    return 0;
}

int tns_write(tns_writer *w, const tns_frame *f) {
    static const unsigned char zeros[TNS_ALIGN];
    bool header = f->type == 'H', record = f->type == 'R';
    uint64_t bytes = 0;
    if ((!header && !record && f->type != 'E') || header == w->in_segment || f->meta.t.len > TNS_MAX_META ||
        (record && (!tns_dtype_name(f->dtype) || f->rank < 0 || f->rank > TNS_MAX_RANK || (f->dtype == TNS_NONE && f->rank) ||
                    !tensor_bytes(f->dtype, f->rank, f->shape, &bytes)))) {
        errno = EINVAL;
        return -1;
    }
    size_t meta_pad = padding(f->meta.t.len), data_pad = padding(bytes);
    unsigned char h[HEADER] = {0};
    memcpy(h, magic, 4);
    h[4] = 1, h[5] = (unsigned char)f->type;
    if (record) {
        h[6] = (unsigned char)f->dtype, h[7] = (unsigned char)f->rank;
        for (int i = 0; i < f->rank; i++) put32(h + 32 + 4 * i, f->shape[i]);
    }
    put32(h + 12, (uint32_t)f->meta.t.len);
    put64(h + 16, bytes);
    if (header) w->next_seq = 0;
    put64(h + 24, header ? 0 : w->next_seq);
    uint32_t crc = 0;
    if (f->meta.t.len) crc = crc32_of(crc, (unsigned char *)f->meta.t.s, f->meta.t.len);
    crc = crc32_of(crc, zeros, meta_pad);
    if (bytes) crc = crc32_of(crc, f->data, (size_t)bytes);
    crc = crc32_of(crc, zeros, data_pad);
    put32(h + 56, crc);
    put32(h + 60, crc32_of(0, h, 60));

    struct iovec v[5] = {{h, HEADER},
                         {f->meta.t.s, f->meta.t.len},
                         {(void *)zeros, meta_pad},
                         {f->data, (size_t)bytes},
                         {(void *)zeros, data_pad}};
    if (write_all(w->fd, v, 5) < 0) return -1;
    w->in_segment = f->type != 'E';
    if (record) w->next_seq++;
    return 0;
}
