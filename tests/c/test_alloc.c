/* A training step allocates nothing after the first one: counted in malloc and its kin themselves, of the whole process but for oneDNN (and its C++ library), whose products of
 * matrices take the memory they pack into and give it back (tests/faults covers that it may be refused). */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lib/base.h"
#include "lib/gan.h"

#if defined __GLIBC__ && !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
static long calls;
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t alignment, size_t n);

static void count(const void *caller) {
    Dl_info from;
    bool outside =
        dladdr(caller, &from) && from.dli_fname && (strstr(from.dli_fname, "libdnnl") || strstr(from.dli_fname, "libstdc++"));
    if (!outside) __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
}
#define COUNT() count(__builtin_return_address(0))
void *malloc(size_t n) {
    return COUNT(), __libc_malloc(n);
}
void *calloc(size_t n, size_t size) {
    return COUNT(), __libc_calloc(n, size);
}
void *realloc(void *p, size_t n) {
    return COUNT(), __libc_realloc(p, n);
}
void *aligned_alloc(size_t alignment, size_t n) {
    return COUNT(), __libc_memalign(alignment, n);
}
void *memalign(size_t alignment, size_t n) {
    return COUNT(), __libc_memalign(alignment, n);
}
int posix_memalign(void **p, size_t alignment, size_t n) {
    COUNT();
    *p = __libc_memalign(alignment, n);
    return *p ? 0 : 12;
}

static net *load(const char *path, uint64_t seed) {
    char err[NET_ERROR];
    net *n = net_load(path, err);
    if (!n || !net_shape(n, 0, 0, 0, err)) die(EXIT_FAILED, "%s", err);
    if (!net_alloc(n, &ops_f32)) die(EXIT_FAILED, "out of memory");
    net_init(n, seed, path);
    return n;
}

static void train(gan_loss loss, const char *critic_path) {
    enum { BATCH = 32, STEPS = 1 };
    gan_options o = {.batch = BATCH,
                     .target_real = 1,
                     .gen = {1e-4, .5, .999, 1e-7, true},
                     .critic = {1e-4, .5, .999, 1e-7, true},
                     .lambda = 10,
                     .n_critic = 1};
    o.loss = loss, o.update = loss == GAN_BCE ? GAN_SIMULTANEOUS : GAN_ALTERNATE;
    net *gen = load("pipelines/nets/gen.net", 1), *critic = load(critic_path, 2);
    char err[NET_ERROR];
    gan a;
    if (!gan_open(&a, gen, critic, &o, err)) die(EXIT_FAILED, "%s", err);
    size_t images = (size_t)BATCH * 64 * 64 * 3, zs = 2 * (size_t)BATCH * 100;
    float *real = xarray(images, sizeof *real), *z = xarray(zs, sizeof *z);
    double alpha[BATCH] = {0};
    for (size_t i = 0; i < images; i++) real[i] = (float)(i % 7) / 7 - .5f;
    for (size_t i = 0; i < zs; i++) z[i] = (float)(i % 11) / 5 - 1;
    gan_draw draw = {.real = real, .z = z, .alpha = alpha};
    gan_metrics m;
    CHECK(gan_step(&a, &draw, 0, 0, &m), "the first step");
    long before = calls;
    for (int step = 1; step <= STEPS; step++) CHECK(gan_step(&a, &draw, 0, (uint64_t)step, &m), "step %d", step);
    CHECK(calls == before, "%s: %ld allocations in %d steps", critic_path, calls - before, STEPS);
    gan_close(&a);
    net_free(gen);
    net_free(critic);
    free(real);
    free(z);
}

int main(void) {
    ops_f32.set_threads(2); /* OpenMP takes and gives back a list of jobs for one */
    long before = calls;
    free(xmalloc(1000));
    CHECK(calls == before + 1, "they are counted");
    train(GAN_BCE, "pipelines/nets/critic.net");
    train(GAN_WGAN_GP, "pipelines/nets/critic-layer.net");
    return check_status();
}
#else
int main(void) { /* these bring a malloc of their own */
    return 0;
}
#endif
