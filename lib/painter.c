#include "painter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "rng.h"

enum { DRAW_BATCH = 16 };

painter painter_open(net *gen, const char *program, uint64_t seed) {
    painter p = {gen, net_run_new(gen, DRAW_BATCH, NET_INFER), xarray((size_t)gen->layer[0].c * DRAW_BATCH, sizeof(float)),
                 program, seed};
    if (!p.run) die(EXIT_FAILED, "not enough memory to draw images");
    return p;
}

void painter_close(painter *p) {
    net_run_free(p->run);
    free(p->z);
}

void painter_paint(painter *p, int64_t count, const char *prefix, const char *step, void (*put)(const tns_frame *f, void *to),
                   void *to) {
    const net_layer *out = &p->gen->layer[p->gen->layers - 1];
    uint32_t shape[3] = {(uint32_t)out->h, (uint32_t)out->w, (uint32_t)out->c};
    size_t z = (size_t)p->gen->layer[0].c;
    tns_frame f = {.type = 'R'};
    if (!tns_frame_shape(&f, TNS_U8, 3, shape)) die(EXIT_FAILED, "out of memory");
    for (int64_t first = 0; first < count; first += DRAW_BATCH) {
        for (int i = 0; i < DRAW_BATCH; i++) {
            char key[40];
            snprintf(key, sizeof key, "sample/%06" PRId64, first + i);
            rng r = rng_make(p->seed, p->program, key, 0);
            rng_fill_normal(&r, (float *)p->z + (size_t)i * z, z);
        }
        const float *images = net_forward(p->run, p->z, 0, 0);
        for (int i = 0; i < DRAW_BATCH && first + i < count; i++) {
            p->gen->ops->to_u8(f.data_len, 127.5, 127.5, images + (size_t)i * f.data_len, f.data);
            tns_meta_clear(&f.meta);
            tns_meta_addf(&f.meta, "key", "%s/%06" PRId64, prefix, first + i);
            tns_meta_add(&f.meta, "label", "fake");
            if (step) tns_meta_add(&f.meta, "step", step);
            put(&f, to);
        }
    }
    tns_frame_free(&f);
}

void painter_header(tns_frame *h, const tns_meta *history) {
    static const char *const fields[][2] = {{"kind", "images"}, {"axes", "hwc"}, {"range", "0:255"}, {"space", "srgb"}};
    h->type = 'H';
    for (int i = 0; i < 4; i++) tns_meta_add(&h->meta, fields[i][0], fields[i][1]);
    text name = {0}, value = {0};
    for (size_t pos = 0; history && tns_meta_next(history, &pos, &name, &value);)
        if (!strcmp(name.s, "pg")) tns_meta_add(&h->meta, "pg", value.s);
    free(name.s);
    free(value.s);
}
