#include "jpeg_trip.h"

#include <stdlib.h>
#include <string.h>

#include "image_write.h"
#include "jpeg_read.h"

bool jpeg_trip(uint8_t *px, int width, int height, int channels, int quality, char err[512]) {
    const picture p = {width, height, channels, px};
    const size_t pixels = (size_t)width * (size_t)height;
    const image_want want = {.max_pixels = UINT64_MAX};
    text file = {0};
    image im = {0};
    jpeg_rest rest = {0};
    bool ok =
        image_write_jpeg(&p, quality, &file, err) && jpeg_read((uint8_t *)file.s, file.len, &want, &im, &rest, err) == IMAGE_DONE;
    if (ok && channels == 3) memcpy(px, im.rgb, pixels * 3);
    for (size_t i = 0; ok && channels == 1 && i < pixels; i++) px[i] = im.rgb[3 * i]; /* grey comes back as three */
    free(im.rgb);
    free(rest.icc);
    free(file.s);
    return ok;
}
