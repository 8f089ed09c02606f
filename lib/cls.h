/* cls: training steps of a classifier of two classes, on any table of operations.
 *
 * A classifier's text ends in `sigmoid`: P(positive). It is trained without that line, on the logit z, which loses no digits:
 *     loss = 1/count * sum over i of w_i * BCE(z_i, t_i)  +  penalty,    BCE(z, t) = max(z,0) - z*t + log(1 + exp(-|z|))
 *     penalty = sum over layers of l2 * sum of weight^2                   (Keras' l2(), no half; no bias, no batch norm)
 * A layer's l2 is what its line says (l2=), else the options'. */
#ifndef FACADE_CLS_H
#define FACADE_CLS_H

#include <stdbool.h>
#include <stdint.h>

#include "net.h"
#include "optimiser.h"

/* The network of a parsed text without its last line, shaped for samples of h x w x c (a vector: 0, 0, c) and allocated. *whole (the caller's to free): the text
 * with that line, and with the input's size where it was left open. NULL with a message when the text isn't a classifier's. */
net *cls_net(const net *parsed, int h, int w, int c, const ops *o, char **whole, char err[NET_ERROR]);

typedef enum { CLS_ADAM, CLS_SGD } cls_optimiser;

typedef struct {
    int batch; /* at most so many samples a step */
    cls_optimiser kind;
    adam_options adam; /* lr is given to each step */
    double momentum; /* of SGD: m = momentum*m + gradient, w -= lr*m */
    double l2; /* of layers whose line says nothing */
} cls_options;

typedef struct {
    net *n; /* the caller's, of cls_net */
    cls_options o;
    optimiser opt;
    net_run *run; /* for run_count samples */
    int run_count;
    void *gradient;
} cls;

/* False when there is no memory. */
bool cls_open(cls *c, net *n, const cls_options *o);
void cls_close(cls *c);

/* The gradient of the loss at x [count, h, w, c], with targets 0 or 1 and weights (NULL: all 1), into n->grads; logits [count]
 * as they were before. Dropout draws for (seed, step). False when there is no memory for so many samples. */
bool cls_gradient(cls *c, int count, const void *x, const double *target, const double *weight, uint64_t seed, uint64_t step,
                  double *logits);
/* Moves the weights along it. */
void cls_move(cls *c, double lr);

/* The penalty of the weights as they are. */
double cls_penalty(const cls *c);
/* P(positive) = 1 / (1 + exp(-z)), and BCE(z, t). */
double cls_p(double z);
double cls_loss(double z, double target);

#endif
