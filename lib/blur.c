#include "blur.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wide.h"

/* weight[radius] in the middle. */
static float *kernel(double sigma, int *radius) {
    int r = (int)(4 * sigma + .5);
    float *weight = malloc((size_t)(2 * r + 1) * sizeof *weight);
    double sum = 0;
    for (int k = -r; k <= r; k++) sum += exp(-.5 * k * k / (sigma * sigma));
    for (int k = -r; weight && k <= r; k++) weight[k + r] = (float)(exp(-.5 * k * k / (sigma * sigma)) / sum);
    *radius = r;
    return weight;
}

/* i mirrored into 0..n-1. */
static int mirror(int i, int n) {
    i %= 2 * n;
    if (i < 0) i += 2 * n;
    return i < n ? i : 2 * n - 1 - i;
}

/* row += weight * from, n elements */
WIDE static void add(float *restrict row, const float *restrict from, float weight, size_t n) {
    for (size_t i = 0; i < n; i++) row[i] += weight * from[i];
}

/* Down: from px into sum, a row at a time. Across: from a row with its mirrored ends, back into px. */
bool blur_gaussian(float *px, int width, int height, int channels, double sigma) {
    if (sigma < .125) return true; /* one tap */
    int r;
    const size_t step = (size_t)channels, line = (size_t)width * step;
    float *weight = kernel(sigma, &r), *down = malloc((size_t)height * line * sizeof *down);
    float *wide = malloc((line + 2 * (size_t)r * step) * sizeof *wide);
    bool ok = weight && down && wide;
    for (int y = 0; ok && y < height; y++) {
        float *row = down + (size_t)y * line;
        memset(row, 0, line * sizeof *row);
        for (int k = -r; k <= r; k++) add(row, px + (size_t)mirror(y + k, height) * line, weight[k + r], line);
    }
    for (int y = 0; ok && y < height; y++) {
        const float *from = down + (size_t)y * line;
        float *row = px + (size_t)y * line;
        memcpy(wide + (size_t)r * step, from, line * sizeof *wide);
        for (int x = 0; x < r; x++) {
            memcpy(wide + (size_t)x * step, from + (size_t)mirror(x - r, width) * step, step * sizeof *wide);
            memcpy(wide + (size_t)(r + width + x) * step, from + (size_t)mirror(width + x, width) * step, step * sizeof *wide);
        }
        memset(row, 0, line * sizeof *row);
        for (int k = 0; k <= 2 * r; k++) add(row, wide + (size_t)k * step, weight[k], line);
    }
    free(weight);
    free(down);
    free(wide);
    return ok;
}
