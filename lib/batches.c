#include "batches.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ops.h"

void batches_open(batches *b, prog_input *in, int h, int w, int c, const char *state, uint64_t epoch, uint64_t consumed) {
    *b = (batches){.in = in, .state = state, .h = h, .w = w, .c = c, .epoch = epoch, .consumed = consumed, .skip = consumed};
}

void batches_close(batches *b) {
    tns_frame_free(&b->f);
}

static uint64_t epoch_of(const tns_frame *f, bool *has) {
    text buf = {0};
    uint64_t epoch = 0;
    const char *v = tns_meta_get(&f->meta, "epoch", &buf);
    *has = v && parse_u64(v, &epoch);
    free(buf.s);
    return epoch;
}

static bool next_record(batches *b) {
    while (!b->ahead && !b->over) {
        if (!prog_next(b->in, &b->f))
            b->over = true;
        else if (b->f.type == 'R')
            b->ahead = true;
    }
    return b->ahead;
}

/* Pixels into one place of the batch. */
static void take_image(const batches *b, float *to) {
    const tns_frame *f = &b->f;
    if (f->rank != 3 || f->shape[0] != (uint32_t)b->h || f->shape[1] != (uint32_t)b->w || f->shape[2] != (uint32_t)b->c) {
        char have[80];
        tns_shape_text(f, have);
        prog_bad_record(b->in, f, "an image of %s, the nets want %dx%dx%d; imgnorm --size %dx%d before it would make it so", have,
                        b->h, b->w, b->c, b->w, b->h);
    }
    if (f->dtype == TNS_U8)
        ops_f32.from_u8(f->data_len, 2 / 255., -1, f->data, to);
    else if (f->dtype == TNS_F32)
        memcpy(to, f->data, f->data_len);
    else
        prog_bad_record(b->in, f, "pixels of %s; u8 (0:255) or f32 (-1:1) are wanted", tns_dtype_name(f->dtype));
}

bool batches_next(batches *b, int count, float *images) {
    size_t pixels = (size_t)b->h * (size_t)b->w * (size_t)b->c;
    int have = 0;
    while (have < count && next_record(b)) {
        bool has_epoch;
        uint64_t epoch = epoch_of(&b->f, &has_epoch);
        if (!has_epoch && b->skip) {
            b->skip--;
            b->ahead = false;
            continue;
        }
        b->skip = 0;
        if (epoch < b->epoch)
            prog_bad_record(b->in, &b->f, "is of epoch %" PRIu64 ", the training is at %" PRIu64 "; use tshuf --from %s", epoch,
                            b->epoch, b->state);
        if (epoch > b->epoch) b->epoch = epoch, b->consumed = 0, have = 0;
        take_image(b, images + (size_t)have++ * pixels);
        b->consumed++;
        b->ahead = false;
    }
    return have == count;
}
