#include "preprocess.h"

#include <stdio.h>
#include <string.h>

static const double mean[3] = {.485, .456, .406}, deviation[3] = {.229, .224, .225}, caffe[3] = {103.939, 116.779, 123.68};

bool preprocess_accepts(const net *n, const tns_frame *f, char err[300]) {
    const net_layer *in = &n->layer[0];
    char is[80], want[80] = "height x width x channels";
    bool shape = f->rank == 1 || f->rank == 3, coloured = n->range == RANGE_IMAGENET || n->range == RANGE_CAFFE;
    for (int i = 0; i < f->rank; i++) shape &= f->shape[i] > 0 && f->shape[i] <= 1 << 24;
    if (n->shaped || !n->open) {
        tns_frame wanted = {.rank = in->flat ? 1 : 3, .shape = {(uint32_t)in->h, (uint32_t)in->w, (uint32_t)in->c}};
        if (in->flat) wanted.shape[0] = (uint32_t)in->c, wanted.shape[1] = wanted.shape[2] = 0;
        tns_shape_text(&wanted, want);
        shape = f->rank == wanted.rank && !memcmp(f->shape, wanted.shape, sizeof wanted.shape);
    }
    if (coloured && f->dtype == TNS_U8) shape &= f->rank == 3 && f->shape[2] == 3;
    if (shape && (f->dtype == TNS_U8 || f->dtype == TNS_F32)) return true;
    tns_shape_text(f, is);
    snprintf(err, 300, "is %s of %s; the network wants %s of u8 or f32%s", is, tns_dtype_name(f->dtype), want,
             f->rank == 3 ? " (imgnorm --size WxH makes images of one size)" : "");
    return false;
}

void preprocess(const net *n, const tns_frame *f, double lo, double hi, float *x) {
    size_t count = tns_frame_count(f);
    const uint8_t *u = f->data;
    if (f->dtype == TNS_F32) {
        memcpy(x, f->data, count * sizeof *x);
        return;
    }
    if (n->range == RANGE_LINEAR) lo = n->range_lo, hi = n->range_hi;
    float table[3][256];
    bool coloured = n->range == RANGE_IMAGENET || n->range == RANGE_CAFFE;
    for (int c = 0; c < (coloured ? 3 : 1); c++)
        for (int v = 0; v < 256; v++)
            table[c][v] = (float)(n->range == RANGE_IMAGENET ? (v / 255. - mean[c]) / deviation[c]
                                  : n->range == RANGE_CAFFE  ? v - caffe[c]
                                                             : lo + (hi - lo) * v / 255);
    if (n->range == RANGE_IMAGENET)
        for (size_t i = 0; i < count; i++) x[i] = table[i % 3][u[i]];
    else if (n->range == RANGE_CAFFE)
        for (size_t i = 0; i < count; i++) x[i] = table[i % 3][u[i - i % 3 + 2 - i % 3]];
    else
        for (size_t i = 0; i < count; i++) x[i] = table[0][u[i]];
}

void preprocess_floats(const net *n, float *x, size_t count, double lo, double hi) {
    if (n->range == RANGE_LINEAR) lo = n->range_lo, hi = n->range_hi;
    if (n->range == RANGE_IMAGENET)
        for (size_t i = 0; i < count; i++) x[i] = (float)((x[i] / 255. - mean[i % 3]) / deviation[i % 3]);
    else if (n->range == RANGE_CAFFE)
        for (size_t i = 0; i + 2 < count; i += 3) {
            double red = x[i], green = x[i + 1], blue = x[i + 2];
            x[i] = (float)(blue - caffe[0]), x[i + 1] = (float)(green - caffe[1]), x[i + 2] = (float)(red - caffe[2]);
        }
    else
        for (size_t i = 0; i < count; i++) x[i] = (float)(lo + (hi - lo) * x[i] / 255);
}
