/* facts: what is known of a labelled record without looking at its picture: the size, format and JPEG quantisation of the file it came from
 * (src_size=, src_format=, jpeg=, as imgnorm writes them), and its mean colour.
 *
 * Where these tell the classes apart, a network may have learnt them and nothing else. So: a warning where they do, and a floor, the accuracy of a
 * linear model that has only them, to hold a network's against. */
#ifndef FACADE_FACTS_H
#define FACADE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrics.h"
#include "names.h"
#include "tns.h"

/* FACT_EXTENT: the size in coarse steps, half-octaves of area and of the ratio of the sides, which tells sets of many sizes apart. */
enum { FACT_SIZE, FACT_EXTENT, FACT_FORMAT, FACT_JPEG, FACT_KINDS, FACT_NUMBERS = 5 };

/* The values that facts have, numbered as they turn up. Zero-initialise; shared by the lists that are compared. */
typedef struct {
    names value[FACT_KINDS];
} fact_values;

typedef struct {
    uint32_t value[FACT_KINDS]; /* numbers of fact_values; a record that doesn't say it has the value "none" */
    float number[FACT_NUMBERS]; /* log2 of the source's width and height; mean red, green, blue, 0 to 1. 0 where it isn't known */
    bool positive;
} fact_record;

typedef struct {
    fact_record *record;
    size_t count, room;
} fact_list;

/* Adds a record. colour: whether to take its mean colour (images of u8 or f32 with three channels have one). */
void facts_add(fact_list *l, fact_values *v, const tns_frame *f, bool positive, bool colour);
void facts_free(fact_list *l);
void fact_values_free(fact_values *v);

/* "src_size" (for extent, too), "src_format", "jpeg". */
const char *fact_name(int kind);

/* How well a fact alone tells the classes apart, from 0 (not at all) to 1: half the sum over its values of |share in one class - share in the other| (total
 * variation), less what chance gives when as many records of each value are dealt out at random, scaled so that 1 stays 1. With *value: the one that contributes
 * most, and its shares in the positive and the negative class. 0 when a class has fewer than 20 records. */
double facts_difference(const fact_list *l, const fact_values *v, int kind, const char **value, double share[2]);

/* A linear model of the facts: logistic regression over indicators of every value and the numbers in units of their deviation, with the penalty
 * sum of weight^2 / 2 (on all but the constant), fitted by Newton's method in double. */
typedef struct {
    size_t first[FACT_KINDS]; /* where the indicators of a kind begin in weight */
    size_t known[FACT_KINDS]; /* values numbered from here on weren't there in training, and count nothing */
    double mean[FACT_NUMBERS], scale[FACT_NUMBERS];
    double *weight; /* [count]: the constant, the numbers, the indicators */
    size_t count;
    double penalty; /* of the fit */
    int steps; /* that it took */
} fact_model;

/* Both classes must be there. The first 200 values of a kind are told apart, the rest count nothing. False when there is no memory. */
bool fact_model_fit(fact_model *m, const fact_list *l, const fact_values *v);
void fact_model_free(fact_model *m);
/* The logit of a record. */
double fact_model_logit(const fact_model *m, const fact_record *r);

#endif
