/* jpeg_read: JPEG files straight through libjpeg-turbo, several times faster than by way of libvips. */
#ifndef FACADE_JPEG_READ_H
#define FACADE_JPEG_READ_H

#include "formats/image_read.h"

/* What is left to do until the pixels are sRGB, the right way up. */
typedef struct {
    int orientation; /* EXIF's, 1..8 */
    int channels; /* of im->rgb: 3, or 4 for CMYK (0 is no ink), or 1 for grey that has a profile */
    uint8_t *icc; /* the profile, unless it is sRGB's or there is none (NULL); the caller's, free() */
    size_t icc_len;
} jpeg_rest;

/* Decodes a JPEG in memory (by lines, if want says so, when nothing is left to do: of RGB, or of planes where that is less work). im gets everything, as it is stored (box and sizes before
 * any turning). Accurate integer DCT and smooth chroma, so the same bytes on every processor.
 *
 * What libjpeg only warns of is an error here, as pixels are then wrong or missing (early end of the file or a segment, bad
 * codes, lost restart markers), but for extra bytes and for odd JFIF, Adobe or profile markers, which are let pass. */
image_status jpeg_read(const uint8_t *data, size_t len, const image_want *want, image *im, jpeg_rest *rest, char why[IMAGE_WHY])
    __attribute__((warn_unused_result));

#endif
