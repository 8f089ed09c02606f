/* shuffle: an order of records that depends on what they are and never on where they stand.
 *
 * A record's identity is a draw keyed by (seed, key, copy number); records that share both are told apart by their contents' checksum.
 * The order of an epoch sorts by a draw keyed by identity and epoch. So the order of the shards doesn't matter, and adding records
 * leaves the others in their relative order. Memory: 48 bytes a record. */
#ifndef FACADE_SHUFFLE_H
#define FACADE_SHUFFLE_H

#include <stddef.h>
#include <stdint.h>

#include "names.h"
#include "tns.h"

typedef struct {
    uint64_t key, id, offset;
    uint32_t copy; /* after shuffle_settle: 0 as in the file, else the number of the copy to make */
    uint32_t label;
} shuffle_entry;

typedef struct {
    uint64_t draw;
    size_t entry;
} shuffle_place;

/* Zero-initialise, set seed (and by_label). */
typedef struct {
    uint64_t seed;
    bool by_label; /* count labels, for shuffle_up_to */
    shuffle_entry *entry;
    shuffle_place *place; /* the order: entry[place[i].entry] is the i-th record. count of them after shuffle_order */
    size_t count, cap;
    names labels;
    size_t *label_count;
} shuffle;

/* Adds a record that stands at an offset of the file. False when it has no label and by_label asks for one. */
bool shuffle_add(shuffle *s, const tns_frame *record, uint64_t offset);

/* Call one of these once all records were added: repeats none of them; each of them `more` times; those of each label up to `target`
 * of the label (0: to the count of the label that has most); labels that have more keep them. Which ones are repeated once more than the others is drawn by
 * identity. Copies are numbered from 1 (after those that a key already has). fd is the file, from which the checksums of records that share key
 * and copy number are read. Exits with 1 when it can't be read or there are more copies than memory. */
void shuffle_settle(shuffle *s, int fd);
void shuffle_copies(shuffle *s, int fd, uint64_t more);
void shuffle_up_to(shuffle *s, int fd, uint64_t target);

/* Fills s->place with the order of that epoch. */
void shuffle_order(shuffle *s, uint64_t epoch);

void shuffle_free(shuffle *s);

#endif
