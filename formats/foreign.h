/* foreign: a network's parameters under the names, and in the layouts, that other programs give them. */
#ifndef FACADE_FOREIGN_H
#define FACADE_FOREIGN_H

#include "lib/net.h"
#include "weights.h"

/* The tensor that is parameter p: prefix + its own key (LINE.weight, as PyTorch), or Keras' name for it: LINE/kernel, gamma, moving_mean..., with or
 * without `:0`, or LINE/ once more before it. Its shape must be the parameter's (Keras: in its own order of axes). -1 with a message that names the parameter and
 * what comes near. */
int foreign_find(const weights *w, const net *n, const net_param *p, const char *prefix, char err[WEIGHTS_ERROR]);
/* Its numbers as f32, in the network's order of axes, into a frame of the parameter's shape. */
bool foreign_read(const weights *w, int i, const net_param *p, tns_frame *f, char err[WEIGHTS_ERROR]);

#endif
