/* sheet: pictures side by side in a grid, all at one scale, with boxes and names when asked for. */
#ifndef FACADE_SHEET_H
#define FACADE_SHEET_H

#include "picture.h"

typedef struct {
    double x1, y1, x2, y2, conf; /* in the record's pixels; conf < 0: none */
} sheet_box;

typedef struct {
    picture im; /* three channels; the record's size times the sheet's `kept` */
    int width, height; /* the record's size */
    sheet_box *box;
    int boxes;
    char *name; /* NULL: none */
} sheet_picture;

/* Zero-initialise, set most_pixels and paper. */
typedef struct {
    size_t most_pixels; /* when the pictures hold more in all, they are kept at half their size; 0: no limit */
    colour paper, ink;
    sheet_picture *item;
    size_t count, cap, pixels;
    int width, height; /* of the largest record */
    double kept; /* 1, 1/2, 1/4... */
} sheet;

/* Adds a picture, taking its pixels. meta: the record's, for face= lines when boxes, for label= (or key=) when names. */
void sheet_add(sheet *s, picture *p, const tns_meta *meta, bool boxes, bool names);
void sheet_clear(sheet *s); /* back to no pictures */

/* Draws the first n pictures, at `scale` of the records' size. False when that would be larger than an image can be; err says so. */
bool sheet_draw(const sheet *s, size_t n, int columns, double scale, int gap, picture *out, char err[512]);

/* Columns for a sheet about as high as wide. */
int sheet_square_columns(const sheet *s, size_t n);
/* The largest scale, up to `most`, at which n pictures fit into width x height, and the columns that does it with (given ones when
 * *columns isn't 0). */
double sheet_fit(const sheet *s, size_t n, int width, int height, int gap, double most, int *columns);

#endif
