#include "ops_winograd.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "kernels.h"

enum { LEAST_CHANNELS = 32, LEAST_PIXELS = 4096, SIDE = 4 }; /* of a tile's outputs */

bool winograd_fits(const conv_shape *s, activation act) {
    double tiles = (double)((s->oh + SIDE - 1) / SIDE) * ((s->ow + SIDE - 1) / SIDE);
    return s->kh == 3 && s->kw == 3 && s->stride_h == 1 && s->stride_w == 1 && s->dil_h == 1 && s->dil_w == 1 && s->groups == 1 &&
           (double)s->n * s->oh * s->ow >= LEAST_PIXELS && s->top <= 2 && s->left <= 2 && s->c >= LEAST_CHANNELS &&
           s->oc >= LEAST_CHANNELS && tiles * 36 < .6 * 9 * s->oh * s->ow &&
           (act.kind == ACT_NONE || act.kind == ACT_RELU || act.kind == ACT_LEAKY);
}

/* Memory that is kept from call to call, and only grows. */
static void *room(void **kept, size_t *size, size_t bytes) {
    if (bytes > *size) {
        free(*kept);
        if (!(*kept = aligned_alloc64(bytes))) die(EXIT_FAILED, "out of memory for a convolution");
        *size = bytes;
    }
    return *kept;
}

/* g but for its weights, which are w [oc,c,3,3]. */
static void run(winograd g, int n, const float *x, const float *w, const float *bias, activation act, float *y) {
    static void *kept_weights, *kept_bias, *kept_scratch;
    static size_t weights_size, bias_size, scratch_size;
    const kernels *k = kernels_get();
    int threads = omp_get_max_threads();
    float *packed = room(&kept_weights, &weights_size, k->winograd_size(3, g.c, g.oc) * sizeof *packed);
    k->winograd_pack(3, g.c, g.oc, w, packed);
    g.weights = packed;
    size_t columns = (size_t)(g.oc + k->columns - 1) / (size_t)k->columns * (size_t)k->columns;
    float *whole = room(&kept_bias, &bias_size, columns * sizeof *whole); /* as long as the kernels read */
    memset(whole, 0, columns * sizeof *whole);
    if (bias) memcpy(whole, bias, (size_t)g.oc * sizeof *bias);
    epilogue e = {.bias = whole, .first = act};
    size_t scratch = (k->winograd_scratch(&g) + 63) / 64 * 64;
    char *scratches = room(&kept_scratch, &scratch_size, scratch * (size_t)threads);
    size_t in = (size_t)g.h * (size_t)g.w * (size_t)g.c, out = (size_t)g.oh * (size_t)g.ow * (size_t)g.oc;
#pragma omp parallel for schedule(static)
    for (int t = 0; t < threads; t++) { /* a pixel's sum is the same whichever samples are computed together */
        size_t from = (size_t)n * (size_t)t / (size_t)threads, to = (size_t)n * (size_t)(t + 1) / (size_t)threads;
        if (to > from) k->winograd(&g, (int)(to - from), x + from * in, &e, y + from * out, scratches + (size_t)t * scratch);
    }
}

void winograd_forward(const conv_shape *s, const float *x, const float *w, const float *bias, activation act, float *y) {
    winograd g = {.h = s->h,
                  .w = s->w,
                  .c = s->c,
                  .stride = (size_t)s->c,
                  .oh = s->oh,
                  .ow = s->ow,
                  .oc = s->oc,
                  .out_stride = (size_t)s->oc,
                  .top = s->top,
                  .left = s->left,
                  .r = 3};
    run(g, s->n, x, w, bias, act, y);
}

/* The same from dy to dx, with the kernels turned about and the channels exchanged. */
void winograd_backward_data(const conv_shape *s, const float *dy, const float *w, float *dx) {
    static void *kept;
    static size_t size;
    float *turned = room(&kept, &size, (size_t)s->c * (size_t)s->oc * 9 * sizeof *turned);
    for (int o = 0; o < s->oc; o++)
        for (int q = 0; q < s->c; q++)
            for (int t = 0; t < 9; t++)
                turned[((size_t)q * (size_t)s->oc + (size_t)o) * 9 + (size_t)(8 - t)] =
                    w[((size_t)o * (size_t)s->c + (size_t)q) * 9 + (size_t)t];
    winograd g = {.h = s->oh,
                  .w = s->ow,
                  .c = s->oc,
                  .stride = (size_t)s->oc,
                  .oh = s->h,
                  .ow = s->w,
                  .oc = s->c,
                  .out_stride = (size_t)s->c,
                  .top = 2 - s->top,
                  .left = 2 - s->left,
                  .r = 3};
    run(g, s->n, dy, turned, NULL, (activation){0}, dx);
}
