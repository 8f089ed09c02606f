/* crc: the same as zlib's, for every length, alignment and way to cut. */
#include <stdlib.h>
#include <zlib.h>

#include "check.h"
#include "lib/crc.h"
#include "lib/rng.h"

int main(void) {
    CHECK(crc32_of(0, "123456789", 9) == 0xcbf43926, "the catalogue's check value: %08x", crc32_of(0, "123456789", 9));
    CHECK(crc32_of(0, NULL, 0) == 0 && crc32_of(5, NULL, 0) == 5, "of nothing");
    enum { N = 1 << 16 };
    unsigned char *bytes = malloc(N);
    rng r = rng_make(1, "test", "crc", 0);
    for (int i = 0; i < N; i++) bytes[i] = (unsigned char)rng_u32(&r);
    for (size_t n = 0; n < 700; n++)
        for (size_t from = 0; from < 17; from++) {
            uint32_t last = rng_u32(&r), got = crc32_of(last, bytes + from, n), is = (uint32_t)crc32_z(last, bytes + from, n);
            CHECK(got == is, "%zu bytes from %zu: %08x, not %08x", n, from, got, is);
        }
    uint32_t whole = (uint32_t)crc32_z(0, bytes, N);
    CHECK(crc32_of(0, bytes, N) == whole, "%d bytes", N);
    for (size_t cut = 0; cut <= N; cut += 97)
        CHECK(crc32_of(crc32_of(0, bytes, cut), bytes + cut, N - cut) == whole, "cut at %zu", cut);
    for (size_t n = 100; n < 1000; n += 37) { /* lengths that are seldom whole blocks, of bytes that are all the same */
        unsigned char same[1000];
        for (int value = 0; value < 256; value += 255) {
            for (size_t i = 0; i < n; i++) same[i] = (unsigned char)value;
            CHECK(crc32_of(0, same, n) == (uint32_t)crc32_z(0, same, n), "%zu bytes of %d", n, value);
        }
    }
    free(bytes);
    return check_status();
}
