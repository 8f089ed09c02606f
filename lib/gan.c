#include "gan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

static const net_layer *output_of(const net *n) {
    return &n->layer[n->layers - 1];
}

static size_t sample_count(const net_layer *l) {
    return (size_t)l->h * (size_t)l->w * (size_t)l->c;
}

static bool nets_fit(const net *gen, const net *critic, char err[NET_ERROR]) {
    const net_layer *image = output_of(gen), *in = &critic->layer[0], *verdict = output_of(critic);
    if (image->h != in->h || image->w != in->w || image->c != in->c) {
        snprintf(err, NET_ERROR, "the generator %.80s makes %dx%dx%d images, the critic %.80s takes %dx%dx%d", gen->file,
                 image->h, image->w, image->c, critic->file, in->h, in->w, in->c);
        return false;
    }
    if (verdict->h != 1 || verdict->w != 1 || verdict->c != 1) {
        snprintf(err, NET_ERROR, "the critic %.150s gives %dx%dx%d numbers an image, not one logit", critic->file, verdict->h,
                 verdict->w, verdict->c);
        return false;
    }
    return true;
}

/* A copy of a net, its weights and its statistics; NULL without memory. */
static net *copy_of(const net *n) {
    char err[NET_ERROR];
    net *copy = net_parse(n->text, n->file, err);
    if (copy && net_shape(copy, n->layer[0].h, n->layer[0].w, n->layer[0].c, err) && net_alloc(copy, n->ops)) {
        memcpy(copy->weights, n->weights, n->weight_count * n->ops->real_size);
        memcpy(copy->stats, n->stats, n->stat_count * n->ops->real_size);
        return copy;
    }
    net_free(copy);
    return NULL;
}

bool gan_open(gan *a, net *gen, net *critic, const gan_options *o, char err[NET_ERROR]) {
    *a = (gan){.gen = gen, .critic = critic, .o = *o};
    if (!a->o.n_critic) a->o.n_critic = 1;
    if (!nets_fit(gen, critic, err)) return false;
    bool penalty = o->loss == GAN_WGAN_GP;
    a->run_gen = net_run_new(gen, o->batch, NET_TRAIN);
    a->run_critic = net_run_new(critic, o->batch, penalty ? NET_SECOND : NET_TRAIN);
    bool good = a->run_gen && a->run_critic && optimiser_open(&a->opt_gen, gen, &o->gen) &&
                optimiser_open(&a->opt_critic, critic, &o->critic);
    size_t bytes = (size_t)o->batch * sample_count(&critic->layer[0]) * gen->ops->real_size;
    if (good && penalty) good = (a->mixed = aligned_alloc64(bytes)) && (a->direction = aligned_alloc64(bytes));
    if (good && o->ema > 0) good = (a->ema = copy_of(gen)) != NULL;
    if (!good) die(EXIT_FAILED, "not enough memory for a batch of %d; try a smaller -b", o->batch);
    return true;
}

void gan_close(gan *a) {
    net_run_free(a->run_gen);
    net_run_free(a->run_critic);
    optimiser_close(&a->opt_gen);
    optimiser_close(&a->opt_critic);
    free(a->mixed);
    free(a->direction);
    net_free(a->ema);
}

bool gan_own_noise(const gan_options *o) {
    return o->loss == GAN_WGAN_GP && o->update == GAN_ALTERNATE;
}

double gan_layer_gradient(const net *n, int layer) {
    const net_param *p = &n->param[n->layer[layer].weight];
    double sum_abs, squares;
    n->ops->norms(p->count, net_param_grad(n, p), &sum_abs, &squares);
    return sum_abs / (double)p->count;
}

static double last_layer_gradient(const net *n) {
    for (int i = n->layers - 1; i > 0; i--)
        if (n->layer[i].weight >= 0) return gan_layer_gradient(n, i);
    return 0;
}

static double gradient_norm(const net *n) {
    double sum_abs, squares;
    n->ops->norms(n->weight_count, n->grads, &sum_abs, &squares);
    return sqrt(squares);
}

/* Of the critic's passes and the generator's in a step of the critic: each drops out for itself. */
enum { PASS_REAL, PASS_FAKE, PASS_AGAIN, PASS_MIXED, PASSES };
enum { MADE_FOR_CRITIC, MADE_FOR_GEN, MADES };

/* One pass of images through the critic, whose loss is -sign*f (WGAN-GP) or the cross-entropy to a target: gives the loss, leaves its gradient to the
 * logits in net_dout. mean: of D, or of f. */
static double judge(gan *a, const void *images, double target, double sign, uint64_t seed, uint64_t pass, double *mean) {
    const ops *o = a->gen->ops;
    const void *logits = net_forward(a->run_critic, images, seed, pass);
    if (a->o.loss == GAN_BCE) return o->bce_logits(a->o.batch, logits, target, net_dout(a->run_critic), mean);
    *mean = o->mean_logits(a->o.batch, logits, -sign, net_dout(a->run_critic));
    return -sign * *mean;
}

/* Adds the penalty's gradient to the critic's. Gives the penalty. */
static double penalise(gan *a, const void *real, const void *fake, const double *alpha, uint64_t seed, uint64_t pass) {
    const ops *o = a->gen->ops;
    int batch = a->o.batch;
    size_t count = sample_count(&a->critic->layer[0]);
    o->interpolate(batch, count, alpha, real, fake, a->mixed);
    const void *logits = net_forward(a->run_critic, a->mixed, seed, pass);
    o->mean_logits(batch, logits, batch, net_dout(a->run_critic)); /* ones: each sample's own gradient */
    const void *g = net_backward(a->run_critic, NET_INPUT);
    double penalty = o->gradient_penalty(batch, count, g, a->o.lambda, a->direction);
    net_tangent(a->run_critic, a->direction);
    net_backward_tangent(a->run_critic);
    return penalty;
}

/* The critic's gradients on one batch; index: how many critic steps went before. The made images, which stay the generator's output. NULL when something isn't
 * finite. */
static const void *criticise(gan *a, const void *real, const void *z, const double *alpha, uint64_t seed, uint64_t index,
                             gan_metrics *m) {
    const void *fake = net_forward(a->run_gen, z, seed, MADES * index + MADE_FOR_CRITIC);
    uint64_t pass = PASSES * index;
    net_zero_grad(a->critic);
    m->loss_d = judge(a, real, a->o.target_real, 1, seed, pass + PASS_REAL, &m->d_real);
    net_backward(a->run_critic, NET_PARAMS);
    if (a->o.loss == GAN_WGAN_GP) m->loss_d += m->penalty = penalise(a, real, fake, alpha, seed, pass + PASS_MIXED);
    m->loss_d += judge(a, fake, a->o.target_fake, -1, seed, pass + PASS_FAKE, &m->d_fake);
    net_backward(a->run_critic, NET_PARAMS);
    m->grad_d_norm = gradient_norm(a->critic);
    return isfinite(m->loss_d) && isfinite(m->grad_d_norm) ? fake : NULL;
}

/* The generator's gradients, from the critic's last pass, whose logits are given. */
static bool improve(gan *a, const void *logits, gan_metrics *m) {
    const ops *o = a->gen->ops;
    void *dout = net_dout(a->run_critic);
    if (a->o.loss == GAN_BCE)
        m->loss_g = o->bce_logits(a->o.batch, logits, 1, dout, NULL);
    else
        m->loss_g = -o->mean_logits(a->o.batch, logits, -1, dout);
    const void *to_fake = net_backward(a->run_critic, NET_INPUT);
    memcpy(net_dout(a->run_gen), to_fake, (size_t)a->o.batch * sample_count(output_of(a->gen)) * o->real_size);
    net_zero_grad(a->gen);
    net_backward(a->run_gen, NET_PARAMS);
    m->grad_g_norm = gradient_norm(a->gen);
    m->grad_g_mean = last_layer_gradient(a->gen);
    return isfinite(m->loss_g) && isfinite(m->grad_g_norm);
}

static void average(const ops *o, size_t count, double keep, const void *from, void *to) {
    o->axpy(count, keep - 1, to, to);
    o->axpy(count, 1 - keep, from, to);
}

static void move_generator(gan *a) {
    optimiser_step(&a->opt_gen);
    if (!a->ema) return;
    const ops *o = a->gen->ops;
    double t = (double)a->opt_gen.t, keep = fmin(a->o.ema, (1 + t) / (10 + t));
    average(o, a->gen->weight_count, keep, a->gen->weights, a->ema->weights);
    average(o, a->gen->stat_count, keep, a->gen->stats, a->ema->stats);
}

bool gan_step(gan *a, const gan_draw *x, uint64_t seed, uint64_t step, gan_metrics *m) {
    size_t size = a->gen->ops->real_size, batch = (size_t)a->o.batch;
    size_t real_bytes = batch * sample_count(&a->critic->layer[0]) * size,
           z_bytes = batch * sample_count(&a->gen->layer[0]) * size;
    uint64_t n = (uint64_t)a->o.n_critic, last = n * step + n - 1;
    const void *fake = NULL;
    *m = (gan_metrics){0};
    for (uint64_t k = 0; k < n; k++) {
        if (k > 0) optimiser_step(&a->opt_critic);
        fake = criticise(a, (const char *)x->real + (x->reuse ? 0 : k * real_bytes), (const char *)x->z + k * z_bytes,
                         x->alpha ? x->alpha + k * batch : NULL, seed, n * step + k, m);
        if (!fake) return false;
    }
    const void *logits = net_value(a->run_critic, a->critic->layers - 1);
    if (a->o.update == GAN_ALTERNATE) {
        optimiser_step(&a->opt_critic);
        if (gan_own_noise(&a->o))
            fake = net_forward(a->run_gen, (const char *)x->z + n * z_bytes, seed, MADES * last + MADE_FOR_GEN);
        logits = net_forward(a->run_critic, fake, seed, PASSES * last + PASS_AGAIN);
    }
    if (!improve(a, logits, m)) return false;
    if (a->o.update == GAN_SIMULTANEOUS) optimiser_step(&a->opt_critic);
    move_generator(a);
    return true;
}
