/* painter: images that a generator makes of fixed noise.
 *
 * Image i is made from noise keyed by (seed, program, "sample/00000i"), in inference mode and in a fixed batch: it depends on neither how many are made nor
 * on what the training drew. */
#ifndef FACADE_PAINTER_H
#define FACADE_PAINTER_H

#include <stdint.h>

#include "net.h"
#include "tns.h"

typedef struct {
    net *gen;
    net_run *run;
    void *z;
    const char *program;
    uint64_t seed;
} painter;

/* gen: a network from a vector to an image in [-1,1], in ops_f32, which stays the caller's and may go on learning. program: the name that keys the noise.
 * Without memory the program ends with status 1. */
painter painter_open(net *gen, const char *program, uint64_t seed);
void painter_close(painter *p);

/* Hands images 0..count-1 to `put`, one at a time, as u8 records with key PREFIX/000000..., label=fake and, unless step is NULL, step=. */
void painter_paint(painter *p, int64_t count, const char *prefix, const char *step, void (*put)(const tns_frame *f, void *to),
                   void *to);

/* The header of a stream of them, with the pg chain of history (may be NULL). */
void painter_header(tns_frame *h, const tns_meta *history);

#endif
