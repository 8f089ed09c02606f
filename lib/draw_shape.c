/* The shapes of people: head, ears, body, hair, hats and earrings as grids of points, in centimetres. */
#include "draw_parts.h"

/* ---- the head ---- */

static section cut(const person *q, float y) {
    const float brow = 2;
    if (y >= brow) {
        float k = unitf((y - brow) / (q->top - brow)), k2 = k * k;
        float side = root(1 - k2 * (0.62f + 0.38f * k2)), front = root(1 - k2 * (0.45f + 0.55f * k));
        section s = q->sec[SECTIONS - 1];
        return (section){s.w * side, s.f * front, s.b * side};
    }
    float at = (y - HEAD_BOTTOM) / (brow - HEAD_BOTTOM) * (SECTIONS - 1);
    int i = (int)clampf(at, 0, SECTIONS - 2);
    float k = unitf(at - (float)i);
    const section *a = &q->sec[i], *b = a + 1;
    return (section){lerp(a->w, b->w, k), lerp(a->f, b->f, k), lerp(a->b, b->b, k)};
}

/* What eyes, nose, cheeks and mouth add in front, in depth; *open is darkened in the hollows. */
static float relief(const person *q, float x, float y, float *open) {
    float ax = absf(x), dz = 0;
    int s = x > 0;
    float ey = y - q->eye_y[s], ex = ax - q->eye_x;
    if (y > -2.6f && y < 5) {
        float socket = bell2(ex / 1.75f, (ey - 0.25f) / 1.25f);
        dz -= 0.95f * socket * (1 - 0.45f * q->kid);
        dz += 0.72f * bell2(ex / 1.15f, (ey + 0.05f) / 0.82f);
        dz += q->ridge * bell2((ax - 2.6f) / 2.2f, (y - 1.75f) / 0.75f);
        dz -= 0.3f * bell2((ax - q->eye_x - 0.2f) / 1.5f, (ey + 1.15f) / 0.35f) * (0.3f + q->old);
        *open *= 1 - 0.38f * bell2((ex + 0.9f) / 1.1f, (ey - 0.4f) / 0.9f);
    }
    float tip = -q->nose_len;
    if (ax < 3.2f && y < 2 && y > tip - 1.8f) {
        float along = unitf((0.9f - y) / (0.9f - tip)); /* 0 at the root, 1 at the tip */
        float rise = y > tip ? q->nose_h * (q->bridge + (1 - q->bridge) * along) * ramp(0, 0.35f, along)
                             : q->nose_h * (1 - ramp(-0.1f, 1.15f, tip - y));
        rise += y > tip ? q->hook * bell2((along - 0.5f) * 4, 0) : 0;
        float wide = lerp(0.72f, 0.95f * q->nose_w, along * along);
        dz += rise * bell(sq(x / wide) * 1.15f);
        dz += 0.22f * q->nose_h * bell2(x / (0.72f * q->nose_w), (y - tip - 0.15f) / 0.62f);
        float wing = bell2((ax - 1.2f * q->nose_w) / 0.55f, (y - tip + 0.22f) / 0.6f);
        dz += 0.85f * wing;
        *open *= 1 - 0.3f * bell2((ax - 1.75f * q->nose_w) / 0.5f, (y - tip + 0.2f) / 0.7f);
        *open *= 1 - 0.25f * bell2(x / 1.5f, (y - tip + 1.15f) / 0.4f);
    }
    float smile = q->smile;
    dz += (0.25f + 0.45f * q->cheek + 0.55f * smile) * bell2((ax - 4.3f) / 1.9f, (y + 2.9f - 0.4f * smile) / 1.6f);
    dz += q->fat * 0.6f * bell2((ax - 4) / 2.6f, (y + 6.5f) / 2.8f);
    dz -= (1 - q->fat) * 0.5f * (1 - q->kid) * bell2((ax - 4.6f) / 1.5f, (y + 6) / 2.2f);
    if (y < -3.5f) {
        /* the fold from the nose to the mouth's corner */
        float my = q->mouth_y, k = unitf((-4 - y) / 4.2f);
        float line = ax - lerp(1.75f * q->nose_w, q->mouth_w + 0.95f + 0.35f * smile, k);
        float fold = (0.07f + 0.24f * q->old + 0.26f * smile) * ramp(-3.8f, -4.6f, y) * ramp(my - 1.8f, my + 0.2f, y);
        dz -= fold * bell(sq(line / 0.36f)) - fold * 0.9f * bell(sq((line - 0.7f) / 0.6f));
        *open *= 1 - fold * 0.7f * bell(sq(line / 0.4f));
        float mx = x / q->mouth_w, arc = my + smile * 0.55f * (mx * mx - 0.35f);
        float lips = bell(mx * mx * 1.4f);
        dz += 0.42f * q->lip_up * 2 * bell(sq((y - arc - 0.38f) / 0.42f)) * lips;
        dz += 0.5f * q->lip_low * 2 * bell(sq((y - arc + 0.62f + q->drop) / 0.5f)) * lips;
        dz -= 0.3f * bell(sq((y - arc) / 0.2f)) * lips;
        dz += 0.45f * bell2(x / 2.6f, (y - my) / 1.7f); /* the teeth beneath */
        dz -= 0.12f * bell2(x / 0.32f, (y - (my + 1.35f)) / 0.6f);
        float under = my - 1.75f - q->drop;
        dz -= 0.42f * bell2(x / 1.9f, (y - under) / 0.5f);
        *open *= 1 - 0.35f * bell2(x / 1.9f, (y - under) / 0.45f);
        dz += q->chin_w * 0.6f * bell2(x / (1.5f * q->chin_w), (y + 9.9f + q->chin + q->drop * 0.8f) / 1.05f);
        *open *= 1 - 0.4f * bell2((ax - q->mouth_w - 0.25f) / 0.4f, (y - my - smile * 0.35f) / 0.5f);
    }
    return dz;
}

/* The head's surface at an angle (sine and cosine) of the cut s at y. Without open only x and y are right, and it is fast. */
static vec3 head_point(const person *q, const section *s, float sn, float cs, float y, float *open) {
    float front = maxf(cs, 0);
    float x = s->w * sn * (1 + 0.06f * front * sn * sn);
    float z = HEAD_AXIS + (cs > 0 ? s->f * cs * (1 + 0.16f * sn * sn) : s->b * cs);
    /* the jaw's edge rises towards the ears */
    y += ramp(-4.5f, -11.5f, y) * 3.6f * (1 - front) * (1 + 0.4f * front);
    if (q->square > 0 && y < -4) x *= 1 + 0.13f * q->square * bell2((y + 8.2f) / 2.2f, (front - 0.45f) / 0.4f);
    float mask = ramp(0.12f, 0.5f, cs);
    if (mask > 0 && open) {
        z += mask * relief(q, x, y, open);
        z -= 0.5f * mask * bell2((absf(x) - 6.3f) / 1.3f, (y - 2.6f) / 2); /* temples */
    }
    if (q->drop > 0) y -= q->drop * 1.1f * ramp(q->mouth_y, q->mouth_y - 1.6f, y) * ramp(0, 0.7f, cs);
    if (q->beard == BEARD_FULL && y < -4) {
        float k = q->beard_len * ramp(-5, -9, y) * ramp(-0.2f, 0.35f, cs);
        x *= 1 + 0.05f * k, z += 0.55f * k, y -= k * ramp(-8, -11.5f, y);
    }
    return v3(x, y, z);
}

vec3 face_point(const person *q, float x, float y) {
    section s = cut(q, y);
    float sn = clampf(x / s.w, -0.97f, 0.97f), open = 1;
    for (int i = 0; i < 3; i++) sn = clampf(sn + (x - head_point(q, &s, sn, root(1 - sn * sn), y, NULL).x) / s.w, -0.97f, 0.97f);
    return head_point(q, &s, sn, root(1 - sn * sn), y, &open);
}

/* Cells across a thing of that many centimetres: in small pictures one every three or four samples, or two pixels, is enough. */
static int cells(const person *q, float cm, float per_cm, int least, int most) {
    return (int)clampf(cm * minf(per_cm, q->px * q->size * 0.27f), (float)least, (float)most);
}

static void head_mesh(draw_canvas *c, int who) {
    enum { MOST = 150 };
    const person *q = &c->who[who];
    int rows = cells(q, 30, 5.6f, 22, MOST), cols = cells(q, 28, 6, 25, MOST);
    vertex *v = mesh_begin(c, rows, cols);
    /* under hair the crown can't be seen */
    bool covered = q->receding < 0.5f && (q->style > HAIR_BUZZ || q->hat);
    float crown = covered ? minf(9.5f, q->top) : q->top;
    int upper = covered ? rows / 10 : rows / 5;
    float angle[MOST], sn[MOST], cs[MOST];
    for (int j = 0; j < cols; j++) {
        float k = (float)j / (float)(cols - 1) * 2 - 1; /* the columns are closest in front, where the nose is */
        angle[j] = 2.5f * (0.4f * k + 0.6f * k * k * k), sn[j] = draw_sin(angle[j]), cs[j] = draw_cos(angle[j]);
    }
    for (int i = 0; i < rows; i++) {
        float y;
        if (i <= upper) {
            float t = (float)i / (float)upper;
            y = crown + (5 - crown) * t * (covered ? 1 : t);
        } else
            y = 5 + (HEAD_BOTTOM - 5) * (float)(i - upper) / (float)(rows - 1 - upper);
        section s = cut(q, y);
        for (int j = 0; j < cols; j++) {
            vertex *o = &v[i * cols + j];
            o->p = head_point(q, &s, sn[j], cs[j], y, &o->open);
            o->u = angle[j], o->v = y;
            o->open *= 1 - 0.65f * ramp(-11, -12, y);
        }
    }
    mesh_end(c, who, rows, cols, M_SKIN, true);
}

static void ear_mesh(draw_canvas *c, int who, int side) {
    const person *q = &c->who[who];
    float tall = q->ear * (1 - 0.25f * q->fault[F_EAR] * (float)(side > 0)), melt = q->fault[F_EAR] * (float)(side > 0);
    section s = cut(q, -1);
    int rows = cells(q, 8, 4, 7, 30), cols = cells(q, 7, 4, 7, 30);
    vertex *v = mesh_begin(c, rows, cols);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) {
            /* an oval dish: across (a) from the head outwards and back, down (b) */
            float a = (float)j / (float)(cols - 1) * 2 - 1, b = (float)i / (float)(rows - 1) * 2 - 1;
            float wide = root(1 - b * b) * (1 - 0.22f * b), ra = a * wide;
            float rim = bell(sq((a * a + b * b - 0.85f) * 3)), bowl = bell2((a - 0.1f) * 2.1f, (b + 0.02f) * 1.9f);
            float out = q->ear_out * (0.6f + 0.9f * ra) + 0.3f * rim * wide - 0.55f * bowl * (1 - melt);
            vertex *o = &v[i * cols + j];
            if (melt > 0) ra += melt * 0.5f * (noise2(q->seed + 71, a * 2, b * 2 + 9) - 0.5f);
            vec3 p = v3(s.w - 0.35f + out, -1.3f - b * 3.1f * tall - 0.25f * ra, -1.3f - ra * 1.55f * tall - b * 0.35f);
            /* columns run towards the picture's right, so the left ear is the mirror with columns reversed */
            if (side < 0) {
                o = &v[i * cols + cols - 1 - j];
                p.x = -p.x;
            }
            o->p = p, o->u = a, o->v = b;
            o->open = (1 - 0.6f * bowl * (1 - melt)) * (0.75f + 0.25f * ramp(-1, 0, a));
        }
    mesh_end(c, who, rows, cols, M_EAR, true);
}

/* ---- hair ---- */

/* A curve through points at rising x. */
static float curve(const float (*k)[2], int n, float x) {
    if (x <= k[0][0]) return k[0][1];
    for (int i = 1; i < n; i++)
        if (x < k[i][0]) {
            float t = (x - k[i - 1][0]) / (k[i][0] - k[i - 1][0]);
            return lerp(k[i - 1][1], k[i][1], t * t * (3 - 2 * t));
        }
    return k[n - 1][1];
}

float hair_begins(const person *q, float angle) {
    float a = absf(angle), h = q->hairline, r = q->receding;
    const float key[][2] = {{0, h + r * 0.9f},
                            {0.35f, h + 0.25f + 0.5f * (1 - q->fem) + r * 2.2f},
                            {0.68f, h - 0.9f + r * 2.4f},
                            {0.9f, 3.9f + r * 1.4f},
                            {1.08f, 1.4f + r * 0.4f},
                            {1.25f, -1.3f},
                            {1.4f, -1.2f},
                            {1.56f, 1.8f},
                            {1.85f, 1.2f},
                            {2.1f, -5},
                            {3.2f, -8.5f}};
    return curve(key, sizeof key / sizeof *key, a);
}

static void hair_mesh(draw_canvas *c, int who) {
    const person *q = &c->who[who];
    if (q->style == HAIR_BALD && q->receding < 1.5f) return;
    bool curly = q->style == HAIR_CURLY || q->style == HAIR_AFRO;
    int rows = cells(q, q->length < -12 ? 24 : 13, 2.2f, 12, 90), cols = cells(q, 30, 5, 36, 160);
    float lean = q->part;
    vertex *v = mesh_begin(c, rows, cols);
    for (int j = 0; j < cols; j++) {
        float angle = ((float)j / (float)(cols - 1) * 2 - 1) * 2.9f, sn = draw_sin(angle), cs = draw_cos(angle), a = absf(angle);
        float begins = hair_begins(q, angle);
        float shift = 0.2f * lean * (angle > 0 ? 1.0f : -1.0f) * ramp(0, 0.5f, a);
        float hang = q->length < -3 ? ramp(q->hang0 + shift, q->hang1 + shift, a) : 0;
        float fringe = q->fringe * ramp(0.95f, 0.6f, a);
        float ragged = noise2(q->seed + 11, angle * 9, 3) - 0.5f, fine = noise2(q->seed + 12, angle * 31, 5) - 0.5f;
        float end = begins + 0.25f * ragged + 0.1f * fine;
        if (fringe > 0) end = lerp(end, q->fringe_y + 1.6f * lean * sn + 0.7f * ragged + 0.5f * fine, fringe);
        if (hang > 0) end = lerp(end, q->length + 2.2f * ragged + 1.2f * fine, hang);
        float free = maxf(hang, fringe);
        for (int i = 0; i < rows; i++) {
            float t = (float)i / (float)(rows - 1), y = q->top + (end - q->top) * t * t * (1.7f - 0.7f * t);
            float above = y - end, low = maxf(0, 1.5f - y) * hang;
            section s = cut(q, lerp(y, maxf(y, 1.5f), hang));
            float k = unitf((y - 2) / (q->top - 2));
            float body = q->thick * (1 - 0.25f * k * (curly ? 0.0f : 1.0f));
            if (q->style == HAIR_QUIFF)
                body += 1.9f * q->thick * ramp(0.15f, 0.85f, cs) * ramp(2, 8, y) * (0.6f + 0.4f * lean * sn);
            if (q->style == HAIR_SIDE || q->style == HAIR_LONG || q->style == HAIR_BOB || q->style == HAIR_WAVY)
                body *= 1 + 0.35f * lean * sn * ramp(2, 8, y);
            if (q->style == HAIR_SHORT || q->style == HAIR_QUIFF || q->style == HAIR_SIDE)
                body *= lerp(0.22f, 1, ramp(1.5f, 7, y)); /* cut at the sides */
            float lift = body * ramp(0, curly ? 3.2f : 2.4f, above) - 0.35f * ramp(0.9f, 0, above);
            lift = lerp(lift, body * (0.7f + 0.3f * ramp(0, 3, above)), free);
            if (q->hat) lift = minf(lift, y > 3.5f ? 0.3f : lift);
            float clump = noise2(q->seed + 21, angle * 6, t * 3) - 0.5f + 0.5f * (noise2(q->seed + 22, angle * 17, t * 4) - 0.5f);
            lift += clump * (0.22f * q->thick + 0.12f) * ramp(0, 1.5f, above + free * 2) * ramp(0, 0.25f, t);
            if (curly || q->curl > 0) {
                float g = curly ? 1 : ramp(3, -6, y);
                lift += q->curl * g * (noise3(q->seed + 31, sn * 6 + cs * 3, y * 0.62f, cs * 6) - 0.45f) * 2.3f *
                        ramp(0, 1.6f, above + free * 3);
            }
            float sway = q->curl * 1.3f * ramp(2, -8, y) * (noise2(q->seed + 41, a * 3, y * 0.22f) - 0.5f);
            float grow = low * 0.06f - 0.0022f * low * low;
            if (q->style == HAIR_BOB) grow = low * 0.16f - 0.03f * low * low;
            float front = maxf(cs, 0);
            vec3 p = v3((s.w + lift + grow + sway) * sn * (1 + 0.06f * front * sn * sn), y + lift * k * k,
                        HEAD_AXIS + (cs > 0 ? (s.f * (1 + 0.16f * sn * sn) + lift) * cs : (s.b + lift) * cs));
            /* hair that hangs keeps clear of the cheeks, then lies on the shoulders */
            if (hang > 0 && y < 0) {
                p.z -= 3 * ramp(3, -8, y) * front;
            }
            if (q->style == HAIR_BALD || q->receding > 1.5f) { /* a bald crown: the hair sinks below the skin there */
                float crown = ramp(2.5f, 5.5f, y - 1.2f * maxf(-cs, 0));
                p = mix(p, v3(0, y - 1, HEAD_AXIS), 0.3f * crown);
            }
            vertex *o = &v[i * cols + j];
            o->p = p, o->u = angle, o->v = t;
            o->open = (0.55f + 0.45f * ramp(-0.2f, 2.2f, above)) * (1 - 0.45f * ramp(0, -6, y) * (1 - free * 0.4f)) *
                      (0.75f + clump * 0.5f);
        }
    }
    mesh_end(c, who, rows, cols, M_HAIR, true);
}

/* A ball, squashed by s: buns, earrings. */
static void ball_mesh(draw_canvas *c, int who, vec3 at, vec3 s, material mat, float rough) {
    const person *q = &c->who[who];
    int rows = cells(q, 3 * s.y, 4, 6, 30), cols = cells(q, 6 * s.x, 4, 9, 50);
    vertex *v = mesh_begin(c, rows, cols);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) {
            float b = 3.14159274f * (float)i / (float)(rows - 1), a = 6.28318548f * (float)j / (float)(cols - 1) - 3.14159274f;
            float r = draw_sin(b), k = 1;
            vertex *o = &v[i * cols + j];
            vec3 d = v3(r * draw_sin(a), draw_cos(b), r * draw_cos(a));
            if (rough > 0) k += rough * (noise3(q->seed + 51, d.x * 2 + 9, d.y * 4, d.z * 2) - 0.5f);
            o->p = add(at, scale(mul(d, s), k));
            o->u = a * 1.5f, o->v = 0.6f * (float)i / (float)(rows - 1);
            o->open = 0.8f + 0.2f * d.y;
        }
    mesh_end(c, who, rows, cols, mat, true);
}

/* A round tube through points with radii: pony tails, arms, legs, hoops. */
static void tube_mesh(draw_canvas *c, int who, const vec3 *at, const float *r, int n, material mat, bool head, float hair) {
    const person *q = &c->who[who];
    int cols = cells(q, 6 * r[0], 3, 8, 30);
    vertex *v = mesh_begin(c, n, cols);
    for (int i = 0; i < n; i++) {
        vec3 along = unit(sub(at[i < n - 1 ? i + 1 : i], at[i ? i - 1 : 0]));
        vec3 right = unit(cross(absf(along.z) > 0.9f ? v3(0, 1, 0) : v3(0, 0, 1), along));
        if (right.x < 0) right = scale(right, -1);
        vec3 front = cross(along, right);
        for (int j = 0; j < cols; j++) {
            float a = 6.28318548f * (float)j / (float)(cols - 1);
            vertex *o = &v[i * cols + j];
            vec3 d = add(scale(right, draw_sin(a)), scale(front, draw_cos(a)));
            o->p = add(at[i], scale(d, r[i]));
            o->u = a * hair, o->v = (float)i / (float)(n - 1);
            o->open = 0.85f;
        }
    }
    mesh_end(c, who, n, cols, mat, head);
}

static void hair_extras(draw_canvas *c, int who) {
    const person *q = &c->who[who];
    if (q->style == HAIR_BUN && !q->hat) {
        float r = 2.2f + 2.2f * q->thick;
        ball_mesh(c, who, q->part > 0 ? v3(0.5f, q->top + r * 0.55f, -3) : v3(0, q->top * 0.55f, -9.5f), v3(r * 1.15f, r, r),
                  M_HAIR, 0.35f);
    }
    if (q->style == HAIR_TAIL) {
        float side = q->part > 0 ? 1 : -1;
        vec3 at[9];
        float r[9];
        for (int i = 0; i < 9; i++) {
            float t = (float)i / 8;
            at[i] = v3(side * (3 + 7.5f * t - 2.5f * t * t), 6 - 26 * t * t, -9 + 8 * t * t);
            r[i] = 0.6f + 2.3f * root(t) * (1 - t * t * 0.75f);
        }
        tube_mesh(c, who, at, r, 9, M_HAIR, true, 1.4f);
    }
}

static void hat_mesh(draw_canvas *c, int who) {
    const person *q = &c->who[who];
    if (!q->hat) return;
    int rows = cells(q, 10, 4, 10, 60), cols = cells(q, 28, 5, 30, 140);
    vertex *v = mesh_begin(c, rows, cols);
    bool cap = q->hat == HAT_CAP;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) {
            float angle = ((float)j / (float)(cols - 1) * 2 - 1) * 2.9f, sn = draw_sin(angle), cs = draw_cos(angle);
            float t = (float)i / (float)(rows - 1), end = cap ? 4.9f + 0.3f * cs : 4.1f + 0.9f * cs,
                  y = q->top + (end - q->top) * t * t * (1.7f - 0.7f * t);
            section s = cut(q, y);
            float k = unitf((y - 2) / (q->top - 2)), lift = cap ? 0.7f + 0.7f * k : 0.75f + 1.5f * k * q->thick;
            if (!cap && y < end + 3.2f) lift += 0.35f; /* the turned-up edge */
            if (!cap) lift += 0.18f * (noise2(q->seed + 61, angle * 4, t * 5) - 0.5f);
            vertex *o = &v[i * cols + j];
            o->p = v3((s.w + lift) * sn, y + lift * k * k + (cap ? 0.5f * k : 0),
                      HEAD_AXIS + (cs > 0 ? (s.f * (1 + 0.16f * sn * sn) + lift) * cs : (s.b + lift) * cs));
            o->u = angle, o->v = t;
            o->open = cap ? 1 : y < end + 3.4f && y > end + 2.9f ? 0.6f : 0.95f;
        }
    mesh_end(c, who, rows, cols, M_HAT, true);
    if (!cap) return;
    int n = cells(q, 20, 3, 14, 60), m = cells(q, 8, 3, 6, 24);
    v = mesh_begin(c, m, n);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            float angle = ((float)j / (float)(n - 1) * 2 - 1) * 1.15f, sn = draw_sin(angle), cs = draw_cos(angle),
                  t = (float)i / (float)(m - 1);
            section s = cut(q, 5.2f);
            vertex *o = &v[i * n + j];
            float out = 0.4f + 6.5f * t * root(maxf(0, cs * 1.6f - 0.6f));
            o->p = v3((s.w + 0.7f + 0.1f * t) * sn, 5.5f - 1.5f * t * t - 1.6f * sn * sn * t,
                      HEAD_AXIS + (s.f * (1 + 0.16f * sn * sn)) * cs + out);
            o->u = angle, o->v = 1 + t;
            o->open = 0.9f;
        }
    mesh_end(c, who, m, n, M_HAT, true);
}

static void earrings(draw_canvas *c, int who) {
    const person *q = &c->who[who];
    for (int s = 0; s < 2; s++) {
        float side = s ? 1 : -1, x = side * (cut(q, -1).w + 0.35f + q->ear_out * 0.55f), y = -1.3f - 3.1f * q->ear;
        float k = s ? 1 + 0.6f * q->fault[F_EARRING] : 1;
        if (q->ring[s] == RING_STUD) ball_mesh(c, who, v3(x, y + 0.3f, -0.7f), grey(0.42f * k), M_METAL, 0);
        if (q->ring[s] == RING_DROP) {
            ball_mesh(c, who, v3(x, y - 0.2f, -0.7f), grey(0.3f), M_METAL, 0);
            ball_mesh(c, who, v3(x, y - 1.7f * k, -0.7f), v3(0.5f, 1.1f * k, 0.5f), M_METAL, 0);
        }
        if (q->ring[s] == RING_HOOP) {
            vec3 at[17];
            float r[17], big = 1.7f * k;
            for (int i = 0; i < 17; i++) {
                float a = 6.28318548f * (float)i / 16;
                at[i] = v3(x + big * 0.75f * draw_sin(a), y + 0.2f - big + big * draw_cos(a), -0.7f + big * 0.5f * draw_sin(a)),
                r[i] = 0.2f;
            }
            tube_mesh(c, who, at, r, 17, M_METAL, true, 1);
        }
    }
}

/* ---- the body ---- */

static void body_mesh(draw_canvas *c, int who) {
    const person *q = &c->who[who];
    /* y, half width, front, back */
    float n = q->neck, w = q->shoulder, f = q->fat;
    const float key[][4] = {{-6, n * 0.92f, 4, 4.5f},
                            {-10.4f, n * 0.93f, 6.6f, 4.6f},
                            {-12.8f, n * 0.98f, 5.6f, 5.2f},
                            {-15.2f, n * 1.14f, 4.7f, 6},
                            {-16.8f, n + (w - n) * 0.26f, 5.2f, 7},
                            {-18.2f, n + (w - n) * 0.52f, 6, 8},
                            {-19.8f, n + (w - n) * 0.78f, 6.9f, 8.7f},
                            {-22.5f, n + (w - n) * 0.95f, 8.2f, 9.5f},
                            {-27, w, 9.8f, 10},
                            {-34, w * 0.98f, 11 + f, 10},
                            {-44, w * 0.9f, 11 + 2 * f, 9.5f},
                            {-62, w * 0.8f + 2 * f, 9.5f + 4 * f, 8.5f},
                            {-76, w * 0.86f + f, 10 + 2 * f, 9.5f},
                            {-86, w * 0.84f, 9, 9},
                            {-90, w * 0.6f, 5, 5}};
    const int keys = sizeof key / sizeof *key, fine = q->px * q->size > 8 ? 4 : 2;
    /* no rows below the picture */
    float bottom = ((c->lens.cy - (float)c->sh) * -q->at.z / c->lens.focal - q->at.y) / q->size - 4;
    int last = q->whole ? keys : 9;
    while (last > 2 && key[last - 2][0] < bottom) last--;
    int rows = (last - 1) * fine + 1, cols = cells(q, 22, 4, 23, 110);
    vertex *v = mesh_begin(c, rows, cols);
    for (int i = 0; i < rows; i++) {
        int k = i / fine < last - 1 ? i / fine : last - 2;
        float t = (float)(i - k * fine) / (float)fine, z[4];
        const float *a = key[k ? k - 1 : 0], *b = key[k], *d = key[k + 1], *e = key[k + 2 < keys ? k + 2 : k + 1];
        for (int m = 0; m < 4; m++) /* Catmull and Rom */
            z[m] = b[m] +
                   0.5f * t * (d[m] - a[m] + t * (2 * a[m] - 5 * b[m] + 4 * d[m] - e[m] + t * (3 * (b[m] - d[m]) + e[m] - a[m])));
        for (int j = 0; j < cols; j++) {
            float angle = ((float)j / (float)(cols - 1) * 2 - 1) * 2.6f, sn = draw_sin(angle), cs = draw_cos(angle);
            vertex *o = &v[i * cols + j];
            float depth = cs > 0 ? z[2] : z[3], y = z[0], square = ramp(-18, -26, y);
            o->p = v3(z[1] * sn * (1 + 0.1f * square * cs * cs), y, -3 + depth * cs * (1 + 0.3f * square * sn * sn));
            if (q->fem > 0.5f && !q->kid) o->p.z += 2.6f * bell2((absf(o->p.x) - 7.5f) / 4.5f, (y + 37) / 5) * ramp(0, 0.5f, cs);
            /* the two muscles of the neck and the hollow between the collar bones */
            if (cs > 0 && y > -22) {
                float line = absf(o->p.x) - lerp(1.1f, n * 0.85f, unitf((y + 18) / 9));
                o->p.z += 0.35f * bell(sq(line / 0.9f)) * ramp(-18, -16, y) - 0.5f * bell2(o->p.x / 1.2f, (y + 17.5f) / 1);
            }
            o->u = angle, o->v = y;
            o->open = 0.28f + 0.72f * ramp(-11.5f, -18.5f, y + 0.8f * maxf(cs, 0));
        }
    }
    mesh_end(c, who, rows, cols, M_BODY, false);
    if (!q->whole) return;
    for (int s = 0; s < 2; s++) {
        float side = s ? 1 : -1, bend = q->arm[s];
        vec3 at[7] = {v3(side * (w - 6), -20.4f, -3),
                      v3(side * (w - 2.2f), -24, -3),
                      v3(side * (w + 2), -38, -4),
                      v3(side * (w + 4), -51, -5),
                      v3(side * (w + 4 - 6 * bend), -63 + 8 * bend, -2 + 8 * bend),
                      v3(side * (w + 4 - 13 * bend), -75 + 20 * bend, 12 * bend),
                      v3(side * (w + 4 - 17 * bend), -86 + 28 * bend, 14 * bend)};
        float r[7] = {0.8f, 5, 5.2f, 4.4f, 3.9f, 3.2f, 2.6f};
        tube_mesh(c, who, at, r, 7, M_ARM, false, 1);
        vec3 leg[6] = {v3(side * w * 0.42f, -78, -3),  v3(side * w * 0.46f, -90, -3), v3(side * w * 0.48f, -110, -2.5f),
                       v3(side * w * 0.48f, -128, -3), v3(side * w * 0.5f, -148, -4), v3(side * w * 0.52f, -158, 2)};
        float lr[6] = {8.6f, 8.6f, 7, 6, 5, 4.6f};
        tube_mesh(c, who, leg, lr, 6, M_LEG, false, 1);
    }
}

void person_mesh(draw_canvas *c, int who) {
    const person *q = &c->who[who];
    uint32_t vertices = c->verts, triangles = c->tris;
    body_mesh(c, who);
    head_mesh(c, who);
    ear_mesh(c, who, -1);
    ear_mesh(c, who, 1);
    hair_mesh(c, who);
    hair_extras(c, who);
    hat_mesh(c, who);
    earrings(c, who);
    mesh_shadows(c, q, vertices, triangles);
    mesh_raster(c, q, triangles);
}
