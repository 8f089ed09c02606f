/* picture: 8-bit images for looking at: made from records, scaled, put on a sheet, drawn upon. */
#ifndef FACADE_PICTURE_H
#define FACADE_PICTURE_H

#include "lib/tns.h"

/* Rows from the top, pixels from the left, channels interleaved: 1 (grey), 3 (RGB) or 4 (RGB and alpha, not premultiplied). */
typedef struct {
    int width, height, channels;
    uint8_t *px; /* owned; picture_free */
} picture;

typedef struct {
    uint8_t r, g, b;
} colour;

/* Exits with 1 when there is no memory. The pixels are zero. */
picture picture_new(int width, int height, int channels);
void picture_free(picture *p);

/* A record that is an image, HW or HWC with 1, 3 or 4 channels: u8, or f32 in the range that its header states ("0:1", "-1:1" or "0:255"; NULL: none was
 * stated). Values outside are clipped. False when it is something else, and err says what. */
bool picture_from_frame(picture *p, const tns_frame *record, const char *range, char err[512]);

/* To three channels, in place: grey spread, alpha laid over the colour. */
void picture_flatten(picture *p, colour under);
/* Bicubic when smaller, square pixels when larger. At least 1x1. Exits with 1 when there is no memory. */
picture picture_resized(const picture *p, int width, int height);

/* These are for three channels, and cut off what is outside. */
void picture_fill(picture *p, int x, int y, int width, int height, colour c);
void picture_paste(picture *p, int x, int y, const picture *from);
/* The outline of a rectangle, `thick` pixels wide, outwards from its edge. */
void picture_outline(picture *p, int x, int y, int width, int height, int thick, colour c);
/* Letters 3x5 (times size), one pixel apart; small letters look as large ones, what isn't known as "?". */
void picture_text(picture *p, int x, int y, const char *text, int size, colour c);
int picture_text_width(const char *text, int size); /* its height is 5*size */

#endif
