#include "metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "rng.h"

enum { BINS = 15 };

const char *const metric_name[METRIC_KINDS] = {"accuracy", "precision", "recall", "specificity", "f1",
                                               "auc",      "ap",        "eer",    "ece",         "bce"};

double metric_value(const metrics *m, int kind) {
    const double value[METRIC_KINDS] = {m->accuracy, m->precision, m->recall, m->specificity, m->f1,
                                        m->auc,      m->ap,        m->eer,    m->ece,         m->bce};
    return value[kind];
}

static int by_score(const void *a, const void *b) {
    const scored *x = a, *y = b;
    return (x->p < y->p) - (x->p > y->p);
}

void metrics_sort(scored *s, size_t count) {
    if (count) qsort(s, count, sizeof *s, by_score);
}

static double ratio(double part, double whole) {
    return whole > 0 ? part / whole : NAN;
}

static double calibration(const scored *s, size_t count, double n) {
    double sum[BINS] = {0}, positives[BINS] = {0}, error = 0;
    for (size_t i = 0; i < count; i++) {
        int bin = (int)(s[i].p * BINS);
        if (bin == BINS) bin--;
        sum[bin] += s[i].p * s[i].weight;
        positives[bin] += (double)s[i].positive * s[i].weight;
    }
    for (int b = 0; b < BINS; b++) error += fabs(positives[b] - sum[b]);
    return ratio(error, n);
}

static double cross_entropy(const scored *s, size_t count, double n) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double p = fmin(fmax(s[i].p, 1e-7), 1 - 1e-7);
        sum -= s[i].weight * (s[i].positive ? log(p) : log1p(-p));
    }
    return ratio(sum, n);
}

/* The curves: a walk over the distinct scores, from the highest down. */
static void curves(const scored *s, size_t count, metrics *m) {
    double positives = (double)(m->tp + m->fn), negatives = (double)(m->fp + m->tn), tp = 0, fp = 0, area = 0, precision = 0;
    m->auc = m->ap = m->eer = NAN;
    for (size_t i = 0; i < count;) {
        double more_tp = 0, more_fp = 0, p = s[i].p;
        for (; i < count && s[i].p == p; i++) *(s[i].positive ? &more_tp : &more_fp) += s[i].weight;
        area += more_fp * (tp + more_tp / 2);
        if (more_tp > 0) precision += more_tp * (tp + more_tp) / (tp + more_tp + fp + more_fp);
        if (positives > 0 && negatives > 0 && isnan(m->eer)) {
            /* false positives rise and false negatives fall along this piece: where do they meet? */
            double before = fp / negatives - (positives - tp) / positives;
            double after = (fp + more_fp) / negatives - (positives - tp - more_tp) / positives;
            if (after >= 0) m->eer = (fp + (after > before ? -before / (after - before) : 0) * more_fp) / negatives;
        }
        tp += more_tp, fp += more_fp;
    }
    if (positives > 0 && negatives > 0) m->auc = area / (positives * negatives);
    if (positives > 0) m->ap = precision / positives;
}

metrics metrics_of(const scored *s, size_t count, double threshold) {
    metrics m = {0};
    for (size_t i = 0; i < count; i++) {
        size_t w = s[i].weight;
        m.n += w;
        if (s[i].p > threshold)
            *(s[i].positive ? &m.tp : &m.fp) += w;
        else
            *(s[i].positive ? &m.fn : &m.tn) += w;
    }
    double n = (double)m.n, tp = (double)m.tp, fp = (double)m.fp, fn = (double)m.fn, tn = (double)m.tn;
    m.accuracy = ratio(tp + tn, n);
    m.precision = ratio(tp, tp + fp);
    m.recall = ratio(tp, tp + fn);
    m.specificity = ratio(tn, tn + fp);
    m.f1 = ratio(2 * tp, 2 * tp + fp + fn);
    m.ece = calibration(s, count, n);
    m.bce = cross_entropy(s, count, n);
    curves(s, count, &m);
    return m;
}

double metrics_max_f1(const scored *s, size_t count) {
    double positives = 0, tp = 0, called = 0, best = -1, threshold = NAN;
    for (size_t i = 0; i < count; i++) positives += (double)s[i].positive * s[i].weight;
    if (positives == 0) return NAN;
    for (size_t i = 0; i < count;) {
        double p = s[i].p;
        for (; i < count && s[i].p == p; i++) {
            tp += (double)s[i].positive * s[i].weight;
            called += s[i].weight;
        }
        double f1 = 2 * tp / (called + positives);
        if (f1 <= best) continue;
        best = f1;
        threshold = i < count ? (p + s[i].p) / 2 : p > 0 ? p / 2 : -1;
    }
    return threshold;
}

/* ---- intervals ---- */

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(const double *sorted, int count, double part) {
    double at = part * (count - 1);
    int i = (int)at;
    return count == 0 ? NAN : i + 1 < count ? sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]) : sorted[i];
}

void metrics_bootstrap(const scored *s, size_t count, size_t units, double threshold, int rounds, uint64_t seed, const char *key,
                       int threads, double *low, double *high) {
    double *value = xarray((size_t)rounds * METRIC_KINDS, sizeof *value), *column = xarray((size_t)rounds, sizeof *column);
#pragma omp parallel num_threads(threads)
    {
        scored *drawn = xarray(count, sizeof *drawn);
        uint32_t *times = xarray(units, sizeof *times);
        memcpy(drawn, s, count * sizeof *drawn);
#pragma omp for schedule(static)
        for (int r = 0; r < rounds; r++) {
            rng draws = rng_make(seed, "tscore", key, (uint64_t)r);
            memset(times, 0, units * sizeof *times);
            for (size_t i = 0; i < units; i++) times[rng_below(&draws, units)]++;
            for (size_t i = 0; i < count; i++) drawn[i].weight = s[i].weight * times[s[i].unit];
            metrics m = metrics_of(drawn, count, threshold);
            for (int k = 0; k < METRIC_KINDS; k++) value[(size_t)r * METRIC_KINDS + (size_t)k] = metric_value(&m, k);
        }
        free(drawn);
        free(times);
    }
    for (int k = 0; k < METRIC_KINDS; k++) {
        int defined = 0;
        for (int r = 0; r < rounds; r++) {
            double v = value[(size_t)r * METRIC_KINDS + (size_t)k];
            if (!isnan(v)) column[defined++] = v;
        }
        if (defined) qsort(column, (size_t)defined, sizeof *column, by_size);
        low[k] = percentile(column, defined, .025);
        high[k] = percentile(column, defined, .975);
    }
    free(value);
    free(column);
}
