/* facts: what is read of a record, how differences between classes are told from chance, and the linear model's optimum. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lib/base.h"
#include "lib/cls.h"
#include "lib/facts.h"
#include "lib/rng.h"

static void add(fact_list *l, fact_values *v, const char *size, const char *format, int grey, bool positive) {
    tns_frame f = {.type = 'R'};
    tns_meta_add(&f.meta, "key", "x");
    if (size) tns_meta_add(&f.meta, "src_size", size);
    if (format) tns_meta_add(&f.meta, "src_format", format);
    if (!tns_frame_shape(&f, TNS_U8, 3, (uint32_t[]){2, 2, 3})) exit(1);
    for (int i = 0; i < 12; i++) ((uint8_t *)f.data)[i] = (uint8_t)(i % 3 == 1 ? grey : 51);
    facts_add(l, v, &f, positive, true);
    tns_frame_free(&f);
}

static void reading(void) {
    fact_list l = {0};
    fact_values v = {0};
    add(&l, &v, "512x256", "jpeg", 255, true);
    add(&l, &v, NULL, "png", 0, false);
    add(&l, &v, "nonsense", "jpeg", 102, false);
    CHECK(l.record[0].positive && !l.record[1].positive, "classes");
    CHECK(l.record[0].number[0] == 9 && l.record[0].number[1] == 8, "log2 of the size");
    CHECK_NEAR(l.record[0].number[2], .2, 1e-6, "red");
    CHECK_NEAR(l.record[0].number[3], 1, 1e-6, "green");
    CHECK_NEAR(l.record[2].number[3], .4, 1e-6, "green");
    CHECK(l.record[1].number[0] == 0 && l.record[2].number[0] == 0, "no size");
    CHECK(!strcmp(v.value[FACT_SIZE].name[l.record[1].value[FACT_SIZE]], "none"), "none");
    CHECK(!strcmp(v.value[FACT_SIZE].name[l.record[2].value[FACT_SIZE]], "nonsense"), "as it is");
    CHECK(!strcmp(v.value[FACT_EXTENT].name[l.record[0].value[FACT_EXTENT]], "131072 pixels, 2.0:1"), "%s",
          v.value[FACT_EXTENT].name[l.record[0].value[FACT_EXTENT]]);
    CHECK(l.record[0].value[FACT_FORMAT] == l.record[2].value[FACT_FORMAT], "the same format");
    facts_free(&l);
    fact_values_free(&v);
}

/* The difference of one kind, from counts a value: positive, negative. */
static double difference(const int (*count)[2], int values, const char **value, double share[2]) {
    fact_list l = {0};
    fact_values v = {0};
    for (int i = 0; i < values; i++)
        for (int k = 0; k < count[i][0] + count[i][1]; k++) {
            char name[16];
            snprintf(name, sizeof name, "f%d", i);
            add(&l, &v, NULL, name, 0, k < count[i][0]);
        }
    const char *worst = NULL;
    double d = facts_difference(&l, &v, FACT_FORMAT, &worst, share);
    static char copy[16];
    snprintf(copy, sizeof copy, "%s", worst ? worst : "");
    *value = copy;
    facts_free(&l);
    fact_values_free(&v);
    return d;
}

static void differences(void) {
    const char *value;
    double share[2];
    CHECK_NEAR(difference((const int[][2]){{100, 0}, {0, 50}}, 2, &value, share), 1, 1e-12, "apart");
    CHECK(difference((const int[][2]){{50, 50}, {30, 30}}, 2, &value, share) == 0, "alike");
    double d = difference((const int[][2]){{900, 100}, {100, 900}}, 2, &value, share);
    CHECK(fabs(d - .8) < .01, "%g", d);
    CHECK(!strcmp(value, "f0") || !strcmp(value, "f1"), "%s", value);
    CHECK_NEAR(fabs(share[0] - share[1]), .8, 1e-12, "shares");
    CHECK(difference((const int[][2]){{19, 0}, {0, 100}}, 2, &value, share) == 0, "too few");

    /* What is left of differences by chance: none on the average; a value a record tells nothing. */
    rng r = rng_make(1, "test_facts", "chance", 0);
    int count[400][2] = {0};
    double sum = 0;
    for (int round = 0; round < 20; round++) {
        memset(count, 0, sizeof count);
        for (int i = 0; i < 400; i++) count[rng_below(&r, 100)][rng_below(&r, 3) > 0]++;
        sum += difference(count, 100, &value, share) / 20;
    }
    CHECK(sum < .05, "by chance: %g", sum);
    for (int i = 0; i < 400; i++) count[i][0] = i % 2, count[i][1] = 1 - i % 2;
    CHECK(difference(count, 400, &value, share) < 1e-6, "a value a record");
}

/* The objective of fact_model_fit, written out. */
static double objective(fact_model *m, const fact_list *l) {
    double sum = 0;
    for (size_t i = 1; i < m->count; i++) sum += m->weight[i] * m->weight[i] / 2;
    for (size_t i = 0; i < l->count; i++) sum += cls_loss(fact_model_logit(m, &l->record[i]), l->record[i].positive);
    return sum;
}

static void optimum(void) {
    static const char *const size[] = {"64x64", "89x109", "128x128", "256x200"}, *const format[] = {"jpeg", "png", "webp"};
    rng r = rng_make(2, "test_facts", "optimum", 0);
    fact_list l = {0};
    fact_values v = {0};
    for (int i = 0; i < 300; i++) {
        bool positive = rng_uniform(&r) < .3;
        add(&l, &v, size[rng_below(&r, 4)], format[rng_below(&r, positive ? 3 : 2)], 60 + 40 * positive + (int)rng_below(&r, 80),
            positive);
    }
    fact_model m;
    CHECK(fact_model_fit(&m, &l, &v), "memory");
    double best = objective(&m, &l);
    for (size_t i = 0; i < m.count; i++) { /* no weight's slope is left */
        double w = m.weight[i], h = 1e-4;
        m.weight[i] = w + h;
        double up = objective(&m, &l);
        m.weight[i] = w - h;
        double down = objective(&m, &l);
        m.weight[i] = w;
        CHECK(fabs(up - down) / (2 * h) < 1e-3, "slope %zu: %g", i, (up - down) / (2 * h));
        CHECK(up >= best - 1e-9 && down >= best - 1e-9, "weight %zu", i);
    }
    /* Values that it hasn't seen count nothing, and change nothing it knows. */
    double was = fact_model_logit(&m, &l.record[0]);
    add(&l, &v, "1x1", "heif", 255, true);
    CHECK(fact_model_logit(&m, &l.record[0]) == was, "as before");
    CHECK(isfinite(fact_model_logit(&m, &l.record[300])), "unknown values");
    fact_model_free(&m);
    facts_free(&l);
    fact_values_free(&v);
}

int main(void) {
    reading();
    differences();
    optimum();
    return check_status();
}
