#include "planes.h"

#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "wide.h"

/* Pixels: when sums become bytes (lines of both are so long that none is left over), and when colours are put beside each other. */
enum { BLOCK = 32, AT_ONCE = 16 };

/* Colours that RGB hasn't are clamped after scaling only, which costs photos of quality 95 some .04 dB against an ideal low-pass; so much narrower kernels give .2 (bench/quality.py --of). */
static const double NARROWER = .98;

struct planes {
    resizer *by_lines[3];
    plane_shape shape[3];
    resize_box from[3];
    resize_kernel kernel;
    int count, width, height; /* planes; of the output */
    uint8_t *u8;
    float *f32;
    int64_t stride;
    /* What is kept of the planes until the end: sums (resizer_begin_sums), or all of their samples, to be scaled as floats. */
    bool whole;
    void *room;
    size_t room_size;
    int16_t *sums[3];
    size_t line; /* elements of one of theirs */
    uint8_t *colour[3]; /* a row of each colour */
    uint8_t *samples[3], *next[3]; /* next: PLANES_AHEAD lines, with what may be written beyond each */
    int seen[3];
};

planes *planes_new(void) {
    planes *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    for (int i = 0; i < 3; i++) p->by_lines[i] = resizer_new(p->by_lines[0]);
    return p;
}

void planes_free(planes *p) {
    if (!p) return;
    for (int i = 2; i >= 0; i--) resizer_free(p->by_lines[i]);
    free(p->room);
    free(p);
}

static bool have_room(planes *p, size_t n) {
    if (n <= p->room_size) return true;
    free(p->room);
    p->room = aligned_alloc64(n);
    p->room_size = p->room ? n : 0;
    return p->room;
}

static resize_source source(const planes *p, int i, const uint8_t *samples) {
    const plane_shape *s = &p->shape[i];
    return (resize_source){s->width, s->height, s->channels, samples, NULL, s->shrunk, s->spread_x, s->spread_y};
}

/* In whole numbers, as the lines come. False: not this way, or no memory. */
static bool begin_rgb(planes *p, bool *starved) {
    resize_source src = source(p, 0, NULL);
    bool can = resizer_begin(p->by_lines[0], &src, &p->from[0], p->kernel, p->width, p->height, p->u8, p->stride);
    *starved = resizer_starved(p->by_lines[0]);
    return can;
}

static bool begin_sums(planes *p, bool *starved) {
    p->line = ((size_t)p->width + BLOCK - 1) / BLOCK * BLOCK;
    size_t rows = ((size_t)p->height + RESIZER_ROWS - 1) / RESIZER_ROWS * RESIZER_ROWS, n = p->line * rows;
    *starved = !have_room(p, 3 * n * sizeof *p->sums[0] + 3 * p->line);
    if (*starved) return false;
    for (size_t i = 0; i < 3; i++) {
        p->sums[i] = (int16_t *)p->room + i * n;
        p->colour[i] = (uint8_t *)((int16_t *)p->room + 3 * n) + i * p->line;
    }
    for (int i = 0; i < p->count; i++) {
        resize_source src = source(p, i, NULL);
        if (!resizer_begin_sums(p->by_lines[i], &src, &p->from[i], p->kernel, p->width, p->height, p->sums[i],
                                (int64_t)p->line)) {
            *starved = resizer_starved(p->by_lines[i]);
            return false;
        }
    }
    return true;
}

static size_t bytes_of(const planes *p, int plane) { /* a line */
    return (size_t)p->shape[plane].width * (size_t)p->shape[plane].channels;
}

static bool begin_whole(planes *p) {
    size_t samples[3], next[3], all = 0;
    for (int i = 0; i < p->count; i++) {
        all += samples[i] = bytes_of(p, i) * (size_t)p->shape[i].height;
        all += next[i] = (bytes_of(p, i) + PLANES_SPARE) * PLANES_AHEAD;
    }
    if (!have_room(p, all)) return false;
    uint8_t *at = p->room;
    for (int i = 0; i < p->count; i++) {
        p->seen[i] = 0;
        p->samples[i] = at;
        p->next[i] = at + samples[i];
        at += samples[i] + next[i];
    }
    return true;
}

bool planes_begin(planes *p, const plane_shape shape[3], const resize_box *picture, const resize_box *from, resize_kernel kernel,
                  int out_width, int out_height, uint8_t *u8, float *f32, int64_t stride) {
    if (!p) return false;
    memcpy(p->shape, shape, sizeof p->shape);
    p->count = shape[0].channels == 3 ? 1 : 3;
    p->kernel = kernel;
    p->width = out_width, p->height = out_height;
    p->u8 = u8, p->f32 = f32, p->stride = stride;
    for (int i = 0; i < p->count; i++) {
        const resize_box *b = &shape[i].picture;
        double across = (b->x1 - b->x0) / (picture->x1 - picture->x0), down = (b->y1 - b->y0) / (picture->y1 - picture->y0);
        p->from[i] = (resize_box){b->x0 + (from->x0 - picture->x0) * across, b->y0 + (from->y0 - picture->y0) * down,
                                  b->x0 + (from->x1 - picture->x0) * across, b->y0 + (from->y1 - picture->y0) * down};
        plane_shape *s = &p->shape[i];
        if (p->count == 1 || s->shrunk > 1) continue;
        if (s->spread_x == 0 && p->from[i].x1 - p->from[i].x0 > out_width) s->spread_x = NARROWER;
        if (s->spread_y == 0 && p->from[i].y1 - p->from[i].y0 > out_height) s->spread_y = NARROWER;
    }
    bool starved = false;
    p->whole = f32 || !(shape[0].channels == 3 ? begin_rgb : begin_sums)(p, &starved);
    return !starved && (!p->whole || begin_whole(p));
}

uint8_t *planes_room(const planes *p, int plane, int ahead) {
    return p->whole ? p->next[plane] + (bytes_of(p, plane) + PLANES_SPARE) * (size_t)ahead
                    : resizer_room(p->by_lines[plane], ahead);
}

void planes_lines(planes *p, int plane, int n) {
    if (!p->whole) {
        resizer_lines(p->by_lines[plane], n);
        return;
    }
    size_t line = bytes_of(p, plane);
    for (int i = 0; i < n; i++, p->seen[plane]++)
        memcpy(p->samples[plane] + line * (size_t)p->seen[plane], planes_room(p, plane, i), line);
}

/* ---- to RGB ---- */

/* x times a weight in units of 2^-15, rounded: one instruction for 16 or 32 of them, as long as weights are below 1. */
#define PRODUCT(x, w) ((int16_t)((((x) * (w) >> 14) + 1) >> 1))

static inline uint8_t byte(int16_t v) {
    v = (int16_t)(((int16_t)(v + 16) >> 5) + 128);
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* .402, .344136, .714136, .772 of 2^15: variables, as gcc makes the one instruction of a product only then. */
static const volatile int16_t weights[4] = {13173, 11277, 23401, 25297};

/* n sums to bytes, each colour for itself; in units of 1/32: in those of 1/64 what overshoots wouldn't have room. */
WIDEST static void to_bytes(uint8_t *restrict red, uint8_t *restrict green, uint8_t *restrict blue, const int16_t *restrict y,
                            const int16_t *restrict cb, const int16_t *restrict cr, size_t n) {
    const int16_t red_cr = weights[0], green_cb = weights[1], green_cr = weights[2], blue_cb = weights[3];
    for (size_t x = 0; x < n / BLOCK * BLOCK; x++) {
        int16_t luma = (int16_t)(y[x] >> 1), b = (int16_t)(cb[x] >> 1), r = (int16_t)(cr[x] >> 1);
        red[x] = byte((int16_t)(luma + r + PRODUCT(r, red_cr)));
        green[x] = byte((int16_t)(luma - PRODUCT(b, green_cb) - PRODUCT(r, green_cr)));
        blue[x] = byte((int16_t)(luma + b + PRODUCT(b, blue_cb)));
    }
}

/* Three colours beside each other, AT_ONCE pixels at a time: r0 g0 b0 r1 g1 ... Writes up to AT_ONCE - 1 pixels beyond n. */
typedef uint8_t bytes __attribute__((vector_size(AT_ONCE), aligned(1), may_alias));
WIDE static void interleave(uint8_t *restrict to, const uint8_t *restrict red, const uint8_t *restrict green,
                            const uint8_t *restrict blue, int n) {
    for (int x = 0; x < n; x += AT_ONCE, to += 3 * AT_ONCE) {
        bytes r = *(const bytes *)(red + x), g = *(const bytes *)(green + x), b = *(const bytes *)(blue + x);
        bytes low = __builtin_shufflevector(r, g, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        bytes high = __builtin_shufflevector(r, g, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        bytes middle = __builtin_shufflevector(low, high, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23);
        *(bytes *)to = __builtin_shufflevector(low, b, 0, 1, 16, 2, 3, 17, 4, 5, 18, 6, 7, 19, 8, 9, 20, 10);
        *(bytes *)(to + 16) = __builtin_shufflevector(middle, b, 3, 21, 4, 5, 22, 6, 7, 23, 8, 9, 24, 10, 11, 25, 12, 13);
        *(bytes *)(to + 32) = __builtin_shufflevector(high, b, 26, 6, 7, 27, 8, 9, 28, 10, 11, 29, 12, 13, 30, 14, 15, 31);
    }
}

static void row_to_bytes(planes *p, uint8_t *to, const int16_t *y, const int16_t *cb, const int16_t *cr) {
    int whole = p->width / AT_ONCE * AT_ONCE;
    to_bytes(p->colour[0], p->colour[1], p->colour[2], y, cb, cr, p->line);
    interleave(to, p->colour[0], p->colour[1], p->colour[2], whole);
    uint8_t last[3 * AT_ONCE];
    interleave(last, p->colour[0] + whole, p->colour[1] + whole, p->colour[2] + whole, p->width - whole);
    memcpy(to + 3 * whole, last, 3 * (size_t)(p->width - whole));
}

WIDE static void row_to_floats(float *restrict to, const float *restrict y, const float *restrict cb, const float *restrict cr,
                               int width) {
    for (int x = 0; x < width; x++) {
        float b = cb[x] - 128, r = cr[x] - 128;
        to[3 * x] = y[x] + 1.402f * r;
        to[3 * x + 1] = y[x] - .344136f * b - .714136f * r;
        to[3 * x + 2] = y[x] + 1.772f * b;
    }
}

/* A plane at its size, in floats. */
static bool scale(const planes *p, int i, float *out, int64_t stride) {
    resize_source src = source(p, i, p->samples[i]);
    return resize_f32(&src, &p->from[i], p->kernel, p->width, p->height, out, stride);
}

static bool end_whole(planes *p) {
    if (p->count == 1 && p->u8) {
        resize_source src = source(p, 0, p->samples[0]);
        return resize_u8(&src, &p->from[0], p->kernel, p->width, p->height, p->u8, p->stride);
    }
    if (p->count == 1) return scale(p, 0, p->f32, p->stride);
    size_t w = (size_t)p->width, n = w * (size_t)p->height;
    float *scaled = malloc((3 * n + 3 * w) * sizeof *scaled);
    bool ok = scaled;
    for (int i = 0; ok && i < 3; i++) ok = scale(p, i, scaled + (size_t)i * n, p->width);
    for (int y = 0; ok && y < p->height; y++) {
        const float *row = scaled + (size_t)y * w;
        float *to = p->f32 ? p->f32 + y * p->stride : scaled + 3 * n;
        row_to_floats(to, row, row + n, row + 2 * n, p->width);
        for (size_t i = 0; p->u8 && i < 3 * w; i++)
            p->u8[y * p->stride + (int64_t)i] = to[i] < 0 ? 0 : to[i] > 255 ? 255 : (uint8_t)(int)(to[i] + .5f);
    }
    free(scaled);
    return ok;
}

bool planes_end(planes *p) {
    if (p->whole) return end_whole(p);
    for (int y = 0; p->count == 3 && y < p->height; y++) {
        size_t at = (size_t)y * p->line;
        row_to_bytes(p, p->u8 + y * p->stride, p->sums[0] + at, p->sums[1] + at, p->sums[2] + at);
    }
    return true;
}
