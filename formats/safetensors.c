#include "safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 100 << 20, MAX_TENSORS = 1 << 20, MAX_TEXT = 4096 };

/* As much of JSON as the header has: objects, arrays of numbers, texts. */
typedef struct {
    const char *p, *end;
} json;

static void blanks(json *j) {
    while (j->p < j->end && strchr(" \t\r\n", *j->p) && *j->p) j->p++;
}

static bool take(json *j, char c) {
    blanks(j);
    if (j->p == j->end || *j->p != c) return false;
    return j->p++, true;
}

static int hex4(const char *p) {
    int v = 0;
    for (int i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdef", *at = strchr(digits, p[i] | 32);
        if (!p[i] || !at) return -1;
        v = v * 16 + (int)(at - digits);
    }
    return v;
}

/* A text, unescaped; the caller frees. NULL when malformed. */
static char *take_text(json *j) {
    text t = {0};
    if (!take(j, '"')) return NULL;
    text_add(&t, "");
    while (j->p < j->end && *j->p != '"' && t.len < MAX_TEXT) {
        char c = *j->p++;
        if ((unsigned char)c < ' ') break;
        if (c == '\\') {
            static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
            if (j->p == j->end) break;
            const char *at = strchr(from, *j->p);
            if (*j->p == 'u' && j->end - j->p > 5) {
                int v = hex4(j->p + 1);
                if (v <= 0 || (v >= 0xd800 && v < 0xe000)) break; /* no names beyond the basic plane */
                char utf8[4] = {0};
                int n = 0;
                if (v < 0x80)
                    utf8[n++] = (char)v;
                else if (v < 0x800)
                    utf8[n++] = (char)(0xc0 | v >> 6), utf8[n++] = (char)(0x80 | (v & 63));
                else
                    utf8[n++] = (char)(0xe0 | v >> 12), utf8[n++] = (char)(0x80 | (v >> 6 & 63)),
                    utf8[n++] = (char)(0x80 | (v & 63));
                text_addn(&t, utf8, (size_t)n);
                j->p += 5;
                continue;
            }
            if (!*j->p || !at) break;
            c = to[at - from];
            j->p++;
        }
        text_addn(&t, &c, 1);
    }
    if (j->p < j->end && *j->p == '"' && strlen(t.s) == t.len) return j->p++, t.s;
    free(t.s);
    return NULL;
}

static bool take_number(json *j, uint64_t *v) {
    blanks(j);
    char digits[24];
    size_t n = 0;
    while (j->p < j->end && *j->p >= '0' && *j->p <= '9' && n < sizeof digits - 1) digits[n++] = *j->p++;
    digits[n] = 0;
    return n && parse_u64(digits, v);
}

/* [1, 2, 3]: how many, at most max; -1 when malformed. */
static int take_numbers(json *j, uint64_t *v, int max) {
    int n = 0;
    if (!take(j, '[')) return -1;
    if (take(j, ']')) return 0;
    do {
        if (n == max || !take_number(j, &v[n++])) return -1;
    } while (take(j, ','));
    return take(j, ']') ? n : -1;
}

/* {"a": "b", ...}, passed over */
static bool skip_texts(json *j) {
    if (!take(j, '{')) return false;
    if (take(j, '}')) return true;
    do {
        char *key = take_text(j), *value = key && take(j, ':') ? take_text(j) : NULL;
        bool good = value != NULL;
        free(key), free(value);
        if (!good) return false;
    } while (take(j, ','));
    return take(j, '}');
}

static int dtype_of(const char *s) {
    static const struct {
        const char *name;
        int dtype;
    } kinds[] = {{"F32", TNS_F32}, {"F16", TNS_F16}, {"BF16", TNS_BF16}, {"F64", TNS_F64}, {"I64", TNS_I64},
                 {"I32", TNS_I32}, {"I16", TNS_I16}, {"I8", TNS_I8},     {"U8", TNS_U8},   {"BOOL", TNS_U8},
                 {"U16", TNS_U16}, {"U32", TNS_U32}, {"U64", TNS_U64}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i].name, s)) return kinds[i].dtype;
    return -1;
}

static const char *tensor(json *j, weight *t, const unsigned char *data, size_t size, char err[WEIGHTS_ERROR]) {
    uint64_t shape[TNS_MAX_RANK], at[2];
    bool seen[3] = {false};
    int rank = 0;
    if (!take(j, '{')) return "malformed header: a tensor that is no object";
    do {
        char *key = take_text(j), *type = NULL;
        int which = !key ? -1 : !strcmp(key, "dtype") ? 0 : !strcmp(key, "shape") ? 1 : !strcmp(key, "data_offsets") ? 2 : -1;
        free(key);
        if (which < 0 || seen[which] || !take(j, ':')) return "malformed header: a tensor has dtype, shape and data_offsets";
        seen[which] = true;
        if (which == 0) {
            type = take_text(j);
            t->dtype = type ? dtype_of(type) : -1;
            if (t->dtype < 0) snprintf(err, WEIGHTS_ERROR, "%.100s is of %.40s, which can't be read", t->name, type ? type : "?");
            free(type);
            if (t->dtype < 0) return err;
        } else if (which == 1 && (rank = take_numbers(j, shape, TNS_MAX_RANK)) < 0) {
            return "malformed header: a shape";
        } else if (which == 2 && take_numbers(j, at, 2) != 2) {
            return "malformed header: data_offsets";
        }
    } while (take(j, ','));
    if (!take(j, '}') || !seen[0] || !seen[1] || !seen[2]) return "malformed header: a tensor has dtype, shape and data_offsets";
    uint64_t bytes = tns_dtype_size(t->dtype);
    for (int i = 0; i < rank; i++) {
        if (shape[i] > UINT32_MAX || __builtin_mul_overflow(bytes, shape[i], &bytes)) return "a tensor too large for the file";
        t->shape[i] = (uint32_t)shape[i];
    }
    t->rank = rank;
    if (at[0] > at[1] || at[1] > size || at[1] - at[0] != bytes) {
        snprintf(err, WEIGHTS_ERROR, "%.100s: its data_offsets don't fit its shape or the file", t->name);
        return err;
    }
    t->data = data + at[0], t->bytes = (size_t)bytes;
    return NULL;
}

bool safetensors_is(const unsigned char *p, size_t n) {
    if (n < 10 || p[8] != '{') return false;
    for (int i = 4; i < 8; i++)
        if (p[i]) return false;
    return true;
}

const char *safetensors_list(weights *w, const unsigned char *p, size_t n, char err[WEIGHTS_ERROR]) {
    size_t length = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
    if (length > MAX_HEADER || length > n - 8) return "its header is longer than the file";
    json j = {(const char *)p + 8, (const char *)p + 8 + length};
    const unsigned char *data = p + 8 + length;
    int room = 0;
    if (!take(&j, '{')) return "malformed header";
    if (take(&j, '}')) return NULL;
    do {
        char *name = take_text(&j);
        if (!name || !take(&j, ':')) {
            free(name);
            return "malformed header: a name";
        }
        if (!strcmp(name, "__metadata__")) {
            free(name);
            if (!skip_texts(&j)) return "malformed header: __metadata__";
            continue;
        }
        if (w->count == room) {
            if (room == MAX_TENSORS) {
                free(name);
                return "too many tensors";
            }
            room = room ? 2 * room : 64;
            w->weight = xrealloc(w->weight, (size_t)room * sizeof *w->weight);
        }
        weight *t = &w->weight[w->count++];
        *t = (weight){.name = name, .member = -1};
        const char *wrong = tensor(&j, t, data, n - 8 - length, err);
        if (wrong) return wrong;
    } while (take(&j, ','));
    if (!take(&j, '}')) return "malformed header";
    blanks(&j);
    return j.p == j.end ? NULL : "malformed header: something after its end";
}
