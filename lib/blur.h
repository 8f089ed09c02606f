/* blur: an image convolved with a Gaussian, as scipy.ndimage.gaussian_filter does it. */
#ifndef FACADE_BLUR_H
#define FACADE_BLUR_H

#include <stdbool.h>

/* sigma in pixels, at least 0; the kernel is cut off at 4 sigma (rounded to whole pixels) and sums to 1; outside, the image is mirrored at its edge (the
 * last pixel comes twice). In place: px is height x width x channels. False: no memory. Thread-safe. */
bool blur_gaussian(float *px, int width, int height, int channels, double sigma) __attribute__((warn_unused_result));

#endif
