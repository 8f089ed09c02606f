/* heat: a map drawn over an image. */
#ifndef FACADE_HEAT_H
#define FACADE_HEAT_H

#include <stdbool.h>
#include <stdint.h>

/* A map [h,w] of numbers from 0 over its image, u8 of 1 or 3 channels: out [height,width,3] is the image where the map is 0 and goes through blue, green and yellow to red where it's largest;
 * bilinear between the map's cells. False: no memory. */
bool heat_draw(const double *map, int h, int w, const uint8_t *image, int height, int width, int channels, uint8_t *out);

#endif
