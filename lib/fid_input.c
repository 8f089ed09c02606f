#include "fid_input.h"

#include <stdlib.h>

#include "resize.h"

/* Where an output pixel lies between two of the input. */
typedef struct {
    int low, high;
    float part; /* of high */
} place;

static void places(fid_mode mode, int in, int out, place *p) {
    float scale = (float)in / (float)out;
    for (int i = 0; i < out; i++) {
        float at = mode == FID_TF1 ? (float)i * scale : ((float)i + .5f) * scale - .5f;
        if (at < 0) at = 0;
        int low = (int)at;
        if (low > in - 1) low = in - 1;
        p[i] = (place){low, low + 1 < in ? low + 1 : low, at - (float)low};
    }
}

static bool bilinear(fid_mode mode, const uint8_t *u, int h, int w, int c, int out_h, int out_w, float *x) {
    place *rows = malloc(((size_t)out_h + (size_t)out_w) * sizeof *rows);
    if (!rows) return false;
    place *columns = rows + out_h;
    places(mode, h, out_h, rows);
    places(mode, w, out_w, columns);
    for (int i = 0; i < out_h; i++) {
        const uint8_t *top = u + (size_t)rows[i].low * (size_t)w * (size_t)c,
                      *bottom = u + (size_t)rows[i].high * (size_t)w * (size_t)c;
        for (int j = 0; j < out_w; j++) {
            int a = columns[j].low * c, b = columns[j].high * c;
            for (int k = 0; k < c; k++) {
                float above = top[a + k] + (float)(top[b + k] - top[a + k]) * columns[j].part;
                float below = bottom[a + k] + (float)(bottom[b + k] - bottom[a + k]) * columns[j].part;
                *x++ = above + (below - above) * rows[i].part;
            }
        }
    }
    free(rows);
    return true;
}

bool fid_resize(fid_mode mode, const uint8_t *u, int h, int w, int c, int out_h, int out_w, float *x) {
    size_t count = (size_t)out_h * (size_t)out_w * (size_t)c;
    if (h == out_h && w == out_w) {
        for (size_t i = 0; i < count; i++) x[i] = u[i];
        return true;
    }
    if (mode != FID_CLEAN) return bilinear(mode, u, h, w, c, out_h, out_w, x);
    resize_source src = {.width = w, .height = h, .channels = c, .u8 = u};
    if (!resize_f32(&src, NULL, RESIZE_BICUBIC, out_w, out_h, x, (int64_t)out_w * c)) return false;
    for (size_t i = 0; i < count; i++) x[i] = x[i] < 0 ? 0 : x[i] > 255 ? 255 : x[i];
    return true;
}

void fid_scale(fid_mode mode, float *x, size_t count) {
    if (mode == FID_PYTORCH)
        for (size_t i = 0; i < count; i++) x[i] = 2 * (x[i] / 255) - 1;
    else
        for (size_t i = 0; i < count; i++) x[i] = (x[i] - 128) / 128;
}
