/* icc: a profile is sRGB by its primaries and curves, in whichever of ICC's forms the curves come. */
#include <string.h>

#include "check.h"
#include "formats/icc.h"

static unsigned char profile[4096];
static size_t length;

static void put(size_t at, int bytes, uint32_t v) {
    for (int i = 0; i < bytes; i++) profile[at + (size_t)i] = (unsigned char)(v >> 8 * (bytes - 1 - i));
}

static void put_fixed(size_t at, double v) {
    put(at, 4, (uint32_t)(int32_t)lrint(v * 65536));
}

enum { TAGS = 7 };

/* The place of tag k's data: its entry says that it has `size` bytes there. */
static size_t add_tag(int k, const char *name, size_t size) {
    size_t entry = 132 + 12 * (size_t)k, at = length;
    memcpy(profile + entry, name, 4);
    put(entry + 4, 4, (uint32_t)at);
    put(entry + 8, 4, (uint32_t)size);
    length += size;
    return at;
}

static void begin(void) {
    memset(profile, 0, sizeof profile);
    memcpy(profile + 16, "RGB XYZ ", 8);
    memcpy(profile + 36, "acsp", 4);
    put(128, 4, TAGS);
    length = 132 + 12 * TAGS;
    static const struct {
        const char *name;
        double xyz[3];
    } primary[3] = {{"rXYZ", {.4361, .2225, .0139}}, {"gXYZ", {.3851, .7169, .0971}}, {"bXYZ", {.1431, .0606, .7141}}};
    for (int k = 0; k < 3; k++) {
        size_t at = add_tag(k, primary[k].name, 20);
        memcpy(profile + at, "XYZ ", 4);
        for (size_t i = 0; i < 3; i++) put_fixed(at + 8 + 4 * i, primary[k].xyz[i]);
    }
}

static const char *const curves[3] = {"rTRC", "gTRC", "bTRC"};

/* ICC's parametric curve of that kind, the same for all three colours. */
static bool parametric(int kind, const double *v, int count) {
    begin();
    for (int k = 0; k < 3; k++) {
        size_t at = add_tag(3 + k, curves[k], 12 + 4 * (size_t)count);
        memcpy(profile + at, "para", 4);
        put(at + 8, 2, (uint32_t)kind);
        for (int i = 0; i < count; i++) put_fixed(at + 12 + 4 * (size_t)i, v[i]);
    }
    return icc_is_srgb(profile, length);
}

/* A table of n values, each (i / (n - 1)) to the power; n of 1: the power itself; of 0: none. */
static bool table(uint32_t n, double power, bool cut) {
    begin();
    for (int k = 0; k < 3; k++) {
        size_t at = add_tag(3 + k, curves[k], 12 + 2 * n - (cut ? 2 : 0));
        memcpy(profile + at, "curv", 4);
        put(at + 8, 4, n);
        for (uint32_t i = 0; i < n; i++)
            put(at + 12 + 2 * i, 2, (uint32_t)lrint(n == 1 ? power * 256 : 65535 * pow((double)i / (n - 1), power)));
    }
    return icc_is_srgb(profile, length);
}

int main(void) {
    /* sRGB's own curve, in the two forms that can say it. */
    CHECK(parametric(3, (double[]){2.4, 1 / 1.055, .055 / 1.055, 1 / 12.92, .04045}, 5), "kind 3 is what most profiles have");
    CHECK(parametric(4, (double[]){2.4, 1 / 1.055, .055 / 1.055, 1 / 12.92, .04045, 0, 0}, 7), "kind 4 adds offsets");
    CHECK(!parametric(4, (double[]){2.4, 1 / 1.055, .055 / 1.055, 1 / 12.92, .04045, .1, 0}, 7), "an offset above the knee");
    CHECK(!parametric(4, (double[]){2.4, 1 / 1.055, .055 / 1.055, 1 / 12.92, .04045, 0, .1}, 7), "an offset below the knee");
    /* Powers are not sRGB, however near: 2.2 is 2 levels off in the dark. */
    CHECK(!parametric(0, (double[]){2.2}, 1), "a power");
    CHECK(!parametric(1, (double[]){2.4, 1 / 1.055, .055 / 1.055}, 3), "kind 1: a power, 0 where its base is below 0");
    CHECK(!parametric(1, (double[]){2.2, 1, -.5}, 3), "kind 1 with half of it at 0");
    CHECK(!parametric(2, (double[]){2.4, 1 / 1.055, .055 / 1.055, .01}, 4), "kind 2: an offset too");
    CHECK(!parametric(2, (double[]){2.2, 1, -.5, 0}, 4), "kind 2 with half of it at its offset");
    CHECK(!parametric(5, (double[]){2.4, 1, 0, 0, 0, 0, 0}, 7), "a kind that there isn't");
    CHECK(!parametric(3, (double[]){2.4, 1 / 1.055, .055 / 1.055}, 3), "too few numbers");
    CHECK(!table(0, 1, false), "no table: linear");
    CHECK(!table(1, 2.2, false), "a power as a table of one");
    CHECK(!table(64, 2.2, false), "a power as a table");
    CHECK(!table(64, 2.2, true), "a table longer than its tag");

    /* Other primaries, another kind of profile, tags that lie outside. */
    const double srgb[] = {2.4, 1 / 1.055, .055 / 1.055, 1 / 12.92, .04045};
    parametric(3, srgb, 5);
    for (size_t cut = 0; cut < length; cut++) CHECK(!icc_is_srgb(profile, cut), "cut at %zu", cut);
    put_fixed(132 + 12 * TAGS + 8, .5151);
    CHECK(!icc_is_srgb(profile, length), "another red");
    parametric(3, srgb, 5);
    memcpy(profile + 132 + 12 * 6, "A2B0", 4);
    put(132 + 12 * 6 + 4, 4, 132);
    put(132 + 12 * 6 + 8, 4, 8);
    CHECK(!icc_is_srgb(profile, length), "a table of colours, which comes before the matrix");
    parametric(3, srgb, 5);
    put(132 + 4, 4, 0xfffffff0);
    CHECK(!icc_is_srgb(profile, length), "a tag beyond the end");
    parametric(3, srgb, 5);
    memcpy(profile + 16, "CMYK", 4);
    CHECK(!icc_is_srgb(profile, length), "not RGB");
    return check_status();
}
