#include "ops_winograd.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "kernels.h"
#include "ops_f32.h"

enum { PART = 16, ROOM = 2 << 20 }; /* ROOM: floats of transformed tiles at a time, which a large cache holds */

/* The taps a side of the Winograd convolution that does it; 0: none does. */
static int taps_of(const conv_shape *s) {
    if (s->groups != 1 || s->dil_h != 1 || s->dil_w != 1 || s->kh != s->kw || s->stride_h != s->stride_w) return 0;
    if (s->top >= s->kh || s->left >= s->kw) return 0;
    if (s->stride_h == 1) return s->kh == 2 || s->kh == 3 ? s->kh : 0;
    return s->stride_h != 2 ? 0 : s->kh == 4 ? 2 : s->kh == 5 ? 3 : 0;
}

static double tiles_of(int h, int w) {
    return (double)((h + 3) / 4) * ((w + 3) / 4);
}

/* Images have few channels: with a stride of 2 their four interleaved maps are laid out as one of PART channels, zeros around and behind, and the
 * convolution becomes a plain one. */
static bool few_channels(const conv_shape *s) {
    return s->stride_h == 2 && 4 * s->c <= PART;
}

static conv_shape plain_of(const conv_shape *s) {
    int r = taps_of(s);
    return (conv_shape){.n = s->n,
                        .h = s->oh + r - 1,
                        .w = s->ow + r - 1,
                        .c = PART,
                        .oh = s->oh,
                        .ow = s->ow,
                        .oc = s->oc,
                        .kh = r,
                        .kw = r,
                        .stride_h = 1,
                        .stride_w = 1,
                        .dil_h = 1,
                        .dil_w = 1,
                        .groups = 1};
}

bool winograd_fits(winograd_pass pass, const conv_shape *s) {
    int r = taps_of(s), stride = s->stride_h, side = r == 2 ? 5 : 6;
    if (r && few_channels(s)) return s->oc >= PART && s->oc % 2 == 0 && s->n * tiles_of(s->oh, s->ow) >= 256;
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
    float *packed = room_take(&kept_weights, k->winograd_size(g.r, l->in_step * l->in_step * l->c, g.oc) * sizeof *packed);
    float *whole = room_take(&kept_bias, (size_t)columns * sizeof *whole); /* as long as the kernels read */
    memset(whole, 0, (size_t)columns * sizeof *whole);
    if (bias) memcpy(whole, bias, (size_t)g.oc * sizeof *bias);
    epilogue e = {.bias = whole, .first = act};
    g.weights = packed;
    size_t scratch = (k->winograd_scratch(&g) + 63) / 64 * 64;
    char *scratches = room_take(&kept_scratch, scratch * (size_t)threads);
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

/* ---- few channels ---- */

/* The offsets of the pixel (2*row + phase / 2, 2*column + phase % 2) of x, and whether it is inside; row and column of the interleaved maps. */
static bool pixel_of(const conv_shape *s, int row, int column, int phase, size_t *at) {
    int i = 2 * row + phase / 2 - s->top, j = 2 * column + phase % 2 - s->left;
    *at = ((size_t)i * (size_t)s->w + (size_t)j) * (size_t)s->c;
    return i >= 0 && i < s->h && j >= 0 && j < s->w;
}

/* x [n,h,w,c] as the map of the plain convolution p. */
static float *interleave(const conv_shape *s, const conv_shape *p, const float *x) {
    static room kept;
    size_t in = (size_t)s->h * (size_t)s->w * (size_t)s->c, out = (size_t)p->h * (size_t)p->w * PART;
    float *map = room_take(&kept, (size_t)s->n * out * sizeof *map);
#pragma omp parallel for
    for (int n = 0; n < s->n; n++) {
        float *to = map + (size_t)n * out;
        memset(to, 0, out * sizeof *to);
        for (int i = 0; i < p->h; i++)
            for (int j = 0; j < p->w; j++, to += PART)
                for (int phase = 0; phase < 4; phase++) {
                    size_t at;
                    if (!pixel_of(s, i, j, phase, &at)) continue;
                    for (int c = 0; c < s->c; c++) to[phase * s->c + c] = x[(size_t)n * in + at + (size_t)c];
                }
    }
    return map;
}

/* The reverse; pixels that no output met are 0. */
static void separate(const conv_shape *s, const conv_shape *p, const float *map, float *x) {
    size_t in = (size_t)s->h * (size_t)s->w * (size_t)s->c, out = (size_t)p->h * (size_t)p->w * PART;
    memset(x, 0, (size_t)s->n * in * sizeof *x);
#pragma omp parallel for
    for (int n = 0; n < s->n; n++) {
        const float *from = map + (size_t)n * out;
        for (int i = 0; i < p->h; i++)
            for (int j = 0; j < p->w; j++, from += PART)
                for (int phase = 0; phase < 4; phase++) {
                    size_t at;
                    if (!pixel_of(s, i, j, phase, &at)) continue;
                    for (int c = 0; c < s->c; c++) x[(size_t)n * in + at + (size_t)c] = from[phase * s->c + c];
                }
    }
}

/* Where the weight of output o, channel `phase`*c + q and tap (u,v) of the plain convolution stands in w [oc,c,kh,kw]; false: nowhere. */
static bool weight_of(const conv_shape *s, int o, int phase, int q, int u, int v, size_t *at) {
    int y = 2 * u + phase / 2, x = 2 * v + phase % 2;
    *at = (((size_t)o * (size_t)s->c + (size_t)q) * (size_t)s->kh + (size_t)y) * (size_t)s->kw + (size_t)x;
    return y < s->kh && x < s->kw;
}

/* Weights of the plain convolution from w, or back to dw: `plain` [oc,PART,r,r] is the other side. */
static void convert_weights(const conv_shape *s, const float *w, float *plain, float *dw) {
    int r = taps_of(s);
    size_t each = (size_t)PART * (size_t)(r * r);
    if (w) memset(plain, 0, (size_t)s->oc * each * sizeof *plain);
    for (int o = 0; o < s->oc; o++)
        for (int phase = 0; phase < 4; phase++)
            for (int q = 0; q < s->c; q++)
                for (int t = 0; t < r * r; t++) {
                    size_t at;
                    float *other = plain + (size_t)o * each + (size_t)((phase * s->c + q) * r * r + t);
                    if (!weight_of(s, o, phase, q, t / r, t % r, &at)) continue;
                    if (w) *other = w[at];
                    if (dw) dw[at] = *other;
                }
}

static float *plain_weights(const conv_shape *s, const float *w) {
    static room kept;
    float *plain = room_take(&kept, (size_t)s->oc * PART * 9 * sizeof *plain);
    if (w) convert_weights(s, w, plain, NULL);
    return plain;
}

/* ---- the three passes ---- */

void winograd_forward(const conv_shape *s, const float *x, const float *w, const float *bias, activation act, float *y) {
    winograd_weights l;
    conv_shape p = *s;
    if (few_channels(s)) p = plain_of(s), x = interleave(s, &p, x), w = plain_weights(s, w);
    winograd g = forward_of(&p, &l);
    run(g, &l, s->n, x, w, bias, act, y);
}

static void backward_data(const conv_shape *s, const float *dy, const float *w, const float *bias, activation act, float *dx) {
    for (int phase = 0; phase < s->stride_h * s->stride_w; phase++) {
        winograd_weights l;
        winograd g = backward_of(s, phase, &l);
        if (g.oh > 0 && g.ow > 0) run(g, &l, s->n, dy, w, bias, act, dx);
    }
}

void winograd_backward_data(const conv_shape *s, const float *dy, const float *w, const float *bias, activation act, float *dx) {
    static room kept;
    if (!few_channels(s)) {
        backward_data(s, dy, w, bias, act, dx);
        return;
    }
    conv_shape p = plain_of(s);
    float *map = room_take(&kept, (size_t)p.n * (size_t)p.h * (size_t)p.w * PART * sizeof *map),
          slope = act.kind == ACT_LEAKY  ? (float)act.alpha
                  : act.kind == ACT_RELU ? 0
                                         : 1;
    backward_data(&p, dy, plain_weights(s, w), NULL, (activation){0}, map);
    separate(s, &p, map, dx);
    if (!bias && slope == 1) return;
    size_t pixels = (size_t)s->n * (size_t)s->h * (size_t)s->w;
#pragma omp parallel for
    for (size_t i = 0; i < pixels; i++)
        for (int c = 0; c < s->c; c++) {
            float v = dx[i * (size_t)s->c + (size_t)c] + (bias ? bias[c] : 0);
            dx[i * (size_t)s->c + (size_t)c] = v > 0 ? v : slope * v;
        }
}

static void backward_weights(const conv_shape *s, const float *x, const float *dy, float *dw) {
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
    float *v = room_take(&kept_v, all.v * sizeof *v), *m = room_take(&kept_m, all.m * sizeof *m);
    /* With one part a block's gradient is complete at once, and its room is used again. */
    float *du = room_take(&kept_du, all.du * (size_t)(parts > 1 ? all.blocks : threads) * sizeof *du);
    size_t scratch = (k->winograd_scratch(&g) + 63) / 64 * 64;
    char *scratches = room_take(&kept_scratch, scratch * (size_t)threads);
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

void winograd_backward_weights(const conv_shape *s, const float *x, const float *dy, float *dw) {
    if (!few_channels(s)) {
        backward_weights(s, x, dy, dw);
        return;
    }
    conv_shape p = plain_of(s);
    float *plain = plain_weights(s, NULL);
    backward_weights(&p, interleave(s, &p, x), dy, plain);
    convert_weights(s, NULL, plain, dw);
}
