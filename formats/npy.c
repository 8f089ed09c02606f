#include "npy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const unsigned char magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
enum { MAX_HEADER = 1 << 16 };

/* ---- a Python dictionary, as much of one as NumPy writes ---- */

static void skip_blanks(const char **p) {
    *p += strspn(*p, " \t\r\n");
}

static bool take(const char **p, char c) {
    skip_blanks(p);
    if (**p != c) return false;
    ++*p;
    return true;
}

/* A quoted string without escapes, of less than 32 bytes. */
static bool take_string(const char **p, char out[32]) {
    skip_blanks(p);
    char quote = **p;
    if (quote != '\'' && quote != '"') return false;
    size_t n = strcspn(*p + 1, "\\'\"\n");
    if (n >= 32 || (*p)[1 + n] != quote) return false;
    memcpy(out, *p + 1, n);
    out[n] = 0;
    *p += n + 2;
    return true;
}

static bool take_word(const char **p, const char *word) {
    skip_blanks(p);
    size_t n = strlen(word);
    if (strncmp(*p, word, n)) return false;
    *p += n;
    return true;
}

/* (), (3,), (3, 4): *rank counts on over NPY_MAX_RANK, so the caller can say how many there are. Python 2 wrote 3L. */
static bool take_shape(const char **p, uint64_t shape[NPY_MAX_RANK], int *rank) {
    *rank = 0;
    if (!take(p, '(')) return false;
    while (!take(p, ')')) {
        char digits[24];
        skip_blanks(p);
        size_t n = strspn(*p, "0123456789");
        uint64_t v;
        if (!n || n >= sizeof digits) return false;
        memcpy(digits, *p, n);
        digits[n] = 0;
        if (!parse_u64(digits, &v)) return false;
        *p += n;
        if (**p == 'L') ++*p;
        if (*rank < NPY_MAX_RANK) shape[*rank] = v;
        ++*rank;
        bool comma = take(p, ',');
        skip_blanks(p);
        if (!comma && (**p != ')' || *rank == 1)) return false; /* (3) is a number */
    }
    return true;
}

/* '<f4': byte order, kind, bytes. */
static int descr_dtype(const char *descr, bool *swapped) {
    static const struct {
        const char *name;
        int dtype;
    } kinds[] = {{"b1", TNS_U8},  {"u1", TNS_U8},  {"u2", TNS_U16}, {"u4", TNS_U32}, {"u8", TNS_U64}, {"i1", TNS_I8},
                 {"i2", TNS_I16}, {"i4", TNS_I32}, {"i8", TNS_I64}, {"f2", TNS_F16}, {"f4", TNS_F32}, {"f8", TNS_F64}};
    bool big = descr[0] == '>';
    if (!descr[0] || !strchr("<>|=", descr[0])) return -1;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i].name, descr + 1)) {
            size_t size = tns_dtype_size(kinds[i].dtype);
            if (size > 1 && descr[0] == '|') return -1;
            *swapped = big && size > 1;
            return kinds[i].dtype;
        }
    return -1;
}

static const char *parse_dictionary(const char *p, npy_header *h, char err[256]) {
    char key[32], descr[32] = "";
    bool fortran = false, seen[3] = {false};
    int rank = 0;
    if (!take(&p, '{')) return "its header isn't a dictionary";
    while (!take(&p, '}')) {
        if (!take_string(&p, key) || !take(&p, ':')) return "malformed header";
        int which = !strcmp(key, "descr") ? 0 : !strcmp(key, "fortran_order") ? 1 : !strcmp(key, "shape") ? 2 : -1;
        if (which < 0 || seen[which]) {
            snprintf(err, 256, "'%s' in its header, %s", key, which < 0 ? "which .npy hasn't" : "twice");
            return err;
        }
        seen[which] = true;
        skip_blanks(&p);
        if (which == 0 && *p == '[') return "an array of records with named fields; only arrays of numbers can be read";
        if (which == 0 && !take_string(&p, descr)) return "malformed descr in its header";
        if (which == 1 && !(fortran = take_word(&p, "True")) && !take_word(&p, "False"))
            return "malformed fortran_order in its header";
        if (which == 2 && !take_shape(&p, h->shape, &rank)) return "malformed shape in its header";
        skip_blanks(&p);
        if (!take(&p, ',') && *p != '}') return "malformed header";
    }
    skip_blanks(&p);
    if (*p) return "something after the dictionary in its header";
    if (!seen[0] || !seen[1] || !seen[2]) return "its header lacks descr, fortran_order or shape";
    h->rank = rank;
    h->dtype = descr_dtype(descr, &h->swapped);
    if (h->dtype < 0) {
        snprintf(err, 256, "elements of type %s; only integers and floats of at most 8 bytes can be read", descr);
        return err;
    }
    if (rank > NPY_MAX_RANK) {
        snprintf(err, 256, "%d axes; at most %d can be read", rank, NPY_MAX_RANK);
        return err;
    }
    h->fortran = fortran && rank > 1;
    return NULL;
}

/* ---- the file ---- */

/* NULL when n bytes came. */
static const char *get(int fd, void *buf, size_t n, int *is_errno) {
    ptrdiff_t got = full_read(fd, buf, n);
    if (got < 0) return *is_errno = errno, strerror(errno);
    return (size_t)got < n ? "cut off in its header" : NULL;
}

const char *npy_read_header(int fd, npy_header *h, char err[256], int *is_errno) {
    unsigned char b[12] = {0};
    *h = (npy_header){0};
    *is_errno = 0;
    ptrdiff_t got = full_read(fd, b, 8);
    if (got < 0) return *is_errno = errno, strerror(errno);
    if (got == 0) return "empty";
    if (memcmp(b, magic, got < 6 ? (size_t)got : 6)) return "not a .npy file (bad magic)";
    if (got < 8) return "cut off in its header";
    if (b[6] < 1 || b[6] > 3 || b[7]) {
        snprintf(err, 256, "version %d.%d; 1.0, 2.0 and 3.0 can be read", b[6], b[7]);
        return err;
    }
    const char *wrong = get(fd, b + 8, b[6] == 1 ? 2 : 4, is_errno);
    if (wrong) return wrong;
    size_t n = (size_t)b[8] | (size_t)b[9] << 8 | (size_t)b[10] << 16 | (size_t)b[11] << 24;
    if (n > MAX_HEADER) return "a header over 64 KiB";
    char *s = xmalloc(n + 1);
    wrong = get(fd, s, n, is_errno);
    s[n] = 0;
    if (!wrong && memchr(s, 0, n)) wrong = "malformed header";
    if (!wrong) wrong = parse_dictionary(s, h, err);
    free(s);
    if (!wrong && h->fortran) wrong = "in Fortran order; save numpy.ascontiguousarray(array) instead";
    return wrong;
}

const char *npy_parse(const unsigned char *p, size_t n, npy_header *h, size_t *used, char err[256]) {
    *h = (npy_header){0};
    if (n < 10 || memcmp(p, magic, sizeof magic)) return "not a .npy file (bad magic)";
    size_t wide = p[6] == 1 ? 2 : 4, length = (size_t)p[8] | (size_t)p[9] << 8;
    if (p[6] < 1 || p[6] > 3 || p[7] || n < 8 + wide) return "not a version of .npy that can be read";
    if (wide == 4) length |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
    if (length > MAX_HEADER) return "a header over 64 KiB";
    if (n - 8 - wide < length) return "cut off in its header";
    char *s = xmalloc(length + 1);
    memcpy(s, p + 8 + wide, length);
    s[length] = 0;
    const char *wrong = memchr(s, 0, length) ? "malformed header" : parse_dictionary(s, h, err);
    free(s);
    *used = 8 + wide + length;
    return wrong;
}

size_t npy_header_bytes(const npy_header *h, unsigned char out[NPY_MAX_HEADER]) {
    char kind = (h->dtype >> 4) == 1 ? 'u' : (h->dtype >> 4) == 2 ? 'i' : 'f';
    size_t size = tns_dtype_size(h->dtype);
    text t = {0};
    text_addf(&t, "{'descr': '%c%c%zu', 'fortran_order': False, 'shape': (", size == 1 ? '|' : '<', kind, size);
    for (int i = 0; i < h->rank; i++) text_addf(&t, i ? ", %llu" : "%llu", (unsigned long long)h->shape[i]);
    text_add(&t, h->rank == 1 ? ",), }" : "), }");
    size_t total = (10 + t.len + 1 + 63) / 64 * 64; /* at most 10 + 60 + 7 * 22 + 1 */
    memset(out, ' ', total);
    memcpy(out, magic, sizeof magic);
    out[6] = 1, out[7] = 0;
    out[8] = (total - 10) & 255, out[9] = (unsigned char)((total - 10) >> 8);
    memcpy(out + 10, t.s, t.len);
    out[total - 1] = '\n';
    free(t.s);
    return total;
}

void npy_swap(void *data, size_t n, size_t size) {
    unsigned char *p = data;
    for (size_t i = 0; i < n; i++, p += size)
        for (size_t a = 0, b = size - 1; a < b; a++, b--) {
            unsigned char t = p[a];
            p[a] = p[b];
            p[b] = t;
        }
}

static void add_number(text *out, const unsigned char *p, int dtype) {
    size_t size = tns_dtype_size(dtype);
    uint64_t v = 0;
    for (size_t i = 0; i < size; i++) v |= (uint64_t)p[i] << (8 * i);
    bool negative = (dtype >> 4) == 2 && p[size - 1] & 0x80;
    if (negative && size < 8) v |= ~UINT64_C(0) << (8 * size);
    if (negative)
        text_addf(out, "%lld\n", (long long)(int64_t)v);
    else
        text_addf(out, "%llu\n", (unsigned long long)v);
}

const char *npy_read_lines(const char *path, text *out, uint64_t *count, char err[256]) {
    enum { MAX_FILE = 1 << 28 };
    unsigned char start[6];
    npy_header h;
    int fd = open(path, O_RDONLY | O_CLOEXEC), is_errno;
    if (fd < 0) return strerror(errno);
    bool npy = pread(fd, start, 6, 0) == 6 && !memcmp(start, magic, 6);
    const char *wrong = npy ? npy_read_header(fd, &h, err, &is_errno) : NULL;
    size_t n = 0;
    char *s = NULL;
    if (!npy)
        s = read_file(path, MAX_FILE, &n);
    else if (!wrong && ((h.dtype >> 4) == 3 || h.rank != 1))
        wrong = "not integers along one axis";
    else if (!wrong && h.shape[0] > MAX_FILE / tns_dtype_size(h.dtype))
        wrong = "too many of them";
    else if (!wrong) {
        n = (size_t)h.shape[0] * tns_dtype_size(h.dtype);
        s = xmalloc(n + 1);
        ptrdiff_t got = full_read(fd, s, n + 1);
        if (got < 0)
            wrong = strerror(errno);
        else if ((size_t)got != n)
            wrong = (size_t)got < n ? "cut off" : "longer than its shape";
    }
    if (!s && !wrong) wrong = strerror(errno);
    close(fd);
    *count = 0;
    for (size_t i = 0; !wrong && npy && i < h.shape[0]; i++, ++*count) {
        size_t size = tns_dtype_size(h.dtype);
        if (h.swapped) npy_swap(s + i * size, 1, size);
        add_number(out, (unsigned char *)s + i * size, h.dtype);
    }
    if (!wrong && !npy) {
        if (memchr(s, 0, n)) wrong = "neither text nor .npy";
        text_addn(out, s, n);
        if (n && s[n - 1] != '\n') text_add(out, "\n");
        for (size_t i = 0; i < out->len; i++) *count += out->s[i] == '\n';
    }
    free(s);
    return wrong;
}
