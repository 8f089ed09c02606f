/* metrics against their definitions, pair by pair and threshold by threshold, on scores with many ties. */
#include <stdlib.h>

#include "check.h"
#include "lib/base.h"
#include "lib/metrics.h"
#include "lib/rng.h"

static double by_pairs(const scored *s, int n) {
    double sum = 0, pairs = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            if (!s[i].positive || s[j].positive) continue;
            double w = (double)s[i].weight * s[j].weight;
            pairs += w;
            sum += w * (s[i].p > s[j].p ? 1 : s[i].p == s[j].p ? .5 : 0);
        }
    return pairs > 0 ? sum / pairs : NAN;
}

/* Records called positive at p >= t, and how many of them are. */
static void at(const scored *s, int n, double t, double *tp, double *fp) {
    *tp = *fp = 0;
    for (int i = 0; i < n; i++)
        if (s[i].p >= t) *(s[i].positive ? tp : fp) += s[i].weight;
}

static double count(const scored *s, int n, int positive) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (int)s[i].positive == positive ? s[i].weight : 0;
    return sum;
}

static double average_precision(const scored *s, int n) {
    double sum = 0, recall = 0, all = count(s, n, 1), tp, fp;
    for (int i = 0; i < n; i++) { /* sorted: each distinct score once */
        if (i && s[i].p == s[i - 1].p) continue;
        at(s, n, s[i].p, &tp, &fp);
        if (tp + fp > 0) sum += (tp / all - recall) * tp / (tp + fp);
        recall = tp / all;
    }
    return sum;
}

/* Bisection along the ROC curve, which is walked as pieces of straight lines. */
static double equal_error(const scored *s, int n) {
    double p = count(s, n, 1), q = count(s, n, 0), x0 = 0, y0 = 0, tp, fp;
    for (int i = 0; i < n; i++) {
        if (i && s[i].p == s[i - 1].p) continue;
        at(s, n, s[i].p, &tp, &fp);
        double x1 = fp / q, y1 = tp / p;
        if (x1 >= 1 - y1) {
            double a = 0, b = 1;
            for (int k = 0; k < 100; k++) {
                double m = (a + b) / 2;
                *(x0 + m * (x1 - x0) >= 1 - (y0 + m * (y1 - y0)) ? &b : &a) = m;
            }
            return x0 + b * (x1 - x0);
        }
        x0 = x1, y0 = y1;
    }
    return NAN;
}

static void random_scores(void) {
    rng r = rng_make(1, "test_metrics", "scores", 0);
    for (int round = 0; round < 200; round++) {
        enum { N = 60 };
        scored s[N];
        int levels = 1 + (int)rng_below(&r, 40);
        for (int i = 0; i < N; i++) {
            uint32_t positive = rng_uniform(&r) < .4;
            double p = (double)rng_below(&r, (uint64_t)levels + 1) / levels;
            s[i] = (scored){p, positive, round % 2 ? 1 : (uint32_t)rng_below(&r, 4)};
        }
        metrics_sort(s, N);
        double threshold = rng_uniform(&r), tp = 0, fp = 0, fn = 0, tn = 0, bce = 0, ece = 0;
        for (int i = 0; i < N; i++) {
            *(s[i].p > threshold ? s[i].positive ? &tp : &fp : s[i].positive ? &fn : &tn) += s[i].weight;
            double p = fmin(fmax(s[i].p, 1e-7), 1 - 1e-7);
            bce -= s[i].weight * log(s[i].positive ? p : 1 - p);
        }
        for (int b = 0; b < 15; b++) {
            double gap = 0;
            for (int i = 0; i < N; i++)
                if (s[i].p * 15 >= b && (s[i].p * 15 < b + 1 || b == 14)) gap += s[i].weight * (s[i].positive - s[i].p);
            ece += fabs(gap);
        }
        metrics m = metrics_of(s, N, threshold);
        double n = tp + fp + fn + tn;
        CHECK(m.n == (size_t)n && m.tp == (size_t)tp && m.fp == (size_t)fp && m.fn == (size_t)fn && m.tn == (size_t)tn,
              "round %d", round);
        CHECK_NEAR(m.accuracy, (tp + tn) / n, 1e-15, "accuracy");
        if (tp + fp > 0) CHECK_NEAR(m.precision, tp / (tp + fp), 1e-15, "precision");
        CHECK_NEAR(m.recall, tp / (tp + fn), 1e-15, "recall");
        CHECK_NEAR(m.specificity, tn / (tn + fp), 1e-15, "specificity");
        CHECK_NEAR(m.f1, 2 * tp / (2 * tp + fp + fn), 1e-15, "f1");
        CHECK_NEAR(m.auc, by_pairs(s, N), 1e-12, "auc");
        CHECK_NEAR(m.ap, average_precision(s, N), 1e-12, "ap");
        CHECK_NEAR(m.eer, equal_error(s, N), 1e-9, "eer");
        CHECK_NEAR(m.bce, bce / n, 1e-12, "bce");
        CHECK_NEAR(m.ece, ece / n, 1e-12, "ece");

        double best = metrics_max_f1(s, N), f1 = metrics_of(s, N, best).f1, most = 0;
        for (int i = -1; i < N; i++) most = fmax(most, metrics_of(s, N, i < 0 ? -1 : s[i].p).f1);
        CHECK_NEAR(f1, most, 1e-15, "max-f1");
    }
}

/* scores and answers worked out by hand */
static void by_hand(void) {
    scored s[] = {{.9, 1, 1}, {.8, 0, 1}, {.7, 1, 1}, {.2, 0, 1}};
    metrics m = metrics_of(s, 4, .5);
    CHECK_NEAR(m.auc, .75, 0, "auc");
    CHECK_NEAR(m.ap, (1 + 2 / 3.) / 2, 1e-15, "ap");
    CHECK_NEAR(m.eer, .5, 1e-15, "eer");
    CHECK_NEAR(m.ece, (.1 + .8 + .3 + .2) / 4, 1e-12, "ece");
    CHECK_NEAR(metrics_max_f1(s, 4), .45, 1e-12, "max-f1's threshold"); /* .8 for .9 alone is 2/3, down to .7 4/5 */
    scored perfect[] = {{1, 1, 1}, {.6, 1, 1}, {0, 0, 1}};
    m = metrics_of(perfect, 3, .5);
    CHECK(m.auc == 1 && m.ap == 1 && m.eer == 0 && m.f1 == 1 && m.accuracy == 1, "perfect: %g %g %g", m.auc, m.ap, m.eer);
}

static void undefined(void) {
    scored one[] = {{.3, 1, 1}}, none[] = {{.3, 0, 1}};
    metrics m = metrics_of(one, 1, .5);
    CHECK(isnan(m.auc) && isnan(m.eer) && isnan(m.precision) && isnan(m.specificity) && m.recall == 0 && m.ap == 1 && m.f1 == 0,
          "one class");
    m = metrics_of(none, 1, .5);
    CHECK(isnan(m.auc) && isnan(m.ap) && isnan(m.recall) && isnan(m.f1) && m.accuracy == 1, "no positives");
    CHECK(isnan(metrics_max_f1(none, 1)), "no positives");
    m = metrics_of(one, 0, .5);
    CHECK(m.n == 0 && isnan(m.accuracy) && isnan(m.bce) && isnan(m.ece) && isnan(m.auc), "nothing");
    metrics_sort(one, 0);
}

static void bootstrap(void) {
    enum { N = 400, ROUNDS = 2000 };
    static scored s[N];
    rng r = rng_make(3, "test_metrics", "bootstrap", 0);
    for (int i = 0; i < N; i++) {
        uint32_t positive = rng_uniform(&r) < .5;
        s[i] = (scored){fmin(1, .3 * positive + .7 * rng_uniform(&r)), positive, 1, (uint32_t)i};
    }
    metrics_sort(s, N);
    metrics m = metrics_of(s, N, .5);
    double low[METRIC_KINDS], high[METRIC_KINDS], low2[METRIC_KINDS], high2[METRIC_KINDS];
    metrics_bootstrap(s, N, N, .5, ROUNDS, 0, "x", 1, low, high);
    metrics_bootstrap(s, N, N, .5, ROUNDS, 0, "x", 3, low2, high2);
    for (int k = 0; k < METRIC_KINDS; k++) {
        CHECK(low[k] == low2[k] && high[k] == high2[k], "%s: the same for any number of threads", metric_name[k]);
        CHECK(low[k] < high[k], "%s: %g to %g", metric_name[k], low[k], high[k]);
        if (k != 8) CHECK(low[k] < metric_value(&m, k) && metric_value(&m, k) < high[k], "%s", metric_name[k]);
    }
    /* an accuracy's is the binomial's: +-1.96 deviations */
    double deviation = sqrt(m.accuracy * (1 - m.accuracy) / N);
    CHECK_NEAR(high[0] - low[0], 2 * 1.96 * deviation, .1 * deviation * 4, "the width of accuracy's interval");
    /* records in groups of 25 alike: fewer independent ones, wider intervals */
    for (int i = 0; i < N; i++)
        s[i].p = s[i / 25 * 25].p, s[i].positive = s[i / 25 * 25].positive, s[i].unit = (uint32_t)(i / 25);
    metrics_bootstrap(s, N, N / 25, .5, ROUNDS, 0, "x", 2, low2, high2);
    CHECK(high2[0] - low2[0] > 3 * (high[0] - low[0]), "groups: %g to %g", low2[0], high2[0]);
    /* one class: nothing to interpolate */
    for (int i = 0; i < N; i++) s[i].positive = 1;
    metrics_bootstrap(s, N, N / 25, .5, 10, 0, "x", 2, low, high);
    CHECK(isnan(low[5]) && isnan(high[5]) && isnan(low[3]), "undefined");
}

int main(void) {
    bootstrap();
    random_scores();
    by_hand();
    undefined();
    return check_status();
}
