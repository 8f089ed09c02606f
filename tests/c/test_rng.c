/* rng: Philox against its authors' known answers, keys, statistics. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lib/rng.h"

static void test_known_answers(void) {
    /* From the kat_vectors of Random123. */
    static const uint32_t cases[3][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
    };
    for (int i = 0; i < 3; i++) {
        uint32_t out[4];
        philox4x32(cases[i], cases[i] + 4, out);
        CHECK(!memcmp(out, cases[i] + 6, sizeof out), "case %d: %08x %08x %08x %08x", i, out[0], out[1], out[2], out[3]);
    }
}

/* A data set made today must come out the same after any change: these were written down once. */
static void test_pinned(void) {
    rng r = rng_make(1, "augment", "wiki/00/1.jpg", 2);
    static const uint32_t first[6] = {0x6f06f6bd, 0x993831b5, 0xe091de59, 0x83a4f68c, 0xc8f24ede, 0x4559f401};
    for (int i = 0; i < 6; i++) {
        uint32_t v = rng_u32(&r);
        CHECK(v == first[i], "number %d is 0x%08x", i, v);
    }
}

static void test_keys(void) {
    static const struct {
        uint64_t seed, epoch;
        const char *program, *key;
    } k[] = {{0, 0, "a", "b"},
             {1, 0, "a", "b"},
             {0, 1, "a", "b"},
             {0, 0, "ab", ""},
             {0, 0, "", "ab"},
             {0, 0, "a", "bb"},
             {0, 0, NULL, "b"},
             {UINT64_C(1) << 32, 0, "a", "b"},
             {0, UINT64_C(1) << 32, "a", "b"},
             {0, 0, "b", "a"}};
    enum { N = sizeof k / sizeof *k };
    uint64_t first[N];
    for (int i = 0; i < N; i++) {
        rng r = rng_make(k[i].seed, k[i].program, k[i].key, k[i].epoch),
            again = rng_make(k[i].seed, k[i].program, k[i].key, k[i].epoch);
        first[i] = rng_u64(&r);
        CHECK(rng_u64(&again) == first[i], "key %d isn't the same again", i);
        for (int j = 0; j < 100; j++) CHECK(rng_u32(&r) == rng_u32(&again), "key %d, number %d", i, j);
        for (int j = 0; j < i; j++) CHECK(first[i] != first[j], "keys %d and %d are the same", i, j);
    }
    rng a = rng_make(5, NULL, NULL, 0), b = rng_make(5, "", "", 0);
    CHECK(rng_u64(&a) == rng_u64(&b), "NULL isn't \"\"");
    /* The counter carries. */
    rng c = rng_make(1, "x", "y", 0);
    uint32_t high = c.ctr[1];
    c.ctr[0] = UINT32_MAX;
    for (int i = 0; i < 5; i++) rng_u32(&c);
    CHECK(c.ctr[0] == 1 && c.ctr[1] == high + 1, "counter %u %u", c.ctr[0], c.ctr[1]);
}

/* Chi-square of counts in n bins, as a number of standard deviations from what is expected. */
static double chi_square(const uint32_t *count, int n, double total) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (count[i] - total / n) * (count[i] - total / n) / (total / n);
    return (sum - (n - 1)) / sqrt(2. * (n - 1));
}

/* Limits are 5 standard deviations: a good generator fails once in a million, and this one always gives the same. */
static void test_uniform(void) {
    enum { N = 1 << 20, BINS = 256 };
    static uint32_t high[BINS], low[BINS], first[BINS];
    rng r = rng_make(3, "test", "uniform", 0);
    double sum = 0, squares = 0, lag = 0, last = .5;
    for (int i = 0; i < N; i++) {
        double v = rng_uniform(&r);
        CHECK(v >= 0 && v < 1, "%g", v);
        sum += v - .5, squares += (v - .5) * (v - .5), lag += (v - .5) * (last - .5), last = v;
        uint32_t bits = rng_u32(&r);
        high[bits >> 24]++, low[bits & 255]++;
    }
    CHECK(fabs(sum) / sqrt(N / 12.) < 5, "mean %g", sum / N);
    CHECK(fabs(squares - N / 12.) / sqrt(N / 180.) < 5, "variance %g", squares / N);
    CHECK(fabs(lag) / (sqrt(N) / 12) < 5, "neighbours correlate: %g", lag / N);
    CHECK(fabs(chi_square(high, BINS, N)) < 5 && fabs(chi_square(low, BINS, N)) < 5, "bytes");
    /* Across keys that differ by a digit, as those of samples do. */
    for (int i = 0; i < 100000; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        rng s = rng_make(0, "augment", key, 0);
        first[rng_u32(&s) >> 24]++;
    }
    CHECK(fabs(chi_square(first, BINS, 100000)) < 5, "first numbers of many keys: %g", chi_square(first, BINS, 100000));
    for (int i = 0; i < 10000; i++) {
        double v = rng_range(&r, -2, 3);
        CHECK(v >= -2 && v < 3, "%g", v);
    }
    CHECK(rng_range(&r, 1, 1) == 1, "an empty range");
}

static void test_below(void) {
    rng r = rng_make(4, "test", "below", 0);
    for (int i = 0; i < 100; i++) CHECK(rng_below(&r, 1) == 0, "below 1");
    static const int sizes[] = {2, 3, 7, 10, 100};
    for (int k = 0; k < 5; k++) {
        uint32_t count[100] = {0};
        for (int i = 0; i < 100000; i++) count[rng_below(&r, (uint64_t)sizes[k])]++;
        CHECK(fabs(chi_square(count, sizes[k], 100000)) < 5, "below %d", sizes[k]);
    }
    /* Three quarters of 2^64: without rejection, the lower third would come twice as often. */
    uint64_t n = UINT64_C(3) << 62;
    uint32_t thirds[3] = {0};
    for (int i = 0; i < 30000; i++) {
        uint64_t v = rng_below(&r, n);
        CHECK(v < n, "%llu", (unsigned long long)v);
        thirds[v >> 62]++;
    }
    CHECK(fabs(chi_square(thirds, 3, 30000)) < 5, "%u %u %u", thirds[0], thirds[1], thirds[2]);
    for (int i = 0; i < 100; i++) CHECK(rng_below(&r, UINT64_MAX) < UINT64_MAX, "below 2^64 - 1");
}

static void test_normal(void) {
    enum { N = 1 << 20, BINS = 64 };
    rng r = rng_make(5, "test", "normal", 0);
    double m[5] = {0};
    float *z = malloc(N * sizeof *z);
    static uint32_t bins[BINS];
    rng_fill_normal(&r, z, N);
    for (int i = 0; i < N; i++) {
        double v = z[i], p = 1;
        for (int k = 1; k < 5; k++) m[k] += p *= v;
        int bin = (int)(BINS * .5 * erfc(-v / sqrt(2)));
        bins[bin < BINS ? bin : BINS - 1]++;
    }
    CHECK(fabs(m[1]) / sqrt(N) < 5, "mean %g", m[1] / N);
    CHECK(fabs(m[2] - N) / sqrt(2. * N) < 5, "variance %g", m[2] / N);
    CHECK(fabs(m[3]) / sqrt(15. * N) < 5, "third moment %g", m[3] / N);
    CHECK(fabs(m[4] - 3. * N) / sqrt(96. * N) < 5, "fourth moment %g", m[4] / N);
    CHECK(fabs(chi_square(bins, BINS, N)) < 5, "shape: %g", chi_square(bins, BINS, N));
    rng again = rng_make(5, "test", "normal", 0);
    for (int i = 0; i < 1000; i++) CHECK((float)rng_normal(&again) == z[i], "number %d", i);
    free(z);
}

/* Many at once are the same numbers, wherever the row is entered and however it is cut. */
static void test_fill(void) {
    enum { N = 1000 };
    double all[N], part[N];
    for (int used = 0; used < 4; used++) {
        rng one = rng_make(6, "test", "fill", 0), many = one;
        for (int i = 0; i < used; i++) rng_u32(&one), rng_u32(&many);
        for (int i = 0; i < N; i++) all[i] = rng_uniform(&one);
        for (int i = 0, count = 0; i < N; i += count, count = N - i < i + 1 ? N - i : i + 1)
            rng_fill_uniform(&many, part + i, (size_t)count);
        CHECK(!memcmp(all, part, sizeof all), "%d drawn before", used);
        CHECK(rng_u64(&one) == rng_u64(&many), "what comes next");
    }
    rng row = rng_make(6, "test", "fill", 0), late = row;
    row.ctr[0] = late.ctr[0] = UINT32_MAX - 3; /* the counter's carry */
    for (int i = 0; i < N; i++) all[i] = rng_normal(&row);
    rng_skip(&late, 10);
    for (int i = 10; i < N; i++) CHECK(rng_normal(&late) == all[i], "normal number %d, the first ten skipped", i);
}

int main(void) {
    test_fill();
    test_known_answers();
    test_pinned();
    test_keys();
    test_uniform();
    test_below();
    test_normal();
    return check_status();
}
