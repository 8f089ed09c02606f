/* split: which part of a data set a record belongs to. A group (group=, or the key where there is none) is never cut apart, and where it goes
 * is drawn by seed and group alone. */
#ifndef FACADE_SPLIT_H
#define FACADE_SPLIT_H

#include <stddef.h>
#include <stdint.h>

#include "names.h"
#include "tns.h"

enum { SPLIT_MAX_PARTS = 60, SPLIT_NO_PART = 255 };

/* The draw of a record's group, the same for all records of the group. */
uint64_t split_draw(uint64_t seed, const tns_frame *record);

/* The part that a draw falls into when parts are in proportion to share[parts] (positive, finite). */
int split_by_share(uint64_t draw, const double *share, int parts);

/* Zero-initialise; then split_add every record in the order of the stream, and split_by_count. */
typedef struct {
    struct split_record {
        uint64_t draw;
        size_t record;
        size_t label;
    } * record;
    size_t count, cap;
    names labels;
    uint8_t *part; /* [count], after split_by_count: the part of each record, or SPLIT_NO_PART */
} split_index;

/* label: NULL when labels don't matter. */
void split_add(split_index *x, uint64_t draw, const char *label);

/* Goes through the groups in the order of their draws, and gives each to the first part that still wants records of one of the group's
 * labels; part p wants want[p] of each label. Groups that nobody wants get part `rest` (or SPLIT_NO_PART). False when there are fewer records than wanted, or too few groups: err
 * says of what. */
bool split_by_count(split_index *x, const uint64_t *want, int parts, int rest, char err[512]);

void split_free(split_index *x);

#endif
