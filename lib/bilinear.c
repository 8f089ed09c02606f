#include "bilinear.h"

#include <stdlib.h>
#include <string.h>

/* Where an output pixel lies between two of the input. */
typedef struct {
    int low, high;
    float part; /* of high */
} place;

static void places(bool half_pixel, int in, int out, place *p) {
    float scale = (float)in / (float)out;
    for (int i = 0; i < out; i++) {
        float at = half_pixel ? ((float)i + .5f) * scale - .5f : (float)i * scale;
        if (at < 0) at = 0;
        int low = (int)at;
        if (low > in - 1) low = in - 1;
        p[i] = (place){low, low + 1 < in ? low + 1 : low, at - (float)low};
    }
}

static void between_rows(const uint8_t *restrict a, const uint8_t *restrict b, float part, size_t n, float *restrict y) {
    for (size_t i = 0; i < n; i++) y[i] = a[i] + (float)(b[i] - a[i]) * part;
}

static void between_columns(const float *restrict row, const place *restrict p, int out_w, int c, float *restrict y) {
    if (c == 3) {
        for (int j = 0; j < out_w; j++) {
            const float *a = row + 3 * (size_t)p[j].low, *b = row + 3 * (size_t)p[j].high;
            for (int k = 0; k < 3; k++) y[3 * j + k] = a[k] + (b[k] - a[k]) * p[j].part;
        }
        return;
    }
    for (int j = 0; j < out_w; j++)
        for (int k = 0; k < c; k++) {
            float a = row[(size_t)p[j].low * (size_t)c + (size_t)k], b = row[(size_t)p[j].high * (size_t)c + (size_t)k];
            y[(size_t)j * (size_t)c + (size_t)k] = a + (b - a) * p[j].part;
        }
}

/* Row i of the output goes to floats or, rounded, to bytes: the one that isn't NULL. */
static bool scale(const uint8_t *u, int h, int w, int c, bool half_pixel, int out_h, int out_w, float *floats, uint8_t *bytes,
                  int64_t stride) {
    size_t in_row = (size_t)w * (size_t)c, out_row = (size_t)out_w * (size_t)c;
    place *rows = malloc(((size_t)out_h + (size_t)out_w) * sizeof *rows);
    float *row = malloc((in_row + out_row) * sizeof *row);
    bool good = rows && row;
    if (good) {
        place *columns = rows + out_h;
        places(half_pixel, h, out_h, rows);
        places(half_pixel, w, out_w, columns);
        for (int i = 0; i < out_h; i++) {
            float *to = row + in_row;
            if (floats) to = floats + (size_t)i * out_row;
            between_rows(u + (size_t)rows[i].low * in_row, u + (size_t)rows[i].high * in_row, rows[i].part, in_row, row);
            between_columns(row, columns, out_w, c, to);
            if (bytes)
                for (size_t k = 0; k < out_row; k++) bytes[i * stride + (int64_t)k] = (uint8_t)(int)(to[k] + .5f);
        }
    }
    free(rows);
    free(row);
    return good;
}

bool bilinear_f32(const uint8_t *u, int h, int w, int c, bool half_pixel, int out_h, int out_w, float *y) {
    if (h != out_h || w != out_w) return scale(u, h, w, c, half_pixel, out_h, out_w, y, NULL, 0);
    for (size_t i = 0, n = (size_t)h * (size_t)w * (size_t)c; i < n; i++) y[i] = u[i];
    return true;
}

bool bilinear_u8(const uint8_t *u, int h, int w, int c, bool half_pixel, int out_h, int out_w, uint8_t *y, int64_t stride) {
    if (h != out_h || w != out_w) return scale(u, h, w, c, half_pixel, out_h, out_w, NULL, y, stride);
    for (int i = 0; i < h; i++) memcpy(y + i * stride, u + (size_t)i * (size_t)w * (size_t)c, (size_t)w * (size_t)c);
    return true;
}
