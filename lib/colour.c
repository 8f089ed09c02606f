#include "colour.h"

#include "wide.h"

static inline __attribute__((always_inline)) float least(float a, float b) {
    return a < b ? a : b;
}

static inline __attribute__((always_inline)) float most(float a, float b) {
    return a > b ? a : b;
}

static inline __attribute__((always_inline)) float clip(float v, float low, float high) {
    return least(most(v, low), high);
}

WIDE void colour_brightness(float *px, size_t pixels, int channels, float low, float high, double delta) {
    const size_t n = pixels * (size_t)channels;
    const float d = (float)(delta * (high - low));
    for (size_t i = 0; i < n; i++) px[i] = clip(px[i] + d, low, high);
}

WIDE void colour_gain(float *px, size_t pixels, int channels, float low, float high, double factor) {
    const size_t n = pixels * (size_t)channels;
    const float f = (float)factor;
    for (size_t i = 0; i < n; i++) px[i] = clip(low + (px[i] - low) * f, low, high);
}

/* Sums in double, in the order of the pixels. */
static inline __attribute__((always_inline)) void contrast(float *px, size_t pixels, size_t step, float low, float high,
                                                           float f) {
    double sum[3] = {0};
    float mean[3];
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < step; c++) sum[c] += px[i * step + c];
    for (size_t c = 0; c < step; c++) mean[c] = (float)(sum[c] / (double)pixels);
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < step; c++) px[i * step + c] = clip(mean[c] + (px[i * step + c] - mean[c]) * f, low, high);
}

void colour_contrast(float *px, size_t pixels, int channels, float low, float high, double factor) {
    if (channels == 3)
        contrast(px, pixels, 3, low, high, (float)factor);
    else
        contrast(px, pixels, 1, low, high, (float)factor);
}

/* HSV's saturation is (max - min) / max: times k when each channel's distance from the largest is, with k <= 1 / saturation. */
WIDE void colour_saturation(float *px, size_t pixels, int channels, float low, double factor) {
    if (channels != 3) return;
    const float f = (float)factor;
    for (size_t i = 0; i < pixels; i++) {
        float *p = px + 3 * i;
        const float r = p[0], g = p[1], b = p[2], v = most(most(r, g), b), range = v - least(least(r, g), b);
        const float full = (v - low) / (range > 0 ? range : 1), k = range > 0 ? least(f, full) : 1;
        p[0] = v - (v - r) * k, p[1] = v - (v - g) * k, p[2] = v - (v - b) * k;
    }
}

/* A channel of the colour with hue h (0..6), a function of k = h + 5, 3 or 1, less 6 when that is more: range * (0, then rising over
 * one unit to 1, two units 1, falling, two units 0) below the largest. */
static inline __attribute__((always_inline)) float channel(float k, float v, float range) {
    k = k >= 6 ? k - 6 : k;
    return v - range * clip(least(k, 4 - k), 0, 1);
}

WIDE void colour_hue(float *px, size_t pixels, int channels, double delta) {
    if (channels != 3) return;
    const float turn = (float)((delta < 0 ? delta + 1 : delta) * 6);
    enum { BLOCK = 64 };
    float red[BLOCK] = {0}, green[BLOCK] = {0}, blue[BLOCK] = {0};
    for (size_t at = 0; at < pixels; at += BLOCK, px += 3 * BLOCK) {
        const int n = pixels - at < BLOCK ? (int)(pixels - at) : BLOCK;
        for (int i = 0; i < n; i++) red[i] = px[3 * i], green[i] = px[3 * i + 1], blue[i] = px[3 * i + 2];
        for (int i = 0; i < BLOCK; i++) {
            const float r = red[i], g = green[i], b = blue[i], v = most(most(r, g), b), range = v - least(least(r, g), b);
            const float by = 1 / (range > 0 ? range : 1);
            float h = v == r ? (g - b) * by : v == g ? 2 + (b - r) * by : 4 + (r - g) * by;
            h = h < 0 ? h + 6 : h;
            h += turn;
            h = h >= 6 ? h - 6 : h;
            red[i] = channel(h + 5, v, range), green[i] = channel(h + 3, v, range), blue[i] = channel(h + 1, v, range);
        }
        for (int i = 0; i < n; i++) px[3 * i] = red[i], px[3 * i + 1] = green[i], px[3 * i + 2] = blue[i];
    }
}
