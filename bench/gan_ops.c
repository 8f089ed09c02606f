/* gan_ops: where a GAN's training step goes: gan_ops GEN CRITIC [-j THREADS] [-b BATCH] [-n STEPS] [-l bce|wgan-gp] [-c N_CRITIC] [-h], on images of noise; -h: in bfloat16.
 * Prints a line a step (seconds of wall clock and of CPU), the step's sum, and a table of the operations: calls, milliseconds a step (of CPU with -j 1, so that a busy
 * machine matters less), and GFLOP/s of those that have a count. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "lib/base.h"
#include "lib/gan.h"
#include "lib/ops_bf16.h"
#include "lib/rng.h"

enum { MOST = 200 };
static struct {
    char name[120];
    double seconds, flop;
    int calls;
} line[MOST];
static int lines;
static clockid_t clock_used = CLOCK_MONOTONIC;

static double clock_seconds(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void note(const char *name, double start, double flop) {
    double end = clock_seconds(clock_used);
    int i = 0;
    while (i < lines && strcmp(line[i].name, name)) i++;
    if (i == MOST) return;
    if (i == lines) snprintf(line[lines++].name, sizeof line->name, "%s", name);
    line[i].seconds += end - start, line[i].flop += flop, line[i].calls++;
}

static double conv_flop(const conv_shape *s) {
    return 2. * s->n * s->oh * s->ow * s->oc * s->c * s->kh * s->kw / s->groups;
}

static const char *conv_name(const char *op, const conv_shape *s) {
    static char name[120];
    snprintf(name, sizeof name, "%-16s %dx%dx%d to %dx%dx%d, %dx%d stride %d", op, s->h, s->w, s->c, s->oh, s->ow, s->oc, s->kh,
             s->kw, s->stride_h);
    return name;
}

static const ops *table = &ops_f32;

#define TIMED(name, flop, call)                                                                                                  \
    double start = clock_seconds(clock_used);                                                                                    \
    table->call;                                                                                                                 \
    note(name, start, flop)

static void conv_forward(const conv_shape *s, const void *x, const void *w, const void *bias, activation act, void *y) {
    TIMED(conv_name("forward", s), conv_flop(s), conv_forward(s, x, w, bias, act, y));
}
static void conv_backward_data(const conv_shape *s, const void *dy, const void *w, const void *bias, activation act, void *dx) {
    TIMED(conv_name("backward data", s), conv_flop(s), conv_backward_data(s, dy, w, bias, act, dx));
}
static void conv_backward_weights(const conv_shape *s, const void *x, const void *dy, void *dw) {
    TIMED(conv_name("backward weights", s), conv_flop(s), conv_backward_weights(s, x, dy, dw));
}
static void dense_forward(int n, int in, int out, const void *x, const void *w, const void *bias, activation act, void *y) {
    TIMED("dense", 2. * n * in * out, dense_forward(n, in, out, x, w, bias, act, y));
}
static void dense_backward_data(int n, int in, int out, const void *dy, const void *w, void *dx) {
    TIMED("dense", 2. * n * in * out, dense_backward_data(n, in, out, dy, w, dx));
}
static void dense_backward_weights(int n, int in, int out, const void *x, const void *dy, void *dw) {
    TIMED("dense", 2. * n * in * out, dense_backward_weights(n, in, out, x, dy, dw));
}
static void act_backward(activation act, size_t count, const void *x, const void *y, const void *dy, void *dx) {
    TIMED("activation backward", 0, act_backward(act, count, x, y, dy, dx));
}
static void act_forward(activation act, size_t count, const void *x, void *y) {
    TIMED("activation", 0, act_forward(act, count, x, y));
}
static void batchnorm_forward(size_t rows, int c, const void *x, const void *gamma, const void *beta, double eps, activation act,
                              void *y, void *mean, void *istd, void *running_mean, void *running_var, double momentum,
                              bool unbiased) {
    TIMED("batch norm", 0,
          batchnorm_forward(rows, c, x, gamma, beta, eps, act, y, mean, istd, running_mean, running_var, momentum, unbiased));
}
static void batchnorm_backward(size_t rows, int c, const void *x, const void *y, const void *gamma, const void *mean,
                               const void *istd, activation act, const void *dy, void *dx, void *dgamma, void *dbeta) {
    TIMED("batch norm backward", 0, batchnorm_backward(rows, c, x, y, gamma, mean, istd, act, dy, dx, dgamma, dbeta));
}
static void bias_backward(size_t rows, int c, const void *dy, void *db) {
    TIMED("bias backward", 0, bias_backward(rows, c, dy, db));
}
static void axpy(size_t count, double a, const void *x, void *y) {
    TIMED("adding", 0, axpy(count, a, x, y));
}
static void norms(size_t count, const void *x, double *a, double *b) {
    TIMED("norms", 0, norms(count, x, a, b));
}
static void adam(size_t count, const adam_options *o, uint64_t t, void *w, const void *g, void *m, void *v) {
    TIMED("Adam", 0, adam(count, o, t, w, g, m, v));
}
static void interpolate(int n, size_t count, const double *alpha, const void *a, const void *b, void *x) {
    TIMED("interpolation", 0, interpolate(n, count, alpha, a, b, x));
}

static int by_time(const void *a, const void *b) {
    double x = ((const double *)a)[0], y = ((const double *)b)[0];
    return (x < y) - (x > y);
}

static net *load(const char *path, const ops *o) {
    char err[NET_ERROR];
    net *n = net_load(path, err);
    if (!n || !net_shape(n, 0, 0, 0, err)) die(EXIT_FAILED, "%s", err);
    if (!net_alloc(n, o)) die(EXIT_FAILED, "out of memory");
    net_init(n, 0, path);
    return n;
}

int main(int argc, char **argv) {
    int threads = 1, batch = 128, steps = 5, n_critic = 0, c;
    gan_options o = {.target_real = 1, .gen = {1e-4, .9, .999, 1e-7, true}, .critic = {1e-4, .9, .999, 1e-7, true}, .lambda = 10};
    while ((c = getopt(argc, argv, "j:b:n:l:c:h")) != -1) {
        if (c == 'j') threads = atoi(optarg);
        if (c == 'b') batch = atoi(optarg);
        if (c == 'n') steps = atoi(optarg);
        if (c == 'c') n_critic = atoi(optarg);
        if (c == 'h') table = ops_bf16();
        if (c == 'l' && !strcmp(optarg, "wgan-gp")) o.loss = GAN_WGAN_GP, o.update = GAN_ALTERNATE;
    }
    if (!table) die(EXIT_USAGE, "this processor has no AMX");
    if (argc - optind != 2 || threads < 1 || batch < 2 || steps < 1)
        return fprintf(stderr,
                       "usage: gan_ops [-j THREADS] [-b BATCH] [-n STEPS] [-l bce|wgan-gp] [-c N_CRITIC] [-h] GEN CRITIC\n"),
               2;
    o.batch = batch, o.n_critic = n_critic ? n_critic : o.loss == GAN_WGAN_GP ? 5 : 1;
    if (threads == 1) clock_used = CLOCK_THREAD_CPUTIME_ID;
    ops timed = *table;
    timed.conv_forward = conv_forward, timed.conv_backward_data = conv_backward_data,
    timed.conv_backward_weights = conv_backward_weights;
    timed.dense_forward = dense_forward, timed.dense_backward_data = dense_backward_data,
    timed.dense_backward_weights = dense_backward_weights;
    timed.act_forward = act_forward, timed.act_backward = act_backward, timed.batchnorm_forward = batchnorm_forward;
    timed.batchnorm_backward = batchnorm_backward, timed.bias_backward = bias_backward, timed.axpy = axpy, timed.norms = norms,
    timed.adam = adam;
    timed.interpolate = interpolate;
    ops_f32.set_threads(threads);

    char err[NET_ERROR];
    net *gen = load(argv[optind], &timed), *critic = load(argv[optind + 1], &timed);
    gan a;
    if (!gan_open(&a, gen, critic, &o, err)) die(EXIT_FAILED, "%s", err);
    const net_layer *in = &critic->layer[0];
    size_t images = (size_t)o.n_critic * (size_t)batch * (size_t)(in->h * in->w * in->c),
           zs = (size_t)(o.n_critic + 1) * (size_t)batch * (size_t)gen->layer[0].c;
    float *real = aligned_alloc64(images * 4), *z = aligned_alloc64(zs * 4);
    double *alpha = xarray((size_t)(o.n_critic * batch), sizeof *alpha), best = 0;
    rng r = rng_make(0, "gan_ops", "data", 0);
    rng_fill_normal(&r, real, images);
    rng_fill_normal(&r, z, zs);
    for (int i = 0; i < o.n_critic * batch; i++) alpha[i] = rng_uniform(&r);
    gan_draw draw = {.real = real, .z = z, .alpha = alpha};
    for (int step = 0; step < steps + 1; step++) {
        gan_metrics m;
        double wall = clock_seconds(CLOCK_MONOTONIC), cpu = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
        if (step == 1) lines = 0, memset(line, 0, sizeof line); /* the first one makes primitives and buffers */
        if (!gan_step(&a, &draw, 0, (uint64_t)step, &m)) die(EXIT_FAILED, "a loss isn't finite");
        wall = clock_seconds(CLOCK_MONOTONIC) - wall, cpu = clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        double taken = threads == 1 ? cpu : wall;
        if (step && (!best || taken < best)) best = taken;
        printf("step %d: %.3f s, %.3f s of CPU, loss_d %.6f loss_g %.6f\n", step, wall, cpu, m.loss_d, m.loss_g);
    }
    double order[MOST][2], known = 0, flop = 0, flop_seconds = 0;
    for (int i = 0; i < lines; i++) {
        order[i][0] = line[i].seconds, order[i][1] = i, known += line[i].seconds;
        if (line[i].flop > 0) flop += line[i].flop, flop_seconds += line[i].seconds;
    }
    qsort(order, (size_t)lines, sizeof *order, by_time);
    for (int i = 0; i < lines; i++) {
        int k = (int)order[i][1];
        printf("%8.2f ms %5d  ", 1e3 * line[k].seconds / steps, line[k].calls / steps);
        if (line[k].flop > 0)
            printf("%6.1f GFLOP/s", 1e-9 * line[k].flop / line[k].seconds);
        else
            printf("%14s", "");
        printf("  %s\n", line[k].name);
    }
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    printf("%8.2f ms in all of these, %.1f GFLOP a step at %.1f GFLOP/s; best step %.3f s: %.1f GFLOP/s; peak memory %.0f MiB\n",
           1e3 * known / steps, 1e-9 * flop / steps, 1e-9 * flop / flop_seconds, best, 1e-9 * flop / steps / best,
           (double)use.ru_maxrss / 1024);
    return 0;
}
