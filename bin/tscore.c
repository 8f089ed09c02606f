/* tscore: metrics of a classifier's scores. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/prog.h"
#include "lib/scores.h"

static const char *positive = "fake", *threshold_text = ".5", *by, *curve_path;
static int64_t rounds;
static bool json;

static const opt options[] = {
    {0, "positive", OPT_TEXT, &positive, "LABEL", 0, 0, 0,
     "the class that the scores are the probability of (default: what the stream says, else fake)"},
    {0, "threshold", OPT_TEXT, &threshold_text, "T|max-f1|FILE", 0, 0, 0,
     "above it a score is called positive (default .5); max-f1: where f1 is highest, here or in FILE, other scores"},
    {0, "by", OPT_TEXT, &by, "NAME", 0, 0, 0, "a row more for each value of this metadata name"},
    {0, "ci", OPT_INT, &rounds, "N", 0, 1e6, 0, "95% intervals from N bootstrap rounds (default 0: none)"},
    {0, "curve", OPT_TEXT, &curve_path, "FILE", 0, 0, 0, "points of the ROC and precision-recall curves, tab-separated"},
    {0, "json", OPT_FLAG, &json, NULL, 0, 0, 0, "an object a line instead of tab-separated columns"},
    {0}};
static const program self = {.name = "tscore",
                             .summary = "metrics of a classifier's scores",
                             .operands = "[FILE]",
                             .max_operands = 1,
                             .options = options,
                             .uses = PROG_SEED | PROG_TEXT,
                             .notes = "netrun -m c.tns test.tns | tscore --ci 1000\n"
                                      "netrun -m c.tns val.tns -o val-scores.tns\n"
                                      "netrun -m c.tns test.tns | tscore --threshold val-scores.tns --by source"};

/* ---- the threshold ---- */

static double choose_threshold(const scores *here) {
    double t;
    if (parse_f64(threshold_text, &t)) {
        if (t < 0 || t > 1) prog_usage("--threshold %s: a score is from 0 to 1", threshold_text);
        return t;
    }
    bool elsewhere = strcmp(threshold_text, "max-f1") != 0;
    scores other = {0};
    if (elsewhere) other = scores_read(threshold_text, NULL, here->positive);
    const score_set *all = elsewhere ? other.set : here->set;
    t = metrics_max_f1(all->s, all->count);
    if (isnan(t))
        die(EXIT_FAILED, "%s: no record is labelled '%s', so no threshold has an f1", elsewhere ? threshold_text : "max-f1",
            here->positive);
    if (elsewhere) scores_free(&other);
    return t;
}

/* ---- rows: a list of names and values, as columns or as an object ---- */

typedef struct {
    text names, row;
    bool first;
} table;

static void add_name(table *t, const char *name) {
    if (json)
        text_addf(&t->row, "%s\"%s\": ", t->first ? "{" : ", ", name);
    else
        text_addf(&t->names, "%s%s", t->first ? "" : "\t", name), text_add(&t->row, t->first ? "" : "\t");
    t->first = false;
}

/* Escaped already: without control characters. */
static void add_text(table *t, const char *name, const char *value) {
    add_name(t, name);
    if (!json) {
        text_add(&t->row, value);
        return;
    }
    text_add(&t->row, "\"");
    for (; *value; value++) text_addf(&t->row, *value == '"' || *value == '\\' ? "\\%c" : "%c", *value);
    text_add(&t->row, "\"");
}

static void add_number(table *t, const char *name, double v) {
    add_name(t, name);
    if (isnan(v))
        text_add(&t->row, json ? "null" : "nan");
    else
        text_addf(&t->row, "%.9g", v);
}

static void add_intervals(table *t, const score_set *set, double threshold) {
    double low[METRIC_KINDS], high[METRIC_KINDS];
    char name[40];
    metrics_bootstrap(set->s, set->count, set->units, threshold, (int)rounds, prog.seed, set->value, (int)prog.threads, low,
                      high);
    for (int k = 0; k < METRIC_KINDS; k++)
        for (int side = 0; side < 2; side++) {
            snprintf(name, sizeof name, "%s_%s", metric_name[k], side ? "high" : "low");
            add_number(t, name, side ? high[k] : low[k]);
        }
}

static void print_set(const scores *sc, const score_set *set, double threshold, bool header) {
    table t = {.first = true};
    metrics m = metrics_of(set->s, set->count, threshold);
    if (by) add_text(&t, by, set->value);
    add_number(&t, "n", (double)m.n);
    for (int k = 0; k < METRIC_KINDS; k++) add_number(&t, metric_name[k], metric_value(&m, k));
    add_number(&t, "tp", (double)m.tp);
    add_number(&t, "fp", (double)m.fp);
    add_number(&t, "fn", (double)m.fn);
    add_number(&t, "tn", (double)m.tn);
    add_number(&t, "threshold", threshold);
    tns_meta line = {0};
    tns_meta_add(&line, "v", sc->positive); /* escapes it */
    line.t.s[line.t.len - 1] = 0;
    add_text(&t, "positive", line.t.s + 2);
    tns_meta_free(&line);
    if (rounds) add_intervals(&t, set, threshold);
    text_add(&t.row, json ? "}\n" : "\n");
    text_add(&t.names, "\n");
    if (header && !json) prog_print(t.names.s, t.names.len);
    prog_print(t.row.s, t.row.len);
    free(t.names.s);
    free(t.row.s);
}

/* ---- the curves ---- */

/* A point for each distinct score, where that and all higher ones are called positive; before them the point where nothing is. */
static void add_curve(const score_set *set, text *out) {
    metrics m = metrics_of(set->s, set->count, .5);
    double positives = (double)(m.tp + m.fn), negatives = (double)(m.fp + m.tn), tp = 0, fp = 0;
    for (size_t i = 0;;) {
        double recall = tp / positives, rate = fp / negatives, precision = tp / (tp + fp);
        if (by) text_addf(out, "%s\t", set->value);
        if (i)
            text_addf(out, "%.9g", set->s[i - 1].p);
        else
            text_add(out, "inf");
        text_addf(out, "\t%.9g\t%.9g\t%.9g\t%.0f\t%.0f\n", negatives > 0 ? rate : NAN, positives > 0 ? recall : NAN,
                  tp + fp > 0 ? precision : NAN, tp, fp);
        if (i == set->count) return;
        for (double p = set->s[i].p; i < set->count && set->s[i].p == p; i++) *(set->s[i].positive ? &tp : &fp) += 1;
    }
}

static void write_curves(const scores *sc) {
    text out = {0};
    if (by) text_addf(&out, "%s\t", by);
    text_add(&out, "threshold\tfpr\ttpr\tprecision\ttp\tfp\n");
    for (size_t i = 0; i < sc->sets; i++) add_curve(&sc->set[i], &out);
    outfile *o = outfile_open(curve_path);
    if (full_write(outfile_fd(o), out.s, out.len) < 0) die(EXIT_FAILED, "%s:", curve_path);
    outfile_commit(o, false);
    free(out.s);
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    if (by && strpbrk(by, "\t\n\"\\")) prog_usage("--by wants the name of a metadata field, not '%s'", by);
    scores sc = scores_read(prog.operand[0], by, prog_given("positive") ? positive : NULL);
    double threshold = choose_threshold(&sc);
    for (size_t i = 0; i < sc.sets; i++) print_set(&sc, &sc.set[i], threshold, i == 0);
    if (curve_path) write_curves(&sc);
    scores_free(&sc);
    return prog_finish();
}
