/* resizer: bytes scaled to bytes in 16-bit whole numbers, line by line as a decoder makes them: the picture needn't be in memory.
 *
 *     resizer *r = resizer_new(NULL);
 *     for each image: if (resizer_begin(r, &src, NULL, kernel, width, height, out, stride)) for each line: resizer_line(r, line);
 *     resizer_free(r);
 *
 * What it makes is what resize_u8 makes (resize.h), within .1 of the exact value before that is rounded; the same bytes on every processor. Weights and
 * buffers are kept for the next image, which often has the same size. For one thread at a time. */
#ifndef FACADE_RESIZER_H
#define FACADE_RESIZER_H

#include "resize.h"

typedef struct resizer resizer;

/* NULL: no memory, and resizer_begin is false then. One that is made beside another (or NULL) works in the same memory, which so stays in the cache: for pictures that come at the
 * same time, such as planes; both are for the same thread, and the other is freed after it. */
resizer *resizer_new(resizer *beside);
void resizer_free(resizer *r);

/* Begins an image of src's width, height, channels, shrunk and spread (its pixels aren't looked at); box, kernel and output as resize_u8. False when it can't: nearest, more than 40 weights
 * an output (a large ratio), no memory. */
bool resizer_begin(resizer *r, const resize_source *src, const resize_box *box, resize_kernel kernel, int out_width,
                   int out_height, uint8_t *out, int64_t out_stride) __attribute__((warn_unused_result));
/* The same of one channel, but unrounded and unclamped: in units of 1/64 from 128 on, so that 0 is 128 and 64 is 129. Lines of out begin at multiples of 8 elements (out_stride),
 * and there is room for RESIZER_ROWS of them, or the next multiple of it. */
enum { RESIZER_ROWS = 32 };
bool resizer_begin_sums(resizer *r, const resize_source *src, const resize_box *box, resize_kernel kernel, int out_width,
                        int out_height, int16_t *out, int64_t out_stride) __attribute__((warn_unused_result));
/* Whether memory was what resizer_begin lacked (or resizer_new): another way would make other bytes, so it is an error. */
bool resizer_starved(const resizer *r);
/* The next line of the image, from the top on; after the last one the output is whole. More than `height` may not come. */
void resizer_line(resizer *r, const uint8_t *line);

/* The same without a copy: where the line is to be put that comes `ahead` lines after the next one, ahead < RESIZER_AHEAD; RESIZER_SPARE bytes more may be written there. Lines beyond the
 * last have a place, too. Then resizer_lines tells that the next n have been put. */
enum { RESIZER_AHEAD = 32, RESIZER_SPARE = 8 };
uint8_t *resizer_room(const resizer *r, int ahead);
void resizer_lines(resizer *r, int n);

#endif
