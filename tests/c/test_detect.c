/* What faceyolo stands on: bilinear scaling and the letterbox against plain loops in double, suppression against its definition, the places of crops. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lib/bilinear.h"
#include "lib/face_crop.h"
#include "lib/letterbox.h"
#include "lib/rng.h"

static uint8_t *noise(int n, uint64_t seed) {
    uint8_t *u = malloc((size_t)n);
    rng r = rng_make(seed, "test_detect", "noise", 0);
    for (int i = 0; i < n; i++) u[i] = (uint8_t)(rng_u32(&r) >> 24);
    return u;
}

/* The definition, a pixel at a time. */
static double pixel(const uint8_t *u, int h, int w, int c, bool half_pixel, int out_h, int out_w, int i, int j, int k) {
    double y = half_pixel ? (i + .5) * h / out_h - .5 : (double)i * h / out_h,
           x = half_pixel ? (j + .5) * w / out_w - .5 : (double)j * w / out_w;
    y = fmin(fmax(y, 0), h - 1), x = fmin(fmax(x, 0), w - 1);
    int y0 = (int)y, x0 = (int)x, y1 = y0 + 1 < h ? y0 + 1 : y0, x1 = x0 + 1 < w ? x0 + 1 : x0;
#define AT(r, s) u[((r)*w + (s)) * c + k]
    return (1 - (y - y0)) * ((1 - (x - x0)) * AT(y0, x0) + (x - x0) * AT(y0, x1)) +
           (y - y0) * ((1 - (x - x0)) * AT(y1, x0) + (x - x0) * AT(y1, x1));
#undef AT
}

static void scaling(void) {
    static const int sizes[][5] = {{7, 5, 3, 16, 11}, {40, 30, 3, 13, 9}, {1, 1, 3, 4, 4},
                                   {9, 9, 1, 9, 20},  {6, 8, 4, 3, 17},   {12, 10, 3, 12, 10}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int half = 0; half < 2; half++) {
            int h = sizes[s][0], w = sizes[s][1], c = sizes[s][2], oh = sizes[s][3], ow = sizes[s][4];
            uint8_t *u = noise(h * w * c, s), *bytes = malloc((size_t)(oh * (ow * c + 5)));
            float *y = malloc((size_t)(oh * ow * c) * sizeof *y);
            CHECK(bilinear_f32(u, h, w, c, half, oh, ow, y) && bilinear_u8(u, h, w, c, half, oh, ow, bytes, ow * c + 5),
                  "memory");
            double worst = 0, worst_byte = 0;
            for (int i = 0; i < oh; i++)
                for (int j = 0; j < ow; j++)
                    for (int k = 0; k < c; k++) {
                        double want = pixel(u, h, w, c, half, oh, ow, i, j, k);
                        worst = fmax(worst, fabs(y[(i * ow + j) * c + k] - want));
                        worst_byte = fmax(worst_byte, fabs(bytes[i * (ow * c + 5) + j * c + k] - want));
                    }
            CHECK(worst < 1e-3 && worst_byte < .501, "%d x %d to %d x %d: off by %g, %g", h, w, oh, ow, worst, worst_byte);
            free(u), free(bytes), free(y);
        }
}

static void boxed(int h, int w, int canvas_h, int canvas_w, int top, int left, int height, int width) {
    letterbox l = letterbox_make(h, w, canvas_h, canvas_w);
    CHECK(l.top == top && l.left == left && l.height == height && l.width == width, "%d x %d in %d x %d: %d %d, %d x %d", h, w,
          canvas_h, canvas_w, l.top, l.left, l.height, l.width);
    uint8_t *u = noise(h * w * 3, 9), *canvas = malloc((size_t)(canvas_h * canvas_w * 3));
    CHECK(letterbox_draw(&l, u, h, w, canvas), "memory");
    int wrong = 0;
    for (int i = 0; i < canvas_h; i++)
        for (int j = 0; j < canvas_w; j++)
            for (int k = 0; k < 3; k++) {
                bool in = i >= top && i < top + height && j >= left && j < left + width;
                double want = in ? pixel(u, h, w, 3, true, height, width, i - top, j - left, k) : LETTERBOX_GREY;
                wrong += fabs(canvas[(i * canvas_w + j) * 3 + k] - want) > .501;
            }
    CHECK(!wrong, "%d x %d in %d x %d: %d wrong", h, w, canvas_h, canvas_w, wrong);
    CHECK_NEAR(letterbox_x(&l, left + 3 * l.ratio), 3, 1e-12, "x");
    CHECK_NEAR(letterbox_y(&l, top + 5 * l.ratio), 5, 1e-12, "y");
    free(u), free(canvas);
}

static void letterboxes(void) {
    boxed(64, 64, 64, 64, 0, 0, 64, 64);
    boxed(50, 100, 64, 64, 16, 0, 32, 64);
    boxed(100, 50, 64, 64, 0, 16, 64, 32);
    boxed(30, 31, 64, 64, 1, 0, 62, 64); /* 61.94 to 62 */
    boxed(10, 11, 64, 64, 3, 0, 58, 64); /* 58.18 */
    boxed(63, 64, 64, 64, 0, 0, 63, 64); /* half a row above: round(.5 - .1) = 0 */
    boxed(61, 64, 64, 64, 1, 0, 61, 64); /* one and a half: round(1.4) */
    boxed(1, 300, 32, 96, 15, 0, 1, 96); /* never less than one row */
    boxed(37, 200, 64, 160, 17, 0, 30, 160); /* 29.6 */
}

static double area(const detection *d) {
    return (d->x2 - d->x1) * (d->y2 - d->y1);
}

static void suppression(void) {
    rng r = rng_make(3, "test_detect", "boxes", 0);
    for (int round = 0; round < 50; round++) {
        enum { N = 60 };
        detection box[N], all[N];
        double iou = .1 + .8 * rng_uniform(&r);
        for (int i = 0; i < N; i++) {
            double x = 20 * rng_uniform(&r), y = 20 * rng_uniform(&r);
            all[i] = (detection){x, y, x + 1 + 20 * rng_uniform(&r), y + 1 + 20 * rng_uniform(&r), .conf = 1 - i * .01};
        }
        memcpy(box, all, sizeof box);
        int most = round % 5 ? N : 4, kept = detect_suppress(box, N, iou, most), want = 0;
        bool in[N];
        for (int i = 0; i < N && want < most; i++) {
            in[i] = true;
            for (int j = 0; j < i; j++) {
                double w = fmin(all[i].x2, all[j].x2) - fmax(all[i].x1, all[j].x1),
                       h = fmin(all[i].y2, all[j].y2) - fmax(all[i].y1, all[j].y1);
                double both = w > 0 && h > 0 ? w * h : 0;
                if (in[j] && both / (area(&all[i]) + area(&all[j]) - both) > iou) in[i] = false;
            }
            if (!in[i]) continue;
            CHECK(want < kept && box[want].conf == all[i].conf, "round %d: box %d", round, i);
            want++;
        }
        CHECK(kept == want, "round %d: %d kept, not %d", round, kept, want);
    }
    CHECK(detect_suppress(NULL, 0, .5, 10) == 0, "none");
}

static void crops(void) {
    static const struct {
        double margin;
        bool keep;
        double from[4], want[4];
        int h, w;
    } crop[] = {
        {0, false, {10, 20, 20, 50}, {10, 20, 20, 50}, 100, 100}, {.5, false, {10, 20, 20, 50}, {5, 5, 25, 65}, 100, 100},
        {1, false, {10, 20, 20, 50}, {0, 0, 30, 70}, 70, 100},    {0, true, {10, 20, 20, 50}, {0, 20, 30, 50}, 100, 100},
        {0, true, {40, 20, 50, 50}, {30, 20, 60, 50}, 100, 100},  {0, true, {90, 20, 100, 50}, {70, 20, 100, 50}, 100, 100},
        {.5, true, {40, 20, 50, 50}, {15, 5, 75, 65}, 100, 100},  {0, true, {2, 20, 12, 50}, {0, 25, 20, 45}, 64, 20}};
    for (size_t i = 0; i < sizeof crop / sizeof *crop; i++) {
        face_crop c = {.size = 8, .margin = crop[i].margin, .keep = crop[i].keep};
        detection d = {crop[i].from[0], crop[i].from[1], crop[i].from[2], crop[i].from[3]};
        resize_box b = face_crop_box(&c, &d, crop[i].h, crop[i].w);
        const double got[4] = {b.x0, b.y0, b.x1, b.y1};
        for (int k = 0; k < 4; k++)
            CHECK(fabs(got[k] - crop[i].want[k]) < 1e-9, "crop %zu, %d: %g, not %g", i, k, got[k], crop[i].want[k]);
    }
}

int main(void) {
    scaling();
    letterboxes();
    suppression();
    crops();
    return check_status();
}
