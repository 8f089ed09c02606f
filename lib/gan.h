/* gan: the training steps of a generator against a critic, on any table of operations.
 *
 * The critic gives one logit f(x) an image. Two losses, each of means over the batch:
 *     BCE       D(x) = sigmoid(f(x)); with targets t_real and t_fake (1 and 0 unless smoothed)
 *               loss_d = BCE(D(x), t_real) + BCE(D(G(z)), t_fake)         loss_g = BCE(D(G(z)), 1)
 *     WGAN-GP   loss_d = f(G(z)) - f(x) + lambda*(|grad f(xhat)| - 1)^2    loss_g = -f(G(z))
 *               xhat = alpha*x + (1-alpha)*G(z), alpha a number a sample (Gulrajani et al. 2017)
 * Real images, made ones and mixtures go through the critic apart, so that its batch norm sees each alone; in this order: real, mixed, made.
 *
 * A step is n_critic steps of the critic, each with a batch of its own noise, and one of the generator:
 * simultaneous: the last critic's gradients and the generator's are taken at the same weights, from one f(G(z)), then both nets move (TensorFlow's tutorial,
 *               the study's model).
 * alternate:    the critic moves first, then judges, and the generator follows: BCE the same made images anew (PyTorch's example), WGAN-GP those of
 *               fresh noise (its paper's algorithm 1). */
#ifndef FACADE_GAN_H
#define FACADE_GAN_H

#include <stdbool.h>
#include <stdint.h>

#include "net.h"
#include "optimiser.h"

typedef enum { GAN_SIMULTANEOUS, GAN_ALTERNATE } gan_update;
typedef enum { GAN_BCE, GAN_WGAN_GP } gan_loss;

typedef struct {
    int batch;
    gan_update update;
    double target_real, target_fake; /* of BCE */
    adam_options gen, critic;
    gan_loss loss;
    double lambda; /* of WGAN-GP */
    int n_critic; /* 0: 1 */
    double ema; /* 0, or how much of the generator's running average stays at a step */
} gan_options;

/* What a step is given. */
typedef struct {
    const void *real; /* [n_critic, batch, h, w, c], in the generator's range; with reuse [batch, h, w, c] */
    bool reuse; /* every critic step takes the same real images */
    const void *z; /* noise [n_critic, batch, z], and one more batch where gan_own_noise */
    const double *alpha; /* [n_critic, batch], of WGAN-GP */
} gan_draw;

typedef struct {
    double loss_d, loss_g;
    double d_real, d_fake; /* mean D(x) and D(G(z)), of WGAN-GP mean f, before the critic's step */
    double penalty; /* WGAN-GP's last term of loss_d; 0 for BCE */
    double grad_g_mean; /* mean |gradient| of the weights of the generator's last layer, as the study's figure 3 */
    double grad_g_norm, grad_d_norm; /* L2 over all parameters */
} gan_metrics; /* of the critic: its last step's */

typedef struct {
    net *gen, *critic; /* shaped and allocated, the caller's */
    gan_options o;
    optimiser opt_gen, opt_critic;
    net_run *run_gen, *run_critic;
    void *mixed, *direction; /* WGAN-GP's xhat, and what its penalty's gradient is taken along */
    net *ema; /* the generator's running average, weights and statistics; NULL without */
} gan;

/* Checks that the nets fit each other, and makes room. The average begins as the generator is. False with a message. */
bool gan_open(gan *a, net *gen, net *critic, const gan_options *o, char err[NET_ERROR]);
void gan_close(gan *a);

/* Whether the generator's own step draws noise of its own. */
bool gan_own_noise(const gan_options *o);

/* One step. seed and step (of the generator, from 0) key the dropout, where there is any. The gradients stay in the nets for whoever looks. False when a loss
 * or a gradient isn't finite: what had moved by then has moved, the rest hasn't (simultaneous, one critic step: nothing has).
 * The average moves as ema = D*ema + (1-D)*gen, D = min(o.ema, (1+t)/(10+t)) at the generator's step t, so that it doesn't remember its beginning. */
bool gan_step(gan *a, const gan_draw *x, uint64_t seed, uint64_t step, gan_metrics *m);

/* Mean |gradient| of a layer's weights; layer: an index of n->layer with weight >= 0. */
double gan_layer_gradient(const net *n, int layer);

#endif
