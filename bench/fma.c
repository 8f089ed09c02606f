/* fma: the most multiply-adds this machine does in a second, in GFLOP/s (two a multiply-add): THREADS threads (default 1), each with independent chains in
 * the widest vectors of the processor, no memory. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CHAINS = 12, ROUNDS = 20000000 };

#define LOOP(name, lanes, options)                                                                                               \
    options static double name(float seed) {                                                                                     \
        typedef float vec __attribute__((vector_size(4 * lanes)));                                                               \
        vec a[CHAINS], m = seed - (vec){0}, s = {0};                                                                             \
        for (int k = 0; k < CHAINS; k++) a[k] = m + (float)k;                                                                    \
        for (int i = 0; i < ROUNDS; i++)                                                                                         \
            for (int k = 0; k < CHAINS; k++) a[k] = a[k] * m + m;                                                                \
        for (int k = 0; k < CHAINS; k++) s += a[k];                                                                              \
        sink = s[0];                                                                                                             \
        return 2. * lanes * CHAINS * ROUNDS;                                                                                     \
    }

static volatile float sink;
LOOP(plain, 4, )
#ifdef __x86_64__
LOOP(avx2, 8, __attribute__((target("avx2,fma"))))
LOOP(avx512, 16, __attribute__((target("avx512f"))))
#endif

static void *work(void *flop) {
    float seed = .5f;
    double *out = flop;
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f"))
        *out = avx512(seed);
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        *out = avx2(seed);
    else
#endif
        *out = plain(seed);
    return NULL;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv) {
    int threads = argc > 1 ? atoi(argv[1]) : 1;
    double best = 0;
    if (threads < 1 || threads > 1024) return fprintf(stderr, "usage: fma [THREADS]\n"), 2;
    for (int round = 0; round < 3; round++) {
        pthread_t t[1024];
        double flop[1024], sum = 0, start = now();
        for (int i = 0; i < threads; i++)
            if (pthread_create(&t[i], NULL, work, &flop[i])) return 1;
        for (int i = 0; i < threads; i++) pthread_join(t[i], NULL), sum += flop[i];
        double rate = sum / (now() - start) * 1e-9;
        if (rate > best) best = rate;
    }
    printf("%.0f\n", best);
    return 0;
}
