#include "affine.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- maps ---- */

/* Exact at multiples of 90 degrees. The series is good to a double's last digits for up to 45 degrees. */
static double sine(double degrees) {
    degrees -= 360 * floor(degrees / 360);
    if (degrees >= 180) return -sine(degrees - 180);
    if (degrees > 90) degrees = 180 - degrees;
    bool cosine = degrees > 45;
    double x = (cosine ? 90 - degrees : degrees) * (M_PI / 180), term = cosine ? 1 : x, sum = term;
    for (int i = cosine ? 1 : 2; i < 20; i += 2) {
        term *= -x * x / (i * (i + 1));
        sum += term;
    }
    return sum;
}

static double cosine(double degrees) {
    return sine(degrees + 90);
}

affine affine_identity(void) {
    return (affine){.xx = 1, .yy = 1};
}

affine affine_flip(void) {
    return (affine){.xx = -1, .yy = 1};
}

affine affine_shift(double x, double y) {
    return (affine){.xx = 1, .yy = 1, .x0 = x, .y0 = y};
}

affine affine_rotate(double degrees) {
    double s = sine(degrees), c = cosine(degrees);
    return (affine){.xx = c, .xy = -s, .yx = s, .yy = c};
}

affine affine_shear(double degrees) {
    return (affine){.xx = 1, .xy = -sine(degrees), .yy = cosine(degrees)};
}

affine affine_zoom(double x, double y) {
    return (affine){.xx = x, .yy = y};
}

affine affine_then(const affine *a, const affine *b) {
    return (affine){
        .xx = a->xx * b->xx + a->xy * b->yx,
        .xy = a->xx * b->xy + a->xy * b->yy,
        .x0 = a->xx * b->x0 + a->xy * b->y0 + a->x0,
        .yx = a->yx * b->xx + a->yy * b->yx,
        .yy = a->yx * b->xy + a->yy * b->yy,
        .y0 = a->yx * b->x0 + a->yy * b->y0 + a->y0,
    };
}

affine affine_inverse(const affine *m) {
    double det = m->xx * m->yy - m->xy * m->yx;
    affine i = {.xx = m->yy / det, .xy = -m->xy / det, .yx = -m->yx / det, .yy = m->xx / det};
    i.x0 = -(i.xx * m->x0 + i.xy * m->y0);
    i.y0 = -(i.yx * m->x0 + i.yy * m->y0);
    return i;
}

bool affine_is_identity(const affine *m) {
    return m->xx == 1 && m->xy == 0 && m->x0 == 0 && m->yx == 0 && m->yy == 1 && m->y0 == 0;
}

/* ---- pixels ---- */

/* A place on one axis between two pixels: `at` and at + step (0 at the edge). */
typedef struct {
    int at, step;
    float part;
    bool outside;
} place;

/* Angles leave rounding errors: a point this little outside is on the edge. */
static const double ALMOST = 1e-6;

/* Mirrors v into -.5 .. n - .5. */
static double mirror(double v, int n) {
    double period = 2. * n;
    v += .5;
    v -= period * floor(v / period);
    return (v > n ? period - v : v) - .5;
}

static inline place find(double v, int n, affine_fill fill) {
    place p = {0};
    double last = n - 1;
    if (fill == AFFINE_REFLECT && (v < 0 || v > last)) v = mirror(v, n);
    if (fill == AFFINE_CONSTANT) p.outside = v < -ALMOST || v > last + ALMOST;
    v = v > 0 ? v : 0;
    v = v < last ? v : last;
    p.at = (int)v;
    p.part = (float)(v - p.at);
    p.step = p.at < n - 1;
    return p;
}

typedef float four __attribute__((vector_size(16)));

static inline four load(const float *p) {
    four v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Four floats are read and written for three channels: the next pixel, or the room at the array's end, takes the rest. */
static inline void blend(float *out, const float *a, const float *b, float part, int channels) {
    if (channels == 1) {
        *out = *a + (*b - *a) * part;
        return;
    }
    four v = load(a), w = load(b);
    v += (w - v) * part;
    memcpy(out, &v, sizeof v);
}

static inline void fill_pixel(float *out, float value, int channels) {
    for (int c = 0; c < channels; c++) out[c] = value;
}

/* Each output pixel has its own place. Down first, then across, as in stretch(). */
static inline __attribute__((always_inline)) void turn(const float *in, int width, int height, int channels, const affine *m,
                                                       affine_fill fill, float value, float *out) {
    const double cx = (width - 1) / 2., cy = (height - 1) / 2.;
    const size_t line = (size_t)width * (size_t)channels;
    for (int y = 0; y < height; y++) {
        const double bx = m->xy * (y - cy) + m->x0 + cx, by = m->yy * (y - cy) + m->y0 + cy;
        for (int x = 0; x < width; x++, out += channels) {
            place px = find(m->xx * (x - cx) + bx, width, fill), py = find(m->yx * (x - cx) + by, height, fill);
            const float *p = in + (size_t)py.at * line + (size_t)px.at * (size_t)channels;
            const size_t down = py.step ? line : 0, right = px.step ? (size_t)channels : 0;
            float a[4], b[4];
            blend(a, p, p + down, py.part, channels);
            blend(b, p + right, p + right + down, py.part, channels);
            blend(out, a, b, px.part, channels);
            if (fill == AFFINE_CONSTANT && (px.outside || py.outside)) fill_pixel(out, value, channels);
        }
    }
}

/* Lines stay lines: each is blended of two, then its pixels are, at places that are the same for all lines. */
static inline __attribute__((always_inline)) void stretch(const float *in, int width, int height, int channels, const affine *m,
                                                          affine_fill fill, float value, float *out, place *across, float *row) {
    const double cx = (width - 1) / 2., cy = (height - 1) / 2.;
    const size_t line = (size_t)width * (size_t)channels;
    for (int x = 0; x < width; x++) across[x] = find(m->xx * (x - cx) + (m->x0 + cx), width, fill);
    for (int y = 0; y < height; y++) {
        place py = find(m->yy * (y - cy) + m->y0 + cy, height, fill);
        const float *top = in + (size_t)py.at * line, *from = top;
        if (py.part > 0) {
            const float *bottom = top + (py.step ? line : 0);
            for (size_t i = 0; i < line; i++) row[i] = top[i] + (bottom[i] - top[i]) * py.part;
            from = row;
        }
        for (int x = 0; x < width; x++, out += channels) {
            const float *p = from + (size_t)across[x].at * (size_t)channels;
            blend(out, p, across[x].step ? p + channels : p, across[x].part, channels);
            if (fill == AFFINE_CONSTANT && (across[x].outside || py.outside)) fill_pixel(out, value, channels);
        }
    }
}

bool affine_image(const float *in, int width, int height, int channels, const affine *m, affine_fill fill, float value,
                  float *out) {
    if (m->xy != 0 || m->yx != 0) {
        if (channels == 3 && fill == AFFINE_NEAREST)
            turn(in, width, height, 3, m, AFFINE_NEAREST, value, out);
        else if (channels == 3)
            turn(in, width, height, 3, m, fill, value, out);
        else
            turn(in, width, height, 1, m, fill, value, out);
        return true;
    }
    place *across = malloc((size_t)width * sizeof *across);
    float *row = calloc((size_t)width * (size_t)channels + 4, sizeof *row);
    bool ok = across && row;
    if (ok && channels == 3)
        stretch(in, width, height, 3, m, fill, value, out, across, row);
    else if (ok)
        stretch(in, width, height, 1, m, fill, value, out, across, row);
    free(across);
    free(row);
    return ok;
}
