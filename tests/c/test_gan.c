/* Five training steps of a small GAN against PyTorch's (tests/golden/gan.tns, see gan.py there): in double, every loss, parameter and running
 * statistic within 1e-7; in float, the first step's gradients within 1e-5. And what gan.h promises besides. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "gan_golden.h"
#include "golden.h"
#include "lib/gan.h"
#include "ops_f64.h"

enum { STEPS = 5, BATCH = 4, Z = 12, PIXELS = BATCH * 64 * 64 * 3 };

/* ---- what goes in, as in gan.py ---- */

/* One step on the golden photos and noise of step t (from 0). */
static bool step(gan *a, int t, gan_metrics *m) {
    static uint8_t pixels[PIXELS];
    static double real[PIXELS], z[BATCH * Z], noise[BATCH * Z];
    char real_key[20], z_key[20];
    snprintf(real_key, sizeof real_key, "real %d", t);
    snprintf(z_key, sizeof z_key, "z %d", t);
    for (int i = 0; i < PIXELS; i++) pixels[i] = (uint8_t)(golden_number(real_key, (size_t)i) >> 24);
    for (int i = 0; i < BATCH * Z; i++) noise[i] = 3 * golden_centred(z_key, (size_t)i);
    const ops *o = a->gen->ops;
    o->from_u8(PIXELS, 1 / 127.5, -1, pixels, real);
    o->from_f64(BATCH * Z, noise, z);
    return gan_step(a, &(gan_draw){.real = real, .z = z}, 1, (uint64_t)t + 1, m);
}

static const struct golden_update {
    const char *name;
    gan_options o;
} updates[] = {
    {"simultaneous",
     {BATCH, GAN_SIMULTANEOUS, 1, 0, .gen = {1e-3, .9, .999, 1e-7, true}, .critic = {2e-3, .9, .999, 1e-7, true}}},
    {"alternate", {BATCH, GAN_ALTERNATE, .9, .1, .gen = {2e-3, .5, .99, 1e-8, false}, .critic = {1e-3, .5, .99, 1e-8, false}}},
};

static void open_gan(gan *a, const gan_options *options, const ops *o) {
    char err[NET_ERROR];
    net *gen = gan_golden_net("tests/golden/gan-gen.net", NULL, o),
        *critic = gan_golden_net("tests/golden/gan-critic.net", NULL, o);
    gan_golden_weights(gen, "gen");
    gan_golden_weights(critic, "critic");
    if (!gan_open(a, gen, critic, options, err)) die(EXIT_FAILED, "%s", err);
}

static void close_gan(gan *a) {
    gan_close(a);
    net_free(a->gen);
    net_free(a->critic);
}

/* ---- comparisons ---- */

static void compare_gradients(const gan *a, const char *update, double tolerance) {
    double gen = gan_golden_gradients(a->gen, update, "gen"), critic = gan_golden_gradients(a->critic, update, "critic");
    CHECK(gen < tolerance && critic < tolerance, "%s: gradients off by %g and %g", update, gen, critic);
}

static void compare_end(const gan *a, const char *update, double tolerance) {
    double gen = gan_golden_end(a->gen, update, "gen"), critic = gan_golden_end(a->critic, update, "critic");
    CHECK(gen < tolerance && critic < tolerance, "%s: weights off by %g and %g", update, gen, critic);
}

static void compare_metrics(const struct golden_update *u, int t, const gan_metrics *m, double tolerance) {
    char *key = xasprintf("%s/losses", u->name);
    const double *row = golden_find(key, STEPS * 4);
    free(key);
    if (!row) return;
    row += 4 * t;
    CHECK_NEAR(m->loss_d, row[0], tolerance, "loss_d");
    CHECK_NEAR(m->loss_g, row[1], tolerance, "loss_g");
    CHECK_NEAR(m->d_real, row[2], tolerance, "d_real");
    CHECK_NEAR(m->d_fake, row[3], tolerance, "d_fake");
    CHECK(m->penalty == 0, "no penalty");
}

/* The norms that a step reports, from the golden gradients. */
static void compare_norms(const gan *a, const struct golden_update *u, const gan_metrics *m, double tolerance) {
    double squares[2] = {0}, mean = 0;
    const net *nets[] = {a->gen, a->critic};
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < nets[k]->params; i++) {
            const net_param *p = &nets[k]->param[i];
            if (!p->trained) continue;
            char *key = xasprintf("%s/grad/%s/%s", u->name, k ? "critic" : "gen", p->key);
            const double *g = golden_find(key, p->count);
            free(key);
            if (!g) continue;
            squares[k] += gan_golden_norm(p->count, g) * gan_golden_norm(p->count, g);
            if (strcmp(p->key, "up3.weight")) continue;
            for (size_t e = 0; e < p->count; e++) mean += fabs(g[e]) / (double)p->count;
        }
    CHECK_NEAR(m->grad_g_mean, mean, tolerance * mean, "grad_g_mean");
    CHECK_NEAR(m->grad_g_norm, sqrt(squares[0]), tolerance * sqrt(squares[0]), "grad_g_norm");
    CHECK_NEAR(m->grad_d_norm, sqrt(squares[1]), tolerance * sqrt(squares[1]), "grad_d_norm");
}

/* ---- tests ---- */

static void test_golden_f64(const struct golden_update *u) {
    gan a;
    gan_metrics m;
    open_gan(&a, &u->o, &ops_f64);
    for (int t = 0; t < STEPS; t++) {
        CHECK(step(&a, t, &m), "a step in double");
        compare_metrics(u, t, &m, 1e-7);
        if (t > 0) continue;
        compare_gradients(&a, u->name, 1e-9);
        compare_norms(&a, u, &m, 1e-9);
    }
    compare_end(&a, u->name, 1e-7);
    close_gan(&a);
}

static void test_golden_f32(const struct golden_update *u, int threads) {
    gan a;
    gan_metrics m;
    ops_f32.set_threads(threads);
    open_gan(&a, &u->o, &ops_f32);
    CHECK(step(&a, 0, &m), "a step in float");
    compare_metrics(u, 0, &m, 1e-5);
    compare_gradients(&a, u->name, 1e-5);
    compare_norms(&a, u, &m, 1e-5);
    for (int t = 1; t < STEPS; t++) {
        CHECK(step(&a, t, &m), "a step in float");
        compare_metrics(u, t, &m, 2e-2); /* rounding grows from step to step */
    }
    close_gan(&a);
}

/* The same steps give the same bytes. */
static void test_repeats(const struct golden_update *u) {
    gan a[2];
    gan_metrics m[2];
    ops_f32.set_threads(2);
    for (int i = 0; i < 2; i++) {
        open_gan(&a[i], &u->o, &ops_f32);
        for (int t = 0; t < 3; t++) step(&a[i], t, &m[i]);
    }
    CHECK(!memcmp(&m[0], &m[1], sizeof *m), "the same metrics again");
    CHECK(!memcmp(a[0].gen->weights, a[1].gen->weights, a[0].gen->weight_count * sizeof(float)), "the same generator again");
    CHECK(!memcmp(a[0].critic->weights, a[1].critic->weights, a[0].critic->weight_count * sizeof(float)),
          "the same critic again");
    CHECK(!memcmp(a[0].critic->stats, a[1].critic->stats, a[0].critic->stat_count * sizeof(float)), "the same statistics again");
    for (int i = 0; i < 2; i++) close_gan(&a[i]);
}

/* A weight that isn't a number: the step says so, and no net moves. */
static void test_not_finite(const struct golden_update *u, const char *key, double bad) {
    gan a;
    gan_metrics m;
    open_gan(&a, &u->o, &ops_f64);
    net *of = !strncmp(key, "fc", 2) ? a.gen : a.critic;
    a.gen->ops->from_f64(1, &bad, net_param_data(of, net_find(of, key)));
    size_t gen_bytes = a.gen->weight_count * sizeof(double), critic_bytes = a.critic->weight_count * sizeof(double);
    void *gen = xmalloc(gen_bytes), *critic = xmalloc(critic_bytes);
    memcpy(gen, a.gen->weights, gen_bytes);
    memcpy(critic, a.critic->weights, critic_bytes);
    CHECK(!step(&a, 0, &m), "a step with NaN fails");
    CHECK(!memcmp(gen, a.gen->weights, gen_bytes), "the generator hasn't moved");
    CHECK(!memcmp(critic, a.critic->weights, critic_bytes), "the critic hasn't moved");
    free(gen);
    free(critic);
    close_gan(&a);
}

static void test_misfit(const char *gen_text, const char *critic_text, const char *want) {
    char err[NET_ERROR] = "";
    const char *texts[] = {gen_text, critic_text};
    net *n[2];
    for (int i = 0; i < 2; i++) {
        n[i] = net_parse(texts[i], i ? "critic.net" : "gen.net", err);
        if (!n[i] || !net_shape(n[i], 0, 0, 0, err) || !net_alloc(n[i], &ops_f64)) die(EXIT_FAILED, "%s", err);
    }
    gan a;
    if (gan_open(&a, n[0], n[1], &updates[0].o, err))
        CHECK(false, "nets that don't fit were taken: %s", want);
    else if (strcmp(err, want))
        CHECK(false, "'%s' instead of '%s'", err, want);
    gan_close(&a);
    for (int i = 0; i < 2; i++) net_free(n[i]);
}

int main(void) {
    base_program = "test_gan";
    golden_read("tests/golden/gan.tns");
    for (int i = 0; i < 2; i++) {
        test_golden_f64(&updates[i]);
        test_golden_f32(&updates[i], 1);
        test_golden_f32(&updates[i], 2);
        test_repeats(&updates[i]);
    }
    test_not_finite(&updates[0], "c3.weight", NAN);
    test_not_finite(&updates[0], "c5.bias", INFINITY);
    test_not_finite(&updates[0], "fc.weight", NAN);
    const char *gen = "input 2\nfc dense 12\nreshape 2x2x3\n", *critic = "input 2x2x3\nflatten\nfc dense 1\n";
    test_misfit(gen, "input 2x2x1\nflatten\nfc dense 1\n",
                "the generator gen.net makes 2x2x3 images, the critic critic.net takes 2x2x1");
    test_misfit("input 2\nfc dense 12\nreshape 4x1x3\n", critic,
                "the generator gen.net makes 4x1x3 images, the critic critic.net takes 2x2x3");
    test_misfit(gen, "input 2x2x3\nc conv 1 1\n", "the critic critic.net gives 2x2x1 numbers an image, not one logit");
    test_misfit(gen, "input 2x2x3\nflatten\nfc dense 2\n", "the critic critic.net gives 1x1x2 numbers an image, not one logit");
    golden_free();
    return check_status();
}
