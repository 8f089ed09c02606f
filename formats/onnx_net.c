/* From an ONNX graph to a network's text.
 *
 * A tensor that the graph computes is a line of the text, and a note of how its logical axes lie in that line's output: a list of atoms (an axis, or a part
 * of one) in physical order, axes of size 1 left out. Transposing only relabels the atoms; reshaping splits and joins them; numbers move (`transpose`)
 * only when an operator needs another order. Convolutions want channels last, which is how everything begins. */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "onnx.h"

enum { MAX_ATOMS = 24, MAX_INPUTS = 64 };

typedef struct {
    int axis, pos; /* the logical axis, and which part of it, from the major one on */
    int64_t size;
} atom;

typedef struct {
    const char *name;
    onnx_tensor *c; /* a constant, or NULL */
    int rank;
    int64_t dim[ONNX_MAX_RANK];
    int line;
    int64_t h, w, ch; /* the line's output as it is */
    bool flat;
    int atoms;
    atom atom[MAX_ATOMS];
} value;

typedef struct {
    char *name, *op; /* op: with its arguments */
    int *in, ins;
    int first_param, params;
    bool used, must_name;
} line;

typedef struct {
    onnx *o;
    char *err;
    const onnx_node *n; /* being lowered */
    bool failed, nhwc;
    value *value;
    int values, room;
    int *bucket; /* names to values: open addressing */
    size_t buckets;
    line *l;
    int lines, line_room;
    onnx_param *param;
    int params, param_room;
} lowering;

static bool bad(lowering *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool bad(lowering *b, const char *fmt, ...) {
    if (b->failed) return false;
    b->failed = true;
    int k = b->n ? snprintf(b->err, ONNX_ERROR, "node %.80s (%.40s): ",
                            *b->n->name  ? b->n->name
                            : b->n->outs ? b->n->out[0]
                                         : "?",
                            b->n->op)
                 : 0;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(b->err + k, ONNX_ERROR - (size_t)k, fmt, ap);
    va_end(ap);
    return false;
}

/* ---- values by name ---- */

static size_t slot(const lowering *b, const char *name) {
    size_t i = (size_t)hash64(HASH64_START, name, strlen(name)) % b->buckets;
    while (b->bucket[i] >= 0 && strcmp(b->value[b->bucket[i]].name, name)) i = (i + 1) % b->buckets;
    return i;
}

static value *find(const lowering *b, const char *name) {
    int i = b->bucket[slot(b, name)];
    return i < 0 ? NULL : &b->value[i];
}

static value *define(lowering *b, const char *name, const value *v) {
    size_t i = slot(b, name);
    if (b->bucket[i] >= 0) {
        bad(b, "'%.80s' is defined twice", name);
        return NULL;
    }
    if (b->values == b->room) { /* buckets are enough for all names there can be */
        b->room = b->room ? 2 * b->room : 256;
        b->value = xrealloc(b->value, (size_t)b->room * sizeof *b->value);
    }
    b->bucket[i] = b->values;
    value *to = &b->value[b->values++];
    *to = *v;
    to->name = name;
    return to;
}

static value of_constant(onnx_tensor *t) {
    value v = {.c = t, .rank = t->rank, .line = -1};
    memcpy(v.dim, t->dim, sizeof v.dim);
    return v;
}

/* ---- lines ---- */

static int emit(lowering *b, const int *in, int ins, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static int emit(lowering *b, const int *in, int ins, const char *fmt, ...) {
    if (b->lines == b->line_room) {
        b->line_room = b->line_room ? 2 * b->line_room : 256;
        b->l = xrealloc(b->l, (size_t)b->line_room * sizeof *b->l);
    }
    line *l = &b->l[b->lines];
    *l = (line){.first_param = b->params};
    char op[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(op, sizeof op, fmt, ap);
    va_end(ap);
    l->op = xstrdup(op);
    l->in = xarray((size_t)ins + 1, sizeof *l->in);
    if (ins) memcpy(l->in, in, (size_t)ins * sizeof *in);
    l->ins = ins;
    return b->lines++;
}

/* A parameter of the line emitted last; data is the onnx object's. */
static void parameter(lowering *b, const char *suffix, int rank, const int64_t *dim, const float *data) {
    if (b->failed) return;
    if (b->params == b->param_room) {
        b->param_room = b->param_room ? 2 * b->param_room : 256;
        b->param = xrealloc(b->param, (size_t)b->param_room * sizeof *b->param);
    }
    onnx_param *p = &b->param[b->params++];
    *p = (onnx_param){
        .key = (char *)suffix, .rank = rank, .data = data, .count = 1}; /* the key is completed when names are known */
    for (int i = 0; i < rank; i++) p->shape[i] = (uint32_t)dim[i], p->count *= (size_t)dim[i];
    b->l[b->lines - 1].params++;
    b->l[b->lines - 1].must_name = true;
}

static float *floats(lowering *b, size_t n) {
    float *p = onnx_alloc(b->o, n, sizeof *p);
    if (!p) bad(b, "out of memory");
    return p;
}

/* A constant's numbers as floats. */
static const float *floats_of_tensor(lowering *b, const onnx_tensor *t) {
    if (!t->whole) return t->f;
    float *p = floats(b, t->count);
    for (size_t k = 0; p && k < t->count; k++) p[k] = (float)t->i[k];
    return p;
}

/* What a line is to be called, from a node's or weight's name; made valid now, unique later. */
static void call(lowering *b, const char *name) {
    char *s = xstrdup(name);
    size_t n = strlen(s);
    if (n > 7 && !strcmp(s + n - 7, ".weight")) s[n - 7] = 0;
    free(b->l[b->lines - 1].name);
    b->l[b->lines - 1].name = s;
}

/* ---- shapes ---- */

static int64_t count_of(const value *v) {
    int64_t n = 1;
    for (int i = 0; i < v->rank; i++) n *= v->dim[i];
    return n;
}

/* Atoms that lie side by side and are consecutive parts of one axis become one. */
static void tidy(value *v) {
    int n = 0;
    for (int i = 0; i < v->atoms; i++) {
        atom a = v->atom[i];
        if (a.size == 1) continue;
        bool next = n && v->atom[n - 1].axis == a.axis;
        for (int k = 0; k < v->atoms && next; k++) /* no part of the axis in between */
            next = v->atom[k].axis != a.axis || v->atom[k].size == 1 || v->atom[k].pos <= v->atom[n - 1].pos ||
                   v->atom[k].pos >= a.pos || k < n;
        for (int k = 0; k < n && next; k++)
            next = v->atom[k].axis != a.axis || v->atom[k].pos <= v->atom[n - 1].pos || v->atom[k].pos > a.pos;
        if (next && v->atom[n - 1].pos < a.pos)
            v->atom[n - 1].size *= a.size;
        else
            v->atom[n++] = a;
    }
    v->atoms = n;
}

/* Each axis one atom, in the order of the list. */
static void lay(value *v, const int *axes, int n) {
    v->atoms = 0;
    for (int i = 0; i < n; i++)
        if (v->dim[axes[i]] != 1) v->atom[v->atoms++] = (atom){axes[i], 0, v->dim[axes[i]]};
}

/* The usual order: channels last (for a graph that has them last anyway, its own). */
static int usual(const lowering *b, int rank, int *axes) {
    int n = 0;
    if (b->nhwc || rank < 3) {
        while (n < rank) axes[n] = n, n++;
        return n;
    }
    axes[n++] = 0;
    for (int i = 2; i < rank; i++) axes[n++] = i;
    axes[n++] = 1;
    return n;
}

static void channels_last(int rank, int *axes) {
    int n = 0;
    axes[n++] = 0;
    for (int i = 2; i < rank; i++) axes[n++] = i;
    if (rank > 1) axes[n++] = 1;
}

static void shape(lowering *b, value *v, int64_t h, int64_t w, int64_t c) {
    if (!v->flat && v->h == h && v->w == w && v->ch == c) return;
    v->line = emit(b, &v->line, 1, "reshape %lldx%lldx%lld", (long long)h, (long long)w, (long long)c);
    v->h = h, v->w = w, v->ch = c, v->flat = false;
}

static void flatten(lowering *b, value *v) {
    if (v->flat) return;
    v->ch *= v->h * v->w, v->h = v->w = 1, v->flat = true;
    v->line = emit(b, &v->line, 1, "reshape %lld", (long long)v->ch);
}

/* Puts the atoms into another order: to[i] is the one that comes i-th. Numbers move. */
static void permute(lowering *b, value *v, const int *to) {
    atom old[MAX_ATOMS];
    int n = v->atoms, start[MAX_ATOMS], blocks = 0;
    for (int i = 0; i < n; i++)
        if (i == 0 || to[i] != to[i - 1] + 1) start[blocks++] = i;
    if (blocks <= 1) return;
    memcpy(old, v->atom, sizeof old);
    if (blocks <= 3) {
        int first[3], order[3] = {0, 1, 2};
        int64_t size[3] = {1, 1, 1};
        for (int k = 0; k < blocks; k++) first[k] = to[start[k]];
        /* rank of each block in the old order */
        for (int k = 0; k < blocks; k++) {
            int rank = 0, end = k + 1 < blocks ? start[k + 1] : n;
            for (int j = 0; j < blocks; j++) rank += first[j] < first[k];
            order[k] = rank + (3 - blocks);
            for (int i = start[k]; i < end; i++) size[order[k]] *= old[to[i]].size;
        }
        char letters[4] = "hwc", word[4] = "hwc";
        for (int k = 0; k < blocks; k++) word[3 - blocks + k] = letters[order[k]];
        shape(b, v, size[0], size[1], size[2]);
        v->line = emit(b, &v->line, 1, "transpose %s", word);
        int64_t *side[3] = {&v->h, &v->w, &v->ch};
        for (int k = 0; k < 3; k++) *side[k] = size[strchr(letters, word[k]) - letters];
        for (int i = 0; i < n; i++) v->atom[i] = old[to[i]];
        return;
    }
    /* More than three blocks: each goes behind all others in turn. */
    int at[MAX_ATOMS]; /* which old atom is i-th now */
    for (int i = 0; i < n; i++) at[i] = i;
    for (int k = 0; k < n; k++) {
        int where = 0, order[MAX_ATOMS], m = 0;
        while (at[where] != to[k]) where++;
        if (where == n - 1) continue;
        for (int i = 0; i < n; i++)
            if (i != where) order[m++] = i;
        order[m] = where;
        permute(b, v, order); /* at most three blocks */
        int moved = at[where];
        memmove(at + where, at + where + 1, (size_t)(n - where - 1) * sizeof *at);
        at[n - 1] = moved;
    }
}

/* Arranges by axes: the listed ones in their order, each in one piece. All axes of more than 1 must be listed. */
static void arrange(lowering *b, value *v, const int *axes, int n) {
    int to[MAX_ATOMS], m = 0;
    for (int i = 0; i < n; i++) {
        int from = m;
        for (int k = 0; k < v->atoms; k++)
            if (v->atom[k].axis == axes[i]) to[m++] = k;
        for (int x = from; x < m; x++) /* by their place in the axis */
            for (int y = x + 1; y < m; y++)
                if (v->atom[to[y]].pos < v->atom[to[x]].pos) {
                    int t = to[x];
                    to[x] = to[y], to[y] = t;
                }
    }
    if (m != v->atoms) {
        bad(b, "an axis without a place");
        return;
    }
    permute(b, v, to);
    lay(v, axes, n);
}

/* The axes in the order in which they lie; false when one is in pieces. */
static bool order_of(const value *v, int *axes, int *n) {
    *n = 0;
    for (int i = 0; i < v->atoms; i++) {
        for (int k = 0; k < *n; k++)
            if (axes[k] == v->atom[i].axis) return false;
        axes[(*n)++] = v->atom[i].axis;
    }
    return true;
}

/* Channels last, as an image of rank 4 (or a row of rank 3). */
static void as_image(lowering *b, value *v) {
    int axes[ONNX_MAX_RANK];
    if (v->rank > 4 || v->dim[0] != 1) {
        bad(b, "of a batch of more than 1, or of more than 4 axes, isn't supported");
        return;
    }
    channels_last(v->rank, axes);
    arrange(b, v, axes, v->rank);
    if (v->rank == 4)
        shape(b, v, v->dim[2], v->dim[3], v->dim[1]);
    else
        shape(b, v, 1, v->dim[2], v->dim[1]);
}

/* A fresh result: the dims, lying channels last. */
static value image(int line_id, int rank, const int64_t *dim) {
    value v = {.rank = rank, .line = line_id};
    int axes[ONNX_MAX_RANK];
    memcpy(v.dim, dim, (size_t)rank * sizeof *dim);
    channels_last(rank, axes);
    lay(&v, axes, rank);
    v.h = rank == 4 ? dim[2] : 1, v.w = rank == 4 ? dim[3] : rank == 3 ? dim[2] : 1, v.ch = dim[1];
    v.flat = rank == 2;
    return v;
}

/* The same numbers under other axes. */
static void reshape(lowering *b, value *v, int rank, const int64_t *dim) {
    for (int attempt = 0; attempt < 2; attempt++) {
        atom out[MAX_ATOMS], logical[MAX_ATOMS] = {{0}};
        int where[MAX_ATOMS], n = v->atoms, axis = 0;
        bool fits = true;
        memcpy(out, v->atom, sizeof out);
        /* The parts in logical order: (axis, pos) ascending. */
        for (int i = 0; i < n; i++) where[i] = i;
        for (int x = 0; x < n; x++)
            for (int y = x + 1; y < n; y++) {
                const atom *p = &out[where[x]], *q = &out[where[y]];
                if (q->axis < p->axis || (q->axis == p->axis && q->pos < p->pos)) {
                    int t = where[x];
                    where[x] = where[y], where[y] = t;
                }
            }
        for (int i = 0; i < n; i++) logical[i] = out[where[i]];
        /* Pieces: new (axis, pos, size), and which atom they are cut from. */
        atom piece[MAX_ATOMS];
        int from[MAX_ATOMS], pieces = 0, i = 0;
        int64_t left = n ? logical[0].size : 1;
        for (axis = 0; axis < rank && fits; axis++) {
            int64_t need = dim[axis];
            int pos = 0;
            while (need > 1 && fits) {
                if (i == n || pieces == MAX_ATOMS || need == 0) {
                    fits = false;
                    break;
                }
                int64_t take = need % left == 0 ? left : left % need == 0 ? need : 0;
                if (!take) {
                    fits = false;
                    break;
                }
                piece[pieces] = (atom){axis, pos++, take}, from[pieces++] = where[i];
                need /= take, left /= take;
                if (left == 1 && ++i < n) left = logical[i].size;
            }
        }
        if (fits && i == n) {
            v->rank = rank;
            memcpy(v->dim, dim, (size_t)rank * sizeof *dim);
            v->atoms = 0;
            for (int k = 0; k < n; k++) /* physical order: atom by atom, its pieces from the major one on */
                for (int q = 0; q < pieces; q++)
                    if (from[q] == k) v->atom[v->atoms++] = piece[q];
            tidy(v);
            return;
        }
        if (attempt) break;
        /* Sizes that don't divide: everything in logical order first, as one piece. */
        int axes[ONNX_MAX_RANK];
        for (int k = 0; k < v->rank; k++) axes[k] = k;
        arrange(b, v, axes, v->rank);
        v->atoms = count_of(v) > 1;
        v->atom[0] = (atom){0, 0, count_of(v)};
    }
    bad(b, "a shape that doesn't fit");
}

/* The numbers of an axis that lies last, in physical order, from what is in logical order. */
static float *physical(lowering *b, const value *v, int axis, const float *x, size_t stride) {
    int64_t n = v->dim[axis];
    float *to = floats(b, (size_t)n);
    int part[MAX_ATOMS], parts = 0;
    for (int i = 0; i < v->atoms; i++)
        if (v->atom[i].axis == axis) part[parts++] = i;
    for (int64_t k = 0; k < n && to; k++) {
        int64_t rest = k, at = 0;
        for (int i = parts - 1; i >= 0; i--) {
            const atom *a = &v->atom[part[i]];
            int64_t index = rest % a->size, step = 1;
            rest /= a->size;
            for (int j = 0; j < parts; j++)
                if (v->atom[part[j]].pos > a->pos) step *= v->atom[part[j]].size;
            at += index * step;
        }
        to[k] = x[(size_t)at * stride];
    }
    return to;
}

/* Whether all of an axis, and nothing else, lies last. */
static bool lies_last(const value *v, int axis) {
    int i = v->atoms - 1;
    int64_t n = 1;
    for (; i >= 0 && v->atom[i].axis == axis; i--) n *= v->atom[i].size;
    return n == v->dim[axis];
}

/* Makes the axis the line's channels. */
static void as_channels(lowering *b, value *v, int axis) {
    if (v->ch == v->dim[axis]) return;
    shape(b, v, count_of(v) / v->dim[axis], 1, v->dim[axis]);
}

static value scale(lowering *b, value v, double a, double c) {
    char x[32], y[32];
    format_f64(x, a), format_f64(y, c);
    if (!(fabs(a) < 1e30) || !(fabs(c) < 1e30)) bad(b, "a constant out of range");
    if (c == 0)
        v.line = emit(b, &v.line, 1, "scale %s", x);
    else
        v.line = emit(b, &v.line, 1, "scale %s %s", x, y);
    return v;
}

/* ---- two operands ---- */

/* A constant as a line, lying as the axes say (those of more than 1); its dims are aligned to `rank` axes. */
static value constant_line(lowering *b, onnx_tensor *t, int rank, const int *axes, int n) {
    value v = {.rank = rank};
    size_t step[ONNX_MAX_RANK] = {0}, all = 1;
    for (int i = 0; i < rank; i++) v.dim[i] = i < rank - t->rank ? 1 : t->dim[i - (rank - t->rank)];
    for (int i = rank - 1; i >= 0; i--) step[i] = all, all *= (size_t)v.dim[i];
    lay(&v, axes, n);
    float *data = floats(b, t->count);
    size_t index[MAX_ATOMS] = {0};
    for (size_t k = 0; k < t->count && data; k++) {
        size_t at = 0;
        for (int i = 0; i < v.atoms; i++) at += index[i] * step[v.atom[i].axis];
        data[k] = (float)onnx_at(t, at < t->count ? at : 0);
        for (int i = v.atoms - 1; i >= 0 && ++index[i] == (size_t)v.atom[i].size; i--) index[i] = 0;
    }
    v.h = v.w = 1, v.ch = (int64_t)t->count;
    v.line = emit(b, NULL, 0, "constant 1x1x%lld", (long long)v.ch);
    parameter(b, "value", 3, (int64_t[]){1, 1, v.ch}, data);
    call(b, "constant");
    return v;
}

static bool broadcast_dims(lowering *b, const value *x, const value *y, int *rank, int64_t *dim) {
    *rank = x->rank > y->rank ? x->rank : y->rank;
    for (int i = 0; i < *rank; i++) {
        int ix = i - (*rank - x->rank), iy = i - (*rank - y->rank);
        int64_t dx = ix < 0 ? 1 : x->dim[ix], dy = iy < 0 ? 1 : y->dim[iy];
        if (dx != dy && dx != 1 && dy != 1) return bad(b, "shapes that don't fit together");
        dim[i] = dx == 1 ? dy : dx;
    }
    return true;
}

/* Gives a value axes of size 1 in front, to `rank` of them. */
static void widen(value *v, int rank) {
    int more = rank - v->rank;
    memmove(v->dim + more, v->dim, (size_t)v->rank * sizeof *v->dim);
    for (int i = 0; i < more; i++) v->dim[i] = 1;
    for (int i = 0; i < v->atoms; i++) v->atom[i].axis += more;
    v->rank = rank;
}

/* op: add, sub, mul, div, min, max; y may be a constant. */
static value elementwise(lowering *b, const char *op, value x, value y) {
    int rank, axes[ONNX_MAX_RANK], n;
    int64_t dim[ONNX_MAX_RANK];
    value out = {0};
    if (!broadcast_dims(b, &x, &y, &rank, dim)) return out;
    widen(&x, rank);
    if (!y.c) widen(&y, rank);
    bool covers = true;
    for (int i = 0; i < rank; i++) covers &= x.dim[i] == dim[i];
    if (!covers || !order_of(&x, axes, &n)) {
        n = usual(b, rank, axes);
        arrange(b, &x, axes, n);
    }
    if (y.c) y = constant_line(b, y.c, rank, axes, n);
    int own[ONNX_MAX_RANK] = {0}, m = 0;
    for (int i = 0; i < n; i++)
        if (y.dim[axes[i]] != 1) own[m++] = axes[i];
    arrange(b, &y, own, m);
    /* Runs of axes that both have, or only one of them. */
    int64_t sx[3] = {1, 1, 1}, sy[3] = {1, 1, 1};
    int groups = 0, kind = 0;
    for (int i = 0; i < n; i++) {
        int has = (x.dim[axes[i]] != 1) | (y.dim[axes[i]] != 1) << 1;
        if (!has) continue;
        if (has != kind) groups++, kind = has;
        if (groups > 3) {
            bad(b, "repeats its operands over too many axes");
            return out;
        }
        sx[groups - 1] *= x.dim[axes[i]], sy[groups - 1] *= y.dim[axes[i]];
    }
    if (groups <= 1 && x.h * x.w * x.ch == y.h * y.w * y.ch) { /* the same numbers: the first one's shape */
        if (x.flat != y.flat || x.h != y.h || x.w != y.w || x.ch != y.ch) {
            if (x.flat)
                flatten(b, &y);
            else
                shape(b, &y, x.h, x.w, x.ch);
        }
        out = x;
    } else {
        if (groups == 2) sx[2] = sx[1], sy[2] = sy[1], sx[1] = sy[1] = 1;
        if (groups <= 1) sx[2] = sx[0], sy[2] = sy[0], sx[0] = sy[0] = 1;
        shape(b, &x, sx[0], sx[1], sx[2]);
        shape(b, &y, sy[0], sy[1], sy[2]);
        out = x;
        out.h = sx[0] > sy[0] ? sx[0] : sy[0], out.w = sx[1] > sy[1] ? sx[1] : sy[1], out.ch = sx[2] > sy[2] ? sx[2] : sy[2];
    }
    memcpy(out.dim, dim, sizeof dim);
    lay(&out, axes, n);
    out.line = emit(b, (int[]){x.line, y.line}, 2, "%s", op);
    return out;
}

/* x op t or t op x, of a constant: as an activation, as scale and shift of channels, or as two operands. */
static value with_constant(lowering *b, const char *op, value x, onnx_tensor *t, bool reversed) {
    char kind = op[0]; /* a s m d */
    bool linear = !strcmp(op, "add") || !strcmp(op, "sub") || !strcmp(op, "mul") || (!strcmp(op, "div") && !reversed);
    if (t->count == 1 && linear) {
        double c = onnx_at(t, 0);
        int rank;
        int64_t dim[ONNX_MAX_RANK];
        value y = of_constant(t);
        if (broadcast_dims(b, &x, &y, &rank, dim)) widen(&x, rank);
        if (kind == 'a') return scale(b, x, 1, c);
        if (kind == 's') return reversed ? scale(b, x, -1, c) : scale(b, x, 1, -c);
        return scale(b, x, kind == 'm' ? c : 1 / c, 0);
    }
    if (t->count == 1 && (!strcmp(op, "min") || !strcmp(op, "max"))) {
        char s[32];
        format_f64(s, onnx_at(t, 0));
        x.line = op[1] == 'i' ? emit(b, &x.line, 1, "clip -1e30 %s", s) : emit(b, &x.line, 1, "clip %s 1e30", s);
        return x;
    }
    /* One axis only, and it lies last. */
    int axis = -1, more = x.rank - t->rank;
    bool one = linear && more >= 0;
    for (int i = 0; i < t->rank && one; i++)
        if (t->dim[i] != 1) one = axis < 0 && t->dim[i] == x.dim[i + more], axis = i + more;
    if (one && axis >= 0 && lies_last(&x, axis)) {
        as_channels(b, &x, axis);
        const float *v = floats_of_tensor(b, t);
        float *c = v ? physical(b, &x, axis, v, 1) : NULL, *w = c ? floats(b, t->count) : NULL,
              *shift = w ? floats(b, t->count) : NULL;
        for (size_t k = 0; k < t->count && shift; k++) {
            w[k] = kind == 'm' ? c[k] : kind == 'd' ? 1 / c[k] : reversed && kind == 's' ? -1 : 1;
            shift[k] = kind == 'a' ? c[k] : kind != 's' ? 0 : reversed ? c[k] : -c[k];
        }
        int64_t n = (int64_t)t->count;
        bool shifts = kind == 'a' || kind == 's';
        x.line = emit(b, &x.line, 1, shifts ? "affine" : "affine bias=no");
        if (shift) parameter(b, "weight", 1, &n, w);
        if (shift && shifts) parameter(b, "bias", 1, &n, shift);
        call(b, *b->n->name ? b->n->name : b->n->op);
        return x;
    }
    value y = of_constant(t);
    if (!reversed) return elementwise(b, op, x, y);
    /* constant op x */
    int rank, axes[ONNX_MAX_RANK], n = 0;
    int64_t dim[ONNX_MAX_RANK];
    if (!broadcast_dims(b, &x, &y, &rank, dim)) return x;
    n = usual(b, rank, axes);
    return elementwise(b, op, constant_line(b, t, rank, axes, n), x);
}

/* ---- attributes ---- */

typedef struct {
    int64_t k[2], stride[2], dilation[2], before[2], after[2];
} window;

/* Kernel, stride, dilation and padding, two axes always (a row has one). in: the input's sizes. */
static bool window_of(lowering *b, const value *x, const int64_t *kernel, window *w) {
    const onnx_node *n = b->n;
    int axes = x->rank - 2, skip = 2 - axes;
    const onnx_attribute *s = onnx_attr(n, "strides"), *d = onnx_attr(n, "dilations"), *p = onnx_attr(n, "pads"),
                         *a = onnx_attr(n, "auto_pad"), *k = onnx_attr(n, "kernel_shape");
    *w = (window){{1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}};
    if (axes < 1 || axes > 2) return bad(b, "of %d axes; images have 4, rows 3", x->rank);
    if ((s && (int)s->count != axes) || (d && (int)d->count != axes) || (p && (int)p->count != 2 * axes) ||
        (k && (int)k->count != axes) || (!k && !kernel))
        return bad(b, "its attributes don't fit its input");
    for (int i = 0; i < axes; i++) {
        w->k[i + skip] = kernel ? kernel[i] : k->ints[i];
        if (s) w->stride[i + skip] = s->ints[i];
        if (d) w->dilation[i + skip] = d->ints[i];
        if (p) w->before[i + skip] = p->ints[i], w->after[i + skip] = p->ints[i + axes];
    }
    for (int i = 0; i < 2; i++) {
        if (w->k[i] < 1 || w->k[i] > 1024 || w->stride[i] < 1 || w->stride[i] > 1024 || w->dilation[i] < 1 ||
            w->dilation[i] > 1024 || w->before[i] < 0 || w->before[i] > 1024 || w->after[i] < 0 || w->after[i] > 1024)
            return bad(b, "a kernel, stride, dilation or padding out of range");
        if (a && a->s && !strncmp(a->s, "SAME", 4) && i >= skip) {
            int64_t in = x->dim[i + 2 - skip], out = (in + w->stride[i] - 1) / w->stride[i];
            int64_t total = (out - 1) * w->stride[i] + (w->k[i] - 1) * w->dilation[i] + 1 - in;
            if (total < 0) total = 0;
            w->before[i] = !strcmp(a->s, "SAME_LOWER") ? (total + 1) / 2 : total / 2;
            w->after[i] = total - w->before[i];
        }
    }
    return true;
}

/* What a transposed convolution takes off its output's borders: pads less output_padding, or what is over auto_pad's or output_shape's sizes. */
static bool crop_of(lowering *b, const value *x, window *w) {
    const onnx_attribute *more = onnx_attr(b->n, "output_padding"), *to = onnx_attr(b->n, "output_shape"),
                         *a = onnx_attr(b->n, "auto_pad");
    bool same = a && a->s && !strncmp(a->s, "SAME", 4), upper = same && !strcmp(a->s, "SAME_UPPER");
    int axes = x->rank - 2, skip = 2 - axes;
    if ((more && (int)more->count != axes) || (to && (int)to->count != axes)) return bad(b, "its attributes don't fit its input");
    for (int i = skip; i < 2; i++) {
        int64_t extra = more ? more->ints[i - skip] : 0, in = x->dim[i + 2 - skip];
        if (w->dilation[i] != 1) return bad(b, "dilation isn't supported here");
        if (extra < 0 || extra > 1024) return bad(b, "an output_padding out of range");
        if (same || to) {
            int64_t out = to ? to->ints[i - skip] : in * w->stride[i], total = (in - 1) * w->stride[i] + w->k[i] + extra - out;
            if (out < 1 || total < 0 || total > 1024) return bad(b, "an output_shape beyond what is there isn't supported");
            w->before[i] = upper ? total / 2 : total - total / 2;
            w->after[i] = total - w->before[i];
        }
        w->after[i] -= extra;
        if (w->after[i] < 0) return bad(b, "output_padding beyond its padding isn't supported");
    }
    return true;
}

static void add_window(text *t, const window *w, const char *border) {
    if (w->stride[0] != 1 || w->stride[1] != 1)
        text_addf(t, w->stride[0] == w->stride[1] ? " stride=%lld" : " stride=%lldx%lld", (long long)w->stride[0],
                  (long long)w->stride[1]);
    if (w->dilation[0] != 1 || w->dilation[1] != 1)
        text_addf(t, w->dilation[0] == w->dilation[1] ? " dilation=%lld" : " dilation=%lldx%lld", (long long)w->dilation[0],
                  (long long)w->dilation[1]);
    bool even = w->before[0] == w->before[1] && w->after[0] == w->after[1];
    if (even && w->before[0] == w->after[0]) {
        if (w->before[0]) text_addf(t, " %s=%lld", border, (long long)w->before[0]);
    } else if (even) {
        text_addf(t, " %s=%lld,%lld", border, (long long)w->before[0], (long long)w->after[0]);
    } else {
        text_addf(t, " %s=%lld,%lld,%lld,%lld", border, (long long)w->before[0], (long long)w->before[1], (long long)w->after[0],
                  (long long)w->after[1]);
    }
}

static int64_t windows(const window *w, int i, int64_t in) {
    int64_t room = in + w->before[i] + w->after[i] - (w->dilation[i] * (w->k[i] - 1) + 1);
    return room < 0 ? 0 : room / w->stride[i] + 1;
}

/* ---- operators ---- */

static value conv(lowering *b, value x, const value *weight, const value *bias, bool transposed) {
    window w;
    int64_t groups = onnx_int(b->n, "group", 1), dim[4] = {1};
    if (!weight->c || (bias && !bias->c)) return bad(b, "its weights aren't constants"), x;
    const onnx_tensor *t = weight->c;
    if (t->rank != x.rank || x.rank < 3 || x.rank > 4 || groups < 1 ||
        t->dim[transposed ? 0 : 1] * (transposed ? 1 : groups) != x.dim[1])
        return bad(b, "its weights don't fit its input"), x;
    if (!window_of(b, &x, t->dim + 2, &w)) return x;
    int64_t out = transposed ? t->dim[1] * groups : t->dim[0];
    if (transposed) {
        if (!crop_of(b, &x, &w)) return x;
    }
    bool one = !transposed && w.k[0] == 1 && w.k[1] == 1 && w.stride[0] == 1 && w.stride[1] == 1;
    for (int i = 0; i < 2; i++) one &= !w.before[i] && !w.after[i];
    /* Pixels in any order will do; channels must be in theirs. */
    bool kept = one && lies_last(&x, 1) && (x.dim[1] == 1 || x.atom[x.atoms - 1].size == x.dim[1]);
    value y = x;
    if (kept) {
        if (x.flat || x.ch != x.dim[1]) shape(b, &x, count_of(&x) / x.dim[1], 1, x.dim[1]);
        y = x;
        while (y.atoms && y.atom[y.atoms - 1].axis == 1) y.atoms--;
        y.dim[1] = y.ch = out;
        if (out != 1) y.atom[y.atoms++] = (atom){1, 0, out};
    } else {
        as_image(b, &x);
    }
    for (int i = 0; i < 2 && !kept; i++) {
        int64_t in = i ? x.w : x.h;
        int64_t size = transposed ? (in - 1) * w.stride[i] + w.k[i] - w.before[i] - w.after[i] : windows(&w, i, in);
        if (size < 1) return bad(b, "its input is smaller than its kernel"), x;
        dim[x.rank == 4 ? 2 + i : 2] = size;
    }
    dim[1] = out;
    text op = {0};
    text_addf(&op, w.k[0] == w.k[1] ? "%s %lld %lld" : "%s %lld %lldx%lld", transposed ? "convt" : "conv", (long long)out,
              (long long)w.k[0], (long long)w.k[1]);
    add_window(&op, &w, transposed ? "crop" : "pad");
    if (groups > 1) text_addf(&op, " groups=%lld", (long long)groups);
    if (!bias) text_add(&op, " bias=no");
    int id = emit(b, &x.line, 1, "%s", op.s);
    if (kept)
        y.line = id;
    else
        y = image(id, x.rank, dim);
    free(op.s);
    const float *data = floats_of_tensor(b, t);
    parameter(b, "weight", 4, (int64_t[]){t->dim[0], t->dim[1], w.k[0], w.k[1]}, data);
    if (bias && (int64_t)bias->c->count != out) return bad(b, "its bias doesn't fit"), x;
    if (bias) parameter(b, "bias", 1, &out, floats_of_tensor(b, bias->c));
    const char *name = weight->name, *node = b->n->name;
    size_t len = strlen(name);
    call(b, len > 7 && !strcmp(name + len - 7, ".weight") ? name : *node ? node : "conv");
    return y;
}

static value pool(lowering *b, value x, bool max) {
    window w;
    int64_t dim[4] = {1, x.dim[1]};
    if (!window_of(b, &x, NULL, &w)) return x;
    bool counts = !max && onnx_int(b->n, "count_include_pad", 0);
    as_image(b, &x);
    for (int i = 0; i < 2; i++) {
        int64_t in = i ? x.w : x.h;
        if (onnx_int(b->n, "ceil_mode", 0)) {
            int64_t room = in + w.before[i] + w.after[i] - (w.dilation[i] * (w.k[i] - 1) + 1);
            int64_t n = room < 0 ? 0 : (room + w.stride[i] - 1) / w.stride[i] + 1;
            if ((n - 1) * w.stride[i] >= in + w.before[i]) n--; /* no window may begin in the padding */
            int64_t after = (n - 1) * w.stride[i] + w.dilation[i] * (w.k[i] - 1) + 1 - in - w.before[i];
            if (after > w.after[i]) {
                if (counts) return bad(b, "ceil_mode together with count_include_pad isn't supported"), x;
                w.after[i] = after;
            }
        }
        dim[x.rank == 4 ? 2 + i : 2] = windows(&w, i, in);
        if (windows(&w, i, in) < 1) return bad(b, "its input is smaller than its window"), x;
    }
    text op = {0};
    text_addf(&op, w.k[0] == w.k[1] ? "%s %lld" : "%s %lldx%lld", max ? "maxpool" : "avgpool", (long long)w.k[0],
              (long long)w.k[1]);
    if (w.stride[0] == 1 && w.stride[1] == 1) text_add(&op, " stride=1");
    add_window(&op, &w, "pad");
    if (counts) text_add(&op, " count_pad=yes");
    if (!max && (w.dilation[0] != 1 || w.dilation[1] != 1)) bad(b, "dilation isn't supported here");
    value y = image(emit(b, &x.line, 1, "%s", op.s), x.rank, dim);
    free(op.s);
    return y;
}

static value batchnorm(lowering *b, value x, const value *const *in) {
    static const char *const suffix[4] = {"weight", "bias", "running_mean", "running_var"};
    int axes[ONNX_MAX_RANK];
    char eps[32];
    if (onnx_int(b->n, "training_mode", 0) || !onnx_int(b->n, "spatial", 1))
        return bad(b, "in training mode, or by pixels, isn't supported"), x;
    for (int i = 1; i < 5; i++)
        if (!in[i] || !in[i]->c || x.rank < 2 || (int64_t)in[i]->c->count != x.dim[1])
            return bad(b, "its parameters don't fit its input"), x;
    if (!lies_last(&x, 1)) {
        channels_last(x.rank, axes);
        arrange(b, &x, axes, x.rank);
    }
    as_channels(b, &x, 1);
    format_f64(eps, fmax(onnx_float(b->n, "epsilon", 1e-5), 1e-12));
    const float *v[4];
    for (int i = 0; i < 4; i++) {
        const float *f = floats_of_tensor(b, in[i + 1]->c);
        v[i] = f ? physical(b, &x, 1, f, 1) : NULL;
    }
    x.line = emit(b, &x.line, 1, "batchnorm eps=%s", eps);
    for (int i = 0; i < 4 && v[i]; i++) parameter(b, suffix[i], 1, &x.dim[1], v[i]);
    size_t len = strlen(in[1]->name);
    call(b, len > 7 && !strcmp(in[1]->name + len - 7, ".weight") ? in[1]->name : *b->n->name ? b->n->name : "bn");
    return x;
}

/* w[k][n] by steps; x is [1, K] (dense) or [..., K] (a convolution of one pixel). */
static value matmul(lowering *b, value x, const value *weight, int64_t k, int64_t n, size_t k_step, size_t n_step, double alpha,
                    const onnx_tensor *bias, double beta) {
    int last = x.rank - 1;
    const float *data = floats_of_tensor(b, weight->c);
    float *w = floats(b, (size_t)(k * n)), *c = bias ? floats(b, (size_t)n) : NULL;
    if (x.rank < 1 || x.dim[last] != k) return bad(b, "its weights don't fit its input"), x;
    if (bias && bias->count != 1 && (int64_t)bias->count != n) return bad(b, "its bias doesn't fit"), x;
    bool rows = count_of(&x) != k;
    if (!lies_last(&x, last)) {
        int axes[ONNX_MAX_RANK];
        for (int i = 0; i < x.rank; i++) axes[i] = i;
        arrange(b, &x, axes, x.rank);
    } else if (rows) { /* the others in their own order */
        int axes[ONNX_MAX_RANK], m = 0;
        bool whole = order_of(&x, axes, &m);
        for (int i = 1; i < m && whole; i++) whole = axes[i - 1] < axes[i];
        if (!whole) {
            for (int i = 0; i < x.rank; i++) axes[i] = i;
            arrange(b, &x, axes, x.rank);
        }
    }
    for (int64_t o = 0; o < n && w && data; o++) {
        const float *row = physical(b, &x, last, data + (size_t)o * n_step, k_step);
        for (int64_t i = 0; i < k && row; i++) w[o * k + i] = (float)(alpha * row[i]);
        if (c) c[o] = (float)(beta * onnx_at(bias, bias->count == 1 ? 0 : (size_t)o));
        if (b->failed) return x;
    }
    if (rows)
        shape(b, &x, count_of(&x) / k, 1, k);
    else
        flatten(b, &x);
    value y = x;
    y.line = rows ? emit(b, &x.line, 1, "conv %lld 1%s", (long long)n, c ? "" : " bias=no")
                  : emit(b, &x.line, 1, "dense %lld%s", (long long)n, c ? "" : " bias=no");
    if (rows)
        parameter(b, "weight", 4, (int64_t[]){n, k, 1, 1}, w);
    else
        parameter(b, "weight", 2, (int64_t[]){n, k}, w);
    if (c) parameter(b, "bias", 1, &n, c);
    size_t len = strlen(weight->name);
    call(b, len > 7 && !strcmp(weight->name + len - 7, ".weight") ? weight->name : *b->n->name ? b->n->name : "dense");
    int axes[ONNX_MAX_RANK];
    for (int i = 0; i < x.rank; i++) axes[i] = i;
    y.dim[last] = n, y.ch = n;
    lay(&y, axes, y.rank);
    return y;
}

/* Groups the axes around one: P before, itself, Q after, as they lie. Arranges when it is in pieces. */
static void around(lowering *b, value *v, int axis, int *axes, int *n, int64_t *before, int64_t *after) {
    if (!order_of(v, axes, n)) {
        *n = usual(b, v->rank, axes);
        arrange(b, v, axes, *n);
    }
    *before = *after = 1;
    bool seen = false, listed = false;
    for (int i = 0; i < *n; i++) listed |= axes[i] == axis;
    for (int i = 0; i < *n && listed; i++) {
        if (axes[i] == axis)
            seen = true;
        else if (seen)
            *after *= v->dim[axes[i]];
        else
            *before *= v->dim[axes[i]];
    }
    if (!listed) { /* of size 1: put it last */
        *before = count_of(v);
        axes[(*n)++] = axis;
    }
}

static value concat(lowering *b, const value *const *in, int ins) {
    int64_t axis = onnx_int(b->n, "axis", 0), total = 0;
    value part[MAX_INPUTS], first = {0};
    int axes[ONNX_MAX_RANK + 1], n = 0, lines[MAX_INPUTS], lead = -1;
    if (ins > MAX_INPUTS) return bad(b, "more than %d inputs", MAX_INPUTS), first;
    for (int i = 0; i < ins && lead < 0; i++)
        if (!in[i]->c) lead = i;
    first = *in[lead];
    if (axis < 0) axis += first.rank;
    if (axis < 0 || axis >= first.rank) return bad(b, "along no axis"), first;
    for (int i = 0; i < ins; i++) {
        if (in[i]->rank != first.rank) return bad(b, "of different ranks"), first;
        for (int k = 0; k < first.rank; k++)
            if (k != axis && in[i]->dim[k] != first.dim[k]) return bad(b, "shapes that don't fit together"), first;
        total += in[i]->dim[axis];
    }
    int64_t before, after;
    around(b, &first, (int)axis, axes, &n, &before, &after);
    bool channels = after == 1 && first.ch == first.dim[axis] && !first.flat;
    int64_t h = first.h, w = first.w;
    for (int i = 0; i < ins; i++) {
        part[i] = i == lead ? first : *in[i];
        if (part[i].c)
            part[i] = constant_line(b, part[i].c, first.rank, axes, n);
        else
            arrange(b, &part[i], axes, n);
        int64_t size = in[i]->dim[axis];
        if (channels)
            shape(b, &part[i], h, w, size);
        else if (after == 1)
            shape(b, &part[i], before, 1, size);
        else if (before == 1)
            shape(b, &part[i], size, 1, after);
        else
            shape(b, &part[i], before, size, after);
        lines[i] = part[i].line;
    }
    value y = part[0];
    y.dim[axis] = total;
    if (channels || after == 1)
        y.ch = total;
    else if (before == 1)
        y.h = total;
    else
        y.w = total;
    lay(&y, axes, n);
    y.line = ins == 1 ? y.line
                      : emit(b, lines, ins, "%s",
                             channels || after == 1 ? "concat"
                             : before == 1          ? "concat axis=h"
                                                    : "concat axis=w");
    return y;
}

/* from, from + step... below to, of one axis */
static value slice_axis(lowering *b, value x, int axis, int64_t from, int64_t to, int64_t step) {
    int axes[ONNX_MAX_RANK + 1], n;
    int64_t before, after, count = (to - from + step - 1) / step;
    char part[100];
    if (from == 0 && to == x.dim[axis] && step == 1) return x;
    if (step == 1)
        snprintf(part, sizeof part, "%lld:%lld", (long long)from, (long long)to);
    else
        snprintf(part, sizeof part, "%lld:%lld:%lld", (long long)from, (long long)to, (long long)step);
    around(b, &x, axis, axes, &n, &before, &after);
    char letter = 'w';
    if (after == 1) {
        if (x.flat || x.ch != x.dim[axis]) shape(b, &x, before, 1, x.dim[axis]);
        letter = 'c', x.ch = count;
    } else if (x.rank == 4 && !x.flat && axis >= 2 && x.h == x.dim[2] && x.w == x.dim[3] && x.ch == x.dim[1] &&
               lies_last(&x, 1)) {
        letter = axis == 2 ? 'h' : 'w';
        if (axis == 2)
            x.h = count;
        else
            x.w = count;
    } else if (before == 1) {
        shape(b, &x, x.dim[axis], 1, after);
        letter = 'h', x.h = count;
    } else {
        shape(b, &x, before, x.dim[axis], after);
        x.w = count;
    }
    x.line = emit(b, &x.line, 1, "slice %c=%s", letter, part);
    x.dim[axis] = count;
    lay(&x, axes, n);
    return x;
}

static int64_t constant_at(const value *v, size_t k) {
    double d = onnx_at(v->c, k);
    return v->c->whole ? v->c->i[k] : d != d ? 0 : d > 9e18 ? INT64_MAX : d < -9e18 ? INT64_MIN : (int64_t)d;
}

static value slice(lowering *b, value x, const value *const *in, int ins) {
    const onnx_attribute *s = onnx_attr(b->n, "starts"), *e = onnx_attr(b->n, "ends"), *a = onnx_attr(b->n, "axes");
    bool inputs = ins > 2;
    for (int i = 1; i < ins; i++)
        if (in[i] && !in[i]->c) return bad(b, "its limits aren't constants"), x;
    if (inputs ? !in[1] || !in[2] || in[1]->c->count != in[2]->c->count
               : !s || !e || s->count != e->count || (a && a->count != s->count))
        return bad(b, "without starts and ends"), x;
    size_t n = inputs ? in[1]->c->count : s->count;
    for (int i = 3; i < ins && i < 5; i++)
        if (in[i] && in[i]->c->count != n) return bad(b, "starts, ends, axes and steps differ in number"), x;
    for (size_t k = 0; k < n && !b->failed; k++) {
        int64_t from = inputs ? constant_at(in[1], k) : s->ints[k], to = inputs ? constant_at(in[2], k) : e->ints[k];
        int64_t axis = inputs ? (ins > 3 && in[3] ? constant_at(in[3], k) : (int64_t)k) : a ? a->ints[k] : (int64_t)k;
        int64_t step = inputs && ins > 4 && in[4] ? constant_at(in[4], k) : 1;
        if (axis < 0) axis += x.rank;
        if (axis < 0 || axis >= x.rank) return bad(b, "along no axis"), x;
        int64_t size = x.dim[axis];
        if (from < 0) from = from < -size ? 0 : from + size;
        if (to < 0) to = to < -size ? 0 : to + size;
        if (to > size) to = size;
        if (step < 1 || step > INT32_MAX) return bad(b, "a step below 1 isn't supported"), x;
        if (from >= to) return bad(b, "nothing is left"), x;
        x = slice_axis(b, x, (int)axis, from, to, step);
    }
    return x;
}

static value softmax(lowering *b, value x) {
    int64_t axis = onnx_int(b->n, "axis", b->o->opset >= 13 ? -1 : 1), after = 1;
    int axes[ONNX_MAX_RANK + 1], n, kept[ONNX_MAX_RANK], m = 0;
    if (axis < 0) axis += x.rank;
    if (axis < 0 || axis >= x.rank) return bad(b, "along no axis"), x;
    for (int i = (int)axis + 1; i < x.rank; i++) after *= x.dim[i];
    if (b->o->opset < 13 && after != 1) return bad(b, "over several axes (opset below 13) isn't supported"), x;
    if (!lies_last(&x, (int)axis) || !order_of(&x, axes, &n)) {
        if (!order_of(&x, axes, &n)) n = usual(b, x.rank, axes);
        for (int i = 0; i < n; i++)
            if (axes[i] != axis) kept[m++] = axes[i];
        kept[m++] = (int)axis;
        arrange(b, &x, kept, m);
    }
    as_channels(b, &x, (int)axis);
    x.line = emit(b, &x.line, 1, "softmax");
    return x;
}

/* ReduceMean, ReduceSum, ReduceMax, GlobalAveragePool, GlobalMaxPool: over[axis]. */
static value reduce(lowering *b, value x, const bool *over, bool keep, char kind) {
    value y = x;
    int axes[ONNX_MAX_RANK], m = 0;
    int64_t n = 1, left = 1;
    bool spatial = x.rank == 4 && over[2] && over[3] && !over[1];
    for (int i = 0; i < x.rank; i++) {
        if (over[i])
            n *= x.dim[i], y.dim[i] = 1;
        else
            left *= x.dim[i];
    }
    if (spatial) {
        as_image(b, &x);
        y.line = emit(b, &x.line, 1, kind == 'x' ? "gmp" : "gap");
        y.h = y.w = 1, y.ch = x.dim[1], y.flat = true;
        channels_last(4, axes);
        lay(&y, axes, 4);
    } else {
        if (kind == 'x') return bad(b, "other than over height and width isn't supported"), x;
        /* What goes, last; its mean over the channels. */
        int order[ONNX_MAX_RANK], k = usual(b, x.rank, order);
        for (int i = 0; i < k; i++)
            if (!over[order[i]]) axes[m++] = order[i];
        int kept = m;
        for (int i = 0; i < k; i++)
            if (over[order[i]]) axes[m++] = order[i];
        arrange(b, &x, axes, m);
        shape(b, &x, left, 1, n);
        y.line = emit(b, &x.line, 1, "mean c");
        y.h = left, y.w = y.ch = 1, y.flat = false;
        lay(&y, axes, kept);
    }
    if (kind == 's') y = scale(b, y, (double)n, 0);
    if (!keep) {
        int64_t dim[ONNX_MAX_RANK];
        int rank = 0;
        for (int i = 0; i < y.rank; i++)
            if (!over[i]) dim[rank++] = y.dim[i];
        reshape(b, &y, rank, dim);
    }
    return y;
}

static value resize(lowering *b, value x, const value *const *in, int ins) {
    const onnx_attribute *mode = onnx_attr(b->n, "mode"), *coordinates = onnx_attr(b->n, "coordinate_transformation_mode"),
                         *nearest = onnx_attr(b->n, "nearest_mode"), *s = onnx_attr(b->n, "scales");
    bool upsample = !strcmp(b->n->op, "Upsample");
    const value *scales = upsample ? (ins > 1 ? in[1] : NULL) : ins > 2 ? in[2] : NULL, *sizes = ins > 3 ? in[3] : NULL;
    int64_t out[2];
    const onnx_attribute *policy = onnx_attr(b->n, "keep_aspect_ratio_policy");
    if (x.rank != 4) return bad(b, "of %d axes; images have 4", x.rank), x;
    if (policy && policy->s && strcmp(policy->s, "stretch")) return bad(b, "%.40s isn't supported", policy->s), x;
    if (onnx_int(b->n, "antialias", 0)) return bad(b, "antialias isn't supported"), x;
    for (int i = 0; i < 4; i++) {
        bool by_size = sizes && sizes->c && sizes->c->count == 4, by_scale = scales && scales->c && scales->c->count == 4;
        double f = by_scale ? onnx_at(scales->c, (size_t)i) : s && s->floats && s->count == 4 ? (double)s->floats[i] : 0;
        int64_t size = by_size              ? constant_at(sizes, (size_t)i)
                       : f > 0 && f < 65536 ? (int64_t)floor((double)x.dim[i] * f + 1e-5)
                                            : 0;
        if (size < 1 || size > 65536) return bad(b, "its scales or sizes aren't constants that can be used"), x;
        if (i < 2 && size != x.dim[i]) return bad(b, "of channels isn't supported"), x;
        if (!by_size && fabs((double)x.dim[i] * f - (double)size) > 1e-3) /* pixels lie by the scale, not by the sizes */
            return bad(b, "a scale that gives no whole size isn't supported"), x;
        if (i >= 2) out[i - 2] = size;
    }
    as_image(b, &x);
    const char *how = upsample                        ? "asymmetric"
                      : coordinates && coordinates->s ? coordinates->s
                                                      : "half_pixel",
               *kind = mode && mode->s ? mode->s : "nearest";
    const char *rounding = upsample ? "floor" : nearest && nearest->s ? nearest->s : "round_prefer_floor";
    bool whole = out[0] % x.h == 0 && out[1] % x.w == 0, same = whole && out[0] / x.h == out[1] / x.w;
    int64_t factor = out[0] / x.h;
    int64_t dim[4] = {1, x.dim[1], out[0], out[1]};
    int line_id;
    if (!strcmp(kind, "nearest")) {
        bool floors = !strcmp(how, "asymmetric") && !strcmp(rounding, "floor");
        bool halves = strstr(how, "half_pixel") && whole &&
                      (!strcmp(rounding, "round_prefer_floor") || !strcmp(rounding, "round_prefer_ceil"));
        bool two =
            !strcmp(how, "asymmetric") && whole && factor <= 2 && out[1] / x.w <= 2 && !strcmp(rounding, "round_prefer_floor");
        if (!floors && !halves && !two) return bad(b, "nearest by %.40s and %.40s isn't supported", how, rounding), x;
        line_id = same && factor <= 64 ? emit(b, &x.line, 1, "upsample %lld", (long long)factor)
                                       : emit(b, &x.line, 1, "resize %lldx%lld", (long long)out[0], (long long)out[1]);
    } else if (!strcmp(kind, "linear") &&
               (!strcmp(how, "half_pixel") || (!strcmp(how, "pytorch_half_pixel") && out[0] > 1 && out[1] > 1))) {
        line_id = emit(b, &x.line, 1, "resize %lldx%lld mode=bilinear", (long long)out[0], (long long)out[1]);
    } else if (!strcmp(kind, "linear") && !strcmp(how, "align_corners")) {
        line_id = emit(b, &x.line, 1, "resize %lldx%lld mode=corners", (long long)out[0], (long long)out[1]);
    } else {
        return bad(b, "%.40s by %.40s isn't supported", kind, how), x;
    }
    return image(line_id, 4, dim);
}

static value pad(lowering *b, value x, const value *const *in, int ins) {
    const onnx_attribute *a = onnx_attr(b->n, "pads"), *mode = onnx_attr(b->n, "mode");
    int64_t p[8];
    char number[32];
    size_t n = ins > 1 && in[1] && in[1]->c ? in[1]->c->count : a ? a->count : 0;
    if (x.rank != 4 || n != 8 || (ins > 1 && (!in[1] || !in[1]->c)) || (ins > 2 && in[2] && !in[2]->c) || (ins > 3 && in[3]))
        return bad(b, "pads must be 8 constants, for an image"), x;
    for (int i = 0; i < 8; i++) {
        p[i] = ins > 1 ? constant_at(in[1], (size_t)i) : a->ints[i];
        if (p[i] < 0 || p[i] > 1024 || (i % 4 < 2 && p[i]))
            return bad(b, "pads of channels, below 0 or above 1024 aren't supported"), x;
    }
    as_image(b, &x);
    format_f64(number, ins > 2 && in[2] && in[2]->c && in[2]->c->count ? onnx_at(in[2]->c, 0) : onnx_float(b->n, "value", 0));
    const char *how = mode && mode->s ? mode->s : "constant";
    if (strcmp(how, "constant") && strcmp(how, "edge") && strcmp(how, "reflect"))
        return bad(b, "mode %.40s isn't supported", how), x;
    int64_t dim[4] = {1, x.dim[1], x.h + p[2] + p[6], x.w + p[3] + p[7]};
    if (!p[2] && !p[3] && !p[6] && !p[7]) return x;
    return image(emit(b, &x.line, 1, "pad %lld,%lld,%lld,%lld value=%s mode=%s", (long long)p[2], (long long)p[3],
                      (long long)p[6], (long long)p[7], number, how),
                 4, dim);
}

static value space(lowering *b, value x, bool to_space) {
    int64_t s = onnx_int(b->n, "blocksize", 0);
    const onnx_attribute *mode = onnx_attr(b->n, "mode");
    bool crd = mode && mode->s && !strcmp(mode->s, "CRD");
    if (!to_space && mode && mode->s && strcmp(mode->s, "DCR")) return bad(b, "mode %.40s isn't supported", mode->s), x;
    if (x.rank != 4 || s < 1 || s > 64 || (to_space ? x.dim[1] % (s * s) : x.dim[2] % s || x.dim[3] % s))
        return bad(b, "a blocksize that doesn't fit"), x;
    if (to_space) {
        int64_t c = x.dim[1] / (s * s), six[6] = {1, crd ? c : s, s, crd ? s : c, x.dim[2], x.dim[3]},
                out[4] = {1, c, x.dim[2] * s, x.dim[3] * s};
        reshape(b, &x, 6, six); /* axes 1..3: DCR b1 b2 c, CRD c b1 b2 */
        static const int dcr_to[6] = {0, 3, 5, 1, 2, 4},
                         crd_to[6] = {0, 1, 3, 5, 2, 4}; /* old axis to new one, of [1, c, h, b1, w, b2] */
        int64_t wide[6] = {1, c, x.dim[4], s, x.dim[5], s};
        for (int i = 0; i < x.atoms; i++) x.atom[i].axis = (crd ? crd_to : dcr_to)[x.atom[i].axis];
        memcpy(x.dim, wide, sizeof wide);
        reshape(b, &x, 4, out);
    } else {
        int64_t six[6] = {1, x.dim[1], x.dim[2] / s, s, x.dim[3] / s, s},
                out[4] = {1, x.dim[1] * s * s, x.dim[2] / s, x.dim[3] / s};
        reshape(b, &x, 6, six);
        static const int to[6] = {0, 3, 4, 1, 5, 2}; /* [1, c, h, b1, w, b2] to [1, b1, b2, c, h, w] */
        int64_t wide[6] = {1, s, s, six[1], six[2], six[4]};
        for (int i = 0; i < x.atoms; i++) x.atom[i].axis = to[x.atom[i].axis];
        memcpy(x.dim, wide, sizeof wide);
        reshape(b, &x, 4, out);
    }
    return x;
}

/* ---- shapes that only relabel ---- */

static value relabel(lowering *b, value x, const value *const *in, int ins) {
    const char *op = b->n->op;
    int64_t dim[ONNX_MAX_RANK];
    int rank = 0;
    if (!strcmp(op, "Transpose")) {
        const onnx_attribute *a = onnx_attr(b->n, "perm");
        int to[ONNX_MAX_RANK];
        bool seen[ONNX_MAX_RANK] = {0};
        if (a && (int)a->count != x.rank) return bad(b, "of another rank"), x;
        for (int i = 0; i < x.rank; i++) {
            int64_t from = a ? a->ints[i] : x.rank - 1 - i;
            if (from < 0 || from >= x.rank || seen[from]) return bad(b, "of no axis"), x;
            seen[from] = true, to[from] = i, dim[i] = x.dim[from];
        }
        for (int i = 0; i < x.atoms; i++) x.atom[i].axis = to[x.atom[i].axis];
        memcpy(x.dim, dim, (size_t)x.rank * sizeof *dim);
        return x;
    }
    if (!strcmp(op, "Reshape")) {
        if (ins < 2 || !in[1] || !in[1]->c || in[1]->c->count > ONNX_MAX_RANK) return bad(b, "its shape isn't a constant"), x;
        int open = -1;
        int64_t known = 1;
        rank = (int)in[1]->c->count;
        for (int i = 0; i < rank; i++) {
            dim[i] = constant_at(in[1], (size_t)i);
            if (i < x.rank && dim[i] == 0 && !onnx_int(b->n, "allowzero", 0)) dim[i] = x.dim[i];
            if (dim[i] == -1 && open < 0)
                open = i;
            else if (dim[i] < 1 || __builtin_mul_overflow(known, dim[i], &known))
                return bad(b, "an impossible shape"), x;
        }
        if (open >= 0) dim[open] = count_of(&x) / known;
        if (open >= 0 ? dim[open] * known != count_of(&x) : known != count_of(&x)) return bad(b, "a shape that doesn't fit"), x;
    } else if (!strcmp(op, "Flatten")) {
        int64_t axis = onnx_int(b->n, "axis", 1);
        if (axis < 0) axis += x.rank;
        dim[0] = dim[1] = 1, rank = 2;
        for (int i = 0; i < x.rank; i++) dim[i >= axis] *= x.dim[i];
    } else {
        const onnx_attribute *a = onnx_attr(b->n, "axes");
        const value *v = ins > 1 ? in[1] : NULL;
        size_t n = v && v->c ? v->c->count : a ? a->count : 0;
        if ((v && !v->c) || n > ONNX_MAX_RANK) return bad(b, "its axes aren't constants"), x;
        bool squeeze = op[0] == 'S';
        int wide = squeeze ? x.rank : x.rank + (int)n;
        if (wide > ONNX_MAX_RANK) return bad(b, "too many axes"), x;
        for (int i = 0, from = 0; i < wide; i++) {
            bool named = false;
            for (size_t k = 0; k < n; k++) {
                int64_t axis = v && v->c ? constant_at(v, k) : a->ints[k];
                named |= axis == i || axis + wide == i;
            }
            if (squeeze) {
                if (named && x.dim[i] != 1) return bad(b, "an axis of more than 1"), x;
                if (!named && (n || x.dim[i] != 1)) dim[rank++] = x.dim[i];
            } else {
                if (!named && from == x.rank) return bad(b, "an axis twice"), x;
                dim[rank++] = named ? 1 : x.dim[from++];
            }
        }
    }
    reshape(b, &x, rank, dim);
    return x;
}

/* ---- one node ---- */

static value activation(lowering *b, value x, const char *fmt, double p, double q) {
    char s[32], t[32];
    format_f64(s, p), format_f64(t, q);
    x.line = emit(b, &x.line, 1, "%s%s%s%s%s", fmt, p == p ? " " : "", p == p ? s : "", q == q ? " " : "", q == q ? t : "");
    return x;
}

static double limit(const value *const *in, int ins, int i, const onnx_node *n, const char *name, double otherwise) {
    double v = ins > i && in[i] && in[i]->c && in[i]->c->count ? onnx_at(in[i]->c, 0) : onnx_float(n, name, otherwise);
    return v < -1e30 ? -1e30 : v > 1e30 ? 1e30 : v;
}

static value prelu(lowering *b, value x, const value *slope) {
    if (!slope->c || x.rank < 2) return bad(b, "its slope isn't a constant"), x;
    const onnx_tensor *t = slope->c;
    int64_t c = x.dim[1];
    if (t->count == 1) return activation(b, x, "leaky", onnx_at(t, 0), NAN);
    int axes[ONNX_MAX_RANK];
    int lead = t->rank - x.rank + 1; /* where the slope has the channels' axis */
    if ((int64_t)t->count != c || lead < 0 || lead >= t->rank || t->dim[lead] != c) return bad(b, "its slope doesn't fit"), x;
    if (!lies_last(&x, 1)) {
        channels_last(x.rank, axes);
        arrange(b, &x, axes, x.rank);
    }
    as_channels(b, &x, 1);
    const float *f = floats_of_tensor(b, t);
    float *v = f ? physical(b, &x, 1, f, 1) : NULL;
    x.line = emit(b, &x.line, 1, "prelu");
    if (v) parameter(b, "weight", 1, &c, v);
    call(b, *b->n->name ? b->n->name : "prelu");
    return x;
}

static value gemm(lowering *b, value x, const value *const *in, int ins) {
    const value *w = in[1];
    bool trans = onnx_int(b->n, "transB", 0);
    if (!w || !w->c || w->c->rank != 2 || (ins > 2 && in[2] && !in[2]->c))
        return bad(b, "its weights aren't a constant matrix"), x;
    if (onnx_int(b->n, "transA", 0)) return bad(b, "transA isn't supported"), x;
    if (x.rank != 2) return bad(b, "of an input that is no matrix"), x;
    int64_t k = w->c->dim[trans], n = w->c->dim[!trans];
    return matmul(b, x, w, k, n, trans ? 1 : (size_t)n, trans ? (size_t)k : 1, onnx_float(b->n, "alpha", 1),
                  ins > 2 && in[2] ? in[2]->c : NULL, onnx_float(b->n, "beta", 1));
}

static bool reduction(lowering *b, value x, const value *const *in, int ins, value *out) {
    static const struct {
        const char *op;
        char kind;
    } kinds[] = {{"ReduceMean", 'm'}, {"ReduceSum", 's'}, {"ReduceMax", 'x'}, {"GlobalAveragePool", 'm'}, {"GlobalMaxPool", 'x'}};
    bool over[ONNX_MAX_RANK] = {0};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(b->n->op, kinds[i].op)) continue;
        const onnx_attribute *a = onnx_attr(b->n, "axes");
        const value *v = ins > 1 ? in[1] : NULL;
        bool global = b->n->op[0] == 'G';
        size_t n = global ? (size_t)x.rank - 2 : v && v->c ? v->c->count : a ? a->count : 0;
        if (x.rank < 2 || (v && !v->c)) return bad(b, "its axes aren't constants");
        for (size_t k = 0; k < n; k++) {
            int64_t axis = global ? (int64_t)k + 2 : v ? constant_at(v, k) : a->ints[k];
            if (axis < 0) axis += x.rank;
            if (axis < 0 || axis >= x.rank) return bad(b, "over no axis");
            over[axis] = true;
        }
        if (!n && !global && onnx_int(b->n, "noop_with_empty_axes", 0)) {
            *out = x;
            return true;
        }
        for (int k = 0; k < x.rank && !n; k++) over[k] = true;
        *out = reduce(b, x, over, global || onnx_int(b->n, "keepdims", 1), kinds[i].kind);
        return true;
    }
    return false;
}

static value simple(lowering *b, value x, const value *const *in, int ins, bool *known) {
    static const struct {
        const char *op, *word;
    } plain[] = {{"Relu", "relu"}, {"Sigmoid", "sigmoid"}, {"Tanh", "tanh"}, {"Softplus", "softplus"},
                 {"Exp", "exp"},   {"Sqrt", "sqrt"},       {"Abs", "abs"},   {"HardSwish", "hardswish"},
                 {"Silu", "silu"}, {"Mish", "mish"},       {"Gelu", "gelu"}};
    const onnx_node *n = b->n;
    *known = true;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (!strcmp(n->op, plain[i].op)) {
            const onnx_attribute *a = onnx_attr(n, "approximate");
            if (plain[i].op[0] == 'G' && a && a->s && strcmp(a->s, "none")) bad(b, "the approximation by tanh isn't supported");
            return activation(b, x, plain[i].word, NAN, NAN);
        }
    if (!strcmp(n->op, "Neg")) return scale(b, x, -1, 0);
    if (!strcmp(n->op, "Reciprocal")) return activation(b, x, "power", -1, NAN);
    if (!strcmp(n->op, "LeakyRelu")) return activation(b, x, "leaky", onnx_float(n, "alpha", .01), NAN);
    if (!strcmp(n->op, "Elu")) return activation(b, x, "elu", onnx_float(n, "alpha", 1), NAN);
    if (!strcmp(n->op, "HardSigmoid"))
        return activation(b, x, "hardsigmoid", onnx_float(n, "alpha", .2), onnx_float(n, "beta", .5));
    if (!strcmp(n->op, "Clip")) {
        for (int i = 1; i < ins; i++)
            if (in[i] && !in[i]->c) return bad(b, "its limits aren't constants"), x;
        return activation(b, x, "clip", limit(in, ins, 1, n, "min", -1e30), limit(in, ins, 2, n, "max", 1e30));
    }
    if (!strcmp(n->op, "Cast")) {
        int64_t to = onnx_int(n, "to", 1);
        if (to != 1 && to != 10 && to != 11 && to != 16) bad(b, "to whole numbers isn't supported");
        return x;
    }
    if (!strcmp(n->op, "Dropout") && ins > 2 && in[2] && !(in[2]->c && in[2]->c->count == 1 && onnx_at(in[2]->c, 0) == 0))
        bad(b, "in training mode isn't supported");
    if (!strcmp(n->op, "Identity") || !strcmp(n->op, "Dropout")) return x;
    *known = false;
    return x;
}

static value lower(lowering *b, const value *const *in, int ins) {
    static const char *const two[][2] = {{"Add", "add"}, {"Sub", "sub"}, {"Mul", "mul"},
                                         {"Div", "div"}, {"Min", "min"}, {"Max", "max"}};
    const onnx_node *n = b->n;
    const value *first = ins ? in[0] : NULL;
    value out = {0};
    bool known;
    for (size_t i = 0; i < 6; i++)
        if (!strcmp(n->op, two[i][0])) {
            if (ins < 2 || !in[0] || !in[1]) return bad(b, "wants two inputs"), out;
            out = in[0]->c   ? with_constant(b, two[i][1], *in[1], in[0]->c, true)
                  : in[1]->c ? with_constant(b, two[i][1], *in[0], in[1]->c, false)
                             : elementwise(b, two[i][1], *in[0], *in[1]);
            for (int k = 2; k < ins && !b->failed; k++)
                out = in[k]->c ? with_constant(b, two[i][1], out, in[k]->c, false) : elementwise(b, two[i][1], out, *in[k]);
            return out;
        }
    if (!strcmp(n->op, "Concat")) {
        for (int i = 0; i < ins; i++)
            if (!in[i]) return bad(b, "an input is missing"), out;
        return concat(b, in, ins);
    }
    if (!first || first->c) return bad(b, "of a constant isn't supported"), out;
    value x = *first;
    out = simple(b, x, in, ins, &known);
    if (known || reduction(b, x, in, ins, &out) || b->failed) return out;
    if (!strcmp(n->op, "Pow")) {
        if (ins < 2 || !in[1]->c || in[1]->c->count != 1) return bad(b, "its exponent isn't a constant number"), out;
        return activation(b, x, "power", onnx_at(in[1]->c, 0), NAN);
    }
    if (!strcmp(n->op, "Conv") || !strcmp(n->op, "ConvTranspose"))
        return ins < 2 || !in[1] ? (bad(b, "has no weights"), x) : conv(b, x, in[1], ins > 2 ? in[2] : NULL, n->op[4] != 0);
    if (!strcmp(n->op, "BatchNormalization")) return ins < 5 ? (bad(b, "wants five inputs"), x) : batchnorm(b, x, in);
    if (!strcmp(n->op, "MaxPool") || !strcmp(n->op, "AveragePool")) return pool(b, x, n->op[0] == 'M');
    if (!strcmp(n->op, "Gemm")) return ins < 2 ? (bad(b, "wants two inputs"), x) : gemm(b, x, in, ins);
    if (!strcmp(n->op, "MatMul")) {
        if (ins < 2 || !in[1] || !in[1]->c || in[1]->c->rank != 2)
            return bad(b, "of two tensors that are computed isn't supported"), x;
        return matmul(b, x, in[1], in[1]->c->dim[0], in[1]->c->dim[1], (size_t)in[1]->c->dim[1], 1, 1, NULL, 1);
    }
    if (!strcmp(n->op, "PRelu")) return ins < 2 || !in[1] ? (bad(b, "has no slope"), x) : prelu(b, x, in[1]);
    if (!strcmp(n->op, "Softmax")) return softmax(b, x);
    if (!strcmp(n->op, "Slice")) return slice(b, x, in, ins);
    if (!strcmp(n->op, "Resize") || !strcmp(n->op, "Upsample")) return resize(b, x, in, ins);
    if (!strcmp(n->op, "Pad")) return pad(b, x, in, ins);
    if (!strcmp(n->op, "DepthToSpace") || !strcmp(n->op, "SpaceToDepth")) return space(b, x, n->op[0] == 'D');
    if (!strcmp(n->op, "Transpose") || !strcmp(n->op, "Reshape") || !strcmp(n->op, "Flatten") || !strcmp(n->op, "Squeeze") ||
        !strcmp(n->op, "Unsqueeze"))
        return relabel(b, x, in, ins);
    if (!strcmp(n->op, "Expand")) {
        int rank;
        int64_t dim[ONNX_MAX_RANK];
        value shape_of = {.rank = ins > 1 && in[1] && in[1]->c ? (int)in[1]->c->count : 99};
        for (int i = 0; i < shape_of.rank && shape_of.rank <= ONNX_MAX_RANK; i++) shape_of.dim[i] = constant_at(in[1], (size_t)i);
        if (shape_of.rank <= ONNX_MAX_RANK && broadcast_dims(b, &x, &shape_of, &rank, dim) && rank == x.rank &&
            !memcmp(dim, x.dim, (size_t)rank * sizeof *dim))
            return x;
        return bad(b, "that repeats what is computed isn't supported"), x;
    }
    bad(b, "this operator isn't supported");
    return x;
}

/* Several outputs. */
static void split(lowering *b, value x, const value *const *in, int ins) {
    const onnx_attribute *a = onnx_attr(b->n, "split");
    const value *v = ins > 1 ? in[1] : NULL;
    int64_t axis = onnx_int(b->n, "axis", 0), at = 0;
    if (axis < 0) axis += x.rank;
    if (axis < 0 || axis >= x.rank || (v && !v->c)) {
        bad(b, "along no axis, or into parts that aren't constants");
        return;
    }
    int64_t each = (x.dim[axis] + b->n->outs - 1) / b->n->outs;
    for (int i = 0; i < b->n->outs && !b->failed; i++) {
        size_t k = (size_t)i;
        int64_t n = v                         ? (k < v->c->count ? constant_at(v, k) : 0)
                    : a                       ? (k < a->count ? a->ints[k] : 0)
                    : each < x.dim[axis] - at ? each
                                              : x.dim[axis] - at;
        if (n < 1 || n > x.dim[axis] - at) {
            bad(b, "into parts that aren't there");
            return;
        }
        value y = slice_axis(b, x, (int)axis, at, at + n, 1);
        define(b, b->n->out[i], &y);
        at += n;
    }
}

/* ---- the graph ---- */

static const onnx_node *producer(const onnx *o, const char *name) {
    for (int i = 0; i < o->nodes; i++)
        for (int k = 0; k < o->node[i].outs; k++)
            if (!strcmp(o->node[i].out[k], name)) return &o->node[i];
    return NULL;
}

static const onnx_tensor *constant_named(const onnx *o, const char *name) {
    for (int i = 0; i < o->constants; i++)
        if (!strcmp(o->constant[i].name, name)) return o->constant[i].t;
    const onnx_node *p = producer(o, name);
    const onnx_attribute *a = p && !strcmp(p->op, "Constant") ? onnx_attr(p, "value") : NULL;
    return a ? a->t : NULL;
}

static bool is_number(const onnx *o, const char *name, double v) {
    const onnx_tensor *t = constant_named(o, name);
    return t && t->count == 1 && fabs(onnx_at(t, 0) - v) < 1e-4;
}

static void become(onnx_node *n, const char *op, char *input) {
    n->op = (char *)op;
    n->in[0] = input;
    n->ins = 1, n->attributes = 0;
}

/* x * sigmoid(x), x * tanh(softplus(x)), x * hardsigmoid(x) and x * (1 + erf(x / sqrt 2)) / 2, as exporters write them, become what they are. */
static void recognise(onnx *o) {
    for (int i = 0; i < o->nodes; i++) {
        onnx_node *n = &o->node[i];
        if (strcmp(n->op, "Mul") || n->ins != 2) continue;
        for (int k = 0; k < 2; k++) {
            char *x = n->in[k];
            const onnx_node *p = producer(o, n->in[1 - k]), *q;
            if (!p || !p->ins) continue;
            if (!strcmp(p->op, "Sigmoid") && !strcmp(p->in[0], x)) {
                become(n, "Silu", x);
            } else if (!strcmp(p->op, "HardSigmoid") && !strcmp(p->in[0], x) &&
                       fabs(onnx_float(p, "alpha", .2) - 1. / 6) < 1e-5 && fabs(onnx_float(p, "beta", .5) - .5) < 1e-6) {
                become(n, "HardSwish", x);
            } else if (!strcmp(p->op, "Tanh") && (q = producer(o, p->in[0])) && !strcmp(q->op, "Softplus") && q->ins &&
                       !strcmp(q->in[0], x)) {
                become(n, "Mish", x);
            } else if (is_number(o, x, .5) && !strcmp(p->op, "Mul") && p->ins == 2) { /* (x * (erf(..) + 1)) * .5 */
                for (int j = 0; j < 2; j++) {
                    char *y = p->in[j];
                    const onnx_node *sum = producer(o, p->in[1 - j]),
                                    *erf = sum && !strcmp(sum->op, "Add") && sum->ins == 2 ? producer(o, sum->in[0]) : NULL;
                    const onnx_node *inner = erf && erf->ins && !strcmp(erf->op, "Erf") && is_number(o, sum->in[1], 1)
                                                 ? producer(o, erf->in[0])
                                                 : NULL;
                    if (inner && inner->ins == 2 && !strcmp(inner->in[0], y) &&
                        ((!strcmp(inner->op, "Div") && is_number(o, inner->in[1], M_SQRT2)) ||
                         (!strcmp(inner->op, "Mul") && is_number(o, inner->in[1], M_SQRT1_2)))) {
                        become(n, "Gelu", y);
                        break;
                    }
                }
            } else {
                continue;
            }
            if (n->ins == 1) break;
        }
    }
}

/* Which nodes something wanted depends on. */
static bool *needed(onnx *o) {
    bool *need = xarray((size_t)o->nodes + 1, sizeof *need);
    /* Names wanted so far, in a table of their own. */
    size_t names = 0, room = 64;
    for (int i = 0; i < o->nodes; i++) names += (size_t)o->node[i].ins;
    while (room < 4 * (names + (size_t)o->outputs + 1)) room *= 2;
    const char **table = xarray(room, sizeof *table);
    for (int pass = -1; pass < o->nodes; pass++) {
        int i = o->nodes - 1 - pass;
        const onnx_node *n = pass < 0 ? NULL : &o->node[i];
        for (int k = 0; n && k < n->outs && !need[i]; k++) {
            size_t s = (size_t)hash64(HASH64_START, n->out[k], strlen(n->out[k])) % room;
            while (table[s] && strcmp(table[s], n->out[k])) s = (s + 1) % room;
            need[i] = table[s] != NULL;
        }
        for (int k = 0; k < (n ? (need[i] ? n->ins : 0) : o->outputs); k++) {
            const char *name = n ? n->in[k] : o->output[k].name;
            size_t s = (size_t)hash64(HASH64_START, name, strlen(name)) % room;
            while (table[s] && strcmp(table[s], name)) s = (s + 1) % room;
            table[s] = name;
        }
    }
    free(table);
    return need;
}

static void lower_node(lowering *b, const onnx_node *n) {
    const value *in[MAX_INPUTS];
    onnx_tensor *constant[MAX_INPUTS] = {0}, *folded[MAX_INPUTS] = {0};
    bool all = true;
    b->n = n;
    for (int i = 0; i < n->attributes; i++)
        if (n->attribute[i].graph) {
            bad(b, "a graph inside a graph isn't supported");
            return;
        }
    if (n->ins > MAX_INPUTS || n->outs > MAX_INPUTS || n->outs < 1) {
        bad(b, "too many inputs or outputs");
        return;
    }
    for (int i = 0; i < n->ins; i++) {
        in[i] = *n->in[i] ? find(b, n->in[i]) : NULL;
        if (*n->in[i] && !in[i]) {
            bad(b, "its input '%.80s' isn't there (nodes must be in order)", n->in[i]);
            return;
        }
        constant[i] = in[i] ? in[i]->c : NULL;
        all &= !in[i] || in[i]->c;
    }
    if (!strcmp(n->op, "Shape") && n->ins && in[0]) {
        int64_t from = onnx_int(n, "start", 0), to = onnx_int(n, "end", in[0]->rank);
        if (from < 0) from += in[0]->rank;
        if (to < 0) to += in[0]->rank;
        from = from < 0 ? 0 : from > in[0]->rank ? in[0]->rank : from;
        to = to < from ? from : to > in[0]->rank ? in[0]->rank : to;
        int64_t rank = to - from;
        onnx_tensor *t = onnx_new_tensor(b->o, true, 1, &rank);
        for (int64_t i = 0; t && i < rank; i++) t->i[i] = in[0]->dim[i + from];
        value v = t ? of_constant(t) : (value){0};
        if (t) define(b, n->out[0], &v);
        return;
    }
    if (all) {
        char why[ONNX_ERROR];
        int done = onnx_fold(b->o, n, constant, folded, why);
        if (done < 0) bad(b, "%.200s", why);
        if (done == 0) bad(b, "of constants isn't supported");
        for (int i = 0; i < n->outs && done > 0; i++) {
            value v = folded[i] ? of_constant(folded[i]) : (value){0};
            if (folded[i] && *n->out[i]) define(b, n->out[i], &v);
        }
        return;
    }
    /* Values may move in memory while one is made: copies of the inputs. */
    value *copy = xarray((size_t)n->ins + 1, sizeof *copy);
    for (int i = 0; i < n->ins; i++)
        if (in[i]) copy[i] = *in[i], in[i] = &copy[i];
    if (!strcmp(n->op, "Split") && in[0]) {
        split(b, copy[0], in, n->ins);
    } else {
        value v = lower(b, in, n->ins);
        if (!b->failed) define(b, n->out[0], &v);
        for (int i = 1; i < n->outs && !b->failed;
             i++) /* Dropout's mask, MaxPool's indices: when someone wants them, they aren't there */
            if (!strcmp(n->op, "BatchNormalization") && *n->out[i]) break;
    }
    free(copy);
}

static bool lower_input(lowering *b, const onnx_value *in, const char *range, int h, int w) {
    int64_t dim[ONNX_MAX_RANK];
    b->n = NULL;
    if (in->rank != 4 && in->rank != 2)
        return bad(b, "its input '%.80s' isn't an image [N,C,H,W] or [N,H,W,C], nor a vector [N,C]", in->name);
    memcpy(dim, in->dim, sizeof dim);
    if (dim[0] > 1)
        return bad(b, "its input '%.80s' is a batch of %lld; export it with a batch of 1, or a dynamic one", in->name,
                   (long long)dim[0]);
    dim[0] = 1;
    value v;
    if (in->rank == 2) {
        if (dim[1] < 1) return bad(b, "its input '%.80s' has no size", in->name);
        v = image(emit(b, NULL, 0, "input %lld", (long long)dim[1]), 2, dim);
    } else {
        bool first = dim[1] >= 1 && dim[1] <= 4;
        b->nhwc = !first && dim[3] >= 1 && dim[3] <= 4;
        int64_t *hp = b->nhwc ? &dim[1] : &dim[2], *wp = b->nhwc ? &dim[2] : &dim[3], c = b->nhwc ? dim[3] : dim[1];
        if (*hp < 1) *hp = h;
        if (*wp < 1) *wp = w;
        if ((h && *hp != h) || (w && *wp != w))
            return bad(b, "its input '%.80s' is %lldx%lld: it can't be --size %dx%d", in->name, (long long)*hp, (long long)*wp, h,
                       w);
        if (*hp < 1 || *wp < 1 || *hp > 65536 || *wp > 65536 || c < 1 || c > 65536)
            return bad(b, "its input '%.80s' leaves its size open: say --size HxW", in->name);
        int id = range ? emit(b, NULL, 0, "input %lldx%lldx%lld range=%s", (long long)*hp, (long long)*wp, (long long)c, range)
                       : emit(b, NULL, 0, "input %lldx%lldx%lld", (long long)*hp, (long long)*wp, (long long)c);
        if (b->nhwc) {
            v = (value){.rank = 4, .line = id, .h = *hp, .w = *wp, .ch = c};
            memcpy(v.dim, dim, sizeof dim);
            lay(&v, (int[]){0, 1, 2, 3}, 4);
        } else {
            v = image(id, 4, dim);
        }
    }
    return define(b, in->name, &v) != NULL;
}

/* A graph's output in its final shape and under its name. */
static bool lower_output(lowering *b, const char *name, int *line_id) {
    int axes[ONNX_MAX_RANK], n;
    b->n = NULL;
    value *found = find(b, name);
    if (!found || found->c) return bad(b, "its output '%.80s' is %s", name, found ? "a constant" : "never computed");
    value v = *found;
    n = usual(b, v.rank, axes);
    arrange(b, &v, axes, n);
    int64_t all = count_of(&v), last = v.rank ? v.dim[axes[n - 1]] : 1;
    if (v.rank <= 2)
        flatten(b, &v);
    else if (v.rank == 4)
        shape(b, &v, v.dim[axes[0]] * v.dim[axes[1]], v.dim[axes[2]], last);
    else
        shape(b, &v, all / last, 1, last);
    if (b->l[v.line].must_name || b->l[v.line].name || v.line == 0) { /* it has a name already */
        if (v.flat)
            v.line = emit(b, &v.line, 1, "reshape %lld", (long long)v.ch);
        else
            v.line = emit(b, &v.line, 1, "reshape %lldx%lldx%lld", (long long)v.h, (long long)v.w, (long long)v.ch);
    }
    b->l[v.line].name = xstrdup(name);
    b->l[v.line].must_name = true;
    *line_id = v.line;
    return !b->failed;
}

/* Letters, digits, _ . - after a letter; not a word of the language. */
static char *valid(const char *s) {
    static const char *const words[] = {
        "input",     "dense",   "conv",     "convt",   "batchnorm",   "layernorm", "affine",  "constant", "relu",
        "leaky",     "elu",     "tanh",     "sigmoid", "silu",        "softplus",  "mish",    "gelu",     "hardswish",
        "exp",       "sqrt",    "abs",      "clip",    "hardsigmoid", "scale",     "power",   "prelu",    "softmax",
        "maxpool",   "avgpool", "gap",      "gmp",     "mean",        "dropout",   "reshape", "flatten",  "slice",
        "transpose", "pad",     "upsample", "grid",    "resize",      "add",       "sub",     "mul",      "div",
        "min",       "max",     "concat",   "output",  "set",         "if",        "unless"};
    text t = {0};
    while (*s && !isalnum((unsigned char)*s)) s++;
    if (!isalpha((unsigned char)*s)) text_add(&t, "n");
    for (; *s && t.len < 100; s++) {
        char c = isalnum((unsigned char)*s) || strchr("_.-", *s) ? *s : '.';
        text_addn(&t, &c, 1);
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(t.s, words[i])) {
            text_add(&t, "1");
            break;
        }
    return t.s;
}

/* Marks what the outputs need, gives every line that needs one a name of its own, and prints. */
static void print(lowering *b, const int *outs, int count, onnx_net *to) {
    bool several = count > 1;
    text t = {0};
    for (int i = 0; i < count; i++) b->l[outs[i]].used = true;
    for (int i = b->lines - 1; i >= 0; i--)
        for (int k = 0; k < b->l[i].ins && b->l[i].used; k++) b->l[b->l[i].in[k]].used = true;
    b->l[0].used = true;
    int last = -1;
    for (int i = 0; i < b->lines; i++) {
        if (!b->l[i].used) continue;
        bool follows = b->l[i].ins == 1 && b->l[i].in[0] == last;
        for (int k = 0; k < b->l[i].ins && !follows; k++)
            if (b->l[i].in[k]) b->l[b->l[i].in[k]].must_name = true;
        last = i;
    }
    if (several || last != outs[0])
        for (int i = 0; i < count; i++) b->l[outs[i]].must_name = true;
    /* Unique names: outputs' first. */
    size_t room = 64;
    while (room < 4 * (size_t)b->lines + 64) room *= 2;
    char **taken = xarray(room, sizeof *taken);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 1; i < b->lines; i++) {
            line *l = &b->l[i];
            bool is_output = false;
            for (int k = 0; k < count; k++) is_output |= outs[k] == i;
            if (!l->used || !l->must_name || is_output != (pass == 0)) continue;
            char op[32];
            snprintf(op, sizeof op, "%.*s", (int)strcspn(l->op, " "), l->op);
            char *base = valid(l->name ? l->name : op), *name = xstrdup(base);
            for (int more = 1;; more++) {
                size_t s = (size_t)hash64(HASH64_START, name, strlen(name)) % room;
                while (taken[s] && strcmp(taken[s], name)) s = (s + 1) % room;
                if (!taken[s]) {
                    taken[s] = name;
                    break;
                }
                free(name);
                name = xasprintf("%s_%d", base, more);
            }
            free(base);
            free(l->name);
            l->name = xstrdup(name);
        }
    for (size_t i = 0; i < room; i++) free(taken[i]);
    free(taken);

    char producer_name[64];
    snprintf(producer_name, sizeof producer_name, "%.60s", *b->o->producer ? b->o->producer : "an unnamed program");
    for (char *c = producer_name; *c; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~' || *c == '$') *c = '?';
    text_addf(&t, "# from ONNX, opset %lld, written by %s; outputs have their channels last\n", (long long)b->o->opset,
              producer_name);
    last = -1;
    int kept = 0;
    for (int i = 0; i < b->lines; i++) {
        line *l = &b->l[i];
        if (!l->used) continue;
        if (i && l->must_name) text_addf(&t, "%s ", l->name);
        text_add(&t, l->op);
        if (l->ins && !(l->ins == 1 && l->in[0] == last)) {
            text_add(&t, " <");
            for (int k = 0; k < l->ins; k++) text_addf(&t, " %s", l->in[k] ? b->l[l->in[k]].name : "input");
        }
        text_add(&t, "\n");
        for (int k = 0; k < l->params; k++) {
            onnx_param p = b->param[l->first_param + k];
            p.key = xasprintf("%s.%s", l->name, p.key);
            b->param[kept++] = p;
        }
        last = i;
    }
    if (several || last != outs[0]) {
        text_add(&t, "output <");
        for (int i = 0; i < count; i++) text_addf(&t, " %s", b->l[outs[i]].name);
        text_add(&t, "\n");
    }
    *to = (onnx_net){t.s, b->param, kept};
    b->param = NULL;
}

bool onnx_to_net(onnx *o, const char *range, int h, int w, onnx_net *to, char err[ONNX_ERROR]) {
    lowering b = {.o = o, .err = err};
    size_t names = (size_t)o->constants + (size_t)o->inputs + 16;
    for (int i = 0; i < o->nodes; i++) names += (size_t)o->node[i].outs;
    b.buckets = 4 * names;
    b.bucket = xarray(b.buckets, sizeof *b.bucket);
    for (size_t i = 0; i < b.buckets; i++) b.bucket[i] = -1;
    *to = (onnx_net){0};
    bool *need = NULL;
    int *outs = xarray((size_t)o->outputs + 1, sizeof *outs);
    if (o->inputs != 1) bad(&b, "it has %d inputs; one is supported", o->inputs);
    if (o->outputs < 1) bad(&b, "it has no outputs");
    if (!b.failed) lower_input(&b, &o->input[0], range, h, w);
    for (int i = 0; i < o->constants && !b.failed; i++) {
        value v = of_constant(o->constant[i].t);
        define(&b, o->constant[i].name, &v);
    }
    if (!b.failed) {
        recognise(o);
        need = needed(o);
    }
    for (int i = 0; i < o->nodes && !b.failed; i++)
        if (need[i]) lower_node(&b, &o->node[i]);
    for (int i = 0; i < o->outputs && !b.failed; i++) lower_output(&b, o->output[i].name, &outs[i]);
    if (!b.failed) print(&b, outs, o->outputs, to);
    for (int i = 0; i < b.lines; i++) {
        free(b.l[i].name);
        free(b.l[i].op);
        free(b.l[i].in);
    }
    free(b.l);
    free(b.param);
    free(b.value);
    free(b.bucket);
    free(need);
    free(outs);
    return !b.failed;
}
