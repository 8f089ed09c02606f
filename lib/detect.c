#include "detect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "floats.h"
#include "letterbox.h"
#include "preprocess.h"

enum { BINS = 16, BOX = 4 * BINS, MOST_CANDIDATES = 30000 };

/* ---- what the outputs are ---- */

static bool fail(char *err, const char *operand, const char *what) {
    snprintf(err, MODEL_ERROR, "%.150s: %.400s", operand, what);
    return false;
}

/* Numbers after the box's: classes, and maybe landmarks. */
static bool meaning(detector *d, int k, int64_t class, const char *operand, char *err) {
    char what[200];
    bool marked = class < 0 && (k == 1 + 3 * DETECT_LANDMARKS || k == 1 + 2 * DETECT_LANDMARKS);
    d->point_size = marked ? (k - 1) / DETECT_LANDMARKS : 0;
    d->classes = marked ? 1 : k;
    d->class = class < 0 ? 0 : (int)class;
    if (class >= d->classes) {
        snprintf(what, sizeof what, "has %d classes, so --class is from 0 to %d", d->classes, d->classes - 1);
        return fail(err, operand, what);
    }
    if (class < 0 && d->classes != 1) {
        snprintf(what, sizeof what, "has %d classes; --class N says which one is a face, from 0", d->classes);
        return fail(err, operand, what);
    }
    return true;
}

static bool recognise(detector *d, int64_t class, const char *operand, char *err) {
    static const char *const no_detector = "is no YOLOv8 detector: its outputs are neither a row a cell of x y w h and "
                                           "confidences, nor maps at strides 8, 16 and 32";
    const infer_output *o = infer_out(d->plan, 0);
    int cells = d->height / 8 * (d->width / 8) + d->height / 16 * (d->width / 16) + d->height / 32 * (d->width / 32);
    d->maps = infer_outputs(d->plan) == 3;
    if (d->maps) {
        int strides = 0;
        for (int i = 0; i < 3; i++) {
            const infer_output *m = infer_out(d->plan, i);
            int stride = m->h ? d->height / m->h : 0;
            if (m->flat || m->c != o->c || !stride || m->h * stride != d->height || m->w * stride != d->width)
                return fail(err, operand, no_detector);
            strides |= stride;
            d->output_size += (size_t)m->h * (size_t)m->w * (size_t)m->c;
        }
        return strides == (8 | 16 | 32) && o->c > BOX ? meaning(d, o->c - BOX, class, operand, err)
                                                      : fail(err, operand, no_detector);
    }
    /* n x 1 x k, and what other orders of axes become */
    int pixels = o->h * o->w, k;
    d->output_size = (size_t)pixels * (size_t)o->c;
    if (infer_outputs(d->plan) != 1 || o->flat) return fail(err, operand, no_detector);
    d->columns = pixels != cells;
    k = d->columns ? pixels : o->c;
    if ((d->columns ? o->c : pixels) != cells || k < 5) return fail(err, operand, no_detector);
    return meaning(d, k - 4, class, operand, err);
}

bool detector_open(detector *d, const char *operand, int64_t class, char err[MODEL_ERROR], bool *corrupt) {
    char why[NET_ERROR];
    *d = (detector){0};
    if (!model_open(&d->m, operand, err, corrupt)) return false;
    *corrupt = true;
    if (d->m.open) return fail(err, operand, "doesn't say the size of its images; wgt2tns --size HxWxC makes a model that does");
    if (!(d->graph = model_net(&d->m, 0, 0, 0, err))) return false;
    const net_layer *in = &d->graph->layer[0];
    if (in->flat || in->c != 3 || in->h % 32 || in->w % 32)
        return fail(err, operand, "is no YOLOv8 detector: its input isn't RGB with sides that are multiples of 32");
    if (!(d->plan = infer_new(d->graph, NULL, 0, why))) return fail(err, operand, why);
    d->height = in->h, d->width = in->w;
    d->runs = infer_pool_new(d->plan);
    return recognise(d, class, operand, err);
}

void detector_close(detector *d) {
    infer_pool_free(d->runs);
    infer_free(d->plan);
    net_free(d->graph);
    model_close(&d->m);
    *d = (detector){0};
}

/* ---- candidates ---- */

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static detection *candidate(detections *f, double conf) {
    if (f->all.count == f->all.room)
        f->all.candidate =
            xrealloc(f->all.candidate, (size_t)(f->all.room = f->all.room ? 2 * f->all.room : 256) * sizeof *f->all.candidate);
    detection *d = &f->all.candidate[f->all.count++];
    *d = (detection){.conf = conf};
    return d;
}

static void from_rows(const detector *d, const float *y, double conf, detections *f) {
    int k = 4 + d->classes + d->point_size * DETECT_LANDMARKS;
    size_t rows = d->output_size / (size_t)k, next = d->columns ? rows : 1, step = d->columns ? 1 : (size_t)k;
    for (size_t i = 0; i < rows; i++) {
        const float *r = y + i * step;
        double sure = r[(size_t)(4 + d->class) * next];
        if (!(sure > conf)) continue;
        detection *to = candidate(f, sure);
        double cx = r[0], cy = r[next], w = r[2 * next], h = r[3 * next];
        to->x1 = cx - w / 2, to->x2 = cx + w / 2, to->y1 = cy - h / 2, to->y2 = cy + h / 2;
        for (int p = 0; p < DETECT_LANDMARKS && d->point_size; p++) {
            const float *at = r + (size_t)(4 + d->classes + p * d->point_size) * next;
            to->landmark[p][0] = at[0], to->landmark[p][1] = at[next], to->landmark[p][2] = d->point_size == 3 ? at[2 * next] : 1;
        }
    }
}

/* The mean of a side's bins, in strides. */
static double distance(const float *bin) {
    double most = bin[0], sum = 0, mean = 0;
    for (int i = 1; i < BINS; i++) most = fmax(most, bin[i]);
    for (int i = 0; i < BINS; i++) {
        double e = exp(bin[i] - most);
        sum += e, mean += i * e;
    }
    return mean / sum;
}

static void from_map(const detector *d, const infer_output *o, const float *y, double conf, detections *f) {
    double stride = d->height / o->h;
    for (int i = 0; i < o->h; i++)
        for (int j = 0; j < o->w; j++, y += o->c) {
            double sure = sigmoid(y[BOX + d->class]), cx = j + .5, cy = i + .5;
            if (!(sure > conf)) continue;
            detection *to = candidate(f, sure);
            to->x1 = (cx - distance(y)) * stride, to->y1 = (cy - distance(y + BINS)) * stride;
            to->x2 = (cx + distance(y + 2 * BINS)) * stride, to->y2 = (cy + distance(y + 3 * BINS)) * stride;
            for (int p = 0; p < DETECT_LANDMARKS && d->point_size; p++) {
                const float *at = y + BOX + d->classes + p * d->point_size;
                to->landmark[p][0] = (2 * at[0] + cx - .5) * stride, to->landmark[p][1] = (2 * at[1] + cy - .5) * stride;
                to->landmark[p][2] = d->point_size == 3 ? sigmoid(at[2]) : 1;
            }
        }
}

/* ---- the best of them ---- */

/* The surest first; the others in an order that doesn't depend on the sort. */
static int surest(const void *a, const void *b) {
    const detection *p = a, *q = b;
    if (p->conf != q->conf) return p->conf < q->conf ? 1 : -1;
    if (p->y1 != q->y1) return p->y1 < q->y1 ? -1 : 1;
    return (p->x1 > q->x1) - (p->x1 < q->x1);
}

static double overlap(const detection *a, const detection *b) {
    double w = fmin(a->x2, b->x2) - fmax(a->x1, b->x1), h = fmin(a->y2, b->y2) - fmax(a->y1, b->y1);
    double both = w > 0 && h > 0 ? w * h : 0;
    return both / ((a->x2 - a->x1) * (a->y2 - a->y1) + (b->x2 - b->x1) * (b->y2 - b->y1) - both);
}

int detect_suppress(detection *box, int count, double iou, int most) {
    int kept = 0;
    for (int i = 0; i < count && kept < most; i++) {
        int j = 0;
        while (j < kept && !(overlap(&box[j], &box[i]) > iou)) j++;
        if (j == kept) box[kept++] = box[i];
    }
    return kept;
}

/* From the network's pixels to the picture's. */
static void to_picture(const letterbox *l, int h, int w, detection *d) {
    d->x1 = fmin(fmax(letterbox_x(l, d->x1), 0), w), d->x2 = fmin(fmax(letterbox_x(l, d->x2), 0), w);
    d->y1 = fmin(fmax(letterbox_y(l, d->y1), 0), h), d->y2 = fmin(fmax(letterbox_y(l, d->y2), 0), h);
    for (int p = 0; p < DETECT_LANDMARKS; p++)
        d->landmark[p][0] = letterbox_x(l, d->landmark[p][0]), d->landmark[p][1] = letterbox_y(l, d->landmark[p][1]);
}

detect_status detect(const detector *d, const uint8_t *rgb, int h, int w, double conf, double iou, detections *f) {
    uint32_t shape[3] = {(uint32_t)d->height, (uint32_t)d->width, 3};
    size_t pixels = (size_t)d->height * (size_t)d->width;
    f->all.count = f->count = 0;
    if (!f->canvas)
        f->canvas = xmalloc(pixels * 3), f->x = xarray(pixels * 3, sizeof *f->x), f->y = xarray(d->output_size, sizeof *f->y);
    letterbox l = letterbox_make(h, w, d->height, d->width);
    if (!letterbox_draw(&l, rgb, h, w, f->canvas)) return DETECT_NO_MEMORY;
    tns_frame canvas = {
        .dtype = TNS_U8, .rank = 3, .shape = {shape[0], shape[1], shape[2]}, .data = f->canvas, .data_len = pixels * 3};
    preprocess(d->graph, &canvas, 0, 1, f->x);

    infer_run *r = infer_pool_take(d->runs);
    infer_forward(r, f->x, 1);
    float *y = f->y;
    for (int i = 0; i < infer_outputs(d->plan); i++) {
        const infer_output *o = infer_out(d->plan, i);
        infer_read(r, i, 0, y);
        if (d->maps) from_map(d, o, y, conf, f);
        y += (size_t)o->h * (size_t)o->w * (size_t)o->c;
    }
    infer_pool_give(d->runs, r);
    if (!floats_finite(f->y, d->output_size)) return DETECT_NOT_FINITE;
    if (!d->maps) from_rows(d, f->y, conf, f);

    if (f->all.count) qsort(f->all.candidate, (size_t)f->all.count, sizeof *f->all.candidate, surest);
    int most = f->all.count < MOST_CANDIDATES ? f->all.count : MOST_CANDIDATES;
    most = detect_suppress(f->all.candidate, most, iou, DETECT_MOST);
    f->face = f->all.candidate;
    for (int i = 0; i < most; i++) {
        detection face = f->face[i];
        to_picture(&l, h, w, &face);
        if (face.x1 < face.x2 && face.y1 < face.y2) f->face[f->count++] = face;
    }
    return DETECT_DONE;
}

void detections_free(detections *f) {
    free(f->all.candidate);
    free(f->canvas);
    free(f->x);
    free(f->y);
    *f = (detections){0};
}
