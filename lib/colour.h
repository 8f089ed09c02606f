/* colour: an image's colours changed, in place, pixel by pixel.
 *
 * px holds `pixels` times `channels` floats (interleaved, 1 or 3 channels; three are red, green, blue) that stand between black and white, here
 * low and high; what would leave that is clipped. Nothing but + - * / on floats: the same bytes on every processor. */
#ifndef FACADE_COLOUR_H
#define FACADE_COLOUR_H

#include <stddef.h>

/* tf.image.adjust_brightness: adds delta, in units of high - low. */
void colour_brightness(float *px, size_t pixels, int channels, float low, float high, double delta);
/* Keras' brightness_range, Pillow's ImageEnhance.Brightness: the distance from black times factor. */
void colour_gain(float *px, size_t pixels, int channels, float low, float high, double factor);
/* tf.image.adjust_contrast: the distance from each channel's mean over the image times factor. */
void colour_contrast(float *px, size_t pixels, int channels, float low, float high, double factor);
/* tf.image.adjust_saturation: HSV's saturation times factor, at most 1. One channel: nothing to do. */
void colour_saturation(float *px, size_t pixels, int channels, float low, double factor);
/* tf.image.adjust_hue: HSV's hue + delta mod 1, -1 <= delta <= 1. One channel: nothing to do. */
void colour_hue(float *px, size_t pixels, int channels, double delta);

#endif
