/* batches: images of one size out of a stream, as numbers from -1 to 1, a batch at a time, and the place in the data that a checkpoint keeps.
 *
 * A batch is of one epoch (epoch= of the records); what is left of an epoch at its end is dropped. A record that doesn't fit ends the program
 * with status 3, and says what would make it fit. */
#ifndef FACADE_BATCHES_H
#define FACADE_BATCHES_H

#include <stdbool.h>
#include <stdint.h>

#include "prog.h"

typedef struct {
    prog_input *in;
    const char *state; /* the checkpoint's path, for messages */
    int h, w, c;
    uint64_t epoch, consumed; /* where the data stands: records of that epoch that were used or dropped */
    tns_frame f;
    bool ahead, over; /* ahead: f is a record not yet used */
    uint64_t skip; /* records of a stream without epochs that were used before the checkpoint */
} batches;

/* in: behind its header. epoch and consumed: where to go on; 0, 0 at the beginning. A stream with epochs must begin there (tshuf --from), one without is
 * whole each time, and what was used is passed over. */
void batches_open(batches *b, prog_input *in, int h, int w, int c, const char *state, uint64_t epoch, uint64_t consumed);
void batches_close(batches *b);
/* Fills images [count,h,w,c]: u8 pixels scaled to [-1,1], f32 as they are. False at the end of the data. */
bool batches_next(batches *b, int count, float *images);

#endif
