/* wide: a loop compiled twice, the second time for processors with AVX2, whose vectors are twice as long.
 *
 * For functions that go element by element: then the bytes don't depend on the vector's length (and a product and its sum stay two
 * roundings). Where that can't be had WIDE says nothing. WIDEST: a third time, for AVX-512, where the loop computes more than it waits for memory; of
 * whole numbers, for that processor has one rounding where -ffp-contract=off doesn't forbid it. */
#ifndef FACADE_WIDE_H
#define FACADE_WIDE_H

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&                    \
    !defined(__SANITIZE_THREAD__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#if __GNUC__ >= 12
#define WIDEST __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define WIDEST WIDE
#endif
#else
#define WIDE
#define WIDEST
#endif

#endif
