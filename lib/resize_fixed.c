#include "resize_fixed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "wide.h"

/* Bytes become (x - 128) * 256, weights are in units of 2^-14, and a product is rounded to its upper half (one instruction for 16 of them): so sums down
 * are in units of 1/128 of a level, sums across in 1/64. They can't overflow where they end, as weights overshoot less than twice; on the way they may, and come back.
 *
 * Rows go down first, a block of LINES of them, which is then turned: element by element the lines lie side by side, so that summing across is the same loop over
 * neighbours in memory. */
enum { LINES = 16, ONE = 1 << 14, MOST = 40 };

/* The weights of one axis, in fours: the last ones may be 0. */
typedef struct {
    int most;
    int16_t *weight;
} fixed_taps;

bool resize_fixed_can(const resize_taps *t) {
    if (t->most > MOST) return false;
    for (int i = 0; i < t->out; i++) {
        float sum = 0;
        for (int k = 0; k < t->count[i]; k++) sum += fabsf(t->weight[i * t->most + k]);
        if (!(sum < 1.9f)) return false;
    }
    return true;
}

/* Rounded so that they sum to ONE: what is missing goes to the largest. */
static bool fixed_make(fixed_taps *f, const resize_taps *t) {
    f->most = (t->most + 3) & ~3;
    f->weight = calloc((size_t)t->out * (size_t)f->most, sizeof *f->weight);
    for (int i = 0; f->weight && i < t->out; i++) {
        int16_t *to = f->weight + (size_t)i * (size_t)f->most;
        int missing = ONE, largest = 0;
        for (int k = 0; k < t->count[i]; k++) {
            to[k] = (int16_t)lrintf(t->weight[(size_t)i * (size_t)t->most + (size_t)k] * ONE);
            missing -= to[k];
            if (to[k] > to[largest]) largest = k;
        }
        to[largest] = (int16_t)(to[largest] + missing);
    }
    return f->weight;
}

#define PRODUCT(x, w) ((int16_t)((((x) * (w) >> 14) + 1) >> 1))

WIDE static void widen(int16_t *restrict to, const uint8_t *restrict from, size_t n) {
    for (size_t i = 0; i < n; i++) to[i] = (int16_t)((from[i] - 128) * 256);
}

/* to = the sum of four lines with their weights, added to what is there unless it is the first. */
WIDE static void add_lines(int16_t *restrict to, const int16_t *const line[4], const int16_t w[4], size_t n, bool first) {
    const int16_t *restrict a = line[0], *restrict b = line[1], *restrict c = line[2], *restrict d = line[3];
    const int16_t wa = w[0], wb = w[1], wc = w[2], wd = w[3];
    if (first)
        for (size_t i = 0; i < n; i++)
            to[i] = (int16_t)(PRODUCT(a[i], wa) + PRODUCT(b[i], wb) + PRODUCT(c[i], wc) + PRODUCT(d[i], wd));
    else
        for (size_t i = 0; i < n; i++)
            to[i] = (int16_t)(to[i] + PRODUCT(a[i], wa) + PRODUCT(b[i], wb) + PRODUCT(c[i], wc) + PRODUCT(d[i], wd));
}

/* Every output across, of LINES lines at once: from[element][line] to to[element][line]. */
WIDE static void add_across(int16_t (*restrict to)[LINES], int16_t (*restrict from)[LINES], int channels, const resize_taps *t,
                            const fixed_taps *f) {
    for (int x = 0; x < t->out; x++)
        for (int c = 0; c < channels; c++, to++) {
            int16_t(*p)[LINES] = from + (t->first[x] - t->first[0]) * channels + c, sum[LINES] = {0};
            const int16_t *w = f->weight + (size_t)x * (size_t)f->most;
            for (int k = 0; k < t->count[x]; k += 4, w += 4, p += 4 * channels)
                for (int i = 0; i < LINES; i++)
                    sum[i] = (int16_t)(sum[i] + PRODUCT(p[0][i], w[0]) + PRODUCT(p[channels][i], w[1]) +
                                       PRODUCT(p[2 * channels][i], w[2]) + PRODUCT(p[3 * channels][i], w[3]));
            memcpy(to, sum, sizeof sum);
        }
}

WIDE static void to_bytes(uint8_t *restrict to, const int16_t *restrict from, size_t n) {
    for (size_t i = 0; i < n; i++) {
        int16_t v = (int16_t)(((int16_t)(from[i] + 32) >> 6) + 128);
        v = v < 0 ? 0 : v;
        to[i] = (uint8_t)(v > 255 ? 255 : v);
    }
}

/* ---- turning: rows to columns, 8 x 8 elements at a time ---- */

typedef int16_t eight __attribute__((vector_size(16)));
#define ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)

/* Each round moves one bit of an element's row number to its column number, and one back. */
static inline void turn_8x8(int16_t *to, size_t to_stride, const int16_t *from, size_t from_stride) {
    eight v[8], u[8];
    for (size_t i = 0; i < 8; i++) memcpy(&v[i], from + i * from_stride, sizeof v[i]);
    for (int i = 0; i < 4; i++) u[2 * i] = ZIP_LOW(v[i], v[i + 4]), u[2 * i + 1] = ZIP_HIGH(v[i], v[i + 4]);
    for (int i = 0; i < 4; i++) v[2 * i] = ZIP_LOW(u[i], u[i + 4]), v[2 * i + 1] = ZIP_HIGH(u[i], u[i + 4]);
    for (int i = 0; i < 4; i++) u[2 * i] = ZIP_LOW(v[i], v[i + 4]), u[2 * i + 1] = ZIP_HIGH(v[i], v[i + 4]);
    for (size_t i = 0; i < 8; i++) memcpy(to + i * to_stride, &u[i], sizeof u[i]);
}

/* rows x columns, both multiples of 8. */
static void turn(int16_t *to, const int16_t *from, size_t rows, size_t columns) {
    for (size_t y = 0; y < rows; y += 8)
        for (size_t x = 0; x < columns; x += 8) turn_8x8(to + x * rows + y, rows, from + y * columns + x, columns);
}

/* ---- the whole ---- */

bool resize_fixed(const resize_source *src, const resize_taps *across, const resize_taps *down, uint8_t *out,
                  int64_t out_stride) {
    fixed_taps fx = {0}, fy = {0};
    size_t channels = (size_t)src->channels, line = (size_t)src->width * channels;
    /* Only the columns that some weight uses. */
    size_t left = (size_t)across->first[0] * channels;
    size_t used = (size_t)(across->first[across->out - 1] + across->count[across->out - 1]) * channels - left;
    size_t in = (used + 7) & ~(size_t)7, n = (size_t)across->out * channels, made = (n + 7) & ~(size_t)7;
    /* Lines of the source that are still wanted, in a ring; sums down; the same turned (with what zero weights read beyond the end); sums across; turned back. */
    size_t ring_lines = (size_t)down->most,
           sizes[] = {ring_lines * in, LINES * in, LINES * (in + 4 * channels), LINES * made, LINES * made};
    int16_t *part[5] = {aligned_alloc64((sizes[0] + sizes[1] + sizes[2] + sizes[3] + sizes[4]) * sizeof **part)};
    bool ok = fixed_make(&fx, across) && fixed_make(&fy, down) && *part;
    if (ok) {
        for (int i = 1; i < 5; i++) part[i] = part[i - 1] + sizes[i - 1];
        memset(part[0], 0, (sizes[0] + sizes[1] + sizes[2]) * sizeof **part);
    }
    int ready = 0;
    for (int y = 0; ok && y < down->out; y += LINES) {
        int lines = down->out - y < LINES ? down->out - y : LINES;
        for (int i = y; i < y + lines; i++) {
            const int first = down->first[i], count = down->count[i];
            ready = ready < first ? first : ready;
            for (; ready < first + count; ready++)
                widen(part[0] + (size_t)ready % ring_lines * in, src->u8 + (size_t)ready * line + left, used);
            for (int k = 0; k < count; k += 4) {
                const int16_t *from[4];
                for (int l = 0; l < 4; l++) from[l] = part[0] + (size_t)(first + (k + l < count ? k + l : k)) % ring_lines * in;
                add_lines(part[1] + (size_t)(i - y) * in, from, fy.weight + (size_t)i * (size_t)fy.most + k, used, k == 0);
            }
        }
        turn(part[2], part[1], LINES, in);
        add_across((int16_t(*)[LINES])part[3], (int16_t(*)[LINES])part[2], src->channels, across, &fx);
        turn(part[4], part[3], made, LINES);
        for (int i = 0; i < lines; i++) to_bytes(out + (y + i) * out_stride, part[4] + (size_t)i * made, n);
    }
    free(fx.weight);
    free(fy.weight);
    free(part[0]);
    return ok;
}
