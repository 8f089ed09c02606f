/* points: the places in a picture that a record's metadata names, kept right when its pixels move (formats/TNS.md).
 *
 * face=x1,y1,x2,y2[,conf...] and landmarks=x,y,v[,x,y,v...] are in the record's own pixels (edges, not centres: an image is
 * 0..width wide) and move; box= says where a crop was in its source and never does. */
#ifndef FACADE_POINTS_H
#define FACADE_POINTS_H

#include "tns.h"

/* x becomes scale_x * x + lean_x * y + shift_x, y becomes lean_y * x + scale_y * y + shift_y. */
typedef struct {
    double scale_x, scale_y, shift_x, shift_y, lean_x, lean_y;
} points_map;

/* Moves every face and landmarks line, rounded to a thousandth of a pixel. A face becomes the box around its moved corners, is cut to the new picture
 * (0,0 to width,height), and dropped when nothing of it is left. Landmarks may lie outside, and then have v=0. Of five landmarks those of the two
 * eyes and of the two corners of the mouth change places when the map mirrors (draw.h says why). Other lines stay byte for byte.
 * False, with *m unchanged and the line's name in *bad, when one can't be read as numbers. */
bool points_move(tns_meta *m, const points_map *map, double width, double height, const char **bad);

/* Appends v as all places are written: to a thousandth, without zeros at the end (12, 1.5, -0.125), in every locale. */
void points_number(text *t, double v);

#endif
