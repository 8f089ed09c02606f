#include "points.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double clip(double v, double high) {
    return v < 0 ? 0 : v > high ? high : v;
}

void points_number(text *t, double v) {
    long long thousandths = llround(fmin(fmax(v, -1e12), 1e12) * 1000), whole = llabs(thousandths);
    int rest = (int)(whole % 1000), digits = 3;
    text_addf(t, "%s%lld", thousandths < 0 ? "-" : "", whole / 1000);
    if (!rest) return;
    for (; rest % 10 == 0; rest /= 10) digits--;
    text_addf(t, ".%0*d", digits, rest);
}

/* Takes a field off s, up to its comma; false when it isn't a number. */
static bool next_number(char **s, double *v) {
    char *comma = strchr(*s, ',');
    if (comma) *comma = 0;
    bool good = parse_f64(*s, v);
    if (comma) *comma = ',';
    *s = comma ? comma + 1 : *s + strlen(*s);
    return good;
}

/* Both append what stands in the new line to t; false: malformed. A face that has left the picture appends nothing. */
static bool move_face(char *s, const points_map *m, double width, double height, text *t) {
    double b[4];
    for (int i = 0; i < 4; i++)
        if (!next_number(&s, &b[i])) return false;
    double x1 = clip(b[0] * m->scale_x + m->shift_x, width), x2 = clip(b[2] * m->scale_x + m->shift_x, width);
    double y1 = clip(b[1] * m->scale_y + m->shift_y, height), y2 = clip(b[3] * m->scale_y + m->shift_y, height);
    if (x1 >= x2 || y1 >= y2) return true;
    const double moved[4] = {x1, y1, x2, y2};
    for (int i = 0; i < 4; i++) {
        if (i) text_add(t, ",");
        points_number(t, moved[i]);
    }
    if (*s) text_addf(t, ",%s", s);
    return true;
}

static bool move_landmarks(char *s, const points_map *m, text *t) {
    do {
        double x, y, v;
        if (!next_number(&s, &x) || !next_number(&s, &y)) return false;
        const char *as_is = s;
        if (!next_number(&s, &v)) return false;
        if (t->len) text_add(t, ",");
        points_number(t, x * m->scale_x + m->shift_x);
        text_add(t, ",");
        points_number(t, y * m->scale_y + m->shift_y);
        text_addf(t, ",%.*s", (int)strcspn(as_is, ","), as_is);
    } while (*s);
    return true;
}

bool points_move(tns_meta *m, const points_map *map, double width, double height, const char **bad) {
    tns_meta to = {0};
    text name = {0}, value = {0}, moved = {0};
    size_t pos = 0;
    bool good = true;
    while (good && tns_meta_next(m, &pos, &name, &value)) {
        bool face = !strcmp(name.s, "face"), landmarks = !strcmp(name.s, "landmarks");
        moved.len = 0;
        if (face) good = move_face(value.s, map, width, height, &moved);
        if (landmarks) good = move_landmarks(value.s, map, &moved);
        if (!good) *bad = face ? "face" : "landmarks";
        if (!face && !landmarks)
            tns_meta_add(&to, name.s, value.s);
        else if (good && moved.len)
            tns_meta_add(&to, name.s, moved.s);
    }
    if (good) {
        tns_meta was = *m;
        *m = to;
        to = was;
    }
    tns_meta_free(&to);
    free(name.s);
    free(value.s);
    free(moved.s);
    return good;
}
