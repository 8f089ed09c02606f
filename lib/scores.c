#include "scores.h"

#include <stdlib.h>
#include <string.h>

#include "evaluate.h"
#include "floats.h"
#include "prog.h"

/* The class of a header, which must be the same in all segments. */
static void take_class(const prog_input *in, const tns_frame *h, scores *sc, bool given) {
    text buf = {0};
    const char *is = tns_meta_get(&h->meta, "positive", &buf);
    if (is && strcmp(is, sc->positive)) {
        if (given)
            prog_bad_record(in, h, "the scores are the probability of '%s', not of '%s'; use --positive %s", is, sc->positive,
                            is);
        free(sc->positive);
        sc->positive = xstrdup(is);
    }
    free(buf.s);
}

static void put(score_set *set, scored s, const char *unit) {
    if (set->count == set->room) set->s = xrealloc(set->s, (set->room = set->room ? 2 * set->room : 256) * sizeof *set->s);
    s.unit = (uint32_t)names_number(&set->unit, unit);
    set->units = set->unit.count;
    set->s[set->count++] = s;
}

/* The set of a value, a new one when it's seen for the first time. */
static score_set *set_of(scores *sc, names *values, const char *value) {
    size_t i = names_number(values, value) + 1;
    if (i == sc->sets) {
        sc->set = xrealloc(sc->set, ++sc->sets * sizeof *sc->set);
        sc->set[i] = (score_set){.value = xstrdup(value)};
    }
    return &sc->set[i];
}

/* The value of a name as it stands on the wire. */
static const char *escaped(const tns_frame *f, const char *name, text *plain, tns_meta *line) {
    const char *v = tns_meta_get(&f->meta, name, plain);
    if (!v) return "-";
    tns_meta_clear(line);
    tns_meta_add(line, "v", v);
    line->t.s[line->t.len - 1] = 0;
    return line->t.s + 2;
}

static void take_record(const prog_input *in, const tns_frame *f, const char *by, scores *sc, names *values, text *buf,
                        tns_meta *line) {
    float p;
    char shape[80];
    tns_shape_text(f, shape);
    if (tns_frame_count(f) != 1 || f->rank > 1 || !floats_of(f, &p))
        prog_bad_record(in, f, "is %s of %s; a score is one number", shape, tns_dtype_name(f->dtype));
    if (!(p >= 0 && p <= 1)) prog_bad_record(in, f, "%g is no probability: a score is from 0 to 1", (double)p);
    scored s = {.p = (double)p, .positive = label_is(in, f, sc->positive), .weight = 1};
    char *unit = xstrdup(tns_meta_get(&f->meta, "group", buf) || tns_meta_get(&f->meta, "key", buf) ? buf->s : "");
    put(&sc->set[0], s, unit);
    if (by) put(set_of(sc, values, escaped(f, by, buf, line)), s, unit);
    free(unit);
}

static int by_value(const void *a, const void *b) {
    return strcmp(((const score_set *)a)->value, ((const score_set *)b)->value);
}

scores scores_read(const char *path, const char *by, const char *positive) {
    scores sc = {.set = xarray(1, sizeof *sc.set), .sets = 1, .positive = xstrdup(positive ? positive : "fake")};
    sc.set[0].value = xstrdup("*");
    prog_input *in = prog_open(path);
    tns_frame f = {0};
    tns_meta line = {0};
    names values = {0};
    text buf = {0};
    bool settled = positive != NULL;
    while (prog_next(in, &f)) {
        if (f.type == 'H') take_class(in, &f, &sc, settled), settled = true;
        if (f.type == 'R') take_record(in, &f, by, &sc, &values, &buf, &line);
    }
    if (!sc.set[0].count) die(EXIT_FAILED, "no records in %s", prog_input_name(in));
    for (size_t i = 0; i < sc.sets; i++) metrics_sort(sc.set[i].s, sc.set[i].count);
    if (sc.sets > 2) qsort(sc.set + 1, sc.sets - 1, sizeof *sc.set, by_value);
    prog_close(in);
    tns_frame_free(&f);
    tns_meta_free(&line);
    names_free(&values);
    free(buf.s);
    return sc;
}

void scores_free(scores *s) {
    for (size_t i = 0; i < s->sets; i++) {
        free(s->set[i].value);
        free(s->set[i].s);
        names_free(&s->set[i].unit);
    }
    free(s->set);
    free(s->positive);
    *s = (scores){0};
}
