#include "floats.h"

#include <math.h>
#include <string.h>

float float_of_half(uint16_t h) {
    uint32_t sign = (uint32_t)(h >> 15) << 31, exponent = h >> 10 & 31, mantissa = h & 1023, bits;
    float f;
    if (exponent == 0) {
        f = (float)mantissa * 5.9604644775390625e-8f; /* 2^-24 */
        return sign ? -f : f;
    }
    bits = sign | (exponent == 31 ? 255u << 23 : (exponent + 112) << 23) | mantissa << 13;
    memcpy(&f, &bits, sizeof f);
    return f;
}

uint16_t half_of_float(float f) {
    uint32_t bits, size;
    memcpy(&bits, &f, sizeof bits);
    unsigned sign = bits >> 16 & 0x8000;
    size = bits & 0x7fffffff;
    if (size > 0x7f800000) return (uint16_t)(sign | 0x7e00); /* not a number */
    if (size >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
    if (size < 0x38800000) return (uint16_t)(sign | (unsigned)lrintf(fabsf(f) * 16777216.f)); /* below 2^-14: in units of 2^-24 */
    return (uint16_t)(sign | ((size - (112u << 23) + 0xfff + (size >> 13 & 1)) >> 13));
}

#define CONVERT(type)                                                                                                            \
    for (size_t i = 0; i < count; i++) to[i] = (float)((const type *)f->data)[i];                                                \
    return true

bool floats_of(const tns_frame *f, float *to) {
    size_t count = tns_frame_count(f);
    switch (f->dtype) {
    case TNS_F32:
        if (count) memcpy(to, f->data, count * sizeof *to);
        return true;
    case TNS_F16:
        for (size_t i = 0; i < count; i++) to[i] = float_of_half(((const uint16_t *)f->data)[i]);
        return true;
    case TNS_BF16:
        for (size_t i = 0; i < count; i++) {
            uint32_t wide = (uint32_t)((const uint16_t *)f->data)[i] << 16;
            memcpy(&to[i], &wide, sizeof wide);
        }
        return true;
    case TNS_F64:
        CONVERT(double);
    case TNS_U8:
        CONVERT(uint8_t);
    case TNS_U16:
        CONVERT(uint16_t);
    case TNS_U32:
        CONVERT(uint32_t);
    case TNS_U64:
        CONVERT(uint64_t);
    case TNS_I8:
        CONVERT(int8_t);
    case TNS_I16:
        CONVERT(int16_t);
    case TNS_I32:
        CONVERT(int32_t);
    case TNS_I64:
        CONVERT(int64_t);
    default:
        return false;
    }
}

bool floats_finite(const float *x, size_t n) {
    float sum = 0; /* becomes NaN with the first number that isn't finite */
    for (size_t i = 0; i < n; i++) sum += x[i] * 0;
    return sum == 0;
}
