#include "onnx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "lib/floats.h"
#include "protobuf.h"

/* What a graph may make of its constants: the file's own size bounds it, so that a few bytes can't ask for gigabytes. Quantised weights, widened to
 * 64 bits, dequantised and turned, take 16 times theirs. */
static const size_t base_budget = (size_t)256 << 20, budget_per_byte = 32, most_budget = (size_t)8 << 30;

void *onnx_alloc(onnx *o, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count ? count : 1, size, &bytes) || bytes > o->budget) return NULL;
    void *p = calloc(1, bytes);
    if (!p) out_of_memory(bytes);
    o->budget -= bytes;
    if (o->owned_count == o->owned_room) {
        o->owned_room = o->owned_room ? 2 * o->owned_room : 256;
        o->owned = xrealloc(o->owned, o->owned_room * sizeof *o->owned);
    }
    o->owned[o->owned_count] = p;
    o->owned_count++;
    return p;
}

void onnx_free(onnx *o) {
    if (!o) return;
    for (size_t i = 0; i < o->owned_count; i++) free(o->owned[i]);
    free(o->owned);
    free(o);
}

onnx_tensor *onnx_new_tensor(onnx *o, bool whole, int rank, const int64_t *dim) {
    size_t count = 1;
    if (rank > ONNX_MAX_RANK) return NULL;
    for (int i = 0; i < rank; i++)
        if (dim[i] < 0 || dim[i] > INT32_MAX || __builtin_mul_overflow(count, (size_t)dim[i], &count)) return NULL;
    onnx_tensor *t = onnx_alloc(o, 1, sizeof *t);
    void *data = t ? onnx_alloc(o, count, whole ? sizeof(int64_t) : sizeof(float)) : NULL;
    if (!data) return NULL;
    t->whole = whole, t->rank = rank, t->count = count;
    for (int i = 0; i < rank; i++) t->dim[i] = dim[i];
    if (whole)
        t->i = data;
    else
        t->f = data;
    return t;
}

const onnx_attribute *onnx_attr(const onnx_node *n, const char *name) {
    for (int i = 0; i < n->attributes; i++)
        if (!strcmp(n->attribute[i].name, name)) return &n->attribute[i];
    return NULL;
}

int64_t onnx_int(const onnx_node *n, const char *name, int64_t otherwise) {
    const onnx_attribute *a = onnx_attr(n, name);
    return a ? a->i : otherwise;
}

double onnx_float(const onnx_node *n, const char *name, double otherwise) {
    const onnx_attribute *a = onnx_attr(n, name);
    return a ? a->f : otherwise;
}

/* ---- messages ---- */

typedef struct {
    onnx *o;
    char *err;
} reader;

static bool bad(reader *r, const char *what, const char *name, const char *why) {
    snprintf(r->err, ONNX_ERROR, "%.40s%s%.100s: %.200s", what, name && *name ? " " : "", name ? name : "", why);
    return false;
}

static char *string(reader *r, const proto *m) {
    char *s = onnx_alloc(r->o, m->size + 1, 1);
    if (!s) return NULL;
    memcpy(s, m->data, m->size);
    return s; /* a NUL inside ends it */
}

/* How many fields of a number there are, to allocate before reading. */
static int count_fields(const unsigned char *p, size_t n, int field) {
    proto m = proto_of(p, n);
    int count = 0;
    while (proto_next(&m)) count += m.field == field && m.type == 2;
    return count;
}

static float as_float(uint64_t bits) {
    uint32_t b = (uint32_t)bits;
    float f;
    memcpy(&f, &b, sizeof f);
    return f;
}

static double as_double(uint64_t bits) {
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

/* Bytes of an element in raw_data: 0 for types that can't be read. */
static size_t type_size(int type) {
    static const unsigned char size[] = {0, 4, 1, 1, 2, 2, 4, 8, 0, 1, 2, 8, 4, 8, 0, 0, 2};
    return type >= 0 && type < (int)sizeof size ? size[type] : 0;
}

static bool is_float(int type) {
    return type == 1 || type == 10 || type == 11 || type == 16;
}

/* Element k from little-endian bytes, or (typed fields) from the number that stands for it. */
static void put(onnx_tensor *t, size_t k, int type, uint64_t v) {
    float f;
    uint32_t wide;
    switch (type) {
    case 1:
        t->f[k] = as_float(v);
        return;
    case 10:
        t->f[k] = float_of_half((uint16_t)v);
        return;
    case 11:
        t->f[k] = (float)as_double(v);
        return;
    case 16:
        wide = (uint32_t)(v & 0xffff) << 16;
        memcpy(&f, &wide, sizeof f);
        t->f[k] = f;
        return;
    case 3:
        t->i[k] = (int8_t)v;
        return;
    case 5:
        t->i[k] = (int16_t)v;
        return;
    case 6:
        t->i[k] = (int32_t)v;
        return;
    default:
        t->i[k] = (int64_t)v;
    }
}

static bool fill_raw(onnx_tensor *t, int type, const unsigned char *p, size_t n) {
    size_t size = type_size(type);
    if (n != t->count * size) return false;
    for (size_t k = 0; k < t->count; k++, p += size) {
        uint64_t v = 0;
        for (size_t b = size; b-- > 0;) v = v << 8 | p[b];
        put(t, k, type, v);
    }
    return true;
}

/* One field of typed numbers, packed or not, from element *at on. */
static bool fill_typed(onnx_tensor *t, int type, const proto *m, size_t *at) {
    int width = m->field == 4 ? 4 : m->field == 10 ? 8 : 0; /* float_data, double_data; the others are varints */
    if (m->type != 2) {
        if (*at >= t->count) return false;
        put(t, (*at)++, type, m->value);
        return true;
    }
    proto in = proto_of(m->data, m->size);
    while (in.p < in.end && !in.bad) {
        uint64_t v = width ? proto_fixed(&in, width) : proto_varint(&in);
        if (in.bad || *at >= t->count) return false;
        put(t, (*at)++, type, v);
    }
    return true;
}

static onnx_tensor *tensor(reader *r, const unsigned char *p, size_t n, char **name) {
    int64_t dim[ONNX_MAX_RANK];
    int rank = 0, type = 0;
    const unsigned char *raw = NULL;
    size_t raw_size = 0;
    bool external = false, segments = false;
    proto m = proto_of(p, n);
    *name = "";
    while (proto_next(&m)) {
        if (m.field == 1) { /* dims, packed or not */
            proto in = proto_of(m.data, m.type == 2 ? m.size : 0);
            do {
                int64_t v = m.type == 2 && in.p < in.end ? (int64_t)proto_varint(&in) : (int64_t)m.value;
                if (m.type == 2 && m.size == 0) break;
                if (rank == ONNX_MAX_RANK || in.bad) return bad(r, "tensor", *name, "too many axes"), NULL;
                dim[rank++] = v;
            } while (m.type == 2 && in.p < in.end);
        } else if (m.field == 2 && m.type == 0) {
            type = (int)(m.value & 0xff);
        } else if (m.field == 3) {
            segments = true;
        } else if (m.field == 8 && m.type == 2) {
            if (!(*name = string(r, &m))) return bad(r, "tensor", "", "out of memory"), NULL;
        } else if (m.field == 9 && m.type == 2) {
            raw = m.data, raw_size = m.size;
        } else if (m.field == 14 && m.type == 0) {
            external = m.value == 1;
        }
    }
    if (m.bad) return bad(r, "tensor", *name, "malformed"), NULL;
    if (external) return bad(r, "tensor", *name, "its data is in another file; save the model with its weights inside"), NULL;
    if (!type_size(type) || segments) return bad(r, "tensor", *name, "of a type that can't be read"), NULL;
    /* What it claims is held against the bytes there are before anything is allocated. */
    size_t claimed = 1;
    for (int i = 0; i < rank; i++)
        if (dim[i] < 0 || __builtin_mul_overflow(claimed, (size_t)dim[i], &claimed))
            return bad(r, "tensor", *name, "impossible axes"), NULL;
    if (claimed > n) return bad(r, "tensor", *name, "larger than the file"), NULL;
    onnx_tensor *t = onnx_new_tensor(r->o, !is_float(type), rank, dim);
    if (!t) return bad(r, "tensor", *name, "too large"), NULL;
    size_t at = 0;
    bool good = true;
    if (raw) {
        good = fill_raw(t, type, raw, raw_size);
        at = t->count;
    }
    static const signed char fields[] = {0, 4, 5,  5,  5,  5, 5, 7, 0,
                                         5, 5, 10, 11, 11, 0, 0, 5}; /* where a type's numbers are kept */
    m = proto_of(p, n);
    while (!raw && good && proto_next(&m))
        if (m.field == fields[type]) good = fill_typed(t, type, &m, &at);
    if (!good || at != t->count) return bad(r, "tensor", *name, "its data doesn't fit its shape"), NULL;
    return t;
}

static bool numbers(reader *r, const unsigned char *p, size_t n, onnx_attribute *a, int field) {
    size_t most = 0;
    proto m = proto_of(p, n);
    while (proto_next(&m))
        if (m.field == field) most += m.type == 2 ? m.size : 1;
    if (!most) return true;
    if (field == 8)
        a->ints = onnx_alloc(r->o, most, sizeof *a->ints);
    else
        a->floats = onnx_alloc(r->o, most, sizeof *a->floats);
    if (!a->ints && !a->floats) return bad(r, "attribute", a->name, "too large");
    m = proto_of(p, n);
    while (proto_next(&m)) {
        if (m.field != field) continue;
        proto in = proto_of(m.data, m.type == 2 ? m.size : 0);
        do {
            uint64_t v = m.type != 2 ? m.value : in.p == in.end ? 0 : field == 8 ? proto_varint(&in) : proto_fixed(&in, 4);
            if (in.bad) return bad(r, "attribute", a->name, "malformed");
            if (m.type == 2 && m.size == 0) break;
            if (field == 8)
                a->ints[a->count++] = (int64_t)v;
            else
                a->floats[a->count++] = as_float(v);
        } while (in.p < in.end);
    }
    return true;
}

static bool attribute(reader *r, const unsigned char *p, size_t n, onnx_attribute *a) {
    proto m = proto_of(p, n);
    char *unused;
    a->name = "";
    while (proto_next(&m)) {
        if (m.field == 1 && m.type == 2 && !(a->name = string(r, &m))) return false;
        if (m.field == 2 && m.type == 5) a->f = as_float(m.value);
        if (m.field == 3 && m.type == 0) a->i = (int64_t)m.value;
        if (m.field == 4 && m.type == 2 && !(a->s = string(r, &m))) return false;
        if (m.field == 5 && m.type == 2 && !(a->t = tensor(r, m.data, m.size, &unused))) return false;
        if (m.field == 6 || m.field == 11) a->graph = true;
    }
    return (!m.bad || bad(r, "attribute", a->name, "malformed")) && numbers(r, p, n, a, 8) &&
           (a->count || numbers(r, p, n, a, 7));
}

static bool node(reader *r, const unsigned char *p, size_t n, onnx_node *to) {
    proto m = proto_of(p, n);
    char *domain = "";
    to->op = to->name = "";
    to->in = onnx_alloc(r->o, (size_t)count_fields(p, n, 1), sizeof *to->in);
    to->out = onnx_alloc(r->o, (size_t)count_fields(p, n, 2), sizeof *to->out);
    to->attribute = onnx_alloc(r->o, (size_t)count_fields(p, n, 5), sizeof *to->attribute);
    if (!to->in || !to->out || !to->attribute) return bad(r, "node", "", "too large");
    while (proto_next(&m)) {
        if (m.type != 2) continue;
        char *s = m.field <= 4 || m.field == 7 ? string(r, &m) : "";
        if (!s) return bad(r, "node", "", "out of memory");
        if (m.field == 1) to->in[to->ins++] = s;
        if (m.field == 2) to->out[to->outs++] = s;
        if (m.field == 3) to->name = s;
        if (m.field == 4) to->op = s;
        if (m.field == 7) domain = s;
        if (m.field == 5 && !attribute(r, m.data, m.size, &to->attribute[to->attributes++])) return false;
    }
    if (m.bad) return bad(r, "node", to->name, "malformed");
    if (*domain && strcmp(domain, "ai.onnx")) {
        char why[200];
        snprintf(why, sizeof why, "%.60s of the domain %.60s isn't a standard operator", to->op, domain);
        return bad(r, "node", to->name, why);
    }
    return true;
}

static bool value(reader *r, const unsigned char *p, size_t n, onnx_value *v) {
    proto m = proto_of(p, n);
    v->name = "", v->rank = -1;
    while (proto_next(&m)) {
        if (m.field == 1 && m.type == 2 && !(v->name = string(r, &m))) return false;
        if (m.field != 2 || m.type != 2) continue;
        proto type = proto_of(m.data, m.size);
        while (proto_next(&type)) { /* tensor_type */
            if (type.field != 1 || type.type != 2) continue;
            proto tensor_type = proto_of(type.data, type.size);
            while (proto_next(&tensor_type)) {
                if (tensor_type.field != 2 || tensor_type.type != 2) continue;
                proto shape = proto_of(tensor_type.data, tensor_type.size);
                v->rank = 0;
                while (proto_next(&shape)) {
                    if (shape.field != 1 || shape.type != 2) continue;
                    if (v->rank == ONNX_MAX_RANK) return bad(r, "value", v->name, "too many axes");
                    proto dim = proto_of(shape.data, shape.size);
                    v->dim[v->rank] = -1;
                    while (proto_next(&dim))
                        if (dim.field == 1 && dim.type == 0) v->dim[v->rank] = (int64_t)dim.value;
                    v->rank++;
                }
            }
        }
    }
    return !m.bad || bad(r, "value", v->name, "malformed");
}

static bool graph(reader *r, const unsigned char *p, size_t n) {
    onnx *o = r->o;
    o->node = onnx_alloc(o, (size_t)count_fields(p, n, 1), sizeof *o->node);
    o->constant = onnx_alloc(o, (size_t)count_fields(p, n, 5), sizeof *o->constant);
    o->input = onnx_alloc(o, (size_t)count_fields(p, n, 11), sizeof *o->input);
    o->output = onnx_alloc(o, (size_t)count_fields(p, n, 12), sizeof *o->output);
    if (!o->node || !o->constant || !o->input || !o->output) return bad(r, "graph", "", "too large");
    proto m = proto_of(p, n);
    while (proto_next(&m)) {
        bool good = true;
        if (m.type != 2) continue;
        if (m.field == 1) good = node(r, m.data, m.size, &o->node[o->nodes++]);
        if (m.field == 5) {
            struct onnx_constant *c = &o->constant[o->constants++];
            good = (c->t = tensor(r, m.data, m.size, &c->name)) != NULL;
        }
        if (m.field == 11) good = value(r, m.data, m.size, &o->input[o->inputs++]);
        if (m.field == 12) good = value(r, m.data, m.size, &o->output[o->outputs++]);
        if (m.field == 15) good = bad(r, "graph", "", "sparse initialisers can't be read");
        if (!good) return false;
    }
    if (m.bad) return bad(r, "graph", "", "malformed");
    /* Old files list their initialisers among the inputs. */
    int kept = 0;
    for (int i = 0; i < o->inputs; i++) {
        bool constant = false;
        for (int k = 0; k < o->constants && !constant; k++) constant = !strcmp(o->constant[k].name, o->input[i].name);
        if (!constant) o->input[kept++] = o->input[i];
    }
    o->inputs = kept;
    return true;
}

onnx *onnx_read(const unsigned char *p, size_t n, char err[ONNX_ERROR]) {
    onnx *o = xarray(1, sizeof *o);
    reader r = {o, err};
    proto m = proto_of(p, n);
    bool good = true, seen = false;
    o->producer = "";
    o->budget = n < most_budget / budget_per_byte ? n * budget_per_byte + base_budget : most_budget;
    snprintf(err, ONNX_ERROR, "not an ONNX file");
    while (good && proto_next(&m)) {
        if (m.field == 2 && m.type == 2 && !(o->producer = string(&r, &m))) good = false;
        if (m.field == 7 && m.type == 2) {
            if (seen) good = bad(&r, "file", "", "two graphs");
            seen = true;
            good = good && graph(&r, m.data, m.size);
        }
        if (m.field == 8 && m.type == 2) {
            proto set = proto_of(m.data, m.size);
            char *domain = "";
            int64_t version = 0;
            while (proto_next(&set)) {
                if (set.field == 1 && set.type == 2 && !(domain = string(&r, &set))) domain = "?";
                if (set.field == 2 && set.type == 0) version = (int64_t)set.value;
            }
            if (!*domain || !strcmp(domain, "ai.onnx")) o->opset = version;
        }
    }
    if (good && (m.bad || !seen || !o->opset)) good = bad(&r, "file", "", "not an ONNX file, or cut off");
    if (good && (o->opset < 7 || o->opset > 30)) good = bad(&r, "file", "", "of an opset that can't be read (11 to 20 can)");
    if (good) return o;
    onnx_free(o);
    return NULL;
}
