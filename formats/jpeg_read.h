/* jpeg_read: JPEG files straight through libjpeg-turbo, several times faster than by way of libvips. */
#ifndef FACADE_JPEG_READ_H
#define FACADE_JPEG_READ_H

#include "formats/image_read.h"

/* Decodes a JPEG in memory that is grey, YCbCr or RGB and has no profile, or sRGB's; anything else (CMYK, other profiles) is left
 * to a colour manager: *other is then set and nothing decoded. im gets all but what concerns orientation: pixels as stored, and
 * the EXIF orientation (1..8) in *orientation. Accurate integer DCT and smooth chroma, so the same bytes on every processor.
 *
 * What libjpeg only warns of is an error here, as pixels are then wrong or missing (early end of the file or a segment, bad
 * codes, lost restart markers), but for extra bytes and for odd JFIF, Adobe or profile markers, which are let pass. */
image_status jpeg_read(const uint8_t *data, size_t len, const image_want *want, image *im, int *orientation, bool *other,
                       char why[IMAGE_WHY]) __attribute__((warn_unused_result));

#endif
