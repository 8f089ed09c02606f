#include "resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The taps of every output position along one axis: `count[i]` weights from `weight + i * most`, for inputs from first[i]. */
typedef struct {
    int most;
    int *first, *count;
    float *weight;
} taps;

static double triangle(double x) {
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

/* Keys' cubic with a = -1/2: continuous, exact on parabolas. */
static double cubic(double x) {
    const double a = -.5;
    x = fabs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? a * (((x - 5) * x + 8) * x - 4) : 0;
}

static double sinc(double x) {
    return x == 0 ? 1 : sin(M_PI * x) / (M_PI * x);
}

static double lanczos3(double x) {
    return fabs(x) < 3 ? sinc(x) * sinc(x / 3) : 0;
}

static int clamp(double v, int low, int high) {
    return v < low ? low : v > high ? high : (int)v;
}

static void taps_free(taps *t) {
    free(t->first);
    free(t->count);
    free(t->weight);
}

static bool taps_make(taps *t, resize_kernel kernel, int in, double from, double to, int out) {
    static double (*const functions[])(double) = {NULL, triangle, cubic, lanczos3};
    static const double supports[] = {.5, 1, 2, 3};
    double scale = (to - from) / out, wide = scale > 1 ? scale : 1, support = supports[kernel] * wide;
    if (kernel == RESIZE_NEAREST) wide = 0, support = 0;
    t->most = clamp(2 * ceil(support) + 1, 1, in);
    t->first = malloc((size_t)out * sizeof *t->first);
    t->count = malloc((size_t)out * sizeof *t->count);
    t->weight = malloc((size_t)out * (size_t)t->most * sizeof *t->weight);
    double *w = malloc((size_t)t->most * sizeof *w);
    bool ok = t->first && t->count && t->weight && w;
    for (int i = 0; ok && i < out; i++) {
        double centre = from + (i + .5) * scale, sum = 0;
        float *weight = t->weight + (size_t)i * (size_t)t->most;
        if (kernel == RESIZE_NEAREST) {
            t->first[i] = clamp(floor(centre), 0, in - 1);
            t->count[i] = 1;
            weight[0] = 1;
            continue;
        }
        /* Inputs whose centre is inside the support. */
        int lo = clamp(floor(centre - support + .5), 0, in - 1);
        int hi = clamp(floor(centre + support + .5), lo + 1, in);
        int n = hi - lo < t->most ? hi - lo : t->most;
        for (int k = 0; k < n; k++) sum += w[k] = functions[kernel]((lo + k + .5 - centre) / wide);
        for (int k = 0; k < n; k++) weight[k] = (float)(sum != 0 ? w[k] / sum : 1. / n);
        t->first[i] = lo;
        t->count[i] = n;
    }
    free(w);
    return ok;
}

/* row[i] = sum over taps of weight * line[i], n elements: the vertical pass for one output row. Lines are `stride` apart. */
static void sum_u8(float *restrict row, const uint8_t *restrict line, size_t n, size_t stride, const float *weight, int count) {
    for (size_t i = 0; i < n; i++) row[i] = 0;
    for (int k = 0; k < count; k++, line += stride) {
        float w = weight[k];
#pragma omp simd
        for (size_t i = 0; i < n; i++) row[i] += w * (float)line[i];
    }
}

static void sum_f32(float *restrict row, const float *restrict line, size_t n, size_t stride, const float *weight, int count) {
    for (size_t i = 0; i < n; i++) row[i] = 0;
    for (int k = 0; k < count; k++, line += stride) {
        float w = weight[k];
#pragma omp simd
        for (size_t i = 0; i < n; i++) row[i] += w * line[i];
    }
}

/* The horizontal pass: always four channels at once, of which the first are kept (a row has room for four beyond its end). */
typedef float four __attribute__((vector_size(16)));

static void across(float *out, const float *row, int channels, const taps *t, int width) {
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
 * scaled across, while it is in the cache. */
static bool resize(const resize_source *src, const resize_box *box, resize_kernel kernel, int width, int height, uint8_t *out_u8,
                   float *out_f32, int64_t out_stride) {
    resize_box all = {0, 0, src->width, src->height};
    if (!box) box = &all;
    taps tx = {0}, ty = {0};
    size_t channels = (size_t)src->channels, line = (size_t)src->width * channels, n = (size_t)width * channels;
    float *row = calloc(line + 4, sizeof *row), *done = malloc(n * sizeof *done);
    bool ok = row && done && taps_make(&tx, kernel, src->width, box->x0, box->x1, width) &&
              taps_make(&ty, kernel, src->height, box->y0, box->y1, height);
    if (ok) {
        /* Only the columns that some tap uses. */
        size_t left = (size_t)tx.first[0] * channels;
        size_t used = (size_t)(tx.first[width - 1] + tx.count[width - 1]) * channels - left;
        for (int y = 0; y < height; y++) {
            size_t at = (size_t)ty.first[y] * line + left;
            const float *weight = ty.weight + (size_t)y * (size_t)ty.most;
            if (src->u8)
                sum_u8(row + left, src->u8 + at, used, line, weight, ty.count[y]);
            else
                sum_f32(row + left, src->f32 + at, used, line, weight, ty.count[y]);
            float *to = out_f32 ? out_f32 + y * out_stride : done;
            across(to, row, src->channels, &tx, width);
            if (!out_u8) continue;
            uint8_t *bytes = out_u8 + y * out_stride;
            for (size_t i = 0; i < n; i++) {
                float v = done[i] + .5f;
                v = v < 0 ? 0 : v > 255 ? 255 : v;
                bytes[i] = (uint8_t)(int)v;
            }
        }
    }
    taps_free(&tx);
    taps_free(&ty);
    free(row);
    free(done);
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
