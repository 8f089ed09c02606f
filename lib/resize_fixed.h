/* resize_fixed: a resize of bytes to bytes in 16-bit whole numbers, several times faster than in floats. */
#ifndef FACADE_RESIZE_FIXED_H
#define FACADE_RESIZE_FIXED_H

#include "resize_taps.h"

/* Whether these weights can be had in 16 bits: not more than 40 of them, and overshooting less than twice. */
bool resize_fixed_can(const resize_taps *t);
/* Scales src->u8 by the weights across and down, both of which can. Within .1 of the exact value before it is rounded to a byte; the same bytes on every processor. Output as resize_u8. False: no memory. */
bool resize_fixed(const resize_source *src, const resize_taps *across, const resize_taps *down, uint8_t *out, int64_t out_stride)
    __attribute__((warn_unused_result));

#endif
