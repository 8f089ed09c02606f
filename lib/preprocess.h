/* preprocess: a record's pixels or features as a network's input. */
#ifndef FACADE_PREPROCESS_H
#define FACADE_PREPROCESS_H

#include <stdbool.h>

#include "net.h"
#include "tns.h"

/* Whether the record can be the net's input (its size is the net's: h x w x c, or c): u8 or f32 of that shape. False with what is wrong, as a record's
 * fault ("is 32x32x3 of u8; ..."). n may be unshaped (open): then any image or vector of u8 or f32 will do. */
bool preprocess_accepts(const net *n, const tns_frame *f, char err[300]);

/* x[h*w*c] = the record's numbers. f32 as it is. u8 as the net's input line says: LO:HI (0..255 becomes LO..HI; lo and hi where it says nothing),
 * imagenet or caffe (net.h). */
void preprocess(const net *n, const tns_frame *f, double lo, double hi, float *x);

/* The same for count numbers from 0 to 255 that needn't be whole, in place. */
void preprocess_floats(const net *n, float *x, size_t count, double lo, double hi);

#endif
