#include "face_crop.h"

#include <math.h>
#include <stdlib.h>

#include "points.h"
#include "resize.h"

static void numbers(text *t, const double *v, int count) {
    for (int i = 0; i < count; i++) {
        if (t->len) text_add(t, ",");
        points_number(t, v[i]);
    }
}

static const double *box_of(const detection *d, double b[4]) {
    b[0] = d->x1, b[1] = d->y1, b[2] = d->x2, b[3] = d->y2;
    return b;
}

/* Adds a line of what the map makes of the landmarks. */
static void add_landmarks(tns_meta *m, const detection *d, const points_map *map) {
    text t = {0};
    for (int p = 0; p < DETECT_LANDMARKS; p++) {
        double at[2] = {d->landmark[p][0] * map->scale_x + map->shift_x, d->landmark[p][1] * map->scale_y + map->shift_y};
        numbers(&t, at, 2);
        numbers(&t, &d->landmark[p][2], 1);
    }
    tns_meta_add(m, "landmarks", t.s);
    free(t.s);
}

/* A side of a square: `side` long around the middle, within 0..most. */
static void place(double low, double high, double side, double most, double *from, double *to) {
    *from = fmin(fmax((low + high - side) / 2, 0), most - side);
    *to = *from + side;
}

resize_box face_crop_box(const face_crop *c, const detection *d, int h, int w) {
    double across = (d->x2 - d->x1) * c->margin, down = (d->y2 - d->y1) * c->margin;
    resize_box b = {d->x1 - across, d->y1 - down, d->x2 + across, d->y2 + down};
    if (c->keep) {
        double side = fmin(fmax(b.x1 - b.x0, b.y1 - b.y0), fmin(w, h));
        place(b.x0, b.x1, side, w, &b.x0, &b.x1);
        place(b.y0, b.y1, side, h, &b.y0, &b.y1);
    }
    return (resize_box){fmax(b.x0, 0), fmax(b.y0, 0), fmin(b.x1, w), fmin(b.y1, h)};
}

bool face_crop_make(const face_crop *c, const detector *from, const detection *d, const tns_frame *picture, tns_frame *out,
                    const char **bad) {
    int h = (int)picture->shape[0], w = (int)picture->shape[1];
    uint32_t size = (uint32_t)c->size, shape[3] = {size, size, 3};
    resize_box b = face_crop_box(c, d, h, w);
    points_map map = {c->size / (b.x1 - b.x0), c->size / (b.y1 - b.y0), 0, 0};
    map.shift_x = -b.x0 * map.scale_x, map.shift_y = -b.y0 * map.scale_y;
    text t = {0};
    double cut[4] = {b.x0, b.y0, b.x1, b.y1};

    out->type = 'R';
    tns_meta_copy(&out->meta, &picture->meta);
    if (from->point_size) tns_meta_drop(&out->meta, "landmarks");
    if (!points_move(&out->meta, &map, c->size, c->size, bad)) return false;
    numbers(&t, cut, 4);
    tns_meta_set(&out->meta, "box", t.s);
    tns_meta_drop(&out->meta, "conf");
    tns_meta_addf(&out->meta, "conf", "%.6g", d->conf);
    if (from->point_size) add_landmarks(&out->meta, d, &map);
    const char *key = tns_meta_get(&out->meta, "key", &t);
    text group = {0};
    if (key && !tns_meta_get(&out->meta, "group", &group)) tns_meta_add(&out->meta, "group", key);
    free(group.s);
    free(t.s);

    resize_source src = {.width = w, .height = h, .channels = 3, .u8 = picture->data};
    *bad = NULL;
    return tns_frame_shape(out, TNS_U8, 3, shape) &&
           resize_u8(&src, &b, RESIZE_BICUBIC, c->size, c->size, out->data, 3 * (int64_t)size);
}

void face_mark(tns_meta *m, const detector *from, const detections *found) {
    static const points_map as_it_is = {1, 1, 0, 0};
    tns_meta_drop(m, "face");
    tns_meta_drop(m, "landmarks");
    for (int i = 0; i < found->count; i++) {
        text t = {0};
        double b[4];
        numbers(&t, box_of(&found->face[i], b), 4);
        text_addf(&t, ",%.6g", found->face[i].conf);
        tns_meta_add(m, "face", t.s);
        free(t.s);
    }
    for (int i = 0; i < found->count && from->point_size; i++) add_landmarks(m, &found->face[i], &as_it_is);
}
