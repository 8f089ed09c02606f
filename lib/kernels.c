#include "kernels.h"

#include <stdlib.h>
#include <string.h>

extern const kernels kernels_generic, kernels_avx2, kernels_avx512;

const kernels *kernels_named(const char *name) {
#ifdef __x86_64__
    __builtin_cpu_init();
    if (!strcmp(name, "avx512") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
        return &kernels_avx512;
    if (!strcmp(name, "avx2") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &kernels_avx2;
#endif
    return !strcmp(name, "generic") ? &kernels_generic : NULL;
}

const kernels *kernels_get(void) {
    static const char *const names[] = {"avx512", "avx2", "generic"};
    const char *wish = getenv("FACADE_KERNELS");
    const kernels *k = wish ? kernels_named(wish) : NULL;
    for (int i = 0; !k; i++) k = kernels_named(names[i]);
    return k;
}

winograd_weights winograd_plain(int r, int c, int oc) {
    winograd_weights l = {
        .r = r, .c = c, .oc = oc, .in_step = 1, .o_step = (size_t)c * (size_t)(r * r), .q_step = (size_t)(r * r)};
    for (int t = 0; t < r * r; t++) l.tap[0][t / r][t % r] = t;
    return l;
}
