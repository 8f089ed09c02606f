/* Five WGAN-GP steps of a small GAN against PyTorch's double backward (tests/golden/wgan.tns, see wgan.py there), for a critic without normalisation, with
 * layer norm and with batch norm, and with several critic steps and an average: in double, every loss, parameter and statistic within 1e-7; in float, the
 * first step's gradients within 1e-3. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "gan_golden.h"
#include "golden.h"
#include "lib/base.h"
#include "ops_f64.h"

enum { STEPS = 5, BATCH = 4, Z = 6, PIXELS = BATCH * 16 * 16 * 3, MOST = 3 };

/* As in wgan.py. */
static const struct run {
    const char *name, *setting;
    gan_options o;
} runs[] = {
    {"none",
     NULL,
     {BATCH,
      GAN_SIMULTANEOUS,
      1,
      0,
      {1e-3, 0, .9, 1e-7, true},
      {2e-3, 0, .9, 1e-7, true},
      GAN_WGAN_GP,
      .lambda = 10,
      .n_critic = 1}},
    {"layer",
     "layer=1",
     {BATCH, GAN_ALTERNATE, 1, 0, {1e-3, 0, .9, 1e-7, true}, {1e-3, 0, .9, 1e-7, true}, GAN_WGAN_GP, .lambda = 5, .n_critic = 1}},
    {"batch",
     "batch=1",
     {BATCH,
      GAN_SIMULTANEOUS,
      1,
      0,
      {2e-3, 0, .9, 1e-7, true},
      {1e-3, 0, .9, 1e-7, true},
      GAN_WGAN_GP,
      .lambda = 10,
      .n_critic = 1}},
    {"many",
     NULL,
     {BATCH,
      GAN_ALTERNATE,
      1,
      0,
      {1e-3, 0, .9, 1e-7, true},
      {1e-3, 0, .9, 1e-7, true},
      GAN_WGAN_GP,
      .lambda = 10,
      .n_critic = 3,
      .ema = .5}},
};
enum { RUNS = 4 };

static bool step(gan *a, int t, gan_metrics *m) {
    static uint8_t pixels[PIXELS];
    static double real[MOST * PIXELS], z[(MOST + 1) * BATCH * Z], noise[BATCH * Z], alpha[MOST * BATCH];
    const ops *o = a->gen->ops;
    char key[32];
    for (int k = 0; k <= a->o.n_critic; k++) {
        snprintf(key, sizeof key, "z %d %d", t, k);
        for (int i = 0; i < BATCH * Z; i++) noise[i] = 3 * golden_centred(key, (size_t)i);
        o->from_f64(BATCH * Z, noise, (char *)z + (size_t)k * BATCH * Z * o->real_size);
        if (k == a->o.n_critic) break;
        snprintf(key, sizeof key, "real %d %d", t, k);
        for (int i = 0; i < PIXELS; i++) pixels[i] = (uint8_t)(golden_number(key, (size_t)i) >> 24);
        o->from_u8(PIXELS, 1 / 127.5, -1, pixels, (char *)real + (size_t)k * PIXELS * o->real_size);
        snprintf(key, sizeof key, "alpha %d %d", t, k);
        for (int i = 0; i < BATCH; i++) alpha[k * BATCH + i] = golden_number(key, (size_t)i) / 4294967296.0;
    }
    return gan_step(a, &(gan_draw){.real = real, .z = z, .alpha = alpha}, 1, (uint64_t)t, m);
}

static void open_run(gan *a, const struct run *r, const ops *o) {
    char err[NET_ERROR];
    net *gen = gan_golden_net("tests/golden/wgan-gen.net", NULL, o),
        *critic = gan_golden_net("tests/golden/wgan-critic.net", r->setting, o);
    gan_golden_weights(gen, "gen");
    gan_golden_weights(critic, "critic");
    if (!gan_open(a, gen, critic, &r->o, err)) die(EXIT_FAILED, "%s", err);
}

static void close_run(gan *a) {
    gan_close(a);
    net_free(a->gen);
    net_free(a->critic);
}

static void compare_metrics(const struct run *r, int t, const gan_metrics *m, double tolerance) {
    char *key = xasprintf("%s/losses", r->name);
    const double *row = golden_find(key, STEPS * 5) + 5 * t, got[] = {m->loss_d, m->loss_g, m->d_real, m->d_fake, m->penalty};
    static const char *const names[] = {"loss_d", "loss_g", "d_real", "d_fake", "penalty"};
    free(key);
    for (int i = 0; i < 5; i++)
        CHECK(fabs(got[i] - row[i]) <= tolerance * fmax(1, fabs(row[i])), "%s, step %d: %s is %.12g, not %.12g", r->name, t,
              names[i], got[i], row[i]);
}

static void test_golden_f64(const struct run *r) {
    gan a;
    gan_metrics m;
    open_run(&a, r, &ops_f64);
    for (int t = 0; t < STEPS; t++) {
        CHECK(step(&a, t, &m), "a step in double");
        compare_metrics(r, t, &m, 1e-7);
        if (t > 0) continue;
        double gen = gan_golden_gradients(a.gen, r->name, "gen"), critic = gan_golden_gradients(a.critic, r->name, "critic");
        CHECK(gen < 1e-9 && critic < 1e-9, "%s: gradients off by %g and %g", r->name, gen, critic);
    }
    double gen = gan_golden_end(a.gen, r->name, "gen"), critic = gan_golden_end(a.critic, r->name, "critic"),
           average = a.ema ? gan_golden_end(a.ema, r->name, "ema") : 0;
    CHECK(gen < 1e-7 && critic < 1e-7 && average < 1e-7, "%s: off by %g, %g and %g in the end", r->name, gen, critic, average);
    CHECK((a.ema != NULL) == (r->o.ema > 0), "an average where one is wanted");
    close_run(&a);
}

/* Where critic and generator start from the same weights the step's gradients haven't been through Adam, which makes 1 of every first gradient. */
static void test_golden_f32(const struct run *r, int threads) {
    gan a;
    gan_metrics m;
    ops_f32.set_threads(threads);
    open_run(&a, r, &ops_f32);
    CHECK(step(&a, 0, &m), "a step in float");
    if (r->o.n_critic == 1) {
        double critic = gan_golden_gradients(a.critic, r->name, "critic"), gen = gan_golden_gradients(a.gen, r->name, "gen");
        bool same = r->o.update == GAN_SIMULTANEOUS;
        CHECK(critic < 1e-3, "%s: the critic's gradients are off by %g", r->name, critic);
        CHECK(gen < (same ? 1e-5 : 1e-3), "%s: the generator's gradients are off by %g", r->name, gen);
        if (same) compare_metrics(r, 0, &m, 1e-4);
    }
    for (int t = 1; t < STEPS; t++) CHECK(step(&a, t, &m), "a step in float");
    close_run(&a);
}

static void test_repeats(const struct run *r) {
    gan a[2];
    gan_metrics m[2];
    ops_f32.set_threads(2);
    for (int i = 0; i < 2; i++) {
        open_run(&a[i], r, &ops_f32);
        for (int t = 0; t < 3; t++) step(&a[i], t, &m[i]);
    }
    CHECK(!memcmp(&m[0], &m[1], sizeof *m), "the same metrics again");
    CHECK(!memcmp(a[0].gen->weights, a[1].gen->weights, a[0].gen->weight_count * sizeof(float)), "the same generator again");
    CHECK(!memcmp(a[0].critic->weights, a[1].critic->weights, a[0].critic->weight_count * sizeof(float)),
          "the same critic again");
    for (int i = 0; i < 2; i++) close_run(&a[i]);
}

/* A critic that isn't finite anywhere: nothing moves. */
static void test_not_finite(const struct run *r) {
    gan a;
    gan_metrics m;
    const double bad = NAN;
    open_run(&a, r, &ops_f64);
    ops_f64.from_f64(1, &bad, net_param_data(a.critic, net_find(a.critic, "c1.weight")));
    size_t bytes = a.gen->weight_count * sizeof(double), critic_bytes = a.critic->weight_count * sizeof(double);
    void *gen = xmalloc(bytes), *critic = xmalloc(critic_bytes);
    memcpy(gen, a.gen->weights, bytes);
    memcpy(critic, a.critic->weights, critic_bytes);
    CHECK(!step(&a, 0, &m), "a step with NaN fails");
    CHECK(!memcmp(gen, a.gen->weights, bytes) && !memcmp(critic, a.critic->weights, critic_bytes), "and nothing has moved");
    free(gen);
    free(critic);
    close_run(&a);
}

int main(void) {
    base_program = "test_wgan";
    golden_read("tests/golden/wgan.tns");
    for (int i = 0; i < RUNS; i++) {
        test_golden_f64(&runs[i]);
        test_golden_f32(&runs[i], 1);
        test_golden_f32(&runs[i], 2);
        test_repeats(&runs[i]);
        test_not_finite(&runs[i]);
    }
    golden_free();
    return check_status();
}
