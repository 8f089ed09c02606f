/* face_crop: faces that were found, as metadata and as pictures of their own. */
#ifndef FACADE_FACE_CROP_H
#define FACADE_FACE_CROP_H

#include "detect.h"
#include "resize.h"

/* margin: of the box's width and height, added on each side. keep: the part that is cut out is a square (so that faces keep their proportions), else the box, and
 * size x size pixels are filled by it. */
typedef struct {
    int size;
    double margin;
    bool keep;
} face_crop;

/* The part of a picture w x h that is cut out. It never leaves the picture: a box with its margin is cut off at the edge; a square, around the box's middle and as large as the
 * longer side, is moved back in, and is smaller where the picture is. */
resize_box face_crop_box(const face_crop *c, const detection *d, int h, int w);

/* *out becomes the crop (u8, size x size x 3, bicubic with antialias) of the picture, with the picture's metadata and
 *   box=x1,y1,x2,y2   what was cut out, in the picture's pixels      conf=
 *   landmarks=        the network's, in the crop's pixels, in place of the picture's (where the network gives none, the picture's move along)
 *   group=            the picture's key, where it has no group
 * face= lines move along. False, and *bad names the line, when one of these isn't numbers; *bad is NULL without memory. */
bool face_crop_make(const face_crop *c, const detector *from, const detection *d, const tns_frame *picture, tns_frame *out,
                    const char **bad) __attribute__((warn_unused_result));

/* Replaces face= and landmarks= by those found, a line each a face: face=x1,y1,x2,y2,conf. */
void face_mark(tns_meta *m, const detector *from, const detections *found);

#endif
