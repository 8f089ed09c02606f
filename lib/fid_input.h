/* fid_input: how a photo of any size becomes the input of the network that FID looks through; implementations differ, and with them the figures.
 *
 *     mode     resize                                                            scale             as in
 *     pytorch  bilinear, half-pixel centres, no antialias                        2 x / 255 - 1     pytorch-fid
 *     tf1      bilinear, source = destination * in / out (no half pixel)         (x - 128) / 128   the papers' TensorFlow 1, torch-fidelity
 *     clean    bicubic (a = -1/2), antialiased, channel by channel in float,     (x - 128) / 128   clean-fid (Pillow's resize in mode F)
 *              cut to 0..255
 */
#ifndef FACADE_FID_INPUT_H
#define FACADE_FID_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { FID_PYTORCH, FID_TF1, FID_CLEAN } fid_mode;

/* x[out_h, out_w, c] = u[h, w, c] resized as the mode says, still 0..255. An image of the right size is only copied. False: no memory. */
bool fid_resize(fid_mode mode, const uint8_t *u, int h, int w, int c, int out_h, int out_w, float *x);

/* x[count], 0..255, scaled as the mode says. */
void fid_scale(fid_mode mode, float *x, size_t count);

#endif
