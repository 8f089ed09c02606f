#include "score_table.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

score *score_table_add(score_table *t, const char *metric) {
    t->row = xrealloc(t->row, (size_t)(t->rows + 1) * sizeof *t->row);
    score *s = &t->row[t->rows++];
    *s = (score){.value = NAN, .low = NAN, .high = NAN};
    snprintf(s->metric, sizeof s->metric, "%s", metric);
    return s;
}

static void add_number(text *out, double v, const char *unknown) {
    if (isnan(v))
        text_add(out, unknown);
    else
        text_addf(out, v != 0 && fabs(v) < .01 ? "%.6g" : "%.6f", v);
}

static void add_count(text *out, uint64_t n, const char *unknown) {
    if (n)
        text_addf(out, "%" PRIu64, n);
    else
        text_add(out, unknown);
}

void score_table_tsv(const score_table *t, text *out) {
    if (t->by) text_addf(out, "%s\t", t->by);
    text_add(out, "metric\tvalue\tlow\thigh\tn_real\tn_fake\tnote\n");
    for (int i = 0; i < t->rows; i++) {
        const score *s = &t->row[i];
        if (t->by) text_addf(out, "%s\t", s->group);
        text_addf(out, "%s\t", s->metric);
        const double numbers[] = {s->value, s->low, s->high};
        for (int k = 0; k < 3; k++) add_number(out, numbers[k], "-"), text_add(out, "\t");
        add_count(out, s->n_real, "-"), text_add(out, "\t");
        add_count(out, s->n_fake, "-");
        text_addf(out, "\t%s\n", s->note);
    }
}

void score_table_json(const score_table *t, text *out) {
    text_add(out, "[");
    for (int i = 0; i < t->rows; i++) {
        const score *s = &t->row[i];
        text_addf(out, "%s\n {", i ? "," : "");
        if (t->by) text_add_json(out, t->by), text_add(out, ": "), text_add_json(out, s->group), text_add(out, ", ");
        text_add(out, "\"metric\": ");
        text_add_json(out, s->metric);
        text_add(out, ", \"value\": "), add_number(out, s->value, "null");
        text_add(out, ", \"low\": "), add_number(out, s->low, "null");
        text_add(out, ", \"high\": "), add_number(out, s->high, "null");
        text_add(out, ", \"n_real\": "), add_count(out, s->n_real, "null");
        text_add(out, ", \"n_fake\": "), add_count(out, s->n_fake, "null");
        text_add(out, ", \"note\": "), text_add_json(out, s->note);
        text_add(out, "}");
    }
    text_add(out, "\n]\n");
}

void score_table_free(score_table *t) {
    free(t->row);
    *t = (score_table){0};
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double score_quantile(double *x, int n, double p) {
    qsort(x, (size_t)n, sizeof *x, by_value);
    double at = p * (n - 1);
    int low = (int)at, high = low + 1 < n ? low + 1 : low;
    return x[low] + (x[high] - x[low]) * (at - low);
}

double score_mean(const double *x, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += x[i];
    return sum / n;
}

double score_deviation(const double *x, int n) {
    double mean = score_mean(x, n), sum = 0;
    for (int i = 0; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
    return n > 1 ? sqrt(sum / (n - 1)) : 0;
}
