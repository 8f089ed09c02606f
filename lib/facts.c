#include "facts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

enum { MOST_VALUES = 200, FEWEST = 20, MOST_STEPS = 100 };

const char *fact_name(int kind) {
    static const char *const name[] = {"src_size", "src_size", "src_format", "jpeg"};
    return name[kind];
}

/* ---- records ---- */

/* "512x384" */
static bool size_of(const char *s, double *w, double *h) {
    const char *x = strchr(s, 'x');
    char width[16];
    if (!x || x - s >= (ptrdiff_t)sizeof width) return false;
    memcpy(width, s, (size_t)(x - s));
    width[x - s] = 0;
    return parse_f64(width, w) && parse_f64(x + 1, h) && *w >= 1 && *h >= 1;
}

static void mean_colour(const tns_frame *f, float out[3]) {
    double sum[3] = {0};
    size_t count = tns_frame_count(f);
    if (f->rank != 3 || f->shape[2] != 3 || !count || (f->dtype != TNS_U8 && f->dtype != TNS_F32)) return;
    for (size_t i = 0; i < count; i += 3)
        for (size_t c = 0; c < 3; c++)
            sum[c] += f->dtype == TNS_U8 ? ((const uint8_t *)f->data)[i + c] / 255. : (double)((const float *)f->data)[i + c];
    for (int c = 0; c < 3; c++) out[c] = isfinite(sum[c]) ? (float)(sum[c] * 3 / (double)count) : 0;
}

void facts_add(fact_list *l, fact_values *v, const tns_frame *f, bool positive, bool colour) {
    if (l->count == l->room) l->record = xrealloc(l->record, (l->room = l->room ? 2 * l->room : 1024) * sizeof *l->record);
    fact_record *r = &l->record[l->count++];
    *r = (fact_record){.positive = positive};
    text buf = {0};
    char extent[40] = "none";
    for (int k = 0; k < FACT_KINDS; k++) {
        const char *s = tns_meta_get(&f->meta, fact_name(k), &buf);
        double w, h;
        if (k == FACT_EXTENT && s && size_of(s, &w, &h)) {
            snprintf(extent, sizeof extent, "%.0f pixels, %.1f:1", exp2(round(2 * log2(w * h)) / 2),
                     exp2(round(2 * log2(w / h)) / 2));
            r->number[0] = (float)log2(w), r->number[1] = (float)log2(h);
        }
        r->value[k] = (uint32_t)names_number(&v->value[k], k == FACT_EXTENT ? extent : s ? s : "none");
    }
    if (colour) mean_colour(f, r->number + 2);
    free(buf.s);
}

void facts_free(fact_list *l) {
    free(l->record);
    *l = (fact_list){0};
}

void fact_values_free(fact_values *v) {
    for (int k = 0; k < FACT_KINDS; k++) names_free(&v->value[k]);
}

/* ---- differences between the classes ---- */

/* Mean of |a - m*q| for a of the binomial distribution of m draws at probability q (de Moivre). */
static double mean_deviation(double m, double q) {
    double k = floor(m * q) + 1;
    if (k > m) return 0;
    return 2 * exp(lgamma(m + 1) - lgamma(k) - lgamma(m - k + 1) + k * log(q) + (m - k + 1) * log1p(-q));
}

double facts_difference(const fact_list *l, const fact_values *v, int kind, const char **value, double share[2]) {
    size_t values = v->value[kind].count;
    double n[2] = {0}, total = 0, chance = 0, most = -1;
    double *count = xarray(2 * values + 2, sizeof *count);
    for (size_t i = 0; i < l->count; i++) {
        const fact_record *r = &l->record[i];
        count[2 * r->value[kind] + !r->positive]++;
        n[!r->positive]++;
    }
    for (size_t k = 0; k < values && n[0] >= FEWEST && n[1] >= FEWEST; k++) {
        double a = count[2 * k] / n[0], b = count[2 * k + 1] / n[1], all = count[2 * k] + count[2 * k + 1];
        if (all == 0) continue;
        total += fabs(a - b) / 2;
        chance += mean_deviation(all, n[0] / (n[0] + n[1])) * (1 / n[0] + 1 / n[1]) / 2;
        if (fabs(a - b) <= most) continue;
        most = fabs(a - b);
        *value = v->value[kind].name[k], share[0] = a, share[1] = b;
    }
    free(count);
    return chance < 1 - 1e-9 && total > chance ? (total - chance) / (1 - chance) : 0;
}

/* ---- the linear model ---- */

/* The terms of a record: at most 1 + FACT_NUMBERS + FACT_KINDS of them aren't 0. */
typedef struct {
    size_t at[1 + FACT_NUMBERS + FACT_KINDS];
    double x[1 + FACT_NUMBERS + FACT_KINDS];
    int count;
} terms;

static terms terms_of(const fact_model *m, const fact_record *r) {
    terms t = {.at = {0}, .x = {1}, .count = 1};
    for (int i = 0; i < FACT_NUMBERS; i++)
        t.at[t.count] = (size_t)i + 1, t.x[t.count++] = (r->number[i] - m->mean[i]) * m->scale[i];
    for (int k = 0; k < FACT_KINDS; k++)
        if (r->value[k] < m->known[k]) t.at[t.count] = m->first[k] + r->value[k], t.x[t.count++] = 1;
    return t;
}

double fact_model_logit(const fact_model *m, const fact_record *r) {
    terms t = terms_of(m, r);
    double z = 0;
    for (int i = 0; i < t.count; i++) z += t.x[i] * m->weight[t.at[i]];
    return z;
}

/* Loss to be minimised: sum of cross-entropies + penalty. */
static double objective(fact_model *m, const fact_list *l) {
    double sum = 0;
    m->penalty = 0;
    for (size_t i = 1; i < m->count; i++) m->penalty += m->weight[i] * m->weight[i] / 2;
    for (size_t i = 0; i < l->count; i++) {
        double z = fact_model_logit(m, &l->record[i]);
        sum += fmax(z, 0) - z * l->record[i].positive + log1p(exp(-fabs(z)));
    }
    return sum + m->penalty;
}

/* Solves a x = b for a positive definite a [n,n], by Cholesky; x replaces b. */
static void solve(double *a, double *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = a[i * n + j];
            for (size_t k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
        }
        for (size_t k = 0; k < i; k++) b[i] -= a[i * n + k] * b[k];
        b[i] /= a[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++) b[i] -= a[k * n + i] * b[k];
        b[i] /= a[i * n + i];
    }
}

static void gradient_and_hessian(const fact_model *m, const fact_list *l, double *g, double *h) {
    size_t n = m->count;
    memset(h, 0, n * n * sizeof *h);
    for (size_t i = 0; i < n; i++) g[i] = i ? m->weight[i] : 0, h[i * n + i] = i ? 1 : 1e-9;
    for (size_t i = 0; i < l->count; i++) {
        terms t = terms_of(m, &l->record[i]);
        double z = 0;
        for (int k = 0; k < t.count; k++) z += t.x[k] * m->weight[t.at[k]];
        double p = 1 / (1 + exp(-z)), error = p - l->record[i].positive;
        for (int a = 0; a < t.count; a++) {
            g[t.at[a]] += error * t.x[a];
            for (int b = 0; b < t.count; b++) h[t.at[a] * n + t.at[b]] += p * (1 - p) * t.x[a] * t.x[b];
        }
    }
}

static void standardise(fact_model *m, const fact_list *l) {
    for (int i = 0; i < FACT_NUMBERS; i++) {
        double sum = 0, squares = 0;
        for (size_t k = 0; k < l->count; k++) sum += l->record[k].number[i];
        m->mean[i] = sum / (double)l->count;
        for (size_t k = 0; k < l->count; k++) squares += pow(l->record[k].number[i] - m->mean[i], 2);
        double deviation = sqrt(squares / (double)l->count);
        m->scale[i] = deviation > 1e-6 ? 1 / deviation : 0;
    }
}

bool fact_model_fit(fact_model *m, const fact_list *l, const fact_values *v) {
    *m = (fact_model){.count = 1 + FACT_NUMBERS};
    for (int k = 0; k < FACT_KINDS; k++) {
        m->known[k] = v->value[k].count < MOST_VALUES ? v->value[k].count : MOST_VALUES;
        m->first[k] = m->count;
        m->count += m->known[k];
    }
    standardise(m, l);
    size_t n = m->count;
    m->weight = xarray(n, sizeof *m->weight);
    double *h = malloc((n * n + 2 * n) * sizeof *h), *g = h ? h + n * n : NULL, *was = h ? g + n : NULL;
    if (!h) return false;
    double now = objective(m, l);
    for (m->steps = 0; m->steps < MOST_STEPS; m->steps++) {
        gradient_and_hessian(m, l, g, h);
        solve(h, g, n);
        memcpy(was, m->weight, n * sizeof *was);
        double before = now, step = 1;
        do { /* never uphill */
            for (size_t i = 0; i < n; i++) m->weight[i] = was[i] - step * g[i];
            now = objective(m, l);
            step /= 2;
        } while (now > before && step > 1e-10);
        if (before - now < 1e-10 * before) break;
    }
    free(h);
    return true;
}

void fact_model_free(fact_model *m) {
    free(m->weight);
    m->weight = NULL;
}
