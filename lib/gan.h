/* gan: one training step of a generator against a critic, on any table of operations.
 *
 * The critic gives one logit an image; D(x) = sigmoid(logit). With targets t_real and t_fake (1 and 0 unless smoothed):
 *     loss_d = BCE(D(x), t_real) + BCE(D(G(z)), t_fake)       loss_g = BCE(D(G(z)), 1)
 * each a mean over the batch. Real and fake images go through the critic apart, so that its batch norm sees each alone.
 *
 * simultaneous: both gradients are taken at the same weights, from one D(G(z)), then both nets move (TensorFlow's tutorial, the study's model).
 * alternate:    the critic moves first, then judges the same fakes anew, and the generator follows (PyTorch's example). */
#ifndef FACADE_GAN_H
#define FACADE_GAN_H

#include <stdbool.h>
#include <stdint.h>

#include "net.h"
#include "optimiser.h"

typedef enum { GAN_SIMULTANEOUS, GAN_ALTERNATE } gan_update;

typedef struct {
    int batch;
    gan_update update;
    double target_real, target_fake;
    adam_options gen, critic;
} gan_options;

typedef struct {
    double loss_d, loss_g;
    double d_real, d_fake; /* mean D(x), and D(G(z)) before the critic's step */
    double penalty; /* of WGAN-GP; 0 here */
    double grad_g_mean; /* mean |gradient| of the weights of the generator's last layer, as the study's figure 3 */
    double grad_g_norm, grad_d_norm; /* L2 over all parameters */
} gan_metrics;

typedef struct {
    net *gen, *critic; /* shaped and allocated, the caller's */
    gan_options o;
    optimiser opt_gen, opt_critic;
    net_run *run_gen, *run_critic;
} gan;

/* Checks that the nets fit each other, and makes room. False with a message. */
bool gan_open(gan *a, net *gen, net *critic, const gan_options *o, char err[NET_ERROR]);
void gan_close(gan *a);

/* One step on `real` [batch, h, w, c] in the generator's range and noise z [batch, z]. seed and step key the dropout, where there is any.
 * The gradients stay in the nets for whoever looks. False when a loss or a gradient isn't finite: the nets have then not moved (simultaneous), or
 * only the critic has (alternate). */
bool gan_step(gan *a, const void *real, const void *z, uint64_t seed, uint64_t step, gan_metrics *m);

/* Mean |gradient| of a layer's weights; layer: an index of n->layer with weight >= 0. */
double gan_layer_gradient(const net *n, int layer);

#endif
