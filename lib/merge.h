/* merge: what several segments have to say when they become one (tcat, tshuf). */
#ifndef FACADE_MERGE_H
#define FACADE_MERGE_H

#include "tns.h"

/* Folds the header of the next segment into a first one: *into starts zeroed and becomes a copy of the first header given.
 * The names that say what the data is (kind, axes, range, space, positive, net, net.*, cursor) must have the same values in both;
 * of all others, pg= among them, *into gets the lines that it doesn't hold yet, so chains of provenance are kept, equal
 * ones once. False when the headers don't agree or become too long, and err says why, for people
 * ("the headers differ in range: 0:255 and -1:1"); *into is then as it was. */
bool merge_header(tns_frame *into, const tns_frame *next, char err[512]);

/* Folds the metadata of the next segment's end into the first's: counts (dropped=REASON:N) are added up by reason, of
 * other lines those that *into doesn't hold yet are appended. */
void merge_end(tns_meta *into, const tns_meta *next);

#endif
