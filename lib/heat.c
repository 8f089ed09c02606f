#include "heat.h"

#include <math.h>
#include <stdlib.h>

#include "base.h"
#include "resize.h"

/* Blue, green, yellow, red for 0 to 1. */
static double hue(double heat, int channel) {
    return fmin(fmax(1.5 - fabs(4 * heat - 3 + channel), 0), 1);
}

bool heat_draw(const double *map, int h, int w, const uint8_t *image, int height, int width, int channels, uint8_t *out) {
    size_t cells = (size_t)h * (size_t)w, pixels = (size_t)height * (size_t)width;
    float *small = xarray(cells, sizeof *small), *heat = xarray(pixels, sizeof *heat);
    double most = 0;
    for (size_t i = 0; i < cells; i++) most = fmax(most, map[i]);
    for (size_t i = 0; i < cells; i++) small[i] = most > 0 ? (float)(map[i] / most) : 0;
    resize_source source = {.width = w, .height = h, .channels = 1, .f32 = small};
    bool good = resize_f32(&source, NULL, RESIZE_BILINEAR, width, height, heat, width);
    for (size_t i = 0; i < pixels && good; i++) {
        double t = heat[i], cover = .7 * fmin(2 * t, 1);
        for (size_t k = 0; k < 3; k++) {
            double under = image[channels == 1 ? i : 3 * i + k];
            out[3 * i + k] = (uint8_t)(under * (1 - cover) + 255 * hue(t, (int)k) * cover + .5);
        }
    }
    free(small);
    free(heat);
    return good;
}
