#include "resize.h"

#include <stdlib.h>
#include <string.h>

#include "resize_taps.h"
#include "resizer.h"
#include "wide.h"

/* row[i] = sum over taps of weight * line[i], n elements: the vertical pass for one output row. Lines are `stride` apart. */
WIDE static void sum_u8(float *restrict row, const uint8_t *restrict line, size_t n, size_t stride, const float *weight,
                        int count) {
    for (size_t i = 0; i < n; i++) row[i] = 0;
    for (int k = 0; k < count; k++, line += stride) {
        float w = weight[k];
#pragma omp simd
        for (size_t i = 0; i < n; i++) row[i] += w * (float)line[i];
    }
}

WIDE static void sum_f32(float *restrict row, const float *restrict line, size_t n, size_t stride, const float *weight,
                         int count) {
    for (size_t i = 0; i < n; i++) row[i] = 0;
    for (int k = 0; k < count; k++, line += stride) {
        float w = weight[k];
#pragma omp simd
        for (size_t i = 0; i < n; i++) row[i] += w * line[i];
    }
}

/* The horizontal pass: always four channels at once, of which the first are kept (a row has room for four beyond its end). */
typedef float four __attribute__((vector_size(16)));

static void across(float *out, const float *row, int channels, const resize_taps *t, int width) {
    for (int x = 0; x < width; x++) {
        const float *p = row + (size_t)t->first[x] * (size_t)channels, *weight = t->weight + (size_t)x * (size_t)t->most;
        four sum = {0};
        for (int k = 0; k < t->count[x]; k++, p += channels) {
            four v;
            memcpy(&v, p, sizeof v);
            sum += weight[k] * v;
        }
        for (int c = 0; c < channels; c++) out[x * channels + c] = sum[c];
    }
}

/* Goes down the output: each row is summed vertically (long loops over whole lines, which the compiler vectorises), then
 * scaled across, while it is in the cache. Rows of floats, or bytes. */
static bool by_floats(const resize_source *src, const resize_taps *tx, const resize_taps *ty, uint8_t *out_u8, float *out_f32,
                      int64_t out_stride) {
    size_t channels = (size_t)src->channels, line = (size_t)src->width * channels, n = (size_t)tx->out * channels;
    float *row = calloc(line + 4, sizeof *row), *done = malloc(n * sizeof *done);
    bool ok = row && done;
    /* Only the columns that some tap uses. */
    size_t left = (size_t)tx->first[0] * channels;
    size_t used = (size_t)(tx->first[tx->out - 1] + tx->count[tx->out - 1]) * channels - left;
    for (int y = 0; ok && y < ty->out; y++) {
        size_t at = (size_t)ty->first[y] * line + left;
        const float *weight = ty->weight + (size_t)y * (size_t)ty->most;
        if (src->u8)
            sum_u8(row + left, src->u8 + at, used, line, weight, ty->count[y]);
        else
            sum_f32(row + left, src->f32 + at, used, line, weight, ty->count[y]);
        float *to = out_f32 ? out_f32 + y * out_stride : done;
        across(to, row, src->channels, tx, tx->out);
        if (!out_u8) continue;
        uint8_t *bytes = out_u8 + y * out_stride;
        for (size_t i = 0; i < n; i++) {
            float v = done[i] + .5f;
            v = v < 0 ? 0 : v > 255 ? 255 : v;
            bytes[i] = (uint8_t)(int)v;
        }
    }
    free(row);
    free(done);
    return ok;
}

/* Bytes that stay as they are. */
static void pick(const resize_source *src, const resize_taps *tx, const resize_taps *ty, uint8_t *out, int64_t out_stride) {
    size_t channels = (size_t)src->channels, line = (size_t)src->width * channels;
    bool together = tx->first[tx->out - 1] - tx->first[0] == tx->out - 1;
    for (int x = 1; x < tx->out; x++) together = together && tx->first[x] == tx->first[x - 1] + 1;
    for (int y = 0; y < ty->out; y++) {
        const uint8_t *from = src->u8 + (size_t)ty->first[y] * line;
        uint8_t *to = out + y * out_stride;
        if (together)
            memcpy(to, from + (size_t)tx->first[0] * channels, (size_t)tx->out * channels);
        else
            for (int x = 0; x < tx->out; x++)
                for (size_t c = 0; c < channels; c++) *to++ = from[(size_t)tx->first[x] * channels + c];
    }
}

/* In whole numbers, where that can be. */
static bool by_lines(const resize_source *src, const resize_box *box, resize_kernel kernel, int width, int height, uint8_t *out,
                     int64_t out_stride, bool *starved) {
    size_t line = (size_t)src->width * (size_t)src->channels;
    resizer *r = resizer_new(NULL);
    bool can = resizer_begin(r, src, box, kernel, width, height, out, out_stride);
    for (int y = 0; can && y < src->height; y++) resizer_line(r, src->u8 + (size_t)y * line);
    *starved = resizer_starved(r);
    resizer_free(r);
    return can;
}

static bool resize(const resize_source *src, const resize_box *box, resize_kernel kernel, int width, int height, uint8_t *out_u8,
                   float *out_f32, int64_t out_stride) {
    resize_box all = {0, 0, src->width, src->height};
    if (!box) box = &all;
    bool bytes = src->u8 && out_u8, starved = false;
    if (bytes && kernel != RESIZE_NEAREST && by_lines(src, box, kernel, width, height, out_u8, out_stride, &starved)) return true;
    if (starved) return false;
    resize_taps tx = {0}, ty = {0};
    bool ok = resize_taps_make(&tx, kernel, src->shrunk, src->spread_x, src->width, box->x0, box->x1, width) &&
              resize_taps_make(&ty, kernel, src->shrunk, src->spread_y, src->height, box->y0, box->y1, height);
    if (ok && bytes && kernel == RESIZE_NEAREST)
        pick(src, &tx, &ty, out_u8, out_stride);
    else if (ok)
        ok = by_floats(src, &tx, &ty, out_u8, out_f32, out_stride);
    resize_taps_free(&tx);
    resize_taps_free(&ty);
    return ok;
}

bool resize_u8(const resize_source *src, const resize_box *box, resize_kernel kernel, int out_width, int out_height, uint8_t *out,
               int64_t out_stride) {
    return resize(src, box, kernel, out_width, out_height, out, NULL, out_stride);
}

bool resize_f32(const resize_source *src, const resize_box *box, resize_kernel kernel, int out_width, int out_height, float *out,
                int64_t out_stride) {
    return resize(src, box, kernel, out_width, out_height, NULL, out, out_stride);
}
