/* The study's own networks at full size (pipelines/nets): the gradients of a first step in float, and in bfloat16 where the processor has it, against plain loops in double.
 * Each parameter by itself, |a-b| / |b|: 1e-5 for cross-entropy, 1e-3 with the penalty, .2 in bfloat16: of two images,
 * whose rounding errors turn slopes of leaky units about that average out in a batch. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lib/base.h"
#include "lib/gan.h"
#include "lib/ops_bf16.h"
#include "lib/rng.h"
#include "ops_f64.h"

enum { BATCH = 2, Z = 100, IMAGE = 64 * 64 * 3 };

static net *load(const char *name, const ops *o) {
    char err[NET_ERROR], *path = xasprintf("pipelines/nets/%s.net", name);
    net *n = net_load(path, err);
    if (!n || !net_shape(n, 0, 0, 0, err)) die(EXIT_FAILED, "%s", err);
    if (!net_alloc(n, o)) die(EXIT_FAILED, "out of memory");
    net_init(n, 1, name);
    free(path);
    return n;
}

/* The weights stay as they are, so that both networks' gradients are of the same ones in every table. */
static gan step(const char *critic, gan_loss loss, const ops *o) {
    static double v[2 * BATCH * IMAGE], real[BATCH * IMAGE], z[2 * BATCH * Z], alpha[BATCH];
    const gan_options options = {.batch = BATCH,
                                 .target_real = 1,
                                 .gen = {0, .9, .999, 1e-7, true},
                                 .critic = {0, .9, .999, 1e-7, true},
                                 .loss = loss,
                                 .update = loss == GAN_BCE ? GAN_SIMULTANEOUS : GAN_ALTERNATE,
                                 .lambda = 10,
                                 .n_critic = 1};
    char err[NET_ERROR];
    gan a;
    gan_metrics m;
    if (!gan_open(&a, load("gen", o), load(critic, o), &options, err)) die(EXIT_FAILED, "%s", err);
    /* Of these data no activation comes so near to its bend that rounding decides the side: one unit of c4 more or less changes the penalty's gradient by half a percent. */
    rng r = rng_make(1, "test_full_gan", "data", 1);
    for (int i = 0; i < BATCH * IMAGE; i++) v[i] = (float)rng_range(&r, -1, 1);
    o->from_f64(BATCH * IMAGE, v, real);
    for (int i = 0; i < 2 * BATCH * Z; i++) v[i] = (float)rng_range(&r, -2, 2);
    o->from_f64(2 * BATCH * Z, v, z);
    for (int i = 0; i < BATCH; i++) alpha[i] = rng_uniform(&r);
    CHECK(gan_step(&a, &(gan_draw){.real = real, .z = z, .alpha = alpha}, 1, 0, &m), "%s: a step in %s", critic, o->name);
    return a;
}

static void close(gan *a) {
    gan_close(a);
    net_free(a->gen);
    net_free(a->critic);
}

static double norm(size_t count, const double *v) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += v[i] * v[i];
    return sqrt(sum);
}

static void compare(const net *got, const net *want, double allowed, const char *what) {
    double weights = 0; /* a bias before a batch norm has no gradient but rounding: it is measured against its layer's weights' */
    for (int i = 0; i < want->params; i++) {
        const net_param *p = &want->param[i];
        if (!p->trained) continue;
        double *a = xarray(p->count, sizeof *a), *b = xarray(p->count, sizeof *b);
        got->ops->to_f64(p->count, net_param_grad(got, p), a);
        want->ops->to_f64(p->count, net_param_grad(want, p), b);
        double size = norm(p->count, b);
        if (p->rank > 1) weights = size;
        for (size_t k = 0; k < p->count; k++) a[k] -= b[k];
        double error = norm(p->count, a) / fmax(size, weights);
        CHECK(error < allowed, "%s, %s: the gradient of %s is off by %g", what, got->ops->name, p->key, error);
        free(a);
        free(b);
    }
}

static void test(const char *critic, gan_loss loss, double allowed) {
    const ops *half = ops_bf16();
    gan exact = step(critic, loss, &ops_f64), fast = step(critic, loss, &ops_f32);
    compare(fast.critic, exact.critic, allowed, critic);
    compare(fast.gen, exact.gen, loss == GAN_BCE ? 1e-5 : allowed, critic);
    if (half) {
        gan rough = step(critic, loss, half);
        compare(rough.critic, exact.critic, .2, critic);
        compare(rough.gen, exact.gen, .2, critic);
        close(&rough);
    }
    close(&exact);
    close(&fast);
}

int main(void) {
    base_program = "test_full_gan";
    test("critic", GAN_BCE, 1e-5);
    test("critic-none", GAN_WGAN_GP, 1e-3);
    return check_status();
}
