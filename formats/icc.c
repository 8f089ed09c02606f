#include "formats/icc.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <lcms2_plugin.h>

typedef struct {
    const uint8_t *p;
    size_t len;
} bytes;

/* Big-endian; bytes beyond the end read as 0. */
static uint32_t u32(bytes b, size_t at) {
    uint32_t v = 0;
    for (size_t i = at; i < at + 4; i++) v = v << 8 | (i < b.len ? b.p[i] : 0);
    return v;
}

static double s15f16(bytes b, size_t at) {
    return (int32_t)u32(b, at) / 65536.;
}

/* The data of a tag: empty when it isn't there. */
static bytes tag(bytes profile, const char name[5]) {
    uint32_t n = u32(profile, 128);
    for (size_t at = 132; n-- && at + 12 <= profile.len; at += 12) {
        if (memcmp(profile.p + at, name, 4)) continue;
        size_t from = u32(profile, at + 4), len = u32(profile, at + 8);
        if (from > profile.len || len > profile.len - from) break;
        return (bytes){profile.p + from, len};
    }
    return (bytes){0};
}

static bool near_xyz(bytes t, double x, double y, double z) {
    return t.len >= 20 && fabs(s15f16(t, 8) - x) < .003 && fabs(s15f16(t, 12) - y) < .003 && fabs(s15f16(t, 16) - z) < .003;
}

/* A tone curve at x, both in 0..1; NaN when it isn't one. */
static double curve(bytes t, double x) {
    if (t.len >= 12 && !memcmp(t.p, "curv", 4)) {
        uint32_t n = u32(t, 8);
        if (n == 0) return x;
        if (n > (t.len - 12) / 2) return NAN;
        if (n == 1) return pow(x, (u32(t, 12) >> 16) / 256.);
        double at = x * (n - 1);
        uint32_t i = at < n - 2 ? (uint32_t)at : n - 2;
        double a = u32(t, 12 + 2 * (size_t)i) >> 16, b = u32(t, 12 + 2 * (size_t)i) & 0xffff;
        return (a + (b - a) * (at - i)) / 65535;
    }
    if (t.len < 16 || memcmp(t.p, "para", 4)) return NAN;
    uint32_t kind = u32(t, 8) >> 16;
    static const int counts[] = {1, 3, 4, 5, 7};
    if (kind > 4 || t.len < 12 + 4 * (size_t)counts[kind]) return NAN;
    double v[7] = {1, 1, 0, 0, 0, 0, 0}; /* g a b c d e f */
    for (int i = 0; i < counts[kind]; i++) v[i] = s15f16(t, 12 + 4 * (size_t)i);
    double power = pow(fmax(v[1] * x + v[2], 0), v[0]);
    switch (kind) {
    case 0:
        return power;
    case 1:
        return v[1] * x + v[2] >= 0 ? power : 0;
    case 2:
        return v[1] * x + v[2] >= 0 ? power + v[3] : v[3];
    default:
        return x >= v[4] ? power + v[5] : v[3] * x + v[6];
    }
}

static double srgb_encode(double linear) {
    return linear <= .0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - .055;
}

static bool srgb_curve(bytes t) {
    for (int i = 0; i <= 64; i++)
        if (!(fabs(srgb_encode(curve(t, i / 64.)) - i / 64.) < 1.5 / 255)) return false;
    return true;
}

bool icc_is_srgb(const uint8_t *data, size_t len) {
    bytes p = {data, len};
    if (len < 132 || memcmp(data + 36, "acsp", 4) || memcmp(data + 16, "RGB XYZ ", 8)) return false;
    return !tag(p, "A2B0").p && near_xyz(tag(p, "rXYZ"), .4361, .2225, .0139) && near_xyz(tag(p, "gXYZ"), .3851, .7169, .0971) &&
           near_xyz(tag(p, "bXYZ"), .1431, .0606, .7141) && srgb_curve(tag(p, "rTRC")) && srgb_curve(tag(p, "gTRC")) &&
           srgb_curve(tag(p, "bTRC"));
}

/* ---- the memory of lcms ---- */

static atomic_bool refused;

/* As lcms has it by itself: a profile that would have more isn't one. */
static const cmsUInt32Number most = 512u << 20;

static void *resize(cmsContext context, void *p, cmsUInt32Number n) {
    (void)context;
    if (n > most) return NULL;
    void *larger = realloc(p, n);
    if (!larger && n) refused = true;
    return larger;
}

static void *get(cmsContext context, cmsUInt32Number n) {
    return resize(context, NULL, n);
}

static void give_back(cmsContext context, void *p) {
    (void)context;
    free(p);
}

bool icc_watch_memory(void) {
    /* 2060: lcms 2.6 or later. */
    static cmsPluginMemHandler ours = {.base = {cmsPluginMagicNumber, 2060, cmsPluginMemHandlerSig, NULL},
                                       .MallocPtr = get,
                                       .FreePtr = give_back,
                                       .ReallocPtr = resize};
    return cmsPlugin(&ours);
}

bool icc_refused_memory(void) {
    return refused;
}

void icc_forget_refused(void) {
    refused = false;
}
