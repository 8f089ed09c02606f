#include "resize_taps.h"

#include <math.h>
#include <stdlib.h>

static double triangle(double x, double a) {
    (void)a;
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

/* Keys' cubic: continuous; with a = -1/2 exact on parabolas, with less sharper. */
static double cubic(double x, double a) {
    x = fabs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? a * (((x - 5) * x + 8) * x - 4) : 0;
}

static double lanczos3(double x, double a) {
    (void)a;
    if (x == 0 || fabs(x) >= 3) return x == 0;
    /* sinc(x) * sinc(x / 3), as sin(3t) is 3 sin(t) - 4 sin(t)^3 */
    double t = M_PI / 3 * x, s = sin(t) / t;
    return s * s * (1 - 4. / 3 * t * t * s * s);
}

static int clamp(double v, int low, int high) {
    return v < low ? low : v > high ? high : (int)v;
}

void resize_taps_free(resize_taps *t) {
    free(t->first);
    free(t->count);
    free(t->weight);
}

bool resize_taps_make(resize_taps *t, resize_kernel kernel, int shrunk, double spread, int in, double from, double to, int out) {
    static double (*const functions[])(double, double) = {NULL, triangle, cubic, lanczos3};
    static const double supports[] = {.5, 1, 2, 3};
    double scale = (to - from) / out, wide = scale > 1 ? scale : 1;
    double lost = shrunk > 1 && scale > 1 ? fmin((1 - 1. / shrunk / shrunk) / (scale * scale), .25) : 0;
    double a = -.5 - .6 * lost;
    wide *= 1 - .2 * lost;
    if (spread > 0) wide *= spread;
    double support = supports[kernel] * wide;
    if (kernel == RESIZE_NEAREST) wide = 0, support = 0;
    t->out = out;
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
        for (int k = 0; k < n; k++) sum += w[k] = functions[kernel]((lo + k + .5 - centre) / wide, a);
        for (int k = 0; k < n; k++) weight[k] = (float)(sum != 0 ? w[k] / sum : 1. / n);
        t->first[i] = lo;
        t->count[i] = n;
    }
    free(w);
    return ok;
}
