/* augment_record: a record's image changed as a recipe says, and its metadata with it. */
#ifndef FACADE_AUGMENT_RECORD_H
#define FACADE_AUGMENT_RECORD_H

#include "augment.h"
#include "tns.h"

typedef struct {
    const augment_recipe *recipe;
    int recipes; /* at least 1; each image gets one of them, all as likely */
    affine_fill fill;
    bool only_copies; /* leave records without copy= as they are */
    uint64_t seed;
    augment_jpeg *jpeg;
    bool has_range; /* the header's, black and white; without it u8 is 0:255 */
    float low, high;
} augment_how;

/* Takes kind, axes and range of a segment's header. False with the reason in err: it can't be images as we take them. */
bool augment_header(augment_how *how, const tns_meta *header, char err[AUGMENT_ERROR]);

/* Arrays kept from record to record, one for each thread. Zero-initialise. */
typedef struct {
    float *px, *spare;
    size_t room;
} augment_arrays;
void augment_arrays_free(augment_arrays *a);

/* f is an image, u8 or f32, height x width x 3 or 1. Its pixels are changed, face= and landmarks= follow them (points.h), and a line
 * augment= says what was drawn. Draws are keyed by seed, key, epoch=, copy=, and how many augment= lines there are already, so that two
 * programs in a row draw independently. Returns an exit status: EXIT_DONE; EXIT_CORRUPT, when the record is at fault; EXIT_FAILED; with
 * the reason in err (the frame's contents are then undefined). */
int augment_record(const augment_how *how, tns_frame *f, augment_arrays *a, char err[AUGMENT_ERROR])
    __attribute__((warn_unused_result));

#endif
