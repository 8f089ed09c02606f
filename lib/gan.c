#include "gan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const net_layer *output_of(const net *n) {
    return &n->layer[n->layers - 1];
}

bool gan_open(gan *a, net *gen, net *critic, const gan_options *o, char err[NET_ERROR]) {
    const net_layer *image = output_of(gen), *in = &critic->layer[0], *verdict = output_of(critic);
    *a = (gan){.gen = gen, .critic = critic, .o = *o};
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
    a->run_gen = net_run_new(gen, o->batch, true);
    a->run_critic = net_run_new(critic, o->batch, true);
    if (a->run_gen && a->run_critic && optimiser_open(&a->opt_gen, gen, &o->gen) &&
        optimiser_open(&a->opt_critic, critic, &o->critic))
        return true;
    snprintf(err, NET_ERROR, "not enough memory for a batch of %d; try a smaller -b", o->batch);
    return false;
}

void gan_close(gan *a) {
    net_run_free(a->run_gen);
    net_run_free(a->run_critic);
    optimiser_close(&a->opt_gen);
    optimiser_close(&a->opt_critic);
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

bool gan_step(gan *a, const void *real, const void *z, uint64_t seed, uint64_t step, gan_metrics *m) {
    enum { PASSES = 3 }; /* of the critic: each drops out for itself */
    const ops *o = a->gen->ops;
    int batch = a->o.batch;
    *m = (gan_metrics){0};
    const void *fake = net_forward(a->run_gen, z, seed, step);

    net_zero_grad(a->critic);
    const void *logits = net_forward(a->run_critic, real, seed, PASSES * step);
    m->loss_d = o->bce_logits(batch, logits, a->o.target_real, net_dout(a->run_critic), &m->d_real);
    net_backward(a->run_critic, NET_PARAMS);
    logits = net_forward(a->run_critic, fake, seed, PASSES * step + 1);
    m->loss_d += o->bce_logits(batch, logits, a->o.target_fake, net_dout(a->run_critic), &m->d_fake);
    net_backward(a->run_critic, NET_PARAMS);
    m->grad_d_norm = gradient_norm(a->critic);
    if (!isfinite(m->loss_d) || !isfinite(m->grad_d_norm)) return false;

    if (a->o.update == GAN_ALTERNATE) {
        optimiser_step(&a->opt_critic);
        logits = net_forward(a->run_critic, fake, seed, PASSES * step + 2);
    }
    m->loss_g = o->bce_logits(batch, logits, 1, net_dout(a->run_critic), NULL);
    const void *to_fake = net_backward(a->run_critic, NET_INPUT);
    const net_layer *image = output_of(a->gen);
    memcpy(net_dout(a->run_gen), to_fake, (size_t)batch * (size_t)image->h * (size_t)image->w * (size_t)image->c * o->real_size);
    net_zero_grad(a->gen);
    net_backward(a->run_gen, NET_PARAMS);
    m->grad_g_norm = gradient_norm(a->gen);
    m->grad_g_mean = last_layer_gradient(a->gen);
    if (!isfinite(m->loss_g) || !isfinite(m->grad_g_norm)) return false;

    if (a->o.update == GAN_SIMULTANEOUS) optimiser_step(&a->opt_critic);
    optimiser_step(&a->opt_gen);
    return true;
}
