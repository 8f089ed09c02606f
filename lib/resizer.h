/* resizer: bytes scaled to bytes in 16-bit whole numbers, line by line as a decoder makes them: the picture needn't be in memory.
 *
 *     resizer *r = resizer_new();
 *     for each image: if (resizer_begin(r, &src, NULL, kernel, width, height, out, stride)) for each line: resizer_line(r, line);
 *     resizer_free(r);
 *
 * What it makes is what resize_u8 makes (resize.h), within .1 of the exact value before that is rounded; the same bytes on every processor. Weights and
 * buffers are kept for the next image, which often has the same size. For one thread at a time. */
#ifndef FACADE_RESIZER_H
#define FACADE_RESIZER_H

#include "resize.h"

typedef struct resizer resizer;

/* NULL: no memory, and resizer_begin is false then. */
resizer *resizer_new(void);
void resizer_free(resizer *r);

/* Begins an image of src's width, height, channels and shrunk (its pixels aren't looked at); box, kernel and output as resize_u8. False when it can't: nearest, more than 40 weights
 * an output (a large ratio), no memory. */
bool resizer_begin(resizer *r, const resize_source *src, const resize_box *box, resize_kernel kernel, int out_width,
                   int out_height, uint8_t *out, int64_t out_stride) __attribute__((warn_unused_result));
/* Whether memory was what resizer_begin lacked (or resizer_new): another way would make other bytes, so it is an error. */
bool resizer_starved(const resizer *r);
/* The next line of the image, from the top on; after the last one the output is whole. More than `height` may not come. */
void resizer_line(resizer *r, const uint8_t *line);

#endif
