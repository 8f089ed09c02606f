/* fit: a picture of any size onto a canvas of a given one. */
#ifndef FACADE_FIT_H
#define FACADE_FIT_H

#include "planes.h"
#include "points.h"
#include "resize.h"
#include "tns.h"

/* stretch: the whole picture fills the canvas, its proportions change. cover: the largest part from its middle that has the canvas's
 * proportions fills it. contain: all of it, as large as it goes, in the middle of a black canvas. */
typedef enum { FIT_STRETCH, FIT_COVER, FIT_CONTAIN } fit_kind;

/* The part of the source that is seen, and where on the canvas it goes. */
typedef struct {
    int canvas_width, canvas_height;
    resize_box from;
    int x, y, width, height;
} fit;

fit fit_make(fit_kind kind, const resize_box *picture, int canvas_width, int canvas_height);
/* How points of the source move. */
points_map fit_points(const fit *f);

/* Draws a source whose values are 0..255 (u8 or float), 3 channels, as out->data: height x width x 3, with dtype TNS_U8
 * (0..255) or TNS_F32 (0..255 becomes low..high, clamped). The frame's metadata is left alone. At its own size a
 * picture is copied, value by value. False: no memory, or a shape that overflows. */
bool fit_draw(const fit *f, const resize_source *src, resize_kernel kernel, tns_dtype dtype, float low, float high,
              tns_frame *out) __attribute__((warn_unused_result));

/* The same of a picture in planes (picture: what f was made of), line by line: fit_begin; planes_room and planes_lines; fit_end, and the frame is drawn. False of fit_begin: not this
 * way, as the picture stays at its own size or kernel is nearest, or no memory (*starved). False of fit_end: no memory. */
bool fit_begin(const fit *f, const plane_shape shape[3], const resize_box *picture, resize_kernel kernel, tns_dtype dtype,
               planes *p, tns_frame *out, bool *starved) __attribute__((warn_unused_result));
bool fit_end(planes *p, tns_dtype dtype, float low, float high, tns_frame *out) __attribute__((warn_unused_result));

#endif
