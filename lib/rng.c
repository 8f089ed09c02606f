#include "rng.h"

#include <math.h>
#include <string.h>

#include "base.h"

void philox4x32(const uint32_t ctr[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = ctr[0], c1 = ctr[1], c2 = ctr[2], c3 = ctr[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)c0 * 0xD2511F53u, b = (uint64_t)c2 * 0xCD9E8D57u;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)a;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

/* FNV's low bits mix poorly: finish as MurmurHash3 does. */
static uint64_t mix(uint64_t h) {
    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

rng rng_make(uint64_t seed, const char *program, const char *key, uint64_t epoch) {
    /* The seed and the words decide the key (with the terminating zeros, so "ab","c" isn't "a","bc"); a second hash of the
     * same, the upper half of the counter; the lower half counts the draws. */
    uint64_t words[2] = {seed, epoch};
    unsigned char bytes[16];
    for (int i = 0; i < 16; i++) bytes[i] = (unsigned char)(words[i / 8] >> (8 * (i % 8)));
    if (!program) program = "";
    if (!key) key = "";
    uint64_t h[2];
    for (int i = 0; i < 2; i++) {
        unsigned char salt = (unsigned char)i;
        h[i] = hash64(HASH64_START, &salt, 1);
        h[i] = hash64(h[i], bytes, sizeof bytes);
        h[i] = hash64(h[i], program, strlen(program) + 1);
        h[i] = mix(hash64(h[i], key, strlen(key) + 1));
    }
    rng r = {.key = {(uint32_t)h[0], (uint32_t)(h[0] >> 32)}, .ctr = {0, 0, (uint32_t)h[1], (uint32_t)(h[1] >> 32)}};
    return r;
}

uint32_t rng_u32(rng *r) {
    if (!r->left) {
        philox4x32(r->ctr, r->key, r->out);
        if (!++r->ctr[0]) r->ctr[1]++;
        r->left = 4;
    }
    return r->out[4 - r->left--];
}

uint64_t rng_u64(rng *r) {
    uint64_t hi = rng_u32(r);
    return hi << 32 | rng_u32(r);
}

double rng_uniform(rng *r) {
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

void rng_skip(rng *r, uint64_t blocks) {
    uint64_t block = ((uint64_t)r->ctr[1] << 32 | r->ctr[0]) + blocks;
    r->ctr[0] = (uint32_t)block, r->ctr[1] = (uint32_t)(block >> 32);
}

void rng_fill_uniform(rng *r, double *out, size_t n) {
    for (; !r->left && n >= 2; n -= 2, out += 2) {
        uint32_t bits[4];
        philox4x32(r->ctr, r->key, bits);
        rng_skip(r, 1);
        for (int k = 0; k < 2; k++) /* a signed number becomes a double faster */
            out[k] = (double)(int64_t)((uint64_t)bits[2 * k] << 21 | bits[2 * k + 1] >> 11) * 0x1p-53;
    }
    for (size_t i = 0; i < n; i++) out[i] = rng_uniform(r);
}

double rng_range(rng *r, double lo, double hi) {
    double v = lo + (hi - lo) * rng_uniform(r);
    return v < hi ? v : lo;
}

uint64_t rng_below(rng *r, uint64_t n) {
    /* Reject the incomplete last block of size n. */
    uint64_t limit = UINT64_MAX - UINT64_MAX % n, v;
    do v = rng_u64(r);
    while (v >= limit);
    return v % n;
}

double rng_normal(rng *r) {
    double u = 1 - rng_uniform(r), v = rng_uniform(r);
    return sqrt(-2 * log(u)) * cos(6.283185307179586476925 * v);
}

void rng_fill_normal(rng *r, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = (float)rng_normal(r);
}
