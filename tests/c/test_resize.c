/* lib/resize against Pillow (tests/data/resize.py), against plain sums in double, and what its header promises beyond. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "lib/resize.h"

static int failures;
#define CHECK(ok, ...) ((ok) ? (void)0 : (failures++, printf("%s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), puts("")))

enum { W = 23, H = 17 };
static const uint64_t BYTES = 0xafc37a5848e6b9d5; /* a hash of what against_double() makes */

static void golden(const char *data, size_t len) {
    const resize_source src = {.width = W, .height = H, .channels = 3, .u8 = (const uint8_t *)data};
    float as_f32[W * H * 3];
    for (int i = 0; i < W * H * 3; i++) as_f32[i] = src.u8[i];
    const resize_source src32 = {.width = W, .height = H, .channels = 3, .f32 = as_f32};
    int cases = 0;
    for (size_t at = W * H * 3; at < len; cases++) {
        int32_t head[3];
        float b[4];
        memcpy(head, data + at, 12), memcpy(b, data + at + 12, 16), at += 28;
        int k = head[0], w = head[1], h = head[2], n = w * h * 3;
        const resize_box box = {b[0], b[1], b[2], b[3]};
        const uint8_t *u8 = (const uint8_t *)data + at;
        float *f32 = xarray((size_t)n, 4);
        memcpy(f32, data + at + n, (size_t)n * 4), at += (size_t)n * 5;

        uint8_t *got = xarray((size_t)n, 1);
        float *gotf = xarray((size_t)n, 4), *gotff = xarray((size_t)n, 4);
        CHECK(resize_u8(&src, &box, k, w, h, got, 3 * w), "no memory");
        CHECK(resize_f32(&src, &box, k, w, h, gotf, 3 * w), "no memory");
        CHECK(resize_f32(&src32, &box, k, w, h, gotff, 3 * w), "no memory");
        double worst = 0;
        int worst8 = 0;
        for (int i = 0; i < n; i++) {
            worst = fmax(worst, fabs(gotf[i] - f32[i]));
            int d = abs(got[i] - u8[i]);
            worst8 = d > worst8 ? d : worst8;
        }
        CHECK(worst < 1e-3, "kernel %d to %dx%d: float differs by %g from Pillow", k, w, h, worst);
        /* Pillow clamps between its two passes too, which tells where a kernel overshoots: there only float compares. */
        if (k <= RESIZE_BILINEAR) CHECK(worst8 <= 1, "kernel %d to %dx%d: u8 differs by %d from Pillow", k, w, h, worst8);
        CHECK(!memcmp(gotf, gotff, (size_t)n * 4), "kernel %d to %dx%d: u8 and f32 sources differ", k, w, h);
        for (int i = 0; i < n; i++) {
            double v = fmin(fmax(gotf[i], 0), 255);
            CHECK(fabs(got[i] - v) < .6, "u8 isn't the rounded float: %d from %g", got[i], gotf[i]);
        }
        free(got), free(gotf), free(gotff), free(f32);
    }
    CHECK(cases == 20, "%d cases", cases);
}

/* What must hold for any image: same size gives the same image, constants stay, a stride leaves the rest alone, channels are
 * independent, a box of whole pixels by nearest is a crop. */
static void properties(const char *data) {
    const resize_source src = {.width = W, .height = H, .channels = 3, .u8 = (const uint8_t *)data};
    uint8_t out[64 * 64 * 4];
    for (int k = RESIZE_NEAREST; k <= RESIZE_LANCZOS3; k++) {
        CHECK(resize_u8(&src, NULL, k, W, H, out, 3 * W) && !memcmp(out, data, W * H * 3), "kernel %d: same size, other bytes",
              k);

        uint8_t flat[13 * 7];
        memset(flat, 200, sizeof flat);
        const resize_source grey = {.width = 13, .height = 7, .channels = 1, .u8 = flat};
        for (int size = 1; size < 40; size += 3) {
            CHECK(resize_u8(&grey, NULL, k, size, 41 - size, out, size), "no memory");
            for (int i = 0; i < size * (41 - size); i++) CHECK(out[i] == 200, "kernel %d: 200 became %d", k, out[i]);
        }

        memset(out, 77, sizeof out);
        CHECK(resize_u8(&src, NULL, k, 5, 4, out + 300, 64 * 3), "no memory");
        int touched = 0;
        for (int i = 0; i < 64 * 64 * 3; i++)
            if (out[i] != 77) touched++, CHECK(i >= 300 && (i - 300) / 192 < 4 && (i - 300) % 192 < 15, "wrote at %d", i);
        CHECK(touched > 40, "wrote %d", touched);

        uint8_t plane[W * H], one[9 * 8], three[9 * 8 * 3];
        for (int c = 0; c < 3; c++) {
            for (int i = 0; i < W * H; i++) plane[i] = src.u8[3 * i + c];
            const resize_source single = {.width = W, .height = H, .channels = 1, .u8 = plane};
            CHECK(resize_u8(&single, NULL, k, 9, 8, one, 9) && resize_u8(&src, NULL, k, 9, 8, three, 27), "no memory");
            for (int i = 0; i < 72; i++) CHECK(one[i] == three[3 * i + c], "kernel %d: channel %d depends on others", k, c);
        }
    }
    const resize_box box = {3, 2, 13, 10};
    CHECK(resize_u8(&src, &box, RESIZE_NEAREST, 10, 8, out, 30), "no memory");
    for (int y = 0; y < 8; y++) CHECK(!memcmp(out + 30 * y, data + ((y + 2) * W + 3) * 3, 30), "row %d isn't the crop", y);
}

/* ---- plain sums in double ---- */

static double kernel_at(resize_kernel k, double x) {
    x = fabs(x);
    switch (k) {
    case RESIZE_BILINEAR:
        return fmax(0, 1 - x);
    case RESIZE_BICUBIC:
        return x < 1 ? 1.5 * x * x * x - 2.5 * x * x + 1 : x < 2 ? -.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0;
    default:
        return x == 0 ? 1 : x < 3 ? 3 * sin(M_PI * x) * sin(M_PI * x / 3) / (M_PI * M_PI * x * x) : 0;
    }
}

/* The weights of all inputs for one output. */
static void weigh(double *w, resize_kernel k, int in, double from, double to, int out, int i) {
    double scale = (to - from) / out, wide = fmax(scale, 1), centre = from + (i + .5) * scale, sum = 0;
    if (k == RESIZE_NEAREST) {
        for (int j = 0; j < in; j++) w[j] = j == (int)centre;
        return;
    }
    for (int j = 0; j < in; j++) sum += w[j] = kernel_at(k, (j + .5 - centre) / wide);
    for (int j = 0; j < in; j++) w[j] /= sum;
}

static double plain_sum(const resize_source *src, const double *wx, const double *wy, int c) {
    double sum = 0;
    for (int y = 0; y < src->height; y++)
        for (int x = 0; x < src->width; x++)
            if (wx[x] != 0 && wy[y] != 0) sum += wx[x] * wy[y] * src->u8[(y * src->width + x) * src->channels + c];
    return sum;
}

/* Shapes that end anywhere in a vector or a block of lines, one pixel, enlarging, parts of pixels, ratios beyond 16 bits; noise and hard edges. */
static void against_double(void) {
    static const struct {
        int w, h, channels, out_w, out_h;
        resize_box box;
    } cases[] = {
        {1, 1, 3, 1, 1, {0, 0, 1, 1}},           {1, 1, 1, 9, 17, {0, 0, 1, 1}},          {2, 3, 3, 33, 16, {0, 0, 2, 3}},
        {64, 48, 3, 20, 15, {0, 0, 64, 48}},     {61, 47, 3, 23, 18, {0, 0, 61, 47}},     {61, 47, 1, 23, 17, {0, 0, 61, 47}},
        {61, 47, 4, 19, 33, {0, 0, 61, 47}},     {61, 47, 2, 7, 5, {.5, 1.25, 60.5, 46}}, {99, 40, 3, 31, 40, {20, 0, 80, 40}},
        {40, 99, 3, 41, 20, {0, 10.75, 40, 99}}, {90, 100, 3, 9, 1, {0, 0, 90, 100}},     {200, 7, 3, 3, 7, {0, 0, 200, 7}},
    };
    double most = 0, sum = 0, count = 0;
    uint64_t bytes = HASH64_START;
    uint32_t state = 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int w = cases[i].w, h = cases[i].h, channels = cases[i].channels, ow = cases[i].out_w, oh = cases[i].out_h;
        const resize_box b = cases[i].box;
        size_t n = (size_t)(w * h * channels), made = (size_t)(ow * oh * channels);
        uint8_t *px = xarray(n, 1), *got = xarray(made, 1);
        for (size_t j = 0; j < n; j++) {
            state = state * 1664525 + 1013904223;
            px[j] = j / 40 % 3 == 0 ? 255 : j / 40 % 3 == 1 ? 0 : state >> 24;
        }
        const resize_source src = {.width = w, .height = h, .channels = channels, .u8 = px};
        double *wx = xarray((size_t)w, sizeof *wx), *wy = xarray((size_t)h, sizeof *wy);
        for (int k = RESIZE_NEAREST; k <= RESIZE_LANCZOS3; k++) {
            CHECK(resize_u8(&src, &b, k, ow, oh, got, ow * channels), "no memory");
            if (k <= RESIZE_BICUBIC) bytes = hash64(bytes, got, made); /* no libm in these */
            for (int y = 0; y < oh; y++) {
                weigh(wy, k, h, b.y0, b.y1, oh, y);
                for (int x = 0; x < ow; x++) {
                    weigh(wx, k, w, b.x0, b.x1, ow, x);
                    for (int c = 0; c < channels; c++) {
                        double want = fmin(fmax(plain_sum(&src, wx, wy, c), 0), 255);
                        double off = fabs(got[(y * ow + x) * channels + c] - want);
                        double beyond = fmax(0, off - .5);
                        most = fmax(most, beyond), sum += beyond, count++;
                    }
                }
            }
        }
        free(px), free(got), free(wx), free(wy);
    }
    CHECK(most < .1, "%g beyond rounding", most);
    CHECK(sum / count < .002, "%g beyond rounding on average", sum / count);
    CHECK(bytes == BYTES, "other bytes than on other processors: %016llx", (unsigned long long)bytes);
}

/* A picture that was shrunk by means over blocks, and then again, is nearer to one resize of the original when that is said, and as wide as it was. */
static void shrunk_before(void) {
    enum { SIDE = 96, SMALL = 12 };
    static const int times[] = {2, 4};
    uint8_t whole[SIDE * SIDE], half[SIDE * SIDE];
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            whole[y * SIDE + x] = (uint8_t)(127.5 + 60 * sin(x * .31 + y * .05) +
                                            60 * cos(y * .23 - x * .11)); /* periods of 2 to 5 pixels of the small one */
    const resize_source all = {.width = SIDE, .height = SIDE, .channels = 1, .u8 = whole};
    float want[SMALL * SMALL], got[SMALL * SMALL];
    CHECK(resize_f32(&all, NULL, RESIZE_BICUBIC, SMALL, SMALL, want, SMALL), "no memory");
    for (size_t i = 0; i < 2; i++) {
        int s = times[i], side = SIDE / s;
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++) {
                int sum = s * s / 2;
                for (int k = 0; k < s * s; k++) sum += whole[(y * s + k / s) * SIDE + x * s + k % s];
                half[y * side + x] = (uint8_t)(sum / (s * s));
            }
        double off[2] = {0};
        for (int said = 0; said < 2; said++) {
            const resize_source src = {.width = side, .height = side, .channels = 1, .u8 = half, .shrunk = said ? s : 1};
            CHECK(resize_f32(&src, NULL, RESIZE_BICUBIC, SMALL, SMALL, got, SMALL), "no memory");
            for (int j = 0; j < SMALL * SMALL; j++) off[said] += (got[j] - want[j]) * (got[j] - want[j]);
        }
        CHECK(off[1] < .7 * off[0], "shrunk %d times: squared error %g, and %g when it isn't said", s, off[1], off[0]);
    }
    /* Enlarged, or at its own size, it is like any other. */
    const resize_source src = {.width = SIDE, .height = SIDE, .channels = 1, .u8 = whole, .shrunk = 8};
    CHECK(resize_u8(&src, NULL, RESIZE_BICUBIC, SIDE, SIDE, half, SIDE) && !memcmp(half, whole, sizeof whole),
          "same size, other bytes");
}

int main(void) {
    size_t len;
    char *data = read_file("tests/data/resize.bin", 1 << 20, &len);
    if (!data) return perror("tests/data/resize.bin (run from the top)"), 1;
    golden(data, len);
    properties(data);
    against_double();
    shrunk_before();
    free(data);
    return failures > 0;
}
