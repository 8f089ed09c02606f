#include "ops_winograd.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "kernels.h"

enum { PART = 16, ROOM = 6 << 20 }; /* ROOM: floats of transformed tiles at a time, which a large cache holds */

/* The taps a side of the Winograd convolution that does it; 0: none does. */
static int taps_of(const conv_shape *s) {
    if (s->groups != 1 || s->dil_h != 1 || s->dil_w != 1 || s->kh != s->kw || s->stride_h != s->stride_w) return 0;
    if (s->stride_h == 1) return s->kh == 3 && s->top <= 2 && s->left <= 2 ? 3 : 0;
    bool placed = s->top < s->kh && s->left < s->kw;
    return s->stride_h != 2 || !placed ? 0 : s->kh == 4 ? 2 : s->kh == 5 ? 3 : 0;
}

static double tiles_of(int h, int w) {
    return (double)((h + 3) / 4) * ((w + 3) / 4);
}

bool winograd_fits(winograd_pass pass, const conv_shape *s) {
    int r = taps_of(s), stride = s->stride_h, side = r == 2 ? 5 : 6;
    if (!r || s->c < PART || s->oc < PART) return false;
    if (stride == 2 && pass != WINOGRAD_BACKWARD_DATA && s->c % PART) return false;
    /* Products, of so many pairs of channels; transforming weights costs as much as a few tiles. */
    double pairs = stride == 2 ? 4 : 1, tiles = s->n * tiles_of(s->oh, s->ow);
    if (pass == WINOGRAD_BACKWARD_DATA && stride == 1) tiles = s->n * tiles_of(s->h, s->w);
    double direct = (double)s->n * s->oh * s->ow * s->kh * s->kw,
           spread = pass == WINOGRAD_BACKWARD_DATA && s->c < 64 ? 1.5 : 1.25;
    return pairs * side * side * (spread * tiles + 24) < .8 * direct;
}

bool winograd_applies(activation act) {
    return act.kind == ACT_NONE || act.kind == ACT_RELU || act.kind == ACT_LEAKY;
}

/* Memory that is kept from call to call, and only grows. */
typedef struct {
    void *p;
    size_t size;
} room;

static void *take(room *r, size_t bytes) {
    if (bytes > r->size) {
        free(r->p);
        if (!(r->p = aligned_alloc64(bytes))) die(EXIT_FAILED, "out of memory for a convolution");
        r->size = bytes;
    }
    return r->p;
}

/* ---- how each pass is a Winograd convolution ---- */

/* From x to y. */
static winograd forward_of(const conv_shape *s, winograd_weights *l) {
    size_t oh = (size_t)s->oh, ow = (size_t)s->ow;
    int r = taps_of(s), k = s->kh, step = s->stride_h;
    *l = (winograd_weights){
        .r = r, .c = s->c, .oc = s->oc, .in_step = step, .o_step = (size_t)s->c * (size_t)(k * k), .q_step = (size_t)(k * k)};
    for (int phase = 0; phase < step * step; phase++)
        for (int u = 0; u < r; u++)
            for (int v = 0; v < r; v++) {
                int y = step * u + phase / step, x = step * v + phase % step;
                l->tap[phase][u][v] = y < k && x < k ? y * k + x : -1;
            }
    return (winograd){.h = s->h,
                      .w = s->w,
                      .c = s->c,
                      .stride = (size_t)s->c,
                      .in_step = step,
                      .oh = s->oh,
                      .ow = s->ow,
                      .oc = s->oc,
                      .out_stride = (size_t)s->oc,
                      .out_step = 1,
                      .out_row = ow,
                      .out_sample = oh * ow,
                      .top = s->top,
                      .left = s->left,
                      .r = r};
}

/* Where one side's pixels of a parity come from: pixel `step`*m + parity of dx takes dy[m - before + t] with the tap `first - step*t`. */
static void side_of(int step, int parity, int pad, int r, int *before, int *first) {
    int d = (parity + pad) % step,
        i = (parity + pad - d) / step; /* the pixel 0 of this parity meets tap d of output i, d + step of i - 1, ... */
    *before = r - 1 - i;
    *first = d + step * (r - 1);
}

/* From dy to the pixels of dx with the row's and column's parities `phase`. */
static winograd backward_of(const conv_shape *s, int phase, winograd_weights *l) {
    int r = taps_of(s), k = s->kh, step = s->stride_h, row = phase / step, column = phase % step, top, left, first_y, first_x;
    side_of(step, row, s->top, r, &top, &first_y);
    side_of(step, column, s->left, r, &left, &first_x);
    *l = (winograd_weights){
        .r = r, .c = s->oc, .oc = s->c, .in_step = 1, .o_step = (size_t)(k * k), .q_step = (size_t)s->c * (size_t)(k * k)};
    for (int u = 0; u < r; u++)
        for (int v = 0; v < r; v++) {
            int y = first_y - step * u, x = first_x - step * v;
            l->tap[0][u][v] = y < k && x < k ? y * k + x : -1;
        }
    return (winograd){.h = s->oh,
                      .w = s->ow,
                      .c = s->oc,
                      .stride = (size_t)s->oc,
                      .in_step = 1,
                      .oh = (s->h - row + step - 1) / step,
                      .ow = (s->w - column + step - 1) / step,
                      .oc = s->c,
                      .out_stride = (size_t)s->c,
                      .out_first = (size_t)row * (size_t)s->w + (size_t)column,
                      .out_step = (size_t)step,
                      .out_row = (size_t)step * (size_t)s->w,
                      .out_sample = (size_t)s->h * (size_t)s->w,
                      .top = top,
                      .left = left,
                      .r = r};
}

/* ---- running them ---- */

static int share(int all, int t, int threads) {
    return (int)((int64_t)all * t / threads);
}

static void run(winograd g, const winograd_weights *l, int n, const float *x, const float *w, const float *bias, activation act,
                float *y) {
    static room kept_weights, kept_bias, kept_scratch;
    const kernels *k = kernels_get();
    int threads = omp_get_max_threads(), panels = (g.oc + k->columns - 1) / k->columns, columns = panels * k->columns;
    float *packed = take(&kept_weights, k->winograd_size(g.r, l->in_step * l->in_step * l->c, g.oc) * sizeof *packed);
    float *whole = take(&kept_bias, (size_t)columns * sizeof *whole); /* as long as the kernels read */
    memset(whole, 0, (size_t)columns * sizeof *whole);
    if (bias) memcpy(whole, bias, (size_t)g.oc * sizeof *bias);
    epilogue e = {.bias = whole, .first = act};
    g.weights = packed;
    size_t scratch = (k->winograd_scratch(&g) + 63) / 64 * 64;
    char *scratches = take(&kept_scratch, scratch * (size_t)threads);
#pragma omp parallel num_threads(threads)
    {
        int t = omp_get_thread_num(), all = omp_get_num_threads();
        int from = share(panels, t, all) * k->columns, to = share(panels, t + 1, all) * k->columns;
        k->winograd_pack(l, w, from, to < g.oc ? to : g.oc, packed);
#pragma omp barrier
        /* A pixel's sum is the same whichever samples are computed together. */
        size_t first = (size_t)share(n, t, all), end = (size_t)share(n, t + 1, all);
        const float *in = x + first * (size_t)g.h * (size_t)g.w * g.stride;
        winograd mine = g;
        mine.out_first += first * g.out_sample;
        if (end > first) k->winograd(&mine, (int)(end - first), in, &e, y, scratches + (size_t)t * scratch);
    }
}

void winograd_forward(const conv_shape *s, const float *x, const float *w, const float *bias, activation act, float *y) {
    winograd_weights l;
    winograd g = forward_of(s, &l);
    run(g, &l, s->n, x, w, bias, act, y);
}

void winograd_backward_data(const conv_shape *s, const float *dy, const float *w, const float *bias, activation act, float *dx) {
    for (int phase = 0; phase < s->stride_h * s->stride_w; phase++) {
        winograd_weights l;
        winograd g = backward_of(s, phase, &l);
        if (g.oh > 0 && g.ow > 0) run(g, &l, s->n, dy, w, bias, act, dx);
    }
}

void winograd_backward_weights(const conv_shape *s, const float *x, const float *dy, float *dw) {
    static room kept_v, kept_m, kept_du, kept_scratch;
    const kernels *k = kernels_get();
    winograd_weights l;
    winograd g = forward_of(s, &l);
    struct winograd_room one = k->gradient_sizes(&g, 1);
    int threads = omp_get_max_threads();
    size_t tiles = (size_t)s->n * (size_t)one.tiles_h * (size_t)one.tiles_w, rows = ROOM / (one.v + one.m);
    if (rows < 64) rows = 64;
    size_t parts = (tiles + rows - 1) / rows;
    rows = (tiles + parts - 1) / parts;
    struct winograd_room all = k->gradient_sizes(&g, rows);
    float *v = take(&kept_v, all.v * sizeof *v), *m = take(&kept_m, all.m * sizeof *m);
    /* With one part a block's gradient is complete at once, and its room is used again. */
    float *du = take(&kept_du, all.du * (size_t)(parts > 1 ? all.blocks : threads) * sizeof *du);
    size_t scratch = (k->winograd_scratch(&g) + 63) / 64 * 64;
    char *scratches = take(&kept_scratch, scratch * (size_t)threads);
#pragma omp parallel num_threads(threads)
    {
        int t = omp_get_thread_num(), team = omp_get_num_threads();
        for (size_t part = 0; part < parts; part++) {
            size_t first = part * rows, used = tiles - first < rows ? tiles - first : rows;
            size_t from = used * (size_t)t / (size_t)team, to = used * (size_t)(t + 1) / (size_t)team;
            k->gradient_x(&g, x, first + from, (int)(to - from), rows, from, v, scratches + (size_t)t * scratch);
            k->gradient_dy(&g, dy, first + from, (int)(to - from), rows, from, m);
#pragma omp barrier
#pragma omp for schedule(static)
            for (int block = 0; block < all.blocks; block++)
                k->gradient_sum(&g, &l, block, rows, used, v, m, part == 0, du + all.du * (size_t)(parts > 1 ? block : t),
                                part + 1 == parts ? dw : NULL);
        }
    }
}
