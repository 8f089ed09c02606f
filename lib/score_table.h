/* score_table: scores with their intervals and sample sizes, as tab-separated lines or as JSON. */
#ifndef FACADE_SCORE_TABLE_H
#define FACADE_SCORE_TABLE_H

#include <stdint.h>

#include "base.h"

typedef struct {
    char metric[120];
    char group[120]; /* where the table has groups: which of them */
    double value, low, high; /* NAN: not known ("-", null) */
    uint64_t n_real, n_fake; /* 0: not known */
    char note[300];
} score;

typedef struct {
    score *row;
    int rows;
    const char *by; /* NULL, or what the groups are of: an additional first column of that name */
} score_table;

/* A new last row with nothing in it but the metric's name; valid until the next one. */
score *score_table_add(score_table *t, const char *metric);
/* Columns `metric value low high n_real n_fake note`, after a header line; what isn't known is "-". Numbers have six digits after the point, or six significant ones when they are below .01. */
void score_table_tsv(const score_table *t, text *out);
/* An array of objects with these names, a line each; what isn't known is null. */
void score_table_json(const score_table *t, text *out);
void score_table_free(score_table *t);

/* The p-quantile of x[n], which gets sorted; between the values that are near, in proportion. n > 0. */
double score_quantile(double *x, int n, double p);
double score_mean(const double *x, int n);
double score_deviation(const double *x, int n); /* of n - 1; 0 for one */

#endif
