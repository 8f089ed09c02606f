/* draw: photographs of people who don't exist, drawn: a source of faces that needs no data from outside.
 *
 * A person is a few dozen numbers (bones, skin, hair, glasses, expression, pose); shapes are small meshes in centimetres,
 * light is a lamp with a shadow map and two ambient colours, and a camera with blur, vignette and sensor noise looks at it.
 * Since everything is drawn, everything is known: boxes, landmarks and attributes are exact.
 *
 * The same random numbers give the same bytes on every processor: only + - * / and sqrt on floats, no libm. */
#ifndef FACADE_DRAW_H
#define FACADE_DRAW_H

#include <stdbool.h>
#include <stdint.h>

#include "rng.h"
#include "tns.h"

enum { DRAW_MIN_SIDE = 8, DRAW_MAX_SIDE = 2048 };

typedef struct {
    uint32_t width, height; /* pixels, DRAW_MIN_SIDE..DRAW_MAX_SIDE */
    bool scene; /* several people in a place; otherwise one face, about 60% of the picture's height */
    bool fake; /* with a few of the faults that generated faces have */
} draw_options;

/* Everything one picture needs, kept from picture to picture; one for each thread. */
typedef struct draw_canvas draw_canvas;
/* NULL when there is no memory. */
draw_canvas *draw_canvas_new(const draw_options *o);
void draw_canvas_free(draw_canvas *c); /* NULL is fine */

/* Draws the picture that the random numbers say into rgb: height x width x 3, u8, sRGB. Appends what is true of it to meta, lines of a
 * name in the order of the faces (in a scene: from the nearest to the farthest):
 *   face=x1,y1,x2,y2,1    the box of the face, chin to hairline and cheek to cheek, in pixels, within the picture
 *   landmarks=            x,y,v five times: the eye and mouth corner on the picture's left before those on the right: eye, eye,
 *                         nose tip, corner, corner; v is 1 when the point is seen, 0 when something hides it or it is outside
 *   pose=yaw,pitch,roll   degrees; positive turns to the picture's right, up, clockwise
 *   hair= hair_color= beard= glasses= hat= earrings= skin= (1 lightest .. 6 darkest) age= smile= mouth=   of each face
 *   light= background=    of the picture
 *   faults=               of a fake: names with strengths, "iris:0.71,checkerboard:0.40" */
void draw_picture(draw_canvas *c, rng *r, uint8_t *rgb, tns_meta *meta);

#endif
