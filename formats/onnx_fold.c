/* Operators on constants: the arithmetic of shapes and anchors that exporters leave in a graph. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "onnx.h"

enum { MAX_ELEMENTS = 1 << 24 };

typedef struct {
    onnx *o;
    const onnx_node *n;
    char *err;
} folder;

static int bad(folder *f, const char *why) {
    snprintf(f->err, ONNX_ERROR, "%.100s", why);
    return -1;
}

static onnx_tensor *new (folder *f, bool whole, int rank, const int64_t *dim) {
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        if (dim[i] < 0 || __builtin_mul_overflow(count, (size_t)dim[i], &count) || count > MAX_ELEMENTS) return NULL;
    return onnx_new_tensor(f->o, whole, rank, dim);
}

static void set(onnx_tensor *t, size_t k, double v) {
    if (t->whole)
        t->i[k] = v >= 9.2e18 ? INT64_MAX : v <= -9.2e18 ? INT64_MIN : v != v ? 0 : (int64_t)v;
    else
        t->f[k] = (float)v;
}

static int64_t whole_at(const onnx_tensor *t, size_t k) {
    if (t->whole) return t->i[k];
    double v = t->f[k];
    return v >= 9.2e18 ? INT64_MAX : v <= -9.2e18 ? INT64_MIN : v != v ? 0 : (int64_t)v;
}

static size_t strides(const onnx_tensor *t, size_t *step) {
    size_t n = 1;
    for (int i = t->rank - 1; i >= 0; i--) step[i] = n, n *= (size_t)t->dim[i];
    return n;
}

/* ---- element by element ---- */

static double apply2(const char *op, double a, double b, bool whole, bool c_like) {
    switch (op[0]) {
    case 'A': /* Add, And */
        return op[1] == 'd' ? a + b : a != 0 && b != 0;
    case 'S':
        return a - b;
    case 'M': /* Mul, Min, Max, Mod */
        if (op[1] == 'u') return a * b;
        if (op[1] == 'i') return fmin(a, b);
        if (op[1] == 'a') return fmax(a, b);
        return b == 0 ? 0 : c_like ? fmod(a, b) : a - b * floor(a / b);
    case 'D':
        return whole ? (b == 0 ? 0 : trunc(a / b)) : a / b;
    case 'P':
        return pow(a, b);
    case 'E':
        return a == b;
    case 'L':
        return strstr(op, "OrEqual") ? a <= b : a < b;
    case 'G':
        return strstr(op, "OrEqual") ? a >= b : a > b;
    default: /* Or */
        return a != 0 || b != 0;
    }
}

static int binary(folder *f, onnx_tensor *const *in, onnx_tensor **out) {
    static const char *const logical[] = {"And", "Or", "Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"};
    const onnx_tensor *a = in[0], *b = in[1];
    int64_t dim[ONNX_MAX_RANK];
    int rank = a->rank > b->rank ? a->rank : b->rank;
    size_t sa[ONNX_MAX_RANK], sb[ONNX_MAX_RANK], ta[ONNX_MAX_RANK] = {0}, tb[ONNX_MAX_RANK] = {0}, index[ONNX_MAX_RANK] = {0};
    strides(a, sa), strides(b, sb);
    for (int i = 0; i < rank; i++) {
        int ia = i - (rank - a->rank), ib = i - (rank - b->rank);
        int64_t da = ia < 0 ? 1 : a->dim[ia], db = ib < 0 ? 1 : b->dim[ib];
        if (da != db && da != 1 && db != 1) return bad(f, "shapes that don't fit together");
        dim[i] = da == 1 ? db : da;
        if (ia >= 0 && da > 1) ta[i] = sa[ia];
        if (ib >= 0 && db > 1) tb[i] = sb[ib];
    }
    bool whole = a->whole && b->whole;
    bool result_whole = f->n->op[0] == 'P' ? a->whole : whole; /* Pow's result is of its base's type */
    bool c_like = onnx_int(f->n, "fmod", 0);
    for (size_t k = 0; k < sizeof logical / sizeof *logical; k++) result_whole |= !strcmp(f->n->op, logical[k]);
    onnx_tensor *t = new (f, result_whole, rank, dim);
    if (!t) return bad(f, "a constant too large");
    for (size_t k = 0; k < t->count; k++) {
        size_t pa = 0, pb = 0;
        for (int i = 0; i < rank; i++) pa += index[i] * ta[i], pb += index[i] * tb[i];
        if (whole && f->n->op[0] != 'P' && f->n->op[0] != 'D') { /* exact beyond 2^53 where it matters: sums and products */
            int64_t x = a->i[pa], y = b->i[pb], z;
            bool over = false;
            if (!strcmp(f->n->op, "Add"))
                over = __builtin_add_overflow(x, y, &z);
            else if (!strcmp(f->n->op, "Sub"))
                over = __builtin_sub_overflow(x, y, &z);
            else if (!strcmp(f->n->op, "Mul"))
                over = __builtin_mul_overflow(x, y, &z);
            else
                z = (int64_t)0, over = true;
            if (!over)
                t->i[k] = z;
            else
                set(t, k, apply2(f->n->op, (double)x, (double)y, true, c_like));
        } else {
            set(t, k, apply2(f->n->op, onnx_at(a, pa), onnx_at(b, pb), whole, c_like));
        }
        for (int i = rank - 1; i >= 0 && ++index[i] == (size_t)dim[i]; i--) index[i] = 0;
    }
    *out = t;
    return 1;
}

static double apply1(const char *op, double x) {
    if (!strcmp(op, "Floor")) return floor(x);
    if (!strcmp(op, "Ceil")) return ceil(x);
    if (!strcmp(op, "Round")) return nearbyint(x);
    if (!strcmp(op, "Neg")) return -x;
    if (!strcmp(op, "Abs")) return fabs(x);
    if (!strcmp(op, "Sqrt")) return sqrt(x);
    if (!strcmp(op, "Exp")) return exp(x);
    if (!strcmp(op, "Log")) return log(x);
    if (!strcmp(op, "Reciprocal")) return 1 / x;
    if (!strcmp(op, "Sigmoid")) return 1 / (1 + exp(-x));
    if (!strcmp(op, "Not")) return x == 0;
    return x; /* Identity */
}

static int unary(folder *f, onnx_tensor *const *in, onnx_tensor **out) {
    onnx_tensor *t = new (f, in[0]->whole, in[0]->rank, in[0]->dim);
    if (!t) return bad(f, "a constant too large");
    for (size_t k = 0; k < t->count; k++) set(t, k, apply1(f->n->op, onnx_at(in[0], k)));
    *out = t;
    return 1;
}

static int cast(folder *f, onnx_tensor *const *in, onnx_tensor **out) {
    int64_t to = onnx_int(f->n, "to", 1);
    onnx_tensor *t = new (f, !(to == 1 || to == 10 || to == 11 || to == 16), in[0]->rank, in[0]->dim);
    if (!t) return bad(f, "a constant too large");
    for (size_t k = 0; k < t->count; k++) {
        double v = onnx_at(in[0], k);
        if (to == 9) /* a truth */
            set(t, k, v != 0);
        else if (t->whole && in[0]->whole)
            t->i[k] = in[0]->i[k];
        else
            set(t, k, v);
    }
    *out = t;
    return 1;
}

static int where(folder *f, onnx_tensor *const *in, onnx_tensor **out) {
    const onnx_tensor *c = in[0], *a = in[1], *b = in[2];
    const onnx_tensor *large = c->count >= a->count && c->count >= b->count ? c : a->count >= b->count ? a : b;
    for (int i = 0; i < 3; i++)
        if (in[i]->count != 1 &&
            (in[i]->rank != large->rank || memcmp(in[i]->dim, large->dim, (size_t)large->rank * sizeof *large->dim)))
            return bad(f, "Where with shapes that don't fit together");
    onnx_tensor *t = new (f, a->whole && b->whole, large->rank, large->dim);
    if (!t) return bad(f, "a constant too large");
    for (size_t k = 0; k < t->count; k++) {
        const onnx_tensor *from = onnx_at(c, c->count == 1 ? 0 : k) != 0 ? a : b;
        set(t, k, onnx_at(from, from->count == 1 ? 0 : k));
    }
    *out = t;
    return 1;
}

/* ---- shapes ---- */

static bool axis_of(int64_t *axis, int rank) {
    if (*axis < 0) *axis += rank;
    return *axis >= 0 && *axis < rank;
}

/* Element k of the result is element from(k) of the input, through an index of the result's axes. */
static int pick(folder *f, const onnx_tensor *x, int rank, const int64_t *dim, const int64_t *step, int64_t start,
                onnx_tensor **out) {
    onnx_tensor *t = new (f, x->whole, rank, dim);
    int64_t index[ONNX_MAX_RANK] = {0};
    if (!t) return bad(f, "a constant too large");
    for (size_t k = 0; k < t->count; k++) {
        int64_t at = start;
        for (int i = 0; i < rank; i++) at += index[i] * step[i];
        if (at < 0 || (size_t)at >= x->count) return bad(f, "an index outside its tensor");
        if (t->whole)
            t->i[k] = x->i[at];
        else
            t->f[k] = x->f[at];
        for (int i = rank - 1; i >= 0 && ++index[i] == dim[i]; i--) index[i] = 0;
    }
    *out = t;
    return 1;
}

static int same_numbers(folder *f, const onnx_tensor *x, int rank, const int64_t *dim, onnx_tensor **out) {
    size_t n = 1;
    for (int i = 0; i < rank; i++) n *= (size_t)dim[i];
    onnx_tensor *t = onnx_alloc(f->o, 1, sizeof *t);
    if (n != x->count || !t || rank > ONNX_MAX_RANK) return bad(f, "a shape that doesn't fit");
    *t = *x; /* constants are never written to */
    t->rank = rank;
    for (int i = 0; i < rank; i++) t->dim[i] = dim[i];
    *out = t;
    return 1;
}

static int gather(folder *f, onnx_tensor *const *in, onnx_tensor **out) {
    const onnx_tensor *x = in[0], *which = in[1];
    int64_t axis = onnx_int(f->n, "axis", 0), dim[ONNX_MAX_RANK];
    size_t step[ONNX_MAX_RANK], inner;
    if (!axis_of(&axis, x->rank) || x->rank - 1 + which->rank > ONNX_MAX_RANK) return bad(f, "Gather along no axis");
    int rank = 0;
    for (int i = 0; i < axis; i++) dim[rank++] = x->dim[i];
    for (int i = 0; i < which->rank; i++) dim[rank++] = which->dim[i];
    for (int i = (int)axis + 1; i < x->rank; i++) dim[rank++] = x->dim[i];
    strides(x, step);
    inner = step[axis];
    onnx_tensor *t = new (f, x->whole, rank, dim);
    if (!t) return bad(f, "a constant too large");
    for (size_t k = 0; k < t->count; k++) {
        size_t outer = k / (which->count * inner), w = k / inner % which->count, rest = k % inner;
        int64_t i = whole_at(which, w);
        if (i < 0) i += x->dim[axis];
        if (i < 0 || i >= x->dim[axis]) return bad(f, "Gather outside its axis");
        set(t, k, onnx_at(x, outer * inner * (size_t)x->dim[axis] + (size_t)i * inner + rest));
    }
    *out = t;
    return 1;
}

static int slice(folder *f, onnx_tensor *const *in, onnx_tensor **out) {
    const onnx_tensor *x = in[0];
    const onnx_attribute *s = onnx_attr(f->n, "starts"), *e = onnx_attr(f->n, "ends"), *a = onnx_attr(f->n, "axes");
    size_t n = f->n->ins > 1 && in[1] ? in[1]->count : s ? s->count : 0, step_of[ONNX_MAX_RANK];
    int64_t dim[ONNX_MAX_RANK], step[ONNX_MAX_RANK], start = 0;
    bool inputs = f->n->ins > 2 && in[1] && in[2];
    strides(x, step_of);
    for (int i = 0; i < x->rank; i++) dim[i] = x->dim[i], step[i] = (int64_t)step_of[i];
    if (!inputs && (!s || !e || e->count != n || (a && a->count != n))) return bad(f, "Slice without starts and ends");
    if (inputs &&
        (in[2]->count != n || (f->n->ins > 3 && in[3] && in[3]->count != n) || (f->n->ins > 4 && in[4] && in[4]->count != n)))
        return bad(f, "Slice whose starts and ends differ in number");
    for (size_t k = 0; k < n; k++) {
        int64_t from = inputs ? whole_at(in[1], k) : s->ints[k], to = inputs ? whole_at(in[2], k) : e->ints[k];
        int64_t axis = inputs ? (f->n->ins > 3 && in[3] ? whole_at(in[3], k) : (int64_t)k) : a ? a->ints[k] : (int64_t)k;
        int64_t by = inputs && f->n->ins > 4 && in[4] ? whole_at(in[4], k) : 1;
        if (!axis_of(&axis, x->rank) || by == 0 || by == INT64_MIN) return bad(f, "Slice along no axis, or by 0");
        int64_t size = dim[axis];
        if (from < 0) from = from < -size ? -1 : from + size;
        if (to < 0) to = to < -size ? -1 : to + size;
        if (by > 0)
            from = from < 0 ? 0 : from > size ? size : from, to = to < 0 ? 0 : to > size ? size : to;
        else
            from = from >= size ? size - 1 : from, to = to >= size ? size - 1 : to;
        int64_t left = by > 0 ? to - from : from - to, count = left <= 0 ? 0 : (left - 1) / (by > 0 ? by : -by) + 1;
        start += from * step[axis];
        dim[axis] = count;
        step[axis] = count > 1 ? step[axis] * by : 0; /* a step that leads on is smaller than its axis */
    }
    return pick(f, x, x->rank, dim, step, start < 0 ? 0 : start, out);
}

static int concat(folder *f, onnx_tensor *const *in, onnx_tensor **out) {
    int64_t axis = onnx_int(f->n, "axis", 0), dim[ONNX_MAX_RANK];
    const onnx_tensor *x = in[0];
    bool whole = true;
    if (!axis_of(&axis, x->rank)) return bad(f, "Concat along no axis");
    memcpy(dim, x->dim, sizeof dim);
    dim[axis] = 0;
    for (int i = 0; i < f->n->ins; i++) {
        if (in[i]->rank != x->rank) return bad(f, "Concat of different ranks");
        for (int k = 0; k < x->rank; k++)
            if (k != axis && in[i]->dim[k] != x->dim[k]) return bad(f, "Concat of shapes that don't fit together");
        dim[axis] += in[i]->dim[axis];
        whole &= in[i]->whole;
    }
    onnx_tensor *t = new (f, whole, x->rank, dim);
    if (!t) return bad(f, "a constant too large");
    size_t inner = 1, outer = 1, at = 0;
    for (int k = (int)axis + 1; k < x->rank; k++) inner *= (size_t)x->dim[k];
    for (int k = 0; k < axis; k++) outer *= (size_t)x->dim[k];
    for (size_t p = 0; p < outer; p++)
        for (int i = 0; i < f->n->ins; i++) {
            size_t run = (size_t)in[i]->dim[axis] * inner;
            for (size_t k = 0; k < run; k++, at++) {
                if (whole)
                    t->i[at] = in[i]->i[p * run + k];
                else
                    t->f[at] = (float)onnx_at(in[i], p * run + k);
            }
        }
    *out = t;
    return 1;
}

static int reshape(folder *f, onnx_tensor *const *in, onnx_tensor **out) {
    int64_t dim[ONNX_MAX_RANK], known = 1;
    int rank = (int)in[1]->count, open = -1;
    if (in[1]->count > ONNX_MAX_RANK) return bad(f, "Reshape to too many axes");
    for (int i = 0; i < rank; i++) {
        dim[i] = whole_at(in[1], (size_t)i);
        if (i < in[0]->rank && dim[i] == 0) dim[i] = in[0]->dim[i];
        if (dim[i] == -1 && open < 0) {
            open = i;
            continue;
        }
        if (dim[i] < 0 || __builtin_mul_overflow(known, dim[i], &known)) return bad(f, "Reshape to an impossible shape");
    }
    if (open >= 0) dim[open] = known ? (int64_t)in[0]->count / known : 0;
    return same_numbers(f, in[0], rank, dim, out);
}

/* Squeeze, Unsqueeze, Flatten. */
static int resqueeze(folder *f, onnx_tensor *const *in, onnx_tensor **out) {
    const onnx_tensor *x = in[0];
    const onnx_attribute *a = onnx_attr(f->n, "axes");
    int64_t dim[ONNX_MAX_RANK], axes[ONNX_MAX_RANK];
    size_t n = f->n->ins > 1 && in[1] ? in[1]->count : a ? a->count : 0;
    int rank = 0;
    if (n > ONNX_MAX_RANK) return bad(f, "too many axes");
    for (size_t k = 0; k < n; k++) axes[k] = f->n->ins > 1 && in[1] ? whole_at(in[1], k) : a->ints[k];
    if (f->n->op[0] == 'S') {
        for (int i = 0; i < x->rank; i++) {
            bool drop = n == 0 && x->dim[i] == 1;
            for (size_t k = 0; k < n; k++) drop |= axes[k] == i || axes[k] + x->rank == i;
            if (!drop) dim[rank++] = x->dim[i];
        }
        return same_numbers(f, x, rank, dim, out);
    }
    int wide = x->rank + (int)n;
    if (wide > ONNX_MAX_RANK) return bad(f, "too many axes");
    for (int i = 0, from = 0; i < wide; i++) {
        bool fresh = false;
        for (size_t k = 0; k < n; k++) fresh |= axes[k] == i || axes[k] + wide == i;
        if (!fresh && from == x->rank) return bad(f, "axes twice");
        dim[rank++] = fresh ? 1 : x->dim[from++];
    }
    return same_numbers(f, x, rank, dim, out);
}

static int transpose(folder *f, onnx_tensor *const *in, onnx_tensor **out) {
    const onnx_tensor *x = in[0];
    const onnx_attribute *a = onnx_attr(f->n, "perm");
    int64_t dim[ONNX_MAX_RANK], step[ONNX_MAX_RANK];
    size_t step_of[ONNX_MAX_RANK];
    if (a && (int)a->count != x->rank) return bad(f, "Transpose of another rank");
    strides(x, step_of);
    for (int i = 0; i < x->rank; i++) {
        int64_t from = a ? a->ints[i] : x->rank - 1 - i;
        if (from < 0 || from >= x->rank) return bad(f, "Transpose of no axis");
        dim[i] = x->dim[from], step[i] = (int64_t)step_of[from];
    }
    return pick(f, x, x->rank, dim, step, 0, out);
}

static int expand(folder *f, onnx_tensor *const *in, onnx_tensor **out) {
    const onnx_tensor *x = in[0];
    int64_t dim[ONNX_MAX_RANK], step[ONNX_MAX_RANK];
    size_t step_of[ONNX_MAX_RANK];
    int want = (int)in[1]->count, rank = want > x->rank ? want : x->rank;
    if (rank > ONNX_MAX_RANK || in[1]->count > ONNX_MAX_RANK) return bad(f, "too many axes");
    strides(x, step_of);
    for (int i = 0; i < rank; i++) {
        int ix = i - (rank - x->rank), iw = i - (rank - want);
        int64_t have = ix < 0 ? 1 : x->dim[ix], asked = iw < 0 ? 1 : whole_at(in[1], (size_t)iw);
        if (have != asked && have != 1 && asked != 1) return bad(f, "Expand to a shape that doesn't fit");
        dim[i] = have == 1 ? asked : have;
        step[i] = have == 1 ? 0 : (int64_t)step_of[ix];
    }
    return pick(f, x, rank, dim, step, 0, out);
}

static int range(folder *f, onnx_tensor *const *in, onnx_tensor **out) {
    if (!in[0]->count || !in[1]->count || !in[2]->count) return bad(f, "Range without limits");
    double from = onnx_at(in[0], 0), to = onnx_at(in[1], 0), by = onnx_at(in[2], 0);
    if (!(by != 0) || !(fabs((to - from) / by) < MAX_ELEMENTS)) return bad(f, "Range of too many");
    int64_t n = (int64_t)ceil((to - from) / by);
    if (n < 0) n = 0;
    onnx_tensor *t = new (f, in[0]->whole, 1, &n);
    if (!t) return bad(f, "a constant too large");
    for (int64_t k = 0; k < n; k++) set(t, (size_t)k, from + (double)k * by);
    *out = t;
    return 1;
}

static int constant_of_shape(folder *f, onnx_tensor *const *in, onnx_tensor **out) {
    const onnx_attribute *a = onnx_attr(f->n, "value");
    int64_t dim[ONNX_MAX_RANK];
    if (in[0]->count > ONNX_MAX_RANK) return bad(f, "too many axes");
    for (size_t i = 0; i < in[0]->count; i++) dim[i] = whole_at(in[0], i);
    onnx_tensor *t = new (f, a && a->t && a->t->whole, (int)in[0]->count, dim);
    if (!t) return bad(f, "a constant too large");
    for (size_t k = 0; k < t->count; k++) set(t, k, a && a->t && a->t->count ? onnx_at(a->t, 0) : 0);
    *out = t;
    return 1;
}

static int constant(folder *f, onnx_tensor **out) {
    const onnx_attribute *a;
    int64_t n = 1;
    if ((a = onnx_attr(f->n, "value")) && a->t) return *out = a->t, 1;
    if ((a = onnx_attr(f->n, "value_float")) || (a = onnx_attr(f->n, "value_int"))) {
        bool whole = !strcmp(a->name, "value_int");
        onnx_tensor *t = new (f, whole, 0, &n);
        if (!t) return bad(f, "out of memory");
        set(t, 0, whole ? (double)a->i : a->f);
        return *out = t, 1;
    }
    if ((a = onnx_attr(f->n, "value_floats")) || (a = onnx_attr(f->n, "value_ints"))) {
        n = (int64_t)a->count;
        onnx_tensor *t = new (f, a->ints != NULL, 1, &n);
        if (!t) return bad(f, "a constant too large");
        for (size_t k = 0; k < a->count; k++) set(t, k, a->ints ? (double)a->ints[k] : (double)a->floats[k]);
        return *out = t, 1;
    }
    return bad(f, "Constant without a value that can be read");
}

static int reduce_prod(folder *f, onnx_tensor *const *in, onnx_tensor **out) {
    int64_t one[ONNX_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1};
    double product = 1;
    for (size_t k = 0; k < in[0]->count; k++) product *= onnx_at(in[0], k);
    if ((onnx_attr(f->n, "axes") || (f->n->ins > 1 && in[1])) && in[0]->rank > 1) return 0;
    onnx_tensor *t = new (f, in[0]->whole, onnx_int(f->n, "keepdims", 1) ? in[0]->rank : 0, one);
    if (!t) return bad(f, "out of memory");
    set(t, 0, product);
    return *out = t, 1;
}

static int split(folder *f, onnx_tensor *const *in, onnx_tensor **out) {
    const onnx_tensor *x = in[0];
    const onnx_attribute *a = onnx_attr(f->n, "split");
    int64_t axis = onnx_int(f->n, "axis", 0), dim[ONNX_MAX_RANK], step[ONNX_MAX_RANK], start = 0;
    size_t step_of[ONNX_MAX_RANK];
    if (!axis_of(&axis, x->rank) || !f->n->outs) return bad(f, "Split along no axis");
    strides(x, step_of);
    for (int i = 0; i < x->rank; i++) dim[i] = x->dim[i], step[i] = (int64_t)step_of[i];
    int64_t each = (x->dim[axis] + f->n->outs - 1) / f->n->outs;
    for (int k = 0; k < f->n->outs; k++) {
        int64_t left = x->dim[axis] - start;
        dim[axis] = f->n->ins > 1 && in[1] ? ((size_t)k < in[1]->count ? whole_at(in[1], (size_t)k) : -1)
                    : a                    ? ((size_t)k < a->count ? a->ints[k] : -1)
                    : each < left          ? each
                                           : left;
        if (dim[axis] < 0 || dim[axis] > left) return bad(f, "Split into parts that aren't there");
        if (pick(f, x, x->rank, dim, step, start * step[axis], &out[k]) < 0) return -1;
        start += dim[axis];
    }
    return 1;
}

/* (x - zero point) * scale, along `axis` where there are several. */
static int dequantize(folder *f, onnx_tensor *const *in, onnx_tensor **out) {
    const onnx_tensor *x = in[0], *scale = in[1], *zero = f->n->ins > 2 ? in[2] : NULL;
    int64_t axis = onnx_int(f->n, "axis", 1);
    size_t step[ONNX_MAX_RANK];
    if (scale->count != 1 && (!axis_of(&axis, x->rank) || (int64_t)scale->count != x->dim[axis]))
        return bad(f, "DequantizeLinear by scales that don't fit");
    if (zero && zero->count != scale->count) return bad(f, "DequantizeLinear by zero points that don't fit");
    strides(x, step);
    onnx_tensor *t = new (f, false, x->rank, x->dim);
    if (!t) return bad(f, "a constant too large");
    for (size_t k = 0; k < t->count; k++) {
        size_t c = scale->count == 1 ? 0 : k / step[axis] % scale->count;
        t->f[k] = (float)((onnx_at(x, k) - (zero ? onnx_at(zero, c) : 0)) * onnx_at(scale, c));
    }
    return *out = t, 1;
}

int onnx_fold(onnx *o, const onnx_node *n, onnx_tensor *const *in, onnx_tensor **out, char err[ONNX_ERROR]) {
    static const char *const two[] = {
        "Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Mod", "Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual",
        "And", "Or"};
    static const char *const one[] = {"Floor", "Ceil", "Round",      "Neg",     "Abs", "Sqrt",
                                      "Exp",   "Log",  "Reciprocal", "Sigmoid", "Not", "Identity"};
    folder f = {o, n, err};
    const char *op = n->op;
    if (!strcmp(op, "Constant")) return constant(&f, out);
    int given = 0;
    while (given < n->ins && in[given]) given++;
    for (size_t i = 0; i < sizeof two / sizeof *two; i++)
        if (!strcmp(op, two[i]) && n->ins == 2 && given == 2) return binary(&f, in, out);
    for (size_t i = 0; i < sizeof one / sizeof *one; i++)
        if (!strcmp(op, one[i]) && given >= 1) return unary(&f, in, out);
    if (given < 1) return 0;
    if (!strcmp(op, "Cast")) return cast(&f, in, out);
    if (!strcmp(op, "Squeeze") || !strcmp(op, "Unsqueeze")) return resqueeze(&f, in, out);
    if (!strcmp(op, "Transpose")) return transpose(&f, in, out);
    if (!strcmp(op, "ConstantOfShape")) return constant_of_shape(&f, in, out);
    if (!strcmp(op, "ReduceProd")) return reduce_prod(&f, in, out);
    if (!strcmp(op, "Split")) return split(&f, in, out);
    if (!strcmp(op, "Concat") && given == n->ins) return concat(&f, in, out);
    if (!strcmp(op, "Slice")) return slice(&f, in, out);
    if (given < 2) return 0;
    if (!strcmp(op, "Gather")) return gather(&f, in, out);
    if (!strcmp(op, "Reshape")) return reshape(&f, in, out);
    if (!strcmp(op, "Expand")) return expand(&f, in, out);
    if (!strcmp(op, "DequantizeLinear")) return dequantize(&f, in, out);
    if (given < 3) return 0;
    if (!strcmp(op, "Where")) return where(&f, in, out);
    if (!strcmp(op, "Range")) return range(&f, in, out);
    return 0;
}
