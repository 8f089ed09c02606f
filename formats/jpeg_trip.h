/* jpeg_trip: what a picture looks like after having been a JPEG file. */
#ifndef FACADE_JPEG_TRIP_H
#define FACADE_JPEG_TRIP_H

#include <stdbool.h>
#include <stdint.h>

/* px, height x width x channels (1 or 3) bytes, becomes what image_read gives of the file that image_write_jpeg makes of it, in memory. False with the
 * reason in err, such as a side over 65500. Thread-safe. */
bool jpeg_trip(uint8_t *px, int width, int height, int channels, int quality, char err[512]);

#endif
