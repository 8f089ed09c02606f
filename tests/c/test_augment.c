/* lib/augment, affine, colour, blur, points: values from the formulas, worked out here in double and in another way. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lib/augment.h"
#include "lib/blur.h"
#include "lib/colour.h"
#include "lib/points.h"
#include "lib/resize.h"

enum { MOST = 40 * 40 * 3 };

static rng numbers;

static int below(int n) {
    return (int)rng_below(&numbers, (uint64_t)n);
}

static void fill_random(float *px, int n, float low, float high) {
    for (int i = 0; i < n; i++) px[i] = low + (high - low) * (float)(below(256) / 255.);
}

/* ---- geometry: Keras' 3x3 matrices, scipy's affine_transform of order 1 ---- */

typedef struct {
    double m[3][3];
} matrix;

static matrix product(matrix a, matrix b) {
    matrix p = {0};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 3; k++) p.m[i][j] += a.m[i][k] * b.m[k][j];
    return p;
}

static matrix keras_matrix(double theta, double tx, double ty, double shear, double zx, double zy, int flip, int w, int h) {
    const double t = theta * acos(-1) / 180, s = shear * acos(-1) / 180, ox = w / 2. - .5, oy = h / 2. - .5;
    matrix rotation = {{{cos(t), -sin(t), 0}, {sin(t), cos(t), 0}, {0, 0, 1}}}, shift = {{{1, 0, tx}, {0, 1, ty}, {0, 0, 1}}};
    matrix sheared = {{{1, -sin(s), 0}, {0, cos(s), 0}, {0, 0, 1}}}, zoom = {{{zx, 0, 0}, {0, zy, 0}, {0, 0, 1}}};
    matrix offset = {{{1, 0, ox}, {0, 1, oy}, {0, 0, 1}}}, reset = {{{1, 0, -ox}, {0, 1, -oy}, {0, 0, 1}}};
    matrix m = product(product(product(rotation, shift), sheared), zoom);
    m = product(product(offset, m), reset);
    /* The flip comes after: out[x] is what was at w - 1 - x. */
    matrix swap = {{{flip ? -1 : 1, 0, flip ? w - 1 : 0}, {0, 1, 0}, {0, 0, 1}}};
    return product(m, swap);
}

/* The pixel at whole coordinates of the plane that the image is continued to. */
static double pixel(const float *px, int w, int h, int channels, long x, long y, int c, affine_fill fill) {
    if (fill == AFFINE_REFLECT) {
        while (x < 0 || x >= w) x = x < 0 ? -1 - x : 2 * w - 1 - x;
        while (y < 0 || y >= h) y = y < 0 ? -1 - y : 2 * h - 1 - y;
    }
    x = x < 0 ? 0 : x >= w ? w - 1 : x;
    y = y < 0 ? 0 : y >= h ? h - 1 : y;
    return px[((size_t)y * (size_t)w + (size_t)x) * (size_t)channels + (size_t)c];
}

static double sample(const float *px, int w, int h, int channels, double x, double y, int c, affine_fill fill, double value) {
    if (fill == AFFINE_CONSTANT && (x < -1e-6 || x > w - 1 + 1e-6 || y < -1e-6 || y > h - 1 + 1e-6)) return value;
    long x0 = (long)floor(x), y0 = (long)floor(y);
    double fx = x - (double)x0, fy = y - (double)y0, sum = 0;
    for (int j = 0; j < 2; j++)
        for (int i = 0; i < 2; i++)
            sum += (i ? fx : 1 - fx) * (j ? fy : 1 - fy) * pixel(px, w, h, channels, x0 + i, y0 + j, c, fill);
    return sum;
}

static bool no_jpeg(uint8_t *px, int w, int h, int channels, int quality, char err[AUGMENT_ERROR]) {
    (void)px, (void)w, (void)h, (void)channels, (void)quality;
    snprintf(err, AUGMENT_ERROR, "no jpeg here");
    return false;
}

/* A recipe of which everything is said, applied. */
static affine apply(const char *recipe, affine_fill fill, float *px, int w, int h, int channels, float low, float high) {
    static float a[MOST + 4], b[MOST + 4];
    augment_recipe r;
    char err[AUGMENT_ERROR] = "";
    CHECK(augment_parse(recipe, &r, err), "%s: %s", recipe, err);
    rng g = rng_make(1, "test", recipe, 0);
    augment_draw d = augment_draw_from(&r, &g);
    const size_t n = (size_t)w * (size_t)h * (size_t)channels;
    memcpy(a, px, n * sizeof *a);
    augment_image im = {w, h, channels, low, high, a, b};
    affine moved;
    CHECK(augment_apply(&r, &d, fill, no_jpeg, &im, &moved, err), "%s: %s", recipe, err);
    memcpy(px, im.px, n * sizeof *px);
    return moved;
}

static void geometry(void) {
    static const int sizes[][2] = {{31, 31}, {40, 23}, {7, 38}, {1, 1}, {1, 9}, {12, 1}, {2, 2}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int round = 0; round < 24; round++) {
            const int w = sizes[s][0], h = sizes[s][1], channels = round % 2 ? 3 : 1, n = w * h * channels;
            const affine_fill fill = (affine_fill)(round % 3);
            const double theta = round < 12 ? below(361) - 180 : 0, shear = round % 4 ? 0 : below(121) - 60;
            const double zx = .5 + below(100) / 100., zy = .5 + below(100) / 100., tx = below(60) / 100. - .3,
                         ty = below(60) / 100. - .3;
            const int flip = below(2);
            float px[MOST], was[MOST];
            fill_random(px, n, 0, 255);
            memcpy(was, px, sizeof px);
            affine m = affine_rotate(theta), next = affine_shift(tx * w, ty * h);
            m = affine_then(&m, &next);
            next = affine_shear(shear), m = affine_then(&m, &next);
            next = affine_zoom(zx, zy), m = affine_then(&m, &next);
            if (flip) next = affine_flip(), m = affine_then(&m, &next);
            static float out[MOST + 4], in[MOST + 4];
            memcpy(in, px, sizeof px);
            CHECK(affine_image(in, w, h, channels, &m, fill, 7, out), "no memory");
            const matrix k = keras_matrix(theta, tx * w, ty * h, shear, zx, zy, flip, w, h);
            double worst = 0;
            for (int y = 0; y < h; y++)
                for (int x = 0; x < w; x++) {
                    const double sx = k.m[0][0] * x + k.m[0][1] * y + k.m[0][2], sy = k.m[1][0] * x + k.m[1][1] * y + k.m[1][2];
                    for (int c = 0; c < channels; c++)
                        worst =
                            fmax(worst, fabs(out[(y * w + x) * channels + c] - sample(was, w, h, channels, sx, sy, c, fill, 7)));
                }
            CHECK(worst < 2e-3, "%dx%dx%d, turned %g, sheared %g, zoomed %g %g, shifted %g %g, flipped %d, fill %d: %g off", w, h,
                  channels, theta, shear, zx, zy, tx, ty, flip, fill, worst);
        }
}

/* Words are applied in order, neighbours at once: the same matrix. */
static void order(void) {
    const int w = 24, h = 17;
    const affine m = ({
        float px[MOST];
        fill_random(px, w * h * 3, 0, 255);
        apply("rotate=20:20 shift=.25:.25 shear=-10:-10 zoom=.8:.8 flip=1", AFFINE_NEAREST, px, w, h, 3, 0, 255);
    });
    const matrix k = keras_matrix(20, .25 * w, .25 * h, -10, .8, .8, 1, w, h);
    /* of the matrix about the centre, in pixels from it */
    const double cx = (w - 1) / 2., cy = (h - 1) / 2.;
    CHECK_NEAR(m.xx, k.m[0][0], 1e-14, "xx");
    CHECK_NEAR(m.xy, k.m[0][1], 1e-14, "xy");
    CHECK_NEAR(m.yx, k.m[1][0], 1e-14, "yx");
    CHECK_NEAR(m.yy, k.m[1][1], 1e-14, "yy");
    CHECK_NEAR(m.x0, k.m[0][0] * cx + k.m[0][1] * cy + k.m[0][2] - cx, 1e-12, "x0");
    CHECK_NEAR(m.y0, k.m[1][0] * cx + k.m[1][1] * cy + k.m[1][2] - cy, 1e-12, "y0");
    const affine back = affine_inverse(&m), one = affine_then(&m, &back);
    CHECK_NEAR(one.xx, 1, 1e-13, "m * inverse");
    CHECK_NEAR(one.xy, 0, 1e-13, "m * inverse");
    CHECK_NEAR(one.x0, 0, 1e-12, "m * inverse");
    CHECK_NEAR(one.y0, 0, 1e-12, "m * inverse");

    /* One resampling where the words are neighbours, two where a colour stands between: a picture of single bright pixels tells. */
    float near[MOST] = {0}, apart[MOST] = {0};
    near[(8 * w + 11) * 3] = apart[(8 * w + 11) * 3] = 255;
    apply("rotate=30:30 rotate=-30:-30", AFFINE_NEAREST, near, w, h, 3, 0, 255);
    apply("rotate=30:30 hue=0 rotate=-30:-30", AFFINE_NEAREST, apart, w, h, 3, 0, 255);
    CHECK_NEAR(near[(8 * w + 11) * 3], 255, 1e-3, "there and back at once");
    CHECK(apart[(8 * w + 11) * 3] < 200, "there and back in two steps keeps %g", apart[(8 * w + 11) * 3]);
}

static void same(const char *recipe, affine_fill fill, int w, int h, int channels, float low, float high) {
    float px[MOST], was[MOST];
    fill_random(px, w * h * channels, low, high);
    memcpy(was, px, sizeof px);
    apply(recipe, fill, px, w, h, channels, low, high);
    CHECK(!memcmp(px, was, (size_t)(w * h * channels) * sizeof *px), "'%s' (fill %d, %dx%dx%d) changes something", recipe, fill,
          w, h, channels);
}

/* What changes nothing keeps every bit, also of floats; flips and quarter turns move values as they are. */
static void exact(void) {
    static const char *const nothing[] = {"flip=0",
                                          "hue=0",
                                          "saturation=0",
                                          "brightness=0",
                                          "gain=0",
                                          "contrast=0",
                                          "zoom=0",
                                          "rotate=0",
                                          "shear=0",
                                          "shift=0",
                                          "blur=0",
                                          "scale=1",
                                          "rotate=0 shear=0 zoom=0 shift=0 flip=0",
                                          "flip=1 flip=1",
                                          "flip=1 hue=0 flip=1",
                                          "flip=1 rotate=180:180 flip=1 rotate=180:180",
                                          "zoom=2:2 zoom=.5:.5",
                                          "shift=.5:.5 shift=-.5:-.5"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        for (int fill = 0; fill < 3; fill++) {
            same(nothing[i], (affine_fill)fill, 16, 12, 3, 0, 255);
            same(nothing[i], (affine_fill)fill, 33, 7, 1, -1, 1);
            same(nothing[i], (affine_fill)fill, 1, 1, 3, 0, 1);
        }
    for (int fill = 0; fill < 3; fill++) {
        same("rotate=90:90 hue=0 rotate=90:90 hue=0 rotate=180:180", (affine_fill)fill, 21, 21, 3, 0, 1);
        same("rotate=180:180 hue=0 rotate=180:180", (affine_fill)fill, 21, 8, 3, 0, 1);
    }
    /* Which way: the picture's left goes to the right; a quarter turn of the map turns the picture counterclockwise. */
    float px[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    apply("flip=1", AFFINE_NEAREST, px, 3, 3, 1, 0, 255);
    CHECK(px[0] == 3 && px[1] == 2 && px[2] == 1 && px[6] == 9, "flip");
    float turned[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    apply("rotate=90:90", AFFINE_CONSTANT, turned, 3, 3, 1, 0, 255);
    CHECK(turned[0] == 3 && turned[2] == 9 && turned[6] == 1 && turned[8] == 7, "turned: %g %g %g %g", turned[0], turned[2],
          turned[6], turned[8]);
}

/* ---- colours: by way of HSV, as Python's colorsys has it ---- */

static void to_hsv(const double rgb[3], double hsv[3]) {
    const double r = rgb[0], g = rgb[1], b = rgb[2], v = fmax(fmax(r, g), b), m = fmin(fmin(r, g), b);
    hsv[0] = 0, hsv[1] = 0, hsv[2] = v;
    if (v == m) return;
    hsv[1] = (v - m) / v;
    const double rc = (v - r) / (v - m), gc = (v - g) / (v - m), bc = (v - b) / (v - m);
    const double h = r == v ? bc - gc : g == v ? 2 + rc - bc : 4 + gc - rc;
    hsv[0] = h / 6 - floor(h / 6);
}

static void to_rgb(const double hsv[3], double rgb[3]) {
    const double s = hsv[1], v = hsv[2];
    const int i = (int)floor(hsv[0] * 6);
    const double f = hsv[0] * 6 - i, p = v * (1 - s), q = v * (1 - s * f), t = v * (1 - s * (1 - f));
    const double table[6][3] = {{v, t, p}, {q, v, p}, {p, v, t}, {p, q, v}, {t, p, v}, {v, p, q}};
    memcpy(rgb, table[i % 6], sizeof table[0]);
}

static double clipped(double v) {
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

static void colours(float low, float high) {
    enum { N = 1000 };
    for (int round = 0; round < 12; round++) {
        const double by = (below(2001) - 1000) / 1000.;
        static float px[N * 3], hue[N * 3], saturation[N * 3], brightness[N * 3], gain[N * 3], contrast[N * 3];
        fill_random(px, N * 3, low, high);
        for (int i = 0; i < 60; i++)
            px[i] = i % 9 < 3 ? px[i / 3 * 3] : i % 9 < 6 ? low : px[i]; /* greys and blacks among them */
        memcpy(hue, px, sizeof px), memcpy(saturation, px, sizeof px), memcpy(brightness, px, sizeof px);
        memcpy(gain, px, sizeof px), memcpy(contrast, px, sizeof px);
        colour_hue(hue, N, 3, by / 2);
        colour_saturation(saturation, N, 3, low, 1 + by);
        colour_brightness(brightness, N, 3, low, high, by);
        colour_gain(gain, N, 3, low, high, 1 + by);
        colour_contrast(contrast, N, 3, low, high, 1 + by);
        double mean[3] = {0}, worst = 0;
        for (int i = 0; i < N * 3; i++) mean[i % 3] += (px[i] - low) / (high - low) / N;
        for (int i = 0; i < N; i++) {
            double rgb[3], hsv[3], turned[3], richer[3];
            for (int c = 0; c < 3; c++) rgb[c] = (px[3 * i + c] - low) / (high - low);
            to_hsv(rgb, hsv);
            double h = hsv[0] + by / 2;
            to_rgb((double[]){h - floor(h), hsv[1], hsv[2]}, turned);
            to_rgb((double[]){hsv[0], fmin(1, hsv[1] * (1 + by)), hsv[2]}, richer);
            for (int c = 0; c < 3; c++) {
                const float got[] = {hue[3 * i + c], saturation[3 * i + c], brightness[3 * i + c], gain[3 * i + c],
                                     contrast[3 * i + c]};
                const double want[] = {turned[c], richer[c], clipped(rgb[c] + by), clipped(rgb[c] * (1 + by)),
                                       clipped(mean[c] + (rgb[c] - mean[c]) * (1 + by))};
                for (int k = 0; k < 5; k++) {
                    const double off = fabs((got[k] - low) / (high - low) - want[k]);
                    CHECK(off < 2e-6, "formula %d by %g of %g %g %g in %g:%g: %g off", k, by, rgb[0], rgb[1], rgb[2], low, high,
                          off);
                    worst = fmax(worst, off);
                }
            }
        }
    }
    /* Grey has no hue and no saturation. */
    float grey[] = {low, low, low, high, high, high, (low + high) / 3, (low + high) / 3, (low + high) / 3}, was[9];
    memcpy(was, grey, sizeof was);
    colour_hue(grey, 3, 3, .3);
    colour_saturation(grey, 3, 3, low, 1.7);
    CHECK(!memcmp(was, grey, sizeof was), "grey gets a colour");
    colour_hue(grey, 9, 1, .3);
    colour_saturation(grey, 9, 1, low, 1.7);
    CHECK(!memcmp(was, grey, sizeof was), "one channel gets a colour");
}

/* ---- blur, scale ---- */

static void blurs(void) {
    static const int sizes[][2] = {{20, 13}, {3, 30}, {1, 1}, {1, 8}, {5, 2}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int round = 0; round < 8; round++) {
            const int w = sizes[s][0], h = sizes[s][1], channels = round % 2 ? 3 : 1;
            const double sigma = .2 + round * .5;
            const int r = (int)floor(4 * sigma + .5);
            float px[MOST], was[MOST];
            fill_random(px, w * h * channels, 0, 255);
            memcpy(was, px, sizeof px);
            CHECK(blur_gaussian(px, w, h, channels, sigma), "no memory");
            for (int y = 0; y < h; y++)
                for (int x = 0; x < w; x++)
                    for (int c = 0; c < channels; c++) {
                        double sum = 0, all = 0;
                        for (int j = -r; j <= r; j++)
                            for (int i = -r; i <= r; i++) {
                                const double weight = exp(-(i * i + j * j) / (2 * sigma * sigma));
                                sum += weight * pixel(was, w, h, channels, x + i, y + j, c, AFFINE_REFLECT), all += weight;
                            }
                        CHECK_NEAR(px[(y * w + x) * channels + c], sum / all, 1e-3, "blur");
                    }
        }
}

static void scales(void) {
    const int w = 30, h = 20;
    float px[MOST], was[MOST], small[15 * 10 * 3], want[MOST];
    for (int i = 0; i < w * h * 3; i++) px[i] = i / 3 % w < 13 ? 0 : 255; /* an edge, at which bicubic overshoots */
    memcpy(was, px, sizeof px);
    apply("scale=.5:.5", AFFINE_NEAREST, px, w, h, 3, 0, 255);
    const resize_source large = {w, h, 3, .f32 = was}, low = {15, 10, 3, .f32 = small};
    CHECK(resize_f32(&large, NULL, RESIZE_BICUBIC, 15, 10, small, 45) &&
              resize_f32(&low, NULL, RESIZE_BICUBIC, w, h, want, 3 * w),
          "no memory");
    int clipped_ones = 0;
    for (int i = 0; i < w * h * 3; i++) {
        clipped_ones += want[i] < 0 || want[i] > 255;
        CHECK(px[i] == fminf(fmaxf(want[i], 0), 255), "scale: %g, not %g", px[i], want[i]);
    }
    CHECK(clipped_ones > 0, "nothing overshoots: the test is too tame");
    /* A side doesn't vanish. */
    float line[30];
    fill_random(line, 30, 0, 255);
    apply("scale=.01:.01", AFFINE_NEAREST, line, 30, 1, 1, 0, 255);
    for (int i = 1; i < 30; i++) CHECK_NEAR(line[i], line[0], 1e-3, "30 pixels from one");
}

/* ---- jpeg: quality and bytes as they arrive ---- */

static int quality_seen;
static uint8_t bytes_seen[4];

static bool inverting_jpeg(uint8_t *px, int w, int h, int channels, int quality, char err[AUGMENT_ERROR]) {
    (void)err;
    quality_seen = quality;
    memcpy(bytes_seen, px, 4);
    for (int i = 0; i < w * h * channels; i++) px[i] = (uint8_t)(255 - px[i]);
    return true;
}

static void jpegs(void) {
    augment_recipe r;
    char err[AUGMENT_ERROR];
    int counts[101] = {0};
    CHECK(augment_parse("jpeg=90", &r, err), "%s", err);
    for (int i = 0; i < 4000; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        rng g = rng_make(0, "test", key, 0);
        const augment_draw d = augment_draw_from(&r, &g);
        float a[4 + 4] = {-1, -.5f, 0, 1}, b[4 + 4];
        augment_image im = {2, 2, 1, -1, 1, a, b};
        affine moved;
        CHECK(augment_apply(&r, &d, AFFINE_NEAREST, inverting_jpeg, &im, &moved, err), "%s", err);
        CHECK(quality_seen >= 90 && quality_seen <= 100 && quality_seen == d.v[0][0], "quality %d", quality_seen);
        counts[quality_seen]++;
        CHECK(bytes_seen[0] == 0 && bytes_seen[1] == 64 && bytes_seen[2] == 128 && bytes_seen[3] == 255, "bytes %d %d %d %d",
              bytes_seen[0], bytes_seen[1], bytes_seen[2], bytes_seen[3]);
        CHECK_NEAR(im.px[0], 1, 1e-6, "white");
        CHECK_NEAR(im.px[1], 2 * 191 / 255. - 1, 1e-6, "light");
        CHECK_NEAR(im.px[3], -1, 1e-6, "black");
    }
    /* U(90,100), rounded: the ends come half as often. 400 +- 4 deviations, 200 +- 4. */
    for (int q = 91; q < 100; q++) CHECK(abs(counts[q] - 400) < 76, "quality %d: %d times", q, counts[q]);
    CHECK(abs(counts[90] - 200) < 55 && abs(counts[100] - 200) < 55, "ends: %d and %d times", counts[90], counts[100]);
    float px[4] = {0};
    augment_image im = {1, 1, 1, 0, 255, px, px};
    const augment_draw d = {0};
    affine moved;
    CHECK(!augment_apply(&r, &d, AFFINE_NEAREST, no_jpeg, &im, &moved, err) && !strcmp(err, "no jpeg here"), "%s", err);
}

/* ---- recipes and draws ---- */

static void recipes(void) {
    static const char *const good[][2] = {
        {"flip", "flip=0.5"},
        {" flip\thue=.1\n", "flip=0.5 hue=0.1"},
        {"flip=1 hue=.5 saturation=1 brightness=1 gain=.25 contrast=0",
         "flip=1 hue=0.5 saturation=1 brightness=1 gain=0.25 contrast=0"},
        {"zoom=.2 rotate=1e1 shear=89 shift=1", "zoom=0.2 rotate=10 shear=89 shift=1"},
        {"jpeg=1 blur=100 scale=.01", "jpeg=1 blur=100 scale=0.01"},
        {"hue=-.1:.1 zoom=.8:1.2 jpeg=30:100 blur=0:2 scale=.5:1", "hue=0.1 zoom=0.2 jpeg=30 blur=2 scale=0.5"},
        {"zoom=.8:1.3 rotate=10.1234567", "zoom=0.8:1.3 rotate=10.123457"},
        {"hue=0:.1 rotate=-5:10 jpeg=50:50 zoom=2:3 gain=0:10", "hue=0:0.1 rotate=-5:10 jpeg=50:50 zoom=2:3 gain=0:10"},
    };
    static const char *const bad[][2] = {
        {"", "no word in it"},
        {" \t", "no word in it"},
        {"flop", "there is no word 'flop'; there are flip hue"},
        {"flip=.5x", "'flip=.5x' isn't flip=N, N from 0 to 1 (or flip alone, for 0.5)"},
        {"flip=0:1", "'flip=0:1' isn't flip=N"},
        {"flip hue", "'hue' isn't hue=N, N from 0 to 0.5, or hue=LOW:HIGH, from -0.5 to 0.5"},
        {"hue=.51", "N from 0 to 0.5"},
        {"hue=-.1", "'hue=-.1' isn't"},
        {"hue=nan", "'hue=nan' isn't"},
        {"hue=.2:.1", "'hue=.2:.1' isn't"},
        {"hue=", "'hue=' isn't"},
        {"hue=:", "'hue=:' isn't"},
        {"hue=.1:", "'hue=.1:' isn't"},
        {"hue=.1:.2:.3", "'hue=.1:.2:.3' isn't"},
        {"=1", "there is no word ''"},
        {"zoom=1", "zoom=N, N from 0 to 0.99, or zoom=LOW:HIGH, from 0.01 to 100"},
        {"zoom=-.2", "'zoom=-.2' isn't"},
        {"zoom=0:1", "'zoom=0:1' isn't"},
        {"rotate=181", "N from 0 to 180"},
        {"shear=90", "N from 0 to 89"},
        {"jpeg=0", "jpeg=N, N from 1 to 100"},
        {"jpeg=101", "'jpeg=101' isn't"},
        {"blur=-1", "'blur=-1' isn't blur=N, N from 0 to 100"},
        {"scale=0", "scale=N, N from 0.01 to 1"},
        {"scale=1.5", "'scale=1.5' isn't"},
        {"gain=1e999", "'gain=1e999' isn't"},
        {"flip flip flip flip flip flip flip flip flip flip flip flip flip flip flip flip flip flip flip flip flip flip flip "
         "flip "
         "flip flip flip flip flip flip flip flip flip",
         "more than 32 words"},
    };
    augment_recipe r, again;
    char err[AUGMENT_ERROR];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        text t = {0}, u = {0};
        CHECK(augment_parse(good[i][0], &r, err), "%s: %s", good[i][0], err);
        augment_text(&r, &t);
        CHECK(!strcmp(t.s, good[i][1]), "%s: %s", good[i][0], t.s);
        CHECK(augment_parse(t.s, &again, err), "%s: %s", t.s, err);
        augment_text(&again, &u);
        CHECK(!strcmp(t.s, u.s), "%s, then %s", t.s, u.s);
        free(t.s), free(u.s);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err[0] = 0;
        CHECK(!augment_parse(bad[i][0], &r, err) && strstr(err, bad[i][1]), "%s: %s", bad[i][0], err);
    }
}

/* Uniform over what the word says: bounds, mean and variance of 4,000 draws, within five deviations; two numbers aren't one twice. */
static void draws(void) {
    static const struct {
        const char *recipe;
        double low, high;
        int numbers;
    } each[] = {{"hue=.1", -.1, .1, 1},      {"saturation=.3", .7, 1.3, 1}, {"brightness=.2", -.2, .2, 1},
                {"gain=.5", .5, 1.5, 1},     {"contrast=1", 0, 2, 1},       {"zoom=.2", .8, 1.2, 2},
                {"rotate=15", -15, 15, 1},   {"shear=10", -10, 10, 1},      {"shift=.1", -.1, .1, 2},
                {"blur=3", 0, 3, 1},         {"scale=.25", .25, 1, 1},      {"zoom=1.5:2", 1.5, 2, 2},
                {"rotate=-5:40", -5, 40, 1}, {"jpeg=1", 1, 100, 1}};
    enum { N = 4000 };
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        augment_recipe r;
        char err[AUGMENT_ERROR];
        CHECK(augment_parse(each[i].recipe, &r, err), "%s", err);
        double sum = 0, squares = 0, both = 0;
        const double middle = (each[i].low + each[i].high) / 2, wide = each[i].high - each[i].low;
        for (int k = 0; k < N; k++) {
            rng g = rng_make(0, each[i].recipe, "k", (uint64_t)k);
            const augment_draw d = augment_draw_from(&r, &g);
            for (int n = 0; n < each[i].numbers; n++)
                CHECK(d.v[0][n] >= each[i].low - 1e-6 && d.v[0][n] <= each[i].high + 1e-6, "%s drew %g", each[i].recipe,
                      d.v[0][n]);
            const double u = (d.v[0][0] - middle) / wide;
            sum += u, squares += u * u, both += u * (d.v[0][1] - middle) / wide;
        }
        CHECK(fabs(sum / N) < 5 * sqrt(1. / 12 / N), "%s: mean %g off", each[i].recipe, sum / N);
        CHECK(fabs(squares / N - 1. / 12) < 5 * sqrt(1. / 180 / N), "%s: variance %g", each[i].recipe, squares / N);
        if (each[i].numbers == 2) CHECK(fabs(both / N) < 5. / 12 / sqrt(N), "%s: covariance %g", each[i].recipe, both / N);
    }
    augment_recipe r;
    char err[AUGMENT_ERROR];
    int flips = 0, pairs = 0;
    CHECK(augment_parse("flip=.3 flip=.3", &r, err), "%s", err);
    for (int k = 0; k < N; k++) {
        rng g = rng_make(0, "flip", "k", (uint64_t)k);
        const augment_draw d = augment_draw_from(&r, &g);
        flips += d.v[0][0] == 1, pairs += d.v[0][0] == 1 && d.v[1][0] == 1;
    }
    CHECK(abs(flips - 1200) < 145 && abs(pairs - 360) < 91, "%d and %d flips", flips, pairs);

    CHECK(augment_parse("flip=1 hue=.1:.1 zoom=.5:.5 jpeg=33:33 shift=0", &r, err), "%s", err);
    rng g = rng_make(0, "", "", 0);
    const augment_draw d = augment_draw_from(&r, &g);
    text t = {0};
    augment_draw_text(&r, &d, &t);
    CHECK(!strcmp(t.s, "flip=1 hue=0.1 zoom=0.5,0.5 jpeg=33 shift=0,0"), "%s", t.s);
    free(t.s);
}

/* ---- places in the picture ---- */

static void moved_points(const char *lines, points_map m, double w, double h, const char *want) {
    tns_meta meta = {0};
    const char *bad = "";
    text_add(&meta.t, lines);
    CHECK(points_move(&meta, &m, w, h, &bad), "%s is bad", bad);
    CHECK(!strcmp(meta.t.s ? meta.t.s : "", want), "%s became %s, not %s", lines, meta.t.s, want);
    tns_meta_free(&meta);
}

static void points(void) {
    const points_map flip = {.scale_x = -1, .scale_y = 1, .shift_x = 20}, right = {.lean_x = -1, .lean_y = 1, .shift_x = 20};
    const points_map lean = {.scale_x = 1, .scale_y = 1, .lean_x = .5};
    moved_points("face=2,3,8,10,0.9\nx=1\n", flip, 20, 20, "face=12,3,18,10,0.9\nx=1\n");
    moved_points("face=2,3,8,10,0.9\n", right, 20, 20, "face=10,2,17,8,0.9\n"); /* a quarter turn clockwise: (x,y) to (20-y,x) */
    moved_points("face=2,4,8,10,1\n", lean, 20, 20, "face=4,4,13,10,1\n"); /* x + y/2: the box around what leans */
    moved_points("face=12,4,18,20\n", lean, 20, 20, "face=14,4,20,20\n"); /* cut */
    moved_points("face=12,2,18,10,1\nbox=1,2,3,4\n", (points_map){1, 1, 9, 0}, 20, 20, "box=1,2,3,4\n"); /* gone */
    moved_points("face=8,2,5,10,1\n", flip, 20, 20, ""); /* inside out, and not made good by the mirror */
    moved_points("landmarks=1,2,1,3,2,0.5,2,3,0,1,4,1,3,4,0.25\n", flip, 20, 20,
                 "landmarks=17,2,0.5,19,2,1,18,3,0,17,4,0.25,19,4,1\n");
    moved_points("landmarks=1,2,1,3,2,0.5,2,3,0,1,4,1,3,4,0.25\n", right, 20, 20,
                 "landmarks=18,1,1,18,3,0.5,17,2,0,16,1,1,16,3,0.25\n");
    moved_points("landmarks=1,2,1,19,2,1,10,30,0.5\n", (points_map){1, 1, 5, -2.5}, 20, 20,
                 "landmarks=6,-0.5,0,24,-0.5,0,15,27.5,0\n");
    moved_points("landmarks=1,2,1,3,2,1,2,3,1,1,4,1,3,4,1,9,9,1,8,8,1\n", flip, 20, 20,
                 "landmarks=19,2,1,17,2,1,18,3,1,19,4,1,17,4,1,11,9,1,12,8,1\n"); /* not five: who knows what they are */
    static const char *const bad[] = {"face=1,2,3",  "face=",         "face=a,2,3,4",      "face=1,2,3,nan", "landmarks=",
                                      "landmarks=1", "landmarks=1,2", "landmarks=1,2,1,3", "landmarks=1,2,x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tns_meta meta = {0};
        const char *name = "";
        text_addf(&meta.t, "key=k\n%s\n", bad[i]);
        CHECK(!points_move(&meta, &flip, 20, 20, &name) && !strncmp(name, bad[i], strlen(name)) && *name, "%s is fine", bad[i]);
        tns_meta_free(&meta);
    }
}

int main(void) {
    numbers = rng_make(0, "test_augment", "", 0);
    geometry();
    order();
    exact();
    colours(0, 255);
    colours(0, 1);
    colours(-1, 1);
    blurs();
    scales();
    jpegs();
    recipes();
    draws();
    points();
    return check_status();
}
