#include "sheet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int scaled(int side, double scale) {
    double v = floor(side * scale + .5);
    return v < 1 ? 1 : v < 1 << 28 ? (int)v : 1 << 28;
}

/* ---- gathering ---- */

/* "x1,y1,x2,y2,conf"; conf may be left out. */
static bool parse_box(const char *value, sheet_box *b) {
    double v[5] = {0, 0, 0, 0, -1};
    char *copy = xstrdup(value), *at = copy;
    int n = 0;
    bool ok = true;
    while (at && ok) {
        char *comma = strchr(at, ',');
        if (comma) *comma++ = 0;
        ok = n < 5 && parse_f64(at, &v[n]) && fabs(v[n]) < 1e8;
        n++;
        at = comma;
    }
    free(copy);
    *b = (sheet_box){v[0], v[1], v[2], v[3], v[4]};
    return ok && n >= 4;
}

static void add_boxes(sheet_picture *it, const tns_meta *meta) {
    text name = {0}, value = {0};
    sheet_box b;
    for (size_t pos = 0; tns_meta_next(meta, &pos, &name, &value);) {
        if (strcmp(name.s, "face") || !parse_box(value.s, &b)) continue;
        it->box = xrealloc(it->box, (size_t)(it->boxes + 1) * sizeof b);
        it->box[it->boxes++] = b;
    }
    free(name.s);
    free(value.s);
}

static size_t area(const picture *p) {
    return (size_t)p->width * (size_t)p->height;
}

static void keep_at(sheet_picture *it, double scale) {
    picture p = picture_resized(&it->im, scaled(it->width, scale), scaled(it->height, scale));
    picture_free(&it->im);
    it->im = p;
}

void sheet_add(sheet *s, picture *p, const tns_meta *meta, bool boxes, bool names) {
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 64;
        s->item = xrealloc(s->item, s->cap * sizeof *s->item);
    }
    if (!s->count) s->kept = 1;
    picture_flatten(p, s->paper);
    sheet_picture *it = &s->item[s->count++];
    *it = (sheet_picture){.im = *p, .width = p->width, .height = p->height};
    *p = (picture){0};
    text buf = {0};
    if (boxes) add_boxes(it, meta);
    if (names) it->name = xstrdup(tns_meta_get(meta, "label", &buf) || tns_meta_get(meta, "key", &buf) ? buf.s : "");
    free(buf.s);
    if (it->width > s->width) s->width = it->width;
    if (it->height > s->height) s->height = it->height;

    if (s->kept < 1) keep_at(it, s->kept);
    s->pixels += area(&it->im);
    while (s->most_pixels && s->pixels > s->most_pixels && s->kept > 1e-6 && s->pixels > s->count) {
        s->kept /= 2;
        s->pixels = 0;
        for (size_t i = 0; i < s->count; i++) {
            keep_at(&s->item[i], s->kept);
            s->pixels += area(&s->item[i].im);
        }
    }
}

void sheet_clear(sheet *s) {
    for (size_t i = 0; i < s->count; i++) {
        picture_free(&s->item[i].im);
        free(s->item[i].box);
        free(s->item[i].name);
    }
    free(s->item);
    s->item = NULL;
    s->count = s->cap = s->pixels = 0;
    s->width = s->height = 0;
}

/* ---- laying out ---- */

int sheet_square_columns(const sheet *s, size_t n) {
    double columns = ceil(sqrt((double)n * s->height / (s->width ? s->width : 1)) - 1e-9);
    return columns < 1 ? 1 : columns > (double)n ? (int)n : (int)columns;
}

double sheet_fit(const sheet *s, size_t n, int width, int height, int gap, double most, int *columns) {
    double best = 0;
    int given = *columns, widest = n < (size_t)width ? (int)n : width;
    for (int c = given ? given : 1; c <= (given ? given : widest); c++) {
        double rows = (double)((n + (size_t)c - 1) / (size_t)c);
        /* Of whole pixels, so that no cell is rounded up later. */
        double across = floor((width - (c - 1.0) * gap) / c) / s->width,
               down = floor((height - (rows - 1) * gap) / rows) / s->height;
        double scale = fmin(most, fmin(across, down));
        if (scale >= best || c == given) best = scale, *columns = c;
    }
    return best;
}

/* ---- drawing ---- */

static void draw_boxes(picture *out, const sheet_picture *it, int x, int y, double scale) {
    const colour lime = {64, 255, 64}, black = {0, 0, 0};
    int thick = 1 + scaled(it->height, scale) / 300, size = thick;
    for (int i = 0; i < it->boxes; i++) {
        const sheet_box *b = &it->box[i];
        int left = x + (int)lrint(b->x1 * scale), top = y + (int)lrint(b->y1 * scale);
        int width = (int)lrint((b->x2 - b->x1) * scale), height = (int)lrint((b->y2 - b->y1) * scale);
        picture_outline(out, left, top, width, height, thick, lime);
        if (b->conf < 0 || width < 20) continue; /* no room for a number */
        char number[32];
        snprintf(number, sizeof number, "%.2f", b->conf);
        int below = top - thick - 7 * size < y ? 7 * size + 2 * thick : 0; /* inside, when there is no room above */
        picture_fill(out, left - thick, top - thick - 7 * size + below, picture_text_width(number, size) + 2 * size, 7 * size,
                     black);
        picture_text(out, left - thick + size, top - thick - 6 * size + below, number, size, lime);
    }
}

bool sheet_draw(const sheet *s, size_t n, int columns, double scale, int gap, picture *out, char err[512]) {
    bool names = n && s->item[0].name;
    int cell_w = scaled(s->width, scale), cell_h = scaled(s->height, scale), size = 1 + cell_w / 300, line = names ? 7 * size : 0;
    double rows = (double)((n + (size_t)columns - 1) / (size_t)columns);
    double width = columns * ((double)cell_w + gap) + gap, height = rows * ((double)cell_h + line + gap) + gap;
    if (width * height > 1 << 28) {
        snprintf(err, 512, "a sheet of %.0fx%.0f pixels is too large (see -n, --scale)", width, height);
        return false;
    }
    *out = picture_new((int)width, (int)height, 3);
    picture_fill(out, 0, 0, out->width, out->height, s->paper);
    for (size_t i = 0; i < n; i++) {
        const sheet_picture *it = &s->item[i];
        picture at_scale = picture_resized(&it->im, scaled(it->width, scale), scaled(it->height, scale));
        int cell_x = gap + (int)(i % (size_t)columns) * (cell_w + gap),
            cell_y = gap + (int)(i / (size_t)columns) * (cell_h + line + gap);
        int x = cell_x + (cell_w - at_scale.width) / 2, y = cell_y + (cell_h - at_scale.height) / 2;
        if (it->boxes) draw_boxes(&at_scale, it, 0, 0, scale);
        picture_paste(out, x, y, &at_scale);
        picture_free(&at_scale);
        if (!it->name) continue;
        picture strip = picture_new(cell_w, 5 * size, 3); /* cuts off what is too long */
        picture_fill(&strip, 0, 0, cell_w, 5 * size, s->paper);
        int spare = cell_w - picture_text_width(it->name, size);
        picture_text(&strip, spare < 0 ? spare : 0, 0, it->name, size,
                     s->ink); /* a long key's end says more than its beginning */
        picture_paste(out, cell_x, cell_y + cell_h + size, &strip);
        picture_free(&strip);
    }
    return true;
}
