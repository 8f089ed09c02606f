/* twhy: why two streams differ: where their histories part, else the first record that differs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/lineage.h"
#include "lib/floats.h"
#include "lib/prog.h"

static const opt options[] = {{0}};
static const program self = {.name = "twhy",
                             .summary = "say why two streams differ",
                             .operands = "A B",
                             .min_operands = 2,
                             .max_operands = 2,
                             .options = options,
                             .uses = PROG_TEXT,
                             .notes = "twhy yesterday.tns today.tns"};

typedef struct {
    prog_input *in;
    const char *name;
    tns_frame f;
    bool more;
} side;

static bool next(side *s) {
    return s->more = prog_next(s->in, &s->f);
}

/* ---- histories ---- */

/* The first step of l that isn't in other. All that comes before it in its chain is in both. */
static const lineage_step *first_own(const lineage *l, const lineage *other) {
    for (int i = 0; i < l->count; i++)
        if (lineage_find(other, l->step[i].id, strlen(l->step[i].id)) < 0) return &l->step[i];
    return NULL;
}

/* What stands in its place in the other history: after the same steps and of the same program, if there is one; else after the same steps; else the first that
 * is only there. */
static const lineage_step *counterpart(const lineage_step *s, const lineage *l, const lineage *other) {
    const lineage_step *same_place = NULL;
    for (int i = 0; i < other->count; i++) {
        const lineage_step *t = &other->step[i];
        if (strcmp(t->previous, s->previous) != 0 || lineage_find(l, t->id, strlen(t->id)) >= 0) continue;
        if (!strcmp(t->program, s->program)) return t;
        if (!same_place) same_place = t;
    }
    return same_place ? same_place : first_own(other, l);
}

static void add_only(text *out, const lineage_step *s, const char *in, const char *other) {
    text_addf(out, "%s: stage: in %s, not in %s\n  %s: %s\n", s->program, in, other, in, s->command);
}

/* Where the histories in two headers part. */
static bool compare_histories(text *out, const side *a, const side *b) {
    lineage l = {0}, m = {0};
    bool has_a = lineage_read(&l, &a->f.meta), has_b = lineage_read(&m, &b->f.meta);
    const lineage_step *s = has_a ? first_own(&l, &m) : NULL, *t = s ? counterpart(s, &l, &m) : has_b ? first_own(&m, &l) : NULL;
    if (has_a != has_b) {
        text_addf(out, "history: %s has none that can be read\n", has_a ? b->name : a->name);
    } else if (s && t) {
        text_addf(out, "%s: ", strcmp(s->program, t->program) ? "programs" : s->program);
        if (!lineage_differ(out, s, a->name, t, b->name))
            text_add(out, "stage: it read or merged other streams, or in another order");
        text_addf(out, "\n  %s: %s\n  %s: %s\n", a->name, s->command, b->name, t->command);
    } else if (s) {
        add_only(out, s, a->name, b->name);
    } else if (t) {
        add_only(out, t, b->name, a->name);
    }
    lineage_free(&l);
    lineage_free(&m);
    return out->len > 0;
}

/* ---- records ---- */

/* The first metadata line of one that isn't in the other's place. */
static bool compare_metadata(text *out, const side *a, const side *b) {
    const char *p = a->f.meta.t.len ? a->f.meta.t.s : "", *q = b->f.meta.t.len ? b->f.meta.t.s : "";
    while (*p && *q && strcspn(p, "\n") == strcspn(q, "\n") && !memcmp(p, q, strcspn(p, "\n")))
        p += strcspn(p, "\n") + 1, q += strcspn(q, "\n") + 1;
    if (!*p && !*q) return false;
    text_add(out, "metadata: ");
    for (int k = 0; k < 2; k++) {
        const char *s = k ? q : p, *name = k ? b->name : a->name;
        if (*s)
            text_addf(out, "%s%.*s in %s", k ? ", " : "", (int)strcspn(s, "\n"), s, name);
        else
            text_addf(out, "%snothing in %s", k ? ", " : "", name);
    }
    return true;
}

static void add_number(text *out, const tns_frame *f, size_t i) {
    const unsigned char *p = (const unsigned char *)f->data + i * tns_dtype_size(f->dtype);
    union {
        uint64_t u;
        float f;
        double d;
    } v = {0};
    char number[32];
    memcpy(&v, p, tns_dtype_size(f->dtype));
    int unused = 64 - 8 * (int)tns_dtype_size(f->dtype);
    if (f->dtype == TNS_BF16) v.u <<= 16;
    if (f->dtype >> 4 >= 3)
        format_f64(number, f->dtype == TNS_F64 ? v.d : (double)(f->dtype == TNS_F16 ? float_of_half((uint16_t)v.u) : v.f));
    else if (f->dtype >> 4 == 2)
        snprintf(number, sizeof number, "%" PRId64, (int64_t)(v.u << unused) >> unused);
    else
        snprintf(number, sizeof number, "%" PRIu64, v.u);
    text_add(out, number);
}

static bool compare_data(text *out, const side *a, const side *b) {
    char shape[2][80];
    tns_shape_text(&a->f, shape[0]);
    tns_shape_text(&b->f, shape[1]);
    if (a->f.dtype != b->f.dtype || strcmp(shape[0], shape[1]) != 0) {
        text_addf(out, "shape: %s %s in %s, %s %s in %s", shape[0], tns_dtype_name(a->f.dtype), a->name, shape[1],
                  tns_dtype_name(b->f.dtype), b->name);
        return true;
    }
    const unsigned char *p = a->f.data, *q = b->f.data;
    size_t size = tns_dtype_size(a->f.dtype), n = size ? a->f.data_len / size : 0, first = n, count = 0;
    for (size_t i = 0; i < n; i++)
        if (memcmp(p + i * size, q + i * size, size) != 0 && !count++) first = i;
    if (!count) return false;
    text_addf(out, "data: element %zu is ", first);
    add_number(out, &a->f, first);
    text_addf(out, " in %s, ", a->name);
    add_number(out, &b->f, first);
    text_addf(out, " in %s; %zu of %zu differ", b->name, count, n);
    return true;
}

/* Two frames of the same place, neither of them a header with another history. */
static bool compare(text *out, const side *a, const side *b) {
    text key = {0}, where = {0}, what = {0};
    if (a->f.type != b->f.type) {
        bool longer = a->f.type == 'R';
        text_addf(out, "length: %s ends after %" PRIu64 " records, where %s goes on with %s\n", longer ? b->name : a->name,
                  longer ? b->f.seq : a->f.seq, longer ? a->name : b->name,
                  tns_meta_get(longer ? &a->f.meta : &b->f.meta, "key", &key));
    } else if (compare_metadata(&what, a, b) || compare_data(&what, a, b)) {
        if (a->f.type == 'R')
            text_addf(&where, "record %" PRIu64 " (key %s)", a->f.seq, tns_meta_get(&a->f.meta, "key", &key));
        else
            text_add(&where, a->f.type == 'H' ? "header" : "end");
        text_addf(out, "%s: %s\n", where.s, what.s);
    }
    free(key.s);
    free(where.s);
    free(what.s);
    return out->len > 0;
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    side a = {.in = prog_open(prog.operand[0])}, b = {.in = prog_open(prog.operand[1])};
    a.name = prog_input_name(a.in), b.name = prog_input_name(b.in);
    text out = {0};
    uint64_t records = 0;
    bool history = false;
    while (!out.len && (next(&a) | next(&b))) {
        if (a.more != b.more)
            text_addf(&out, "length: %s has a segment more\n", a.more ? a.name : b.name);
        else if (a.f.type == 'H' && b.f.type == 'H' && compare_histories(&out, &a, &b))
            history = true;
        else
            compare(&out, &a, &b);
        records += a.f.type == 'R';
    }
    if (!out.len)
        text_addf(&out, "no difference: %" PRIu64 " records\n", records);
    else if (!history)
        text_add(&out, "The histories are the same: the programs read other files (histories leave their names out), or ran on "
                       "another processor.\n");
    prog_print(out.s, out.len);
    free(out.s);
    tns_frame_free(&a.f);
    tns_frame_free(&b.f);
    prog_close(a.in);
    prog_close(b.in);
    return prog_finish();
}
