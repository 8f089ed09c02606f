/* gradcam: where in an image a network saw what it says (Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based
 * localization", ICCV 2017).
 *
 * With A [h,w,k] a layer's output and z the network's, weight[k] = mean over h,w of dz/dA[.,.,k] and map[h,w] = max(0, sum over k of weight[k] * A[h,w,k]). z is the one
 * number the network gives, before a sigmoid or softmax in its last line; of several the largest. Everything is as in inference: batch norm with running
 * statistics, no dropout. */
#ifndef FACADE_GRADCAM_H
#define FACADE_GRADCAM_H

#include <stdbool.h>

#include "net.h"

typedef struct {
    net *n; /* without its last sigmoid or softmax; the weights are another net's */
    net_run *run; /* for one sample */
    int layer, h, w, c; /* the layer, and its output */
    double *value, *gradient; /* [h,w,c] */
} gradcam;

/* n: shaped, with its weights, which must live as long. layer: the name of a line whose output is a map; a convolution's is taken after the activation that follows it.
 * False with a message: no such line, not a map, ops that backward doesn't know, or no memory. */
bool gradcam_open(gradcam *g, const net *n, const char *layer, char err[NET_ERROR]);
void gradcam_close(gradcam *g);
/* The map [h,w] of one sample x [input h, w, c], in the net's element type. Gives z. */
double gradcam_map(gradcam *g, const void *x, double *map);

#endif
