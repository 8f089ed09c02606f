/* lib/planes and what jpeg_read gives it: against plain sums in double; files of every sampling and scale against the picture that they were made from. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "check.h"
#include "formats/jpeg_read.h"
#include "lib/base.h"
#include "lib/rng.h"

enum { MOST = 200 };

static int clamped(double v) {
    return v < 0 ? 0 : v > 255 ? 255 : (int)floor(v + .5);
}

/* Lines of a plane, some at a time. */
static void feed(planes *p, int plane, const uint8_t *v, int line, int height) {
    for (int y = 0, n; y < height; y += n) {
        n = 1 + y % PLANES_AHEAD;
        if (n > height - y) n = height - y;
        /* As blocks come: what lies beyond a line, or isn't told of, may be written last. */
        for (int i = 0; i < n; i++) memcpy(planes_room(p, plane, i), v + (y + i) * line, (size_t)line);
        for (int i = 0; i < PLANES_AHEAD; i++)
            memset(planes_room(p, plane, i) + (i < n ? line : 0), 99, (size_t)(PLANES_SPARE + (i < n ? 0 : line)));
        planes_lines(p, plane, n);
    }
}

/* ---- planes against sums in double ---- */

/* Keys' cubic of the resize's header, with its width and sharpness. */
static double kernel_at(resize_kernel k, double x, double a) {
    x = fabs(x);
    if (k == RESIZE_BILINEAR) return x < 1 ? 1 - x : 0;
    if (x < 1) return 1 - (a + 3) * x * x + (a + 2) * x * x * x;
    return x < 2 ? a * (x * x * x - 5 * x * x + 8 * x - 4) : 0;
}

static double at(const plane_shape *s, const uint8_t *v, const resize_box *from, resize_kernel k, int w, int h, int x, int y,
                 int c) {
    double sums[2][MOST + 1], total[2] = {0};
    for (int axis = 0; axis < 2; axis++) {
        int n = axis ? s->height : s->width;
        double low = axis ? from->y0 : from->x0, scale = ((axis ? from->y1 : from->x1) - low) / (axis ? h : w),
               wide = fmax(scale, 1);
        double b2 = s->shrunk > 1 && scale > 1 ? fmin((1 - 1. / (s->shrunk * s->shrunk)) / (scale * scale), .25) : 0;
        double spread = axis ? s->spread_y : s->spread_x;
        if (spread == 0 && s->channels == 1 && s->shrunk == 1 && scale > 1) spread = .98;
        wide *= (1 - b2 / 5) * (spread > 0 ? spread : 1);
        for (int i = 0; i < n; i++)
            total[axis] += sums[axis][i] = kernel_at(k, (i + .5 - low - ((axis ? y : x) + .5) * scale) / wide, -.5 - .6 * b2);
    }
    double sum = 0;
    for (int j = 0; j < s->height; j++)
        for (int i = 0; i < s->width; i++) sum += sums[0][i] * sums[1][j] * v[(j * s->width + i) * s->channels + c];
    return sum / total[0] / total[1];
}

static void against_double(planes *p, rng *r, int round) {
    int channels = round % 5 == 4 ? 3 : 1, count = channels == 3 ? 1 : 3;
    plane_shape shape[3] = {0};
    uint8_t *v[3] = {0};
    for (int i = 0; i < count; i++) {
        int divide = i ? 1 + round % 2 : 1, down = i ? 1 + round / 2 % 2 : 1;
        double w = i ? shape[0].picture.x1 / divide : 40 + rng_uniform(r) * 100,
               h = i ? shape[0].picture.y1 / down : 20 + rng_uniform(r) * 80;
        shape[i] =
            (plane_shape){(int)ceil(w), (int)ceil(h), channels, 1 << (round % 4), i ? 1.3 : 0, i == 2 ? 1.2 : 0, {0, 0, w, h}};
        size_t n = (size_t)(shape[i].width * shape[i].height * channels);
        v[i] = xarray(n, 1);
        /* Noise, and everything from end to end. */
        for (size_t k = 0; k < n; k++) v[i][k] = (uint8_t)(round % 3 == 2 ? 255 * (rng_u32(r) & 1) : rng_u32(r));
    }
    double w = shape[0].picture.x1, h = shape[0].picture.y1;
    resize_box from = round % 2 ? (resize_box){0, 0, w, h} : (resize_box){w * .1, h * .2, w * .9, h * .7};
    int out_w = round % 7 == 6 ? 3 : 5 + (int)(rng_uniform(r) * 50), out_h = 5 + (int)(rng_uniform(r) * 60),
        stride = 3 * out_w + 4;
    resize_kernel k = round % 4 == 3 ? RESIZE_BILINEAR : RESIZE_BICUBIC;
    uint8_t *u8 = xarray((size_t)(stride * out_h), 1);
    float *f32 = xarray((size_t)(stride * out_h), 4);
    memset(u8, 77, (size_t)(stride * out_h));
    for (int floats = 0; floats < 2; floats++) {
        if (!planes_begin(p, shape, &shape[0].picture, &from, k, out_w, out_h, floats ? NULL : u8, floats ? f32 : NULL, stride))
            die(1, "no memory");
        for (int i = 0; i < count; i++) feed(p, i, v[i], shape[i].width * channels, shape[i].height);
        CHECK(planes_end(p), "round %d", round);
    }
    for (int y = 0; y < out_h; y++) {
        for (int x = 0; x < out_w; x++) {
            double rgb[3], s[3];
            for (int i = 0; i < 3; i++) {
                const plane_shape *q = &shape[channels == 3 ? 0 : i];
                double across = q->picture.x1 / w, down = q->picture.y1 / h;
                resize_box part = {from.x0 * across, from.y0 * down, from.x1 * across, from.y1 * down};
                s[i] = at(q, v[channels == 3 ? 0 : i], &part, k, out_w, out_h, x, y, channels == 3 ? i : 0);
            }
            rgb[0] = s[0] + 1.402 * (s[2] - 128);
            rgb[1] = s[0] - .344136 * (s[1] - 128) - .714136 * (s[2] - 128);
            rgb[2] = s[0] + 1.772 * (s[1] - 128);
            for (int i = 0; i < 3; i++) {
                double want = channels == 3 ? s[i] : rgb[i];
                int it = y * stride + 3 * x + i;
                CHECK(fabs(u8[it] - fmin(fmax(want, 0), 255)) < .9, "round %d, %d %d %d: %d, not %g", round, x, y, i, u8[it],
                      want);
                CHECK(fabs(f32[it] - want) < 2e-3, "round %d, %d %d %d: %g, not %g", round, x, y, i, f32[it], want);
            }
        }
        for (int i = 3 * out_w; i < stride; i++) CHECK(u8[y * stride + i] == 77, "round %d: written beyond a line", round);
    }
    for (int i = 0; i < count; i++) free(v[i]);
    free(u8), free(f32);
}

/* ---- files ---- */

/* A smooth field, in which nothing depends on how chroma is spread. */
static void paint(uint8_t *rgb, int w, int h) {
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int c = 0; c < 3; c++)
                rgb[(y * w + x) * 3 + c] =
                    (uint8_t)clamped(128 + 60 * sin((x * (c + 1) + 2 * y) * 6.283 / 400) + 40 * cos((y + x * c) * 6.283 / 250));
}

static unsigned char *encode(const uint8_t *rgb, int w, int h, const int sampling[3][2], bool progressive, unsigned long *len) {
    struct jpeg_compress_struct j;
    struct jpeg_error_mgr e;
    unsigned char *out = NULL;
    j.err = jpeg_std_error(&e);
    jpeg_create_compress(&j);
    jpeg_mem_dest(&j, &out, len);
    j.image_width = (JDIMENSION)w, j.image_height = (JDIMENSION)h, j.input_components = 3, j.in_color_space = JCS_RGB;
    jpeg_set_defaults(&j);
    jpeg_set_quality(&j, 98, TRUE);
    for (int i = 0; i < 3; i++) j.comp_info[i].h_samp_factor = sampling[i][0], j.comp_info[i].v_samp_factor = sampling[i][1];
    if (progressive) jpeg_simple_progression(&j);
    jpeg_start_compress(&j, TRUE);
    while (j.next_scanline < j.image_height) {
        JSAMPROW row = (JSAMPROW)rgb + j.next_scanline * (size_t)w * 3;
        jpeg_write_scanlines(&j, &row, 1);
    }
    jpeg_finish_compress(&j);
    jpeg_destroy_compress(&j);
    return out;
}

/* Grey of samplings that libjpeg doesn't make from RGB. */
static unsigned char *encode_raw(int w, int h, const int sampling[3][2], unsigned long *len) {
    struct jpeg_compress_struct j;
    struct jpeg_error_mgr e;
    unsigned char *out = NULL;
    static JSAMPLE line[512];
    JSAMPROW rows[32];
    JSAMPARRAY all[3] = {rows, rows, rows};
    memset(line, 128, sizeof line);
    for (int i = 0; i < 32; i++) rows[i] = line;
    j.err = jpeg_std_error(&e);
    jpeg_create_compress(&j);
    jpeg_mem_dest(&j, &out, len);
    j.image_width = (JDIMENSION)w, j.image_height = (JDIMENSION)h, j.input_components = 3, j.in_color_space = JCS_YCbCr;
    jpeg_set_defaults(&j);
    j.raw_data_in = TRUE;
    for (int i = 0; i < 3; i++) j.comp_info[i].h_samp_factor = sampling[i][0], j.comp_info[i].v_samp_factor = sampling[i][1];
    jpeg_start_compress(&j, TRUE);
    while (j.next_scanline < j.image_height) jpeg_write_raw_data(&j, all, 32);
    jpeg_finish_compress(&j);
    jpeg_destroy_compress(&j);
    return out;
}

static struct {
    planes *p;
    int size, planes_seen;
    uint8_t out[MOST * MOST * 3];
} target;

static bool begin(const image *im, void *unused) {
    target.planes_seen = im->plane[1].width ? 3 : 1;
    return !unused && planes_begin(target.p, im->plane, &im->box, &im->box, RESIZE_BICUBIC, target.size, target.size, target.out,
                                   NULL, 3 * target.size);
}

static uint8_t *room(int plane, int ahead, void *unused) {
    return unused ? NULL : planes_room(target.p, plane, ahead);
}

static void lines(int plane, int n, void *unused) {
    if (!unused) planes_lines(target.p, plane, n);
}

static void files(void) {
    static const int samplings[][3][2] = {{{1, 1}, {1, 1}, {1, 1}}, {{2, 1}, {1, 1}, {1, 1}}, {{1, 2}, {1, 1}, {1, 1}},
                                          {{2, 2}, {1, 1}, {1, 1}}, {{4, 1}, {1, 1}, {1, 1}}, {{4, 2}, {1, 1}, {1, 1}},
                                          {{1, 4}, {1, 1}, {1, 1}}, {{2, 2}, {2, 1}, {1, 2}}, {{1, 1}, {2, 2}, {1, 1}},
                                          {{2, 4}, {1, 1}, {1, 1}}, {{4, 1}, {2, 1}, {1, 1}}};
    static const int sizes[][3] = {{161, 121, 40}, {200, 200, 90}, {193, 130, 23}, {163, 165, 17}, {129, 145, 8}, {97, 83, 120}};
    static uint8_t rgb[MOST * MOST * 3], want[MOST * MOST * 3], truth[MOST * MOST * 3];
    char why[IMAGE_WHY];
    int in_planes = 0;
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        int w = sizes[n][0], h = sizes[n][1], size = sizes[n][2];
        paint(rgb, w, h);
        for (size_t s = 0; s < sizeof samplings / sizeof *samplings; s++) {
            unsigned long len = 0;
            unsigned char *file = encode(rgb, w, h, samplings[s], (n + s) % 2, &len);
            image_want wanted = {.max_pixels = UINT64_MAX, .target_width = size, .target_height = size};
            image im = {0};
            jpeg_rest rest;
            CHECK(jpeg_read(file, len, &wanted, &im, &rest, why) == IMAGE_DONE, "%s", why);
            const resize_source src = {im.width, im.height, 3, .u8 = im.rgb, .shrunk = im.shrunk};
            if (!im.rgb || !resize_u8(&src, &im.box, RESIZE_BICUBIC, size, size, want, 3 * size)) die(1, "no memory");
            free(im.rgb);
            target.size = size;
            memset(target.out, 0, sizeof target.out);
            wanted.begin = begin, wanted.room = room, wanted.lines = lines;
            im = (image){0};
            CHECK(jpeg_read(file, len, &wanted, &im, &rest, why) == IMAGE_DONE && !im.rgb, "%s", why);
            CHECK(planes_end(target.p), "no memory");
            int worst = 0, libjpeg = 0;
            const resize_source painted = {w, h, 3, .u8 = rgb};
            if (!resize_u8(&painted, NULL, RESIZE_BICUBIC, size, size, truth, 3 * size)) die(1, "no memory");
            for (int i = 0; i < 3 * size * size; i++) {
                worst = abs(truth[i] - target.out[i]) > worst ? abs(truth[i] - target.out[i]) : worst;
                libjpeg = abs(truth[i] - want[i]) > libjpeg ? abs(truth[i] - want[i]) : libjpeg;
            }
            bool rgb_lines = !s && (w <= size || h <= size);
            CHECK(target.planes_seen == (rgb_lines ? 1 : 3), "%dx%d sampling %zu: %d planes", w, h, s, target.planes_seen);
            /* Not further from the picture than by libjpeg's RGB, whose own way of spreading chroma costs up to 30 levels where little is left of it. */
            CHECK(worst <= libjpeg + 3, "%dx%d to %d, sampling %zu, 1/%d: %d levels off, by way of RGB %d", w, h, size, s,
                  im.shrunk, worst, libjpeg);
            CHECK(!rgb_lines || !memcmp(want, target.out, (size_t)(3 * size * size)), "%dx%d, sampling %zu: not the same RGB", w,
                  h, s);
            in_planes += target.planes_seen == 3;
            free(file);
        }
    }
    CHECK(in_planes > 50, "only %d in planes", in_planes);

    /* Samples of one and a half pixels: broken, by lines as otherwise. */
    static const int fractional[][3][2] = {{{3, 1}, {2, 1}, {1, 1}}, {{1, 3}, {1, 2}, {1, 1}}};
    for (size_t s = 0; s < 2; s++)
        for (int lined = 0; lined < 2; lined++) {
            unsigned long len = 0;
            unsigned char *file = encode_raw(68, 93, fractional[s], &len);
            image_want wanted = {.max_pixels = UINT64_MAX};
            image im = {0};
            jpeg_rest rest;
            if (lined) wanted.begin = begin, wanted.room = room, wanted.lines = lines;
            target.size = 20;
            image_status status = jpeg_read(file, len, &wanted, &im, &rest, why);
            CHECK(status == IMAGE_BROKEN && strstr(why, "ractional"), "sampling %zu, %d: %d, %s", s, lined, status, why);
            free(im.rgb);
            free(file);
        }
}

int main(void) {
    rng r = rng_make(0, "test_planes", "", 0);
    target.p = planes_new();
    for (int round = 0; round < 40; round++) against_double(target.p, &r, round);
    files();
    planes_free(target.p);
    return check_status();
}
