#include "fit.h"

#include <math.h>
#include <string.h>

static int at_least_one(double v, int most) {
    return v < 1 ? 1 : v > most ? most : (int)v;
}

fit fit_make(fit_kind kind, const resize_box *picture, int canvas_width, int canvas_height) {
    fit f = {canvas_width, canvas_height, *picture, 0, 0, canvas_width, canvas_height};
    double w = picture->x1 - picture->x0, h = picture->y1 - picture->y0;
    double across = canvas_width / w, down = canvas_height / h;
    if (kind == FIT_COVER) {
        double scale = fmax(across, down);
        double x = fmax(0, (w - canvas_width / scale) / 2), y = fmax(0, (h - canvas_height / scale) / 2);
        f.from = (resize_box){picture->x0 + x, picture->y0 + y, picture->x1 - x, picture->y1 - y};
    } else if (kind == FIT_CONTAIN) {
        double scale = fmin(across, down);
        f.width = at_least_one(round(w * scale), canvas_width);
        f.height = at_least_one(round(h * scale), canvas_height);
        f.x = (canvas_width - f.width) / 2;
        f.y = (canvas_height - f.height) / 2;
    }
    return f;
}

points_map fit_points(const fit *f) {
    points_map m = {f->width / (f->from.x1 - f->from.x0), f->height / (f->from.y1 - f->from.y0), 0, 0};
    m.shift_x = f->x - f->from.x0 * m.scale_x;
    m.shift_y = f->y - f->from.y0 * m.scale_y;
    return m;
}

/* Makes the frame's data, black where no picture comes, and says where the picture's first element is. False: no memory. */
static bool canvas(const fit *f, tns_dtype dtype, tns_frame *out, int64_t *stride, int64_t *begin) {
    const uint32_t shape[3] = {(uint32_t)f->canvas_height, (uint32_t)f->canvas_width, 3};
    if (!tns_frame_shape(out, dtype, 3, shape)) return false;
    *stride = 3 * (int64_t)f->canvas_width;
    *begin = f->y * *stride + 3 * (int64_t)f->x;
    if (f->width < f->canvas_width || f->height < f->canvas_height) memset(out->data, 0, out->data_len);
    return true;
}

static bool at_own_size(const fit *f) {
    const resize_box *b = &f->from;
    return b->x0 == floor(b->x0) && b->y0 == floor(b->y0) && b->x1 - b->x0 == f->width && b->y1 - b->y0 == f->height;
}

/* 0..255 becomes low..high, clamped. */
static void to_range(tns_frame *out, float low, float high) {
    float *v = out->data, scale = (high - low) / 255;
    size_t n = tns_frame_count(out);
    for (size_t i = 0; i < n; i++) {
        float x = v[i] < 0 ? 0 : v[i] > 255 ? 255 : v[i];
        v[i] = x == 255 ? high : low + x * scale;
    }
}

bool fit_begin(const fit *f, const plane_shape shape[3], const resize_box *picture, resize_kernel kernel, tns_dtype dtype,
               planes *p, tns_frame *out, bool *starved) {
    int64_t stride, begin;
    *starved = false;
    if (at_own_size(f) || kernel == RESIZE_NEAREST) return false;
    *starved =
        !canvas(f, dtype, out, &stride, &begin) || !planes_begin(p, shape, picture, &f->from, kernel, f->width, f->height,
                                                                 dtype == TNS_U8 ? (uint8_t *)out->data + begin : NULL,
                                                                 dtype == TNS_U8 ? NULL : (float *)out->data + begin, stride);
    return !*starved;
}

bool fit_end(planes *p, tns_dtype dtype, float low, float high, tns_frame *out) {
    if (!planes_end(p)) return false;
    if (dtype == TNS_F32) to_range(out, low, high);
    return true;
}

bool fit_draw(const fit *f, const resize_source *src, resize_kernel kernel, tns_dtype dtype, float low, float high,
              tns_frame *out) {
    int64_t stride, begin;
    if (!canvas(f, dtype, out, &stride, &begin)) return false;
    const resize_box *b = &f->from;
    if (at_own_size(f)) kernel = RESIZE_NEAREST; /* all kernels give the source's own values then: take the cheapest */
    if (dtype == TNS_U8) return resize_u8(src, b, kernel, f->width, f->height, (uint8_t *)out->data + begin, stride);
    if (!resize_f32(src, b, kernel, f->width, f->height, (float *)out->data + begin, stride)) return false;
    to_range(out, low, high);
    return true;
}
