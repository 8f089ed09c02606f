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

static double map_x(const points_map *m, double x, double y) {
    return m->scale_x * x + m->lean_x * y + m->shift_x;
}

static double map_y(const points_map *m, double x, double y) {
    return m->lean_y * x + m->scale_y * y + m->shift_y;
}

/* Both append what stands in the new line to t; false: malformed. A face that has left the picture appends nothing. */
static bool move_face(char *s, const points_map *m, double width, double height, text *t) {
    double b[4];
    for (int i = 0; i < 4; i++)
        if (!next_number(&s, &b[i])) return false;
    /* A box that is turned inside out holds nothing, whatever a mirror makes of it. */
    if (b[0] >= b[2] || b[1] >= b[3]) return true;
    double moved[4] = {INFINITY, INFINITY, -INFINITY, -INFINITY};
    for (int corner = 0; corner < 4; corner++) {
        double x = map_x(m, b[corner & 2], b[corner & 1 ? 3 : 1]), y = map_y(m, b[corner & 2], b[corner & 1 ? 3 : 1]);
        moved[0] = fmin(moved[0], x), moved[1] = fmin(moved[1], y);
        moved[2] = fmax(moved[2], x), moved[3] = fmax(moved[3], y);
    }
    for (int i = 0; i < 4; i++) moved[i] = clip(moved[i], i & 1 ? height : width);
    if (moved[0] >= moved[2] || moved[1] >= moved[3]) return true;
    for (int i = 0; i < 4; i++) {
        if (i) text_add(t, ",");
        points_number(t, moved[i]);
    }
    if (*s) text_addf(t, ",%s", s);
    return true;
}

static bool move_landmarks(char *s, const points_map *m, double width, double height, text *t) {
    static const int swapped[] = {1, 0, 2, 4, 3}; /* eye, eye, nose, corner, corner */
    text point[5] = {0};
    int n = 0;
    bool good = true;
    do {
        double x, y, v;
        good = next_number(&s, &x) && next_number(&s, &y);
        const char *as_is = s;
        good = good && next_number(&s, &v);
        if (!good) break;
        double to_x = map_x(m, x, y), to_y = map_y(m, x, y);
        bool inside = to_x >= 0 && to_x <= width && to_y >= 0 && to_y <= height;
        text *to = n < 5 ? &point[n++] : &point[4];
        if (to->len) text_add(to, ","), n = 6; /* more than five: as they come, behind the fifth */
        points_number(to, to_x);
        text_add(to, ",");
        points_number(to, to_y);
        text_addf(to, ",%.*s", inside ? (int)strcspn(as_is, ",") : 1, inside ? as_is : "0");
    } while (*s);
    bool mirrored = m->scale_x * m->scale_y - m->lean_x * m->lean_y < 0;
    for (int i = 0; good && i < n && i < 5; i++) {
        if (i) text_add(t, ",");
        text_add(t, point[n == 5 && mirrored ? swapped[i] : i].s);
    }
    for (int i = 0; i < 5; i++) free(point[i].s);
    return good;
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
        if (landmarks) good = move_landmarks(value.s, map, width, height, &moved);
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
