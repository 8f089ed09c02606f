#include "resizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "resize_taps.h"
#include "wide.h"

/* Bytes become (x - 128) * 256, weights are in units of 2^-14, and a product is rounded to its upper half (one instruction for 16 of them): so sums down
 * are in units of 1/128 of a level, sums across in 1/64. They can't overflow where they end, as weights overshoot less than twice; on the way they may, and come back.
 *
 * Lines are kept as bytes until LINES outputs can be made of them, and are then worked on a STRIP of columns at a time, which the first-level cache holds: widened, summed down,
 * and turned: element by element the LINES lie side by side, so that summing across is the same loop over neighbours in memory. Whoever makes the lines keeps that cache to
 * himself in the meantime: line by line, the decoder and this would fetch everything anew after each other. */
enum { LINES = 16, LINES_1 = RESIZER_ROWS, STRIP = 64, ONE = 1 << 14, MOST = 40 };

/* Lines of the ring begin so many bytes after a multiple of 64: those at a multiple of 16 libjpeg-turbo writes past the cache, where they would have to be fetched back from. */
enum { UNEVEN = 8 };

/* What weights, sums and buffers are made for. */
typedef struct {
    resize_source src; /* without pixels */
    int out_width, out_height;
    resize_kernel kernel;
    resize_box box;
} shape;

/* The weights of one axis, in twos: the last may be 0. */
typedef struct {
    resize_taps taps;
    int most;
    int16_t *weight;
} axis;

/* What a block of outputs goes through. */
typedef struct {
    int16_t *p;
    size_t size;
} scratch;

struct resizer {
    scratch own, *shared; /* shared: own, or another's */
    bool made, starved; /* for the shape below; memory was what it lacked */
    shape s;
    axis across, down;
    size_t left; /* elements of a line before the first that some weight uses */
    size_t in, made_across; /* elements of a line of the buffers, before and after */
    size_t ring_line; /* of a line as it comes */
    int lines; /* outputs that are made at once */
    int kept; /* lines in the ring: as many as those need, and RESIZER_AHEAD */
    uint8_t *ring;
    void *ring_room;
    size_t wide, sums, turned, done; /* elements of the scratch, in this order; and `done` again */
    size_t scratch_size;
    /* The image at hand: lines seen, where in the ring the next goes, lines made. */
    int line, at, y;
    uint8_t *out; /* or sums */
    int16_t *out_sums;
    int64_t out_stride;
};

resizer *resizer_new(resizer *beside) {
    resizer *r = calloc(1, sizeof *r);
    if (r) r->shared = beside ? beside->shared : &r->own;
    return r;
}

static void forget(resizer *r) {
    resize_taps_free(&r->across.taps);
    resize_taps_free(&r->down.taps);
    free(r->across.weight);
    free(r->down.weight);
    free(r->ring_room);
    *r = (resizer){.own = r->own, .shared = r->shared};
}

void resizer_free(resizer *r) {
    if (!r) return;
    forget(r);
    free(r->own.p);
    free(r);
}

/* False: no memory. */
static bool have_scratch(scratch *s, size_t size) {
    if (size <= s->size) return true;
    free(s->p);
    s->p = aligned_alloc64(size);
    s->size = s->p ? size : 0;
    if (s->p) memset(s->p, 0, size);
    return s->p;
}

/* ---- weights ---- */

/* Sums of both axes have room in 16 bits, and so has what planes.c makes of three of them. */
static bool fits(const resize_taps *t) {
    if (t->most > MOST) return false;
    for (int i = 0; i < t->out; i++) {
        float sum = 0;
        for (int k = 0; k < t->count[i]; k++) sum += fabsf(t->weight[i * t->most + k]);
        if (!(sum < 1.7f)) return false;
    }
    return true;
}

/* Rounded so that they sum to ONE: what is missing goes to the largest. */
static bool axis_make(axis *a, const shape *s, double spread, int in, double from, double to, int out, bool *starved) {
    resize_taps *t = &a->taps;
    *starved = !resize_taps_make(t, s->kernel, s->src.shrunk, spread, in, from, to, out);
    if (*starved || !fits(t)) return false;
    a->most = (t->most + 1) & ~1;
    a->weight = calloc((size_t)out * (size_t)a->most, sizeof *a->weight);
    *starved = !a->weight;
    for (int i = 0; a->weight && i < out; i++) {
        int16_t *w = a->weight + (size_t)i * (size_t)a->most;
        int missing = ONE, largest = 0;
        for (int k = 0; k < t->count[i]; k++) {
            w[k] = (int16_t)lrintf(t->weight[(size_t)i * (size_t)t->most + (size_t)k] * ONE);
            missing -= w[k];
            if (w[k] > w[largest]) largest = k;
        }
        w[largest] = (int16_t)(w[largest] + missing);
    }
    return a->weight;
}

/* ---- sums ---- */

#define PRODUCT(x, w) ((int16_t)((((x) * (w) >> 14) + 1) >> 1))

/* A strip of lines first..first+lines-1 of the ring, from `column` on: to[line][column]. */
WIDEST static void widen(int16_t *restrict to, const resizer *r, size_t column, int first, int lines) {
    for (int i = 0, at = first % r->kept; i < lines; i++, to += STRIP) {
        const uint8_t *restrict from = r->ring + (size_t)at * r->ring_line + r->left + column;
        for (int k = 0; k < STRIP; k++) to[k] = (int16_t)((from[k] - 128) * 256);
        if (++at == r->kept) at = 0;
    }
}

/* Outputs i..end-1 of an axis, each `width` elements: from[input][element] to to[output][element], of which the first n elements are summed; input `base` comes first. n is a constant to
 * the compiler, so that an output's sums stay in registers. */
static inline __attribute__((always_inline)) void add(int16_t *restrict to, const int16_t *restrict from, const int n, int width,
                                                      const axis *a, int base, int i, int end) {
    const resize_taps *t = &a->taps;
    for (; i < end; i++, to += width) {
        const int16_t *p = from + (t->first[i] - base) * width, *w = a->weight + (size_t)i * (size_t)a->most;
        int16_t sum[STRIP] = {0};
        for (int k = 0; k < t->count[i]; k += 2, w += 2, p += 2 * width)
            for (int e = 0; e < n; e++) sum[e] = (int16_t)(sum[e] + PRODUCT(p[e], w[0]) + PRODUCT(p[width + e], w[1]));
        for (int e = 0; e < n; e++) to[e] = sum[e];
    }
}

WIDEST static void add_down(int16_t *to, const int16_t *from, const axis *a, int y, int end) {
    add(to, from, STRIP, STRIP, a, a->taps.first[y], y, end);
}

/* From[pixel][channel][line] to to[pixel][channel][line]. */
WIDEST static void add_across(int16_t *to, const int16_t *from, int channels, const axis *a) {
    const int first = a->taps.first[0], out = a->taps.out;
    if (channels == 1)
        add(to, from, LINES_1, LINES_1, a, first, 0, out);
    else if (channels == 3)
        add(to, from, 3 * LINES, 3 * LINES, a, first, 0, out);
    else
        for (int c = 0; c < channels; c++) add(to + c * LINES, from + c * LINES, LINES, channels * LINES, a, first, 0, out);
}

WIDEST static void to_bytes(uint8_t *restrict to, const int16_t *restrict from, size_t n) {
    for (size_t i = 0; i < n; i++) {
        int16_t v = (int16_t)(((int16_t)(from[i] + 32) >> 6) + 128);
        v = v < 0 ? 0 : v;
        to[i] = (uint8_t)(v > 255 ? 255 : v);
    }
}

/* ---- turning: rows to columns, two blocks of 8 x 8 elements at a time ---- */

typedef int16_t eight __attribute__((vector_size(16), aligned(2), may_alias));
typedef int16_t pair __attribute__((vector_size(32), aligned(2), may_alias)); /* of eights */
#define ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 8, 24, 9, 25, 10, 26, 11, 27)
#define ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 4, 20, 5, 21, 6, 22, 7, 23, 12, 28, 13, 29, 14, 30, 15, 31)
#define FIRST(a) __builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7)
#define SECOND(a) __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15)

/* Each round moves one bit of an element's row number to its column number, and one back. */
#define ROUND(to, from)                                                                                                          \
    for (int i = 0; i < 4; i++) to[2 * i] = ZIP_LOW(from[i], from[i + 4]), to[2 * i + 1] = ZIP_HIGH(from[i], from[i + 4])

/* Eight rows of 16 elements. */
static inline __attribute__((always_inline)) void turn_8x16(int16_t *to, size_t to_stride, const int16_t *from,
                                                            size_t from_stride) {
    pair v[8], u[8];
#pragma GCC unroll 8
    for (size_t i = 0; i < 8; i++) v[i] = *(const pair *)(from + i * from_stride);
    ROUND(u, v);
    ROUND(v, u);
    ROUND(u, v);
#pragma GCC unroll 8
    for (size_t i = 0; i < 8; i++) {
        *(eight *)(to + i * to_stride) = FIRST(u[i]);
        *(eight *)(to + (8 + i) * to_stride) = SECOND(u[i]);
    }
}

/* rows x columns, multiples of 8 and of 16, to columns x rows, which begin at multiples of to_stride. */
WIDE static void turn(int16_t *to, size_t to_stride, const int16_t *from, size_t rows, size_t columns) {
    for (size_t x = 0; x < columns; x += 16)
        for (size_t y = 0; y < rows; y += 8) turn_8x16(to + x * to_stride + y, to_stride, from + y * columns + x, columns);
}

/* ---- an image ---- */

/* The first output that isn't in y's block. */
static int block_end(const resizer *r, int y) {
    int out = r->down.taps.out;
    return y + r->lines < out ? y + r->lines : out;
}

/* The line after the last that the outputs before `end` need. */
static int need(const resize_taps *t, int end) {
    return t->first[end - 1] + t->count[end - 1];
}

/* The most lines that a block of outputs is made of. */
static int lines_at_once(const resizer *r) {
    const resize_taps *t = &r->down.taps;
    int most = 0;
    for (int y = 0; y < t->out; y += r->lines) {
        int lines = need(t, block_end(r, y)) - t->first[y];
        if (lines > most) most = lines;
    }
    return most;
}

/* Weights and buffers for r->s. */
static bool make(resizer *r) {
    const shape *s = &r->s;
    if (!axis_make(&r->across, s, s->src.spread_x, s->src.width, s->box.x0, s->box.x1, s->out_width, &r->starved) ||
        !axis_make(&r->down, s, s->src.spread_y, s->src.height, s->box.y0, s->box.y1, s->out_height, &r->starved))
        return false;
    const resize_taps *t = &r->across.taps;
    size_t channels = (size_t)s->src.channels;
    r->left = (size_t)t->first[0] * channels;
    size_t used = (size_t)(t->first[t->out - 1] + t->count[t->out - 1]) * channels - r->left;
    r->in = (used + STRIP - 1) / STRIP * STRIP;
    r->ring_line = ((size_t)s->src.width * channels + RESIZER_SPARE + 63) & ~(size_t)63;
    r->made_across = ((size_t)s->out_width * channels + 7) & ~(size_t)7;
    r->lines = channels == 1 ? LINES_1 : LINES;
    int most = lines_at_once(r);
    r->kept = most + RESIZER_AHEAD;
    /* A strip of the lines that are needed, and of their sums; all of those turned, with what a weight of 0 reads beyond the end; sums across; turned back. A strip may end beyond the last line. */
    r->wide = (size_t)(most + 1) * STRIP;
    r->sums = (size_t)r->lines * STRIP;
    r->turned = (size_t)r->lines * (r->in + channels);
    r->done = (size_t)r->lines * r->made_across;
    r->scratch_size = (r->wide + r->sums + r->turned + 2 * r->done) * sizeof *r->shared->p;
    size_t ring = (size_t)r->kept * r->ring_line + STRIP + UNEVEN;
    r->ring_room = aligned_alloc64(ring);
    r->starved = !r->ring_room;
    if (r->starved) return false;
    memset(r->ring_room, 0, ring);
    r->ring = (uint8_t *)r->ring_room + UNEVEN;
    return true;
}

static bool begin(resizer *r, const resize_source *src, const resize_box *box, resize_kernel kernel, int out_width,
                  int out_height) {
    shape s;
    memset(&s, 0, sizeof s); /* the gaps, too: shapes are compared as bytes */
    s.src.width = src->width, s.src.height = src->height, s.src.channels = src->channels;
    s.src.shrunk = src->shrunk, s.src.spread_x = src->spread_x, s.src.spread_y = src->spread_y;
    s.out_width = out_width, s.out_height = out_height, s.kernel = kernel;
    s.box.x1 = src->width, s.box.y1 = src->height;
    if (box) s.box = *box;
    if (!r->made || memcmp(&r->s, &s, sizeof s)) {
        forget(r);
        memcpy(&r->s, &s, sizeof s);
        r->starved = false;
        r->made = kernel != RESIZE_NEAREST && make(r);
    }
    r->line = r->at = r->y = 0;
    if (r->made) r->starved = !have_scratch(r->shared, r->scratch_size);
    return r->made && !r->starved;
}

bool resizer_begin(resizer *r, const resize_source *src, const resize_box *box, resize_kernel kernel, int out_width,
                   int out_height, uint8_t *out, int64_t out_stride) {
    if (!r || !begin(r, src, box, kernel, out_width, out_height)) return false;
    r->out = out, r->out_sums = NULL, r->out_stride = out_stride;
    return true;
}

bool resizer_begin_sums(resizer *r, const resize_source *src, const resize_box *box, resize_kernel kernel, int out_width,
                        int out_height, int16_t *out, int64_t out_stride) {
    if (!r || !begin(r, src, box, kernel, out_width, out_height)) return false;
    r->out = NULL, r->out_sums = out, r->out_stride = out_stride;
    return true;
}

bool resizer_starved(const resizer *r) {
    return !r || r->starved;
}

/* Outputs y..end-1, one block. */
static void finish_block(resizer *r, int y, int end) {
    const resize_taps *t = &r->down.taps;
    size_t lines = (size_t)r->lines;
    int16_t *wide = r->shared->p, *sums = wide + r->wide, *turned = sums + r->sums, *done = turned + r->turned,
            *back = done + r->done;
    for (size_t x = 0; x < r->in; x += STRIP) {
        widen(wide, r, x, t->first[y], need(t, end) - t->first[y]);
        add_down(sums, wide, &r->down, y, end);
        turn(turned + x * lines, lines, sums, lines, STRIP);
    }
    add_across(done, turned, r->s.src.channels, &r->across);
    if (r->out_sums) {
        turn(r->out_sums + y * r->out_stride, (size_t)r->out_stride, done, r->made_across, lines);
        return;
    }
    turn(back, r->made_across, done, r->made_across, lines);
    for (int i = 0; y + i < end; i++)
        to_bytes(r->out + (y + i) * r->out_stride, back + (size_t)i * r->made_across,
                 (size_t)(r->s.out_width * r->s.src.channels));
}

uint8_t *resizer_room(const resizer *r, int ahead) {
    int at = r->at + ahead;
    return r->ring + (size_t)(at < r->kept ? at : at - r->kept) * r->ring_line;
}

void resizer_lines(resizer *r, int n) {
    const resize_taps *t = &r->down.taps;
    r->line += n;
    r->at += n;
    if (r->at >= r->kept) r->at -= r->kept;
    for (int end; r->y < t->out && r->line >= need(t, end = block_end(r, r->y)); r->y = end) finish_block(r, r->y, end);
}

void resizer_line(resizer *r, const uint8_t *line) {
    memcpy(resizer_room(r, 0), line, (size_t)(r->s.src.width * r->s.src.channels));
    resizer_lines(r, 1);
}
