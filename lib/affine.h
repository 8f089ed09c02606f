/* affine: an image's pixels moved by a linear map about its centre, as Keras does it (ImageDataGenerator's apply_affine_transform).
 *
 * Coordinates are pixels, x to the right and y down, from the centre of the image. A map says for a point of the output where in
 * the input its value comes from, so turning by a positive angle, which is clockwise for the map, shows the picture turned counterclockwise,
 * and a zoom above 1 shows it smaller. That is Keras' sense; it is also its order of x and y (from 2.9 on; before, keras-preprocessing took rows
 * first and a centre that was half a pixel off).
 *
 * Angles go by an own sine, and nothing but + - * / on doubles and floats follows, in a fixed order: the same bytes on every processor. */
#ifndef FACADE_AFFINE_H
#define FACADE_AFFINE_H

#include <stdbool.h>

/* x_in = xx * x + xy * y + x0, y_in = yx * x + yy * y + y0 */
typedef struct {
    double xx, xy, x0, yx, yy, y0;
} affine;

affine affine_identity(void);
affine affine_flip(void); /* left and right swapped */
affine affine_shift(double x, double y);
affine affine_rotate(double degrees); /* [cos -sin; sin cos] */
affine affine_shear(double degrees); /* [1 -sin; 0 cos] */
affine affine_zoom(double x, double y);

/* The map of an image that is changed by `first`, then by `next`: the point goes through next, then through first. So Keras' one matrix
 * R * T * Shear * Zoom is rotate, then shift, then shear, then zoom. */
affine affine_then(const affine *first, const affine *next);
/* The way back: where a point of the input goes. The map must be one of the above (or of several) and not zoomed by 0. */
affine affine_inverse(const affine *m);
bool affine_is_identity(const affine *m);

/* What is seen outside of the image, whose pixels' values are those at their centres: the nearest value at the edge; the image mirrored at its edge
 * (the last pixel comes twice), again and again; or one value, right from the outermost centres on, as in scipy.ndimage. */
typedef enum { AFFINE_NEAREST, AFFINE_REFLECT, AFFINE_CONSTANT } affine_fill;

/* Bilinear: out[y][x] = in at m(x, y), both height x width x channels, channels 1 or 3; each array has room for 4 more floats. Where m
 * hits the centres of pixels (a flip, a quarter turn of a square), values are copied exactly. False: no memory. Thread-safe. */
bool affine_image(const float *in, int width, int height, int channels, const affine *m, affine_fill fill, float value,
                  float *out) __attribute__((warn_unused_result));

#endif
