#include "crc.h"

#include <zlib.h>

#if defined(__x86_64__)
#include <immintrin.h>

/* A message is a polynomial over GF(2), and its CRC the remainder by P = 04C11DB7. So 16 bytes may be replaced by anything of the same remainder
 * that stands further back: x^(d+64) and x^d times its halves, of d bits of distance, with the two factors reduced by P before,
 * which makes them 32 bits (33 here: CRC-32 has its bits reversed, and the product of two reversed numbers is one place off). */
__attribute__((target("pclmul,sse4.1"))) static __m128i fold(__m128i x, __m128i factors, __m128i onto) {
    __m128i low = _mm_clmulepi64_si128(x, factors, 0x00), high = _mm_clmulepi64_si128(x, factors, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), onto);
}

/* n is at least 64. Four sums run side by side, because a multiplication takes several cycles to come back; what they fold to in the end is 16 bytes that
 * zlib finishes, and so it does with what is left over. */
__attribute__((target("pclmul,sse4.1"))) static uint32_t by_multiplying(uint32_t last, const unsigned char *p, size_t n) {
    const __m128i by_64_bytes = _mm_set_epi64x(0x1c6e41596, 0x154442bd4), by_16_bytes = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
    const __m128i *v = (const __m128i *)p;
    __m128i a = _mm_xor_si128(_mm_loadu_si128(v), _mm_cvtsi32_si128((int)~last)), b = _mm_loadu_si128(v + 1),
            c = _mm_loadu_si128(v + 2), d = _mm_loadu_si128(v + 3);
    for (v += 4, n -= 64; n >= 64; v += 4, n -= 64) {
        a = fold(a, by_64_bytes, _mm_loadu_si128(v));
        b = fold(b, by_64_bytes, _mm_loadu_si128(v + 1));
        c = fold(c, by_64_bytes, _mm_loadu_si128(v + 2));
        d = fold(d, by_64_bytes, _mm_loadu_si128(v + 3));
    }
    a = fold(fold(fold(a, by_16_bytes, b), by_16_bytes, c), by_16_bytes, d);
    for (; n >= 16; v++, n -= 16) a = fold(a, by_16_bytes, _mm_loadu_si128(v));
    unsigned char rest[16];
    _mm_storeu_si128((__m128i *)rest, a);
    /* zlib inverts the value before and after; ~0 makes it begin with 0. */
    return (uint32_t)crc32_z(crc32_z(~0u, rest, 16), (const unsigned char *)v, n);
}
#endif

uint32_t crc32_of(uint32_t last, const void *p, size_t n) {
    if (!n) return last;
#if defined(__x86_64__)
    if (n >= 128 && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1")) return by_multiplying(last, p, n);
#endif
    return (uint32_t)crc32_z(last, p, n);
}
