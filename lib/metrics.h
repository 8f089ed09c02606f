/* metrics: how good the scores of a classifier of two classes are. A score is the probability of the positive class, P(positive). */
#ifndef FACADE_METRICS_H
#define FACADE_METRICS_H

#include <stddef.h>
#include <stdint.h>

/* All but the counts are in [0, 1] (bce: from 0), and NaN where they aren't defined: a ratio of nothing, a curve without both classes.
 * A score is called positive when it's greater than the threshold.
 *     accuracy (tp+tn)/n, precision tp/(tp+fp), recall tp/(tp+fn), specificity tn/(tn+fp), f1 2tp/(2tp+fp+fn)
 *     auc   area under the ROC curve: the share of pairs (positive, negative) in which the positive has the higher score, ties half
 *     ap    average precision: over thresholds from high to low, the sum of precision times the recall gained (no interpolation)
 *     eer   equal error rate: the false positive rate where it equals the false negative rate, on the straight lines between points of the ROC curve
 *     ece   expected calibration error: over 15 bins of equal width, |share of positives - mean score| weighted by the bin's share of records
 *     bce   mean binary cross-entropy, scores clipped to [1e-7, 1 - 1e-7] as Keras does */
typedef struct {
    size_t n, tp, fp, fn, tn;
    double accuracy, precision, recall, specificity, f1, auc, ap, eer, ece, bce;
} metrics;

/* The ones with intervals, by number; their names as above. */
enum { METRIC_KINDS = 10 };
extern const char *const metric_name[METRIC_KINDS];
double metric_value(const metrics *m, int kind);

/* One scored record. */
typedef struct {
    double p; /* P(positive) */
    uint32_t positive; /* 1 or 0: what it is */
    uint32_t weight; /* how often it counts: 1, or in a bootstrap how often it was drawn */
    uint32_t
        unit; /* what it is drawn with in a bootstrap: records of one group (a person, a source pair) stand or fall together */
} scored;

/* Sorts s by score, highest first (what the functions below ask for). */
void metrics_sort(scored *s, size_t count);
/* All metrics of sorted records. */
metrics metrics_of(const scored *s, size_t count, double threshold);
/* The threshold, half-way between two neighbouring scores, that gives the highest f1; of equals the highest one; -1 where a record
 * of score 0 ought to be called positive. NaN without a positive record. */
double metrics_max_f1(const scored *s, size_t count);

/* 95% intervals by bootstrap: `rounds` times as many units as there are (0 .. units-1) are drawn with replacement, each time with all its records; low and high [METRIC_KINDS] are the
 * 2.5th and 97.5th percentiles (interpolated) of what the metrics then are, rounds in which one isn't defined left aside (NaN where it never is). s is sorted.
 * Round r draws by (seed, "tscore", key, r): the same for any number of threads. */
void metrics_bootstrap(const scored *s, size_t count, size_t units, double threshold, int rounds, uint64_t seed, const char *key,
                       int threads, double *low, double *high);

#endif
