#include "kernels_amx.h"

#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 }; /* of the system call arch_prctl */
enum {
    AMX_BF16 = 1 << 22,
    AMX_TILES = 1 << 24,
    AVX512_BF16 = 1 << 5
}; /* of cpuid 7.0 edx and 7.1 eax; compilers have different names for them */

static bool processor_has_tiles(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    if (!(d & AMX_BF16) || !(d & AMX_TILES)) return false;
    if (!__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a & AVX512_BF16)) return false;
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

bool amx_available(void) {
    static int known; /* 0: not asked yet */
    const char *wish = getenv("FACADE_KERNELS");
    if (wish && strcmp(wish, "avx512") != 0) return false;
    if (!known) known = processor_has_tiles() && !syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) ? 1 : -1;
    return known > 0;
}

void amx_configure(void) {
    struct {
        uint8_t palette, start_row, zero[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } c = {.palette = 1};
    for (int i = 0; i < 8; i++) c.row_bytes[i] = 64, c.rows[i] = 16;
    _tile_loadconfig(&c);
}

void amx_release(void) {
    _tile_release();
}

void amx_round(size_t count, const float *x, uint16_t *y) {
    size_t i = 0;
    for (; i + 32 <= count; i += 32)
        _mm512_storeu_si512(y + i, (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + i + 16), _mm512_loadu_ps(x + i)));
    for (; i < count; i += 16) {
        __mmask16 there = count - i < 16 ? (__mmask16)((1U << (count - i)) - 1) : (__mmask16)0xffff;
        _mm256_mask_storeu_epi16(y + i, there, (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(there, x + i)));
    }
}

/* 16 columns of two rows as pairs. */
static inline __m512i pairs(const uint16_t *even, const uint16_t *odd) {
    __m512i low = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)even)),
            high = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)odd));
    return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
}

void amx_right(const uint16_t *rows, size_t stride, int columns, uint16_t *to, size_t step) {
    for (int r = 0; r < 16; r++) {
        const uint16_t *even = rows + 2 * (size_t)r * stride, *odd = even + stride;
        uint16_t *line = to + 32 * r;
        for (int c = 0; c < columns; c += 16, line += step) _mm512_store_si512(line, pairs(even + c, odd + c));
    }
}

/* Of a 16 x 16 matrix of pairs: exchanges of elements 1, 2, 4 and 8 apart between as distant lines. */
static inline void transpose(__m512i v[16]) {
    __m512i t[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        v[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        v[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        v[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        v[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(v[i], v[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(v[i], v[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(v[i + 8], v[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(v[i + 8], v[i + 12], 0xdd);
    }
    for (int i = 0; i < 4; i++) {
        v[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        v[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
        v[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
        v[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
    }
}

void amx_left_transposed(const uint16_t *rows, size_t stride, int columns, uint16_t *to, size_t step) {
    for (int c = 0; c < columns; c += 16, to += step) {
        __m512i v[16];
        for (int r = 0; r < 16; r++) v[r] = pairs(rows + 2 * (size_t)r * stride + c, rows + (2 * (size_t)r + 1) * stride + c);
        transpose(v);
        for (int r = 0; r < 16; r++) _mm512_store_si512(to + 32 * r, v[r]);
    }
}

/* The numbers of tiles are part of the instructions: 0..3 sums, 4 and 5 left, 6 and 7 right. */
void amx_product(const amx_left *left, const uint16_t *right, size_t right_block, size_t right_depth, int right_blocks, int depth,
                 float *c, size_t c_row, bool add) {
    const uint16_t *a = left->at, *b = right;
    const size_t row = left->row * sizeof *a, out = c_row * sizeof *c;
    float *below = c + 16 * c_row;
    bool wide = right_blocks == 2;
    if (add) {
        _tile_loadd(0, c, out);
        _tile_loadd(2, below, out);
    } else {
        _tile_zero(0);
        _tile_zero(2);
    }
    if (wide && add) {
        _tile_loadd(1, c + 16, out);
        _tile_loadd(3, below + 16, out);
    } else {
        _tile_zero(1);
        _tile_zero(3);
    }
    for (int d = 0; d < depth; d++, a += left->depth, b += right_depth) {
        _tile_loadd(4, a, row);
        _tile_loadd(6, b, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(5, a + left->block, row);
        _tile_dpbf16ps(2, 5, 6);
        if (!wide) continue;
        _tile_loadd(7, b + right_block, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c, out);
    _tile_stored(2, below, out);
    if (wide) {
        _tile_stored(1, c + 16, out);
        _tile_stored(3, below + 16, out);
    }
}

void amx_finish(size_t count, const float *sums, const float *bias, float slope, float *y) {
    const __m512 zero = _mm512_setzero_ps(), factor = _mm512_set1_ps(slope);
    for (size_t i = 0; i < count; i += 16) {
        __mmask16 there = count - i < 16 ? (__mmask16)((1U << (count - i)) - 1) : (__mmask16)0xffff;
        __m512 v = _mm512_maskz_loadu_ps(there, sums + i);
        if (bias) v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(there, bias + i));
        /* Not greater: NaN stays one. */
        v = _mm512_mask_mul_ps(v, _mm512_cmp_ps_mask(v, zero, _CMP_NGT_UQ), v, factor);
        _mm512_mask_storeu_ps(y + i, there, v);
    }
}

#endif
