/* planes: a picture as a decoder makes it, line by line, scaled to RGB: in planes of their own for luma and chroma (Y, Cb and Cr as JFIF has them, 0..255), of which
 * chroma's are often coarser; or RGB already, in one.
 *
 *     planes *p = planes_new();
 *     for each picture: if (planes_begin(p, shape, &picture, &from, kernel, width, height, out, NULL, stride)) {
 *         for each plane, until all its lines have come: write the next n to planes_room(p, plane, 0), planes_room(p, plane, 1)...; planes_lines(p, plane, n);
 *         good = planes_end(p);
 *     }
 *     planes_free(p);
 *
 * Each plane is scaled as resize.h says, and then they become R = Y + 1.402 Cr', G = Y - .344136 Cb' - .714136 Cr', B = Y + 1.772 Cb' (Cb' is Cb - 128; JFIF 1.02).
 * That is linear, as scaling is; so it comes to the same as scaling RGB, but that nothing is rounded or clamped in between, and that chroma goes to its size from its own
 * samples and not from pixels that it was spread over, which is less work and no worse (bench/quality.py --of). Planes of full size are reduced by kernels of .98 of their width, to
 * make up for what clamping less costs.
 *
 * Bytes are within .4 of the exact value before that is rounded, and the same on every processor. For bytes of up to 40 weights an output no plane is whole in memory; for floats, and beyond, all are. */
#ifndef FACADE_PLANES_H
#define FACADE_PLANES_H

#include "resizer.h"

/* A plane's samples, and the picture on it, whose edges needn't fall on a sample's. */
typedef struct {
    int width, height;
    int channels; /* 1; or 3 of the first: it is RGB, and alone */
    int shrunk; /* resize_source */
    double spread_x, spread_y;
    resize_box picture;
} plane_shape;

typedef struct planes planes;

/* NULL: no memory, and planes_begin is false then. Weights and buffers are kept for the next picture. For one thread at a time. */
planes *planes_new(void);
void planes_free(planes *p);

/* Begins a picture; whatever samples its planes have, its own pixels are those of the box `picture`, and of these `from` becomes out_width x out_height: u8 (0..255) or f32 (as computed: it can leave 0..255), the other is NULL.
 * Row y begins at y * stride elements. Not RESIZE_NEAREST. False: no memory. */
bool planes_begin(planes *p, const plane_shape shape[3], const resize_box *picture, const resize_box *from, resize_kernel kernel,
                  int out_width, int out_height, uint8_t *u8, float *f32, int64_t stride) __attribute__((warn_unused_result));
/* Where the line of a plane is to be put that comes `ahead` lines after the next one, from the top on; ahead < PLANES_AHEAD. PLANES_SPARE bytes more than a line has may be written, and
 * lines below its last, which are passed over. Then planes_lines tells that the next n are there; more than the plane's height may not come. */
enum { PLANES_AHEAD = RESIZER_AHEAD, PLANES_SPARE = RESIZER_SPARE };
uint8_t *planes_room(const planes *p, int plane, int ahead);
void planes_lines(planes *p, int plane, int n);
/* Makes the output, when all lines of all planes have come. False: no memory. */
bool planes_end(planes *p) __attribute__((warn_unused_result));

#endif
