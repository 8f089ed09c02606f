#include "fid_input.h"

#include "bilinear.h"
#include "resize.h"

bool fid_resize(fid_mode mode, const uint8_t *u, int h, int w, int c, int out_h, int out_w, float *x) {
    bool same = h == out_h && w == out_w;
    if (mode != FID_CLEAN || same) return bilinear_f32(u, h, w, c, mode != FID_TF1, out_h, out_w, x);
    size_t count = (size_t)out_h * (size_t)out_w * (size_t)c;
    resize_source src = {.width = w, .height = h, .channels = c, .u8 = u};
    if (!resize_f32(&src, NULL, RESIZE_BICUBIC, out_w, out_h, x, (int64_t)out_w * c)) return false;
    for (size_t i = 0; i < count; i++) x[i] = x[i] < 0 ? 0 : x[i] > 255 ? 255 : x[i];
    return true;
}

void fid_scale(fid_mode mode, float *x, size_t count) {
    if (mode == FID_PYTORCH)
        for (size_t i = 0; i < count; i++) x[i] = 2 * (x[i] / 255) - 1;
    else
        for (size_t i = 0; i < count; i++) x[i] = (x[i] - 128) / 128;
}
