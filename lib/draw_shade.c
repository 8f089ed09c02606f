/* What a point looks like: skin, eyes, mouth, hair, cloth and glasses under the scene's light. */
#include "draw_parts.h"

/* A visible point, between the three corners of its triangle. */
typedef struct {
    vec3 p, c, n, t; /* as in vertex */
    float u, v, open, lit;
    float foot; /* what a sample covers, cm */
    vec3 look; /* towards the camera */
    bool detail; /* something here is finer than foot */
} point;

/* Cover of an edge at distance d, cm, inside positive. */
static inline float edge(const point *g, float d) {
    return unitf(d / g->foot + 0.5f);
}

/* How much of a pattern of that wavelength, cm, a sample can still show. */
static inline float shows(const point *g, float wave) {
    return ramp(0.9f, 0.35f, g->foot / wave);
}

/* Noise of that wavelength about 0, as far as a sample can show it. */
static inline float grain(const point *g, float wave, uint32_t seed, float x, float y) {
    float k = shows(g, wave);
    return k > 0 ? k * (noise2(seed, x, y) - 0.5f) : 0;
}

/* ---- light ---- */

/* Light that arrives. wrap: how far round the lamp's light bleeds, for each colour (skin glows red at the shadow's edge). */
static inline vec3 arriving(const lighting *l, const point *g, vec3 n, vec3 wrap) {
    float nl = dot(n, l->dir);
    vec3 d = v3(maxf(0, nl + wrap.x) / (1 + wrap.x), maxf(0, nl + wrap.y) / (1 + wrap.y), maxf(0, nl + wrap.z) / (1 + wrap.z));
    /* light that bled is there in the shadow, too */
    vec3 lit = v3(lerp(g->lit, 1, 0.12f * wrap.x), g->lit, g->lit);
    vec3 e = mul(l->color, mul(d, lit));
    vec3 around = mix(l->ground, l->sky, 0.5f + 0.5f * n.y);
    e = add(e, scale(around, g->open));
    e = add(e, scale(l->side, maxf(0, dot(n, l->side_dir) * 0.8f + 0.2f) * g->open));
    return e;
}

static float power16(float x) {
    x *= x, x *= x, x *= x;
    return x * x;
}

/* Light from behind that grazes the outline. */
static vec3 rim_light(const lighting *l, const point *g, vec3 n) {
    if (l->rim.y <= 0) return grey(0);
    float away = 1 - maxf(0, dot(n, g->look));
    return scale(l->rim, away * away * away * unitf(0.4f + 0.6f * n.y + 0.5f * absf(n.x)) * g->open);
}

/* The lamp's reflection: a wide one. Its cube is a sharp one. */
static float glint(const lighting *l, const point *g, vec3 n) {
    return power16(maxf(0, dot(n, unit(add(l->dir, g->look)))));
}

/* ---- the face's parts ---- */

typedef struct {
    float cover; /* of the eyeball */
    float lash, lid, crease, bag;
    float dx, dy; /* from the eye's centre, outwards and up, cm */
    int side;
} eye_place;

static eye_place place_eye(const person *q, const point *g) {
    eye_place e = {.side = g->p.x > 0};
    int s = e.side;
    float dx = (absf(g->p.x) - q->eye_x), dy = g->p.y - q->eye_y[s];
    if (absf(dx) > 2.8f || absf(dy) > 2) return (eye_place){.side = s, .dx = 9, .dy = 9};
    float size = q->eye_size[s];
    dy -= q->eye_tilt * dx;
    e.dx = dx, e.dy = dy;
    float half = 1.48f * size, k = dx / half, arch = 1 - k * k;
    float open = q->lid[s], slant = 0.16f * k;
    float upper = 0.57f * size * open * arch * (1 - slant) - 0.05f * (1 - open),
          lower = -0.42f * size * arch * (1 + slant) * (0.55f + 0.45f * minf(1, open));
    float in = minf(upper - dy, dy - lower);
    if (arch < 0) in = -absf(dx) + half;
    e.cover = edge(g, in);
    float thick = 0.085f + 0.09f * q->makeup + 0.05f * q->fem;
    float lash = dy - upper;
    float body = arch > -0.25f ? ramp(-0.25f, 0.1f, arch) : 0;
    float outer = 1 + 0.8f * ramp(0, 1, k) * (0.3f + q->makeup);
    float soft = maxf(g->foot * 0.7f, 0.05f);
    e.lash = body * ramp(thick * outer + soft, 0, lash) * ramp(-0.12f - soft, 0, lash) * (0.62f + 0.3f * q->fem);
    float under = lower - dy;
    e.lash =
        maxf(e.lash, body * 0.35f * (0.5f + 0.6f * q->makeup) * ramp(0.07f + soft, 0, under) * ramp(-0.05f - soft, 0, under));
    float fold = 0.34f + 0.12f * open - 0.1f * q->old;
    e.lid = body * ramp(0, 0.1f, lash) * ramp(fold + 0.35f, fold, lash);
    e.crease = body * bell(sq((lash - fold + 0.12f * k * k) / maxf(0.09f, g->foot * 0.6f))) * (0.42f - 0.15f * q->kid);
    e.bag = bell2(dx / 1.3f, (dy + 1.05f) / 0.22f);
    return e;
}

static vec3 eyeball(const draw_canvas *c, const person *q, const point *g, const eye_place *e) {
    int s = e->side;
    float sign = s ? 1 : -1, size = q->eye_size[s];
    /* outwards on the left eye is the picture's left; gaze is in the picture's directions */
    float x = e->dx - sign * q->gaze_x[s], y = e->dy - 0.03f - q->gaze_y[s];
    float pupil_fault = s ? q->fault[F_PUPIL] : 0;
    float r = root(x * x + y * y), iris_r = 0.60f * lerp(1, size, 0.5f);
    if (pupil_fault > 0) r *= 1 + 0.5f * pupil_fault * (noise2(q->seed + 5, x * 3, y * 3) - 0.5f);
    vec3 n = unit(v3(sign * e->dx / 1.3f, e->dy / 1.3f, 1.1f));
    n = turn(&q->head, n);
    vec3 white = scale(v3(.48f, .43f, .41f), 1 - 0.35f * q->tone);
    float pink = bell2((e->dx + 1.35f) / 0.3f, e->dy / 0.35f);
    white = mix(white, v3(.5f, .22f, .2f), 0.65f * pink + 0.1f * ramp(0.6f, 1.4f, absf(e->dx)));
    float spoke = noise2(q->seed + 6, (x + 9) * 11, (y + 9) * 11);
    vec3 iris =
        scale(q->iris[s], 0.65f + 0.55f * spoke * shows(g, 0.1f) + 0.35f * ramp(0.1f, 0.4f, r) - 0.75f * ramp(0.44f, 0.62f, r));
    iris = add(iris, scale(q->iris[s], 0.8f * unitf(-y * 1.2f))); /* light that crossed the eye glows opposite the lamp */
    vec3 a = mix(white, iris, edge(g, iris_r - r));
    float pr = 0.23f + 0.08f * hash_unit(q->seed + 7, 1, 1);
    if (pupil_fault > 0) r = root(sq(x * (1 + 0.6f * pupil_fault)) + sq(y + 0.15f * pupil_fault * x));
    a = scale(a, 1 - edge(g, pr - r) * 0.97f);
    point h = *g;
    float upper = 0.60f * size * q->lid[s];
    float shade = ramp(-0.42f, 0.3f, upper - e->dy - 0.35f) * 0.6f + 0.4f;
    h.open *= shade * (1 - 0.3f * ramp(0.8f, 1.4f, absf(e->dx)));
    h.lit *= 0.35f + 0.65f * shade;
    vec3 light = arriving(&c->light, &h, n, grey(0.15f));
    vec3 out = mul(a, light);
    /* the lamp in the cornea, and the sky */
    vec3 l = turn_back(&q->head, c->light.dir);
    float hx = sign * x - 0.30f * l.x, hy = y - 0.30f * l.y;
    float spot = 0.10f + 0.02f * c->light.soft;
    float catch = edge(g, spot - root(hx * hx + hy * hy)) * (0.35f + 0.65f * h.lit);
    if (l.z > -0.1f) out = mix(out, scale(c->light.color, 0.95f), catch * 0.9f);
    out = add(out, scale(c->light.sky, 0.05f * ramp(-0.2f, 0.5f, y) * edge(g, iris_r - r)));
    return out;
}

static float brow(const person *q, const point *g) {
    float ax = absf(g->p.x), dx = ax - q->eye_x, y = g->p.y - q->eye_y[g->p.x > 0] * 0.5f;
    if (y < 0.6f || y > 4 || absf(dx) > 3.4f) return 0;
    float k = (dx + 2.1f) / 4.5f; /* 0 inner end, 1 outer */
    float mid = q->brow_y + q->brow_arch * 0.75f * (bell(sq((k - 0.62f) * 2.2f)) - 0.6f) - 0.75f * ramp(0.6f, 1.1f, k) +
                q->brow_raise * 0.4f * (1 - k);
    float half = q->brow_thick * lerp(1, 0.4f, ramp(0.4f, 1, k)) * ramp(-0.06f, 0.16f, k) * ramp(1.06f, 0.85f, k);
    if (half <= 0.01f) return 0;
    float d = absf(y - mid) / half;
    float strand = grain(g, 0.18f, q->seed + 81, (ax * 0.8f + y * 1.1f) * 6, (y - ax * 0.25f) * 2);
    float body = ramp(1.25f, 0.35f, d + strand * 0.8f);
    return body * ramp(-0.02f, 0.22f, k) * 0.88f;
}

/* Where a beard grows, 0..1. */
static float beard_place(const person *q, vec3 p) {
    if (p.y > 0 || p.z < -1.5f) return 0;
    float ax = absf(p.x), my = q->mouth_y;
    float tache = bell2(p.x / 2.3f, (p.y - my - 1.15f - 0.1f * ax) / 0.52f) * ramp(0.15f, 0.45f, p.y - my);
    float chin = ramp(my - 1.1f, my - 2.1f, p.y + 0.12f * sq(p.x) * 0.3f - q->drop * -1) * ramp(3.3f, 2.2f, ax);
    float round = bell(sq((ax - q->mouth_w - 0.75f) / 0.55f)) * ramp(my + 1.5f, my + 0.8f, p.y) * ramp(my - 2.5f, my - 1, p.y);
    if (q->beard == BEARD_MOUSTACHE) return unitf(tache * 1.8f);
    float goatee = maxf(unitf(tache * 1.6f), maxf(chin, round));
    if (q->beard == BEARD_GOATEE) return goatee;
    float line = -6.2f + 0.16f * sq(maxf(0, ax - 3)) + (ax > 5.6f ? 2.5f * (ax - 5.6f) : 0);
    float cheek = ramp(line + 0.7f, line - 0.5f, p.y);
    float mouth = bell2(p.x / (q->mouth_w * 0.92f), (p.y - my + 0.2f + q->drop * 0.5f) / 0.85f);
    cheek *= 1 - unitf(mouth * 1.6f);
    return maxf(goatee * (1 - unitf(mouth * 0.6f)), cheek);
}

typedef struct {
    float lips; /* cover */
    float inside; /* cover of the opening between them */
    float line; /* darkness where they meet */
    float x, up, down; /* place in the opening: across -1..1, cm below the upper edge and above the lower */
} mouth_place;

static mouth_place place_mouth(const person *q, const point *g) {
    mouth_place m = {0};
    float half = q->mouth_w * (1 + 0.17f * maxf(0, q->smile)), x = g->p.x / half, y = g->p.y - q->mouth_y;
    if (absf(x) > 1.25f || y > 2 || y < -3.6f) return m;
    float arch = maxf(0, 1 - x * x);
    y -= q->smile * 0.62f * (x * x - 0.35f);
    float seam = 0.06f * bell(sq(x / 0.2f)) * -1 + 0.03f;
    float gap_up = seam + q->gap * 0.28f * arch,
          gap_down = seam - (q->gap * 1.05f + q->drop * 0.4f) * arch * (0.75f + 0.25f * arch);
    float bow = arch * (1 - 0.12f * x * x) - 0.2f * bell(sq(x / 0.13f));
    float thin = 1 - 0.22f * maxf(0, q->smile);
    float top = gap_up + q->lip_up * thin * maxf(0, bow), bottom = gap_down - q->lip_low * thin * arch * (0.7f + 0.3f * arch);
    m.inside = q->gap > 0 ? edge(g, minf(gap_up - y, y - gap_down)) : 0;
    float soft = maxf(g->foot, 0.16f);
    float in = minf(top - y, y - bottom);
    m.lips = unitf(in / soft + 0.5f) * ramp(0, 0.06f, arch);
    m.line = bell(sq((y - seam) / maxf(0.1f, g->foot * 0.65f))) * (q->gap > 0 ? 0 : 1) * ramp(1.18f, 0.9f, absf(x)) * 0.72f;
    m.line = maxf(m.line, 0.5f * bell2((absf(x) - 1.02f) / 0.09f, y / 0.22f));
    m.x = x, m.up = gap_up - y, m.down = y - gap_down;
    return m;
}

static vec3 mouth_inside(const draw_canvas *c, const person *q, const point *g, const mouth_place *m, vec3 light) {
    (void)c;
    vec3 dark = v3(.035f, .008f, .008f), tooth = v3(.74f, .68f, .575f);
    vec3 out = mix(dark, v3(.22f, .06f, .06f), ramp(0.55f, 0.1f, m->down) * ramp(0.9f, 0.3f, absf(m->x)) * 0.8f); /* the tongue */
    float melt = q->fault[F_TEETH];
    /* upper teeth: a row 0.85 cm tall, in an arc that goes back into the dark */
    float x = m->x * q->mouth_w * 1.17f, tall = 0.78f - 0.05f * absf(x) - (q->teeth ? 0 : 0.5f);
    float ax = absf(x), at = ax / 0.82f;
    int k = floor_int(at);
    float across = at - (float)k, edge_of = minf(across, 1 - across) * 0.82f;
    float lower = tall - 0.10f * (k == 1 ? 1.0f : 0) - 0.10f * sq(across - 0.5f);
    if (melt > 0) {
        lower += melt * 0.7f * (noise2(q->seed + 91, x * 1.3f, 3) - 0.5f);
        edge_of = lerp(edge_of, 0.4f * noise2(q->seed + 92, x * 2.2f, m->up * 2), melt);
    }
    float cover = edge(g, lower - m->up) * ramp(1, 0.86f, absf(m->x));
    float gum = ramp(0.12f, 0.04f, m->up) * 0.5f * maxf(0, q->smile);
    float split = bell(sq(edge_of / maxf(0.035f, g->foot * 0.3f))) * 0.4f * (1 - 0.5f * melt);
    tooth = scale(tooth, (1 - split) * (1 - 0.5f * ramp(1.1f, 3, ax)));
    tooth = mix(tooth, v3(.45f, .16f, .15f), gum);
    out = mix(out, tooth, cover);
    float shade = ramp(-0.05f, 0.4f, m->up) * 0.4f + 0.6f;
    return mul(scale(out, shade * (0.85f - 0.3f * absf(m->x))), light);
}

/* ---- glasses ---- */

#define FRAME_Z 10.2f

/* Distance to the rim's middle line of a lens whose centre is at (q->eye_x + .05, frame_y), outside positive; head's x and y. */
static float rim_distance(const person *q, float x, float y) {
    float cx = absf(x) - q->eye_x - 0.1f, cy = y - q->frame_y - 0.1f * cx;
    float rr = q->frame_round * minf(q->frame_w, q->frame_h);
    float dx = absf(cx) - (q->frame_w - rr), dy = absf(cy) - (q->frame_h - rr);
    float ox = maxf(dx, 0), oy = maxf(dy, 0);
    return root(ox * ox + oy * oy) + minf(maxf(dx, dy), 0) - rr;
}

/* The frame's body: negative inside, cm. */
static float frame_distance(const person *q, float x, float y) {
    float d = absf(rim_distance(q, x, y)) - q->frame_bar;
    float inner = q->eye_x + 0.1f - q->frame_w, by = y - q->frame_y - 0.55f + 0.12f * x * x;
    if (absf(x) < inner + 0.15f) d = minf(d, absf(by) - 0.7f * q->frame_bar - 0.06f);
    float ax = absf(x), outer = q->eye_x + 0.1f + q->frame_w;
    if (ax > outer - 0.2f && ax < outer + 0.6f) d = minf(d, absf(y - q->frame_y - 0.7f) - 0.8f * q->frame_bar - 0.05f);
    return d;
}

/* What the lenses and frames do to the light that comes from behind them. */
static vec3 behind_glasses(const draw_canvas *c, const person *q, point *g, vec3 light) {
    vec3 pivot = v3(0, -9, -3);
    vec3 eye = add(turn_back(&q->head, sub(scale(sub(v3(0, 0, 0), q->at), 1 / q->size), pivot)),
                   pivot); /* the camera in the head's space */
    vec3 here = add(turn_back(&q->head, sub(scale(sub(g->c, q->at), 1 / q->size), pivot)), pivot);
    vec3 ray = sub(here, eye);
    float fault = q->fault[F_GLASSES];
    if (ray.z < -1e-3f) {
        float wrap = 0.028f; /* frames bend a little round the face: two steps of the ray */
        float k = (FRAME_Z - eye.z) / ray.z;
        float x = eye.x + k * ray.x;
        k = (FRAME_Z - wrap * x * x - eye.z) / ray.z;
        x = eye.x + k * ray.x;
        float y = eye.y + k * ray.y;
        if (k > 0 && k < 1 && absf(x) < 7.6f && absf(y - q->frame_y) < 4) {
            float d = frame_distance(q, x, y), in = rim_distance(q, x, y);
            if (in < 0) {
                /* a lens: a tint, and a pale reflection */
                float tint = q->lens_dark *
                             (q->glasses == GLASSES_SUN ? lerp(1, 0.75f, unitf(0.5f - (y - q->frame_y) / (2 * q->frame_h))) : 1);
                light = mix(light, q->lens_color, tint);
                float band =
                    bell(sq((x - (x > 0 ? 1.0f : -1.0f) * (q->eye_x - 0.6f) - (y - q->frame_y) * 0.7f + 0.8f * q->yaw * 5) /
                            0.8f)) *
                    ramp(-1, 1.5f, y - q->frame_y);
                light = add(light, scale(c->light.sky, (0.03f + 0.10f * q->lens_dark) * ramp(-1.5f, 2, y - q->frame_y)));
                light = add(light, scale(c->light.color, band * (0.02f + 0.13f * q->lens_dark)));
            }
            if (absf(d) < g->foot) g->detail = true;
            float cover = unitf(-d / g->foot + 0.5f);
            if (fault > 0) cover *= 1 - fault * ramp(0.45f, 0.62f, noise2(q->seed + 95, x * 0.55f + 3, y * 0.55f));
            if (cover > 0) {
                float round = -d / maxf(q->frame_bar, 0.05f);
                vec3 col = scale(q->frame_color, 0.9f);
                vec3 lit =
                    add(scale(c->light.color, 0.5f * maxf(0.2f, c->light.dir.z)), mix(c->light.ground, c->light.sky, 0.6f));
                col = add(mul(col, lit),
                          scale(add(c->light.color, c->light.sky), 0.05f * ramp(0.4f, 1, round) * ramp(0, 1.5f, y - q->frame_y)));
                light = mix(light, col, cover);
            }
        }
    }
    /* the sides, from the hinge to the ear */
    for (int s = 0; s < 2; s++) {
        float side = s ? 1 : -1, hinge = q->eye_x + q->frame_w + 0.65f, flare = (7.4f * q->width - hinge) / 9.3f;
        float down = ray.x + side * flare * ray.z;
        if (absf(down) < 1e-3f || (s && fault > 0.3f)) continue;
        float k = (side * (hinge + flare * (9.3f - eye.z)) - eye.x) / down;
        if (k <= 0 || k >= 1.002f) continue;
        float y = eye.y + k * ray.y, z = eye.z + k * ray.z;
        if (z > 9.3f || z < 0.3f) continue;
        float d = 0.7f * q->frame_bar + 0.08f - absf(y - q->frame_y - 0.7f - 0.05f * (9.3f - z) * 0.5f);
        light = mix(light, mul(q->frame_color, add(scale(c->light.color, 0.4f), c->light.sky)), unitf(d / g->foot + 0.5f));
    }
    return light;
}

vec3 shade_through_glasses(const draw_canvas *c, const person *q, float sx, float sy, float wide, vec3 light) {
    float far = 1e4f / c->lens.focal;
    point g = {.c = v3((sx - c->lens.cx) * far, (c->lens.cy - sy) * far, -1e4f), .foot = wide / (q->px * q->size)};
    return behind_glasses(c, q, &g, light);
}

static float glasses_shadow(const draw_canvas *c, const person *q, const point *g) {
    vec3 l = turn_back(&q->head, c->light.dir);
    if (l.z < 0.15f || g->p.z < 5) return 1;
    float k = (FRAME_Z - g->p.z) / l.z;
    if (k < 0 || k > 8) return 1;
    float x = g->p.x + k * l.x, y = g->p.y + k * l.y;
    if (absf(x) > 8 || absf(y) > 4) return 1;
    float soft = 0.12f + 0.1f * k * c->light.soft * 0.3f + g->foot * 0.5f;
    float rim = ramp(soft, -soft, frame_distance(q, x, y));
    float lens = rim_distance(q, x, y) < 0 ? q->lens_dark * 0.8f : 0;
    return 1 - maxf(rim * 0.75f, lens);
}

/* ---- skin ---- */

static vec3 skin_color(const person *q, const point *g, vec3 *bump) {
    float x = g->p.x, y = g->p.y, ax = absf(x);
    vec3 a = q->skin;
    float wide = fractal2(q->seed + 1, x * 0.28f, y * 0.28f + g->p.z * 0.2f, 2) - 0.5f;
    float fine = grain(g, 0.33f, q->seed + 2, x * 3.1f, y * 3.1f),
          pore = grain(g, 0.08f, q->seed + 3, x * 13, y * 13 + g->p.z * 5);
    a = scale(a, 1 + 0.16f * wide + q->pores * (0.10f * fine + 0.12f * pore));
    a.x *= 1 - 0.05f * wide;
    bump->x += 0.10f * q->pores * pore, bump->y += 0.10f * q->pores * fine;
    float red = 0;
    if (g->p.z > 0) {
        red = q->blush * bell2((ax - 4.5f) / 2, (y + 3.1f) / 1.7f) +
              (0.25f + 0.4f * q->blush) * bell2(x / 1.2f, (y + q->nose_len) / 1.1f);
        red += 0.2f * bell2(x / 1.6f, (y + 10.2f) / 1) + 0.3f * bell2((ax - 1.6f) / 0.6f, (y + q->nose_len + 0.3f) / 0.5f);
        red += q->makeup * 0.35f * bell2((ax - 5.2f) / 1.5f, (y + 2.6f - 0.35f * (ax - 5)) / 0.9f);
        float hollow = bell2((ax - q->eye_x + 0.3f) / 1.7f, (y + 0.5f) / 1.1f) * (0.35f + 0.5f * q->old) * (1 - q->kid);
        a = mul(a, v3(1 - 0.16f * hollow, 1 - 0.22f * hollow, 1 - 0.17f * hollow));
    }
    float dark_skin = 1 - 0.4f * q->tone;
    a = mul(a, v3(1 - 0.02f * red, 1 - 0.24f * red * dark_skin, 1 - 0.2f * red * dark_skin));
    if (q->freckles > 0 && shows(g, 0.35f) > 0) {
        float f = noise2(q->seed + 4, x * 3.7f, y * 3.7f),
              zone = bell2(ax / 5, (y + 2.2f) / 2.3f) + 0.3f * bell2(x / 5, (y - 5) / 3);
        a = mul(a, mix(grey(1), v3(.72f, .56f, .45f), q->freckles * zone * ramp(0.62f, 0.8f, f) * shows(g, 0.35f)));
    }
    if (q->mole > 0)
        a = scale(a, 1 - 0.7f * unitf((q->mole - root(sq(x - q->mole_x) + sq(y - q->mole_y))) / maxf(0.06f, g->foot) + 0.5f) *
                             (g->p.z > 0));
    if (q->wrinkles > 0 && g->p.z > 2) {
        float w = q->wrinkles, show = shows(g, 0.45f) * 0.7f + 0.3f, groove = 0;
        if (y > 2.8f && y < 7.2f && ax < 5.2f) { /* the forehead */
            float line = (y - 3) * 1.15f + 0.25f * noise2(q->seed + 8, x * 0.5f, y), cell = line - (float)floor_int(line) - 0.5f;
            groove += 0.5f * bell(sq(cell / 0.11f)) * ramp(2.8f, 3.6f, y) * ramp(7.2f, 5.8f, y) * ramp(5.2f, 3.2f, ax);
        }
        float out = ax - q->eye_x - 1.75f, fan = (y - 0.2f - 0.05f * out) / maxf(0.35f, 0.35f + 0.5f * out) * 2.2f,
              fold = fan - (float)floor_int(fan) - 0.5f;
        groove += (0.35f + 0.4f * maxf(0, q->smile)) * bell(sq(fold / 0.16f)) * bell2((out - 0.8f) / 0.8f, (y + 0.1f) / 1);
        groove += 0.5f * bell(sq((ax - 0.55f) / 0.11f)) * bell(sq((y - 2) / 0.7f)); /* between the brows */
        groove *= w * show;
        a = mul(a, v3(1 - 0.25f * groove, 1 - 0.34f * groove, 1 - 0.34f * groove));
        bump->y += 0.3f * groove;
    }
    return a;
}

static vec3 lit_skin(const draw_canvas *c, const point *g, vec3 a, vec3 n, float oil) {
    vec3 out = mul(a, arriving(&c->light, g, n, v3(0.32f, 0.14f, 0.09f)));
    float graze = sq(sq(1 - unitf(dot(n, g->look))));
    float s = glint(&c->light, g, n), t = s * s * s * g->lit;
    s *= g->lit;
    out = add(out, scale(c->light.color, oil * (0.055f * s + 0.10f * t + 0.10f * s * graze)));
    out = add(out, scale(mix(c->light.ground, c->light.sky, 0.5f + 0.5f * n.y), 0.10f * graze * g->open));
    return add(out, scale(mul(rim_light(&c->light, g, n), add(a, grey(0.25f))), 0.8f));
}

static vec3 shade_face(const draw_canvas *c, const person *q, point *g) {
    vec3 bump = v3(0, 0, 0);
    float x = g->p.x, y = g->p.y;
    vec3 a = skin_color(q, g, &bump);
    float oil = q->oily *
                (0.55f + 0.6f * bell2(x / 1.4f, (y + q->nose_len - 0.3f) / 1.6f) + 0.4f * bell2(x / 4, (y - 4.5f) / 2)) *
                (1 - 0.25f * q->makeup);
    bool front = g->p.z > 1.5f;
    if (q->glasses && front) g->lit *= glasses_shadow(c, q, g);
    eye_place e = {.dx = 9};
    mouth_place m = {0};
    if (front) {
        float tip = -q->nose_len, nostril = 0.85f * bell2((absf(x) - 0.66f * q->nose_w) / 0.27f, (y - tip + 0.80f) / 0.15f);
        a = mul(a, mix(grey(1), v3(.2f, .11f, .1f), nostril));
        e = place_eye(q, g);
        if (e.dx < 8) {
            vec3 shadow = q->makeup > 0.2f ? mix(grey(1), v3(.55f, .45f, .48f), 0.8f * q->makeup) : v3(.9f, .82f, .8f);
            a = mul(a, mix(grey(1), shadow, e.lid));
            a = scale(a, (1 - e.crease) * (1 - 0.12f * e.bag * (0.3f + q->old)));
            a = mix(a, v3(.012f, .009f, .008f), e.lash);
        }
        float b = brow(q, g);
        if (b > 0) a = mix(a, q->brow_color, b), oil *= 1 - 0.7f * b;
        m = place_mouth(q, g);
        if (m.lips > 0) {
            a = mix(a, scale(q->lip, 1 + 0.15f * grain(g, 0.3f, q->seed + 9, x * 5, y * 0.8f)), m.lips * 0.88f);
            oil += m.lips * (0.4f + 0.8f * q->makeup);
        }
        a = mul(a, mix(grey(1), v3(.22f, .12f, .12f), m.line));
    }
    if (q->beard) {
        float grow = beard_place(q, g->p) * (1 - m.lips) * (1 - m.inside);
        if (grow > 0) {
            float strand = noise2(q->seed + 84, x * 8 + y * 2.2f, y * 2.6f), wide = noise2(q->seed + 85, x * 1.3f, y * 1.1f);
            bool stubble = q->beard == BEARD_STUBBLE;
            float dense = stubble ? 0.42f * q->beard_dark : 0.72f + 0.28f * q->beard_dark;
            float cover = grow * dense * (0.75f + 0.25f * wide) + (strand - 0.5f) * 0.35f * grow * shows(g, 0.12f);
            vec3 hair = mix(q->hair_color, q->brow_color, 0.5f);
            hair = mix(hair, v3(.33f, .32f, .3f), q->grey_hair * (0.35f + 0.6f * wide));
            a = mix(a, scale(hair, 0.55f + 0.9f * strand), unitf(cover));
            if (stubble) a = mul(a, mix(grey(1), v3(.86f, .93f, 1), grow * 0.5f));
            oil *= 1 - 0.8f * unitf(cover);
            bump.x += (strand - 0.5f) * 0.9f * grow * (stubble ? 0.2f : 1);
        }
    }
    /* roots, shaved and thin hair show as a shade on the scalp */
    if (y > -2 && (y > 3 || absf(g->u) > 0.8f)) {
        float over = y - hair_begins(q, g->u) + 0.5f * (noise2(q->seed + 86, x * 1.5f, y * 1.5f) - 0.5f);
        float cover = ramp(-0.6f, 0.9f, over) * (q->style == HAIR_BALD ? 0.22f : 0.75f);
        a = mix(a, q->hair_color, cover), oil *= 1 - 0.7f * cover;
    }
    vec3 n = unit(add(g->n, turn(&q->head, bump)));
    vec3 out = lit_skin(c, g, a, n, oil);
    if (e.dx < 8 && e.cover + e.lash + e.crease > 0.05f) g->detail = true;
    if (m.lips + m.inside + m.line > 0.02f) g->detail = true;
    if (m.inside > 0) {
        point h = *g;
        h.lit = 0.25f + 0.6f * g->lit, h.open = 0.8f;
        vec3 light = arriving(&c->light, &h, turn(&q->head, unit(v3(x * 0.2f, -0.1f, 1))), grey(0.3f));
        out = mix(out, mouth_inside(c, q, g, &m, light), m.inside);
    }
    if (e.cover > 0) out = mix(out, eyeball(c, q, g, &e), e.cover);
    return out;
}

/* ---- hair ---- */

bool hair_covers(const person *q, const vertex *a, const vertex *b, const vertex *d, float wa, float wb, float wd, int x, int y) {
    float u = wa * a->u + wb * b->u + wd * d->u, v = wa * a->v + wb * b->v + wd * d->v;
    float facing = absf(wa * a->n.z + wb * b->n.z + wd * d->n.z);
    bool curly = q->style == HAIR_CURLY || q->style == HAIR_AFRO;
    float tip = ramp(q->length < 0 ? 0.86f : 0.7f, 1, v), outline = ramp(curly ? 0.5f : 0.22f, 0, facing);
    if (q->style == HAIR_BUZZ) tip = ramp(0.6f, 1, v);
    float loose = maxf(tip * 0.85f, outline * (curly ? 0.95f : 0.6f));
    if (loose <= 0.02f) return true;
    float strand = curly ? noise3(q->seed + 33, u * 16, v * 22, 1)
                         : 0.5f * noise2(q->seed + 13, u * 58, v * 3) + 0.5f * noise2(q->seed + 14, u * 130, v * 5);
    float speck = hash_unit(q->seed + 15, (uint32_t)x, (uint32_t)y);
    return strand * 0.75f + speck * 0.25f > loose * 0.86f;
}

static vec3 shade_hair(const draw_canvas *c, const person *q, point *g) {
    const lighting *l = &c->light;
    bool curly = q->style == HAIR_CURLY || q->style == HAIR_AFRO, back = dot(g->n, g->look) < 0;
    if (back) g->n = scale(g->n, -1), g->open *= 0.35f;
    float u = g->u, v = g->v, reach = 8;
    float wavy = q->curl > 0 && !curly ? 0.16f * q->curl * draw_sin(v * 26 + 5 * noise2(q->seed + 16, u * 3, 0)) : 0;
    u += wavy * v * v;
    float s1, s2, s3;
    if (curly) {
        s1 = noise3(q->seed + 31, g->p.x * 0.75f, g->p.y * 0.75f, g->p.z * 0.75f);
        s2 = noise3(q->seed + 32, g->p.x * 1.9f, g->p.y * 1.9f, g->p.z * 1.9f);
        s3 = shows(g, 0.25f) > 0 ? noise3(q->seed + 33, g->p.x * 4.1f, g->p.y * 4.1f, g->p.z * 4.1f) : 0.5f;
    } else {
        s1 = noise2(q->seed + 21, u * 6, v * 3);
        s2 = noise2(q->seed + 22, u * 19, v * 4);
        s3 = 0.5f + grain(g, reach / 55, q->seed + 23, u * 55, v * 5);
        if (g->foot < 0.12f) s3 = 0.5f * s3 + 0.5f * (0.5f + grain(g, reach / 150, q->seed + 24, u * 150, v * 7));
    }
    float tone = 0.42f * s1 + 0.36f * s2 + 0.42f * s3 - 0.1f;
    vec3 a = scale(q->hair_color, 0.45f + 1.15f * tone);
    a = mul(a, mix(v3(.8f, .78f, .75f), v3(1.12f, 1.1f, 1.05f), v)); /* roots darker, ends lighter */
    if (q->grey_hair > 0)
        a = mix(a, v3(.36f, .35f, .33f),
                q->grey_hair * ramp(0.42f, 0.75f, s3 * 0.6f + 0.4f * s2) * (0.5f + 0.5f * ramp(0, 1, absf(g->u))));
    float hollow = curly ? ramp(0.2f, 0.62f, 0.5f * s1 + 0.5f * s2) : ramp(0.1f, 0.5f, 0.5f * s1 + 0.5f * s2);
    g->open *= 0.5f + 0.5f * hollow;
    g->lit *= 0.55f + 0.45f * hollow;
    vec3 n = g->n, t = g->t;
    t = unit(add(t, scale(n, (s2 - 0.5f) * 0.35f + (s3 - 0.5f) * 0.35f)));
    vec3 light = arriving(l, g, n, v3(0.25f, 0.2f, 0.18f));
    vec3 out = mul(a, light);
    if (!curly) { /* strands shine in bands across */
        vec3 h = unit(add(l->dir, g->look));
        float th = dot(t, h), first = power16(root(1 - sq(unitf(absf(th + 0.06f))))),
              second = root(1 - sq(unitf(absf(th - 0.12f))));
        second = sq(sq(sq(second)));
        float facing = ramp(-0.15f, 0.4f, dot(n, l->dir)) * g->lit;
        first = first * first;
        out = add(out, scale(mul(l->color, add(grey(0.035f), scale(a, 0.30f))), first * facing * (0.35f + 1.1f * s3)));
        out = add(out, scale(mul(mul(l->color, a), v3(1, .9f, .8f)), 0.55f * second * facing * (0.5f + s2)));
        vec3 above = v3(0, 1, 0);
        float ta = dot(t, unit(add(above, g->look)));
        out = add(out, scale(mul(l->sky, add(grey(0.02f), scale(a, 0.25f))), power16(root(1 - ta * ta)) * g->open));
    }
    return add(out, mul(rim_light(l, g, n), add(scale(a, 2.2f), grey(0.12f))));
}

/* ---- clothes ---- */

static vec3 cloth(const person *q, const point *g, float u, float v, float *weave) {
    vec3 a = q->cloth_color, b = q->cloth_second;
    if (q->cloth == CLOTH_SUIT) b = scale(a, 0.8f);
    int kind = q->cloth == CLOTH_SUIT && q->pattern == DOTS ? PLAIN : q->pattern;
    float period = 1.2f + 2.5f * hash_unit(q->seed + 101, 3, 3), show = shows(g, period * 0.5f);
    float mixed = 0.4f;
    if (kind == STRIPES) {
        float t = (hash_unit(q->seed + 102, 1, 1) > 0.5f ? v : u) / period;
        mixed = lerp(mixed, ramp(0.45f, 0.55f, absf(2 * (t - (float)floor_int(t)) - 1)), show);
    } else if (kind == CHECKS) {
        float s = u / period, t = v / period;
        mixed = lerp(mixed,
                     0.5f * ramp(0.4f, 0.6f, absf(2 * (s - (float)floor_int(s)) - 1)) +
                         0.5f * ramp(0.4f, 0.6f, absf(2 * (t - (float)floor_int(t)) - 1)),
                     show);
    } else if (kind == DOTS) {
        float s = u / period, t = v / period;
        mixed =
            lerp(0.25f, ramp(0.34f, 0.26f, root(sq(s - (float)floor_int(s) - 0.5f) + sq(t - (float)floor_int(t) - 0.5f))), show);
    }
    if (kind != PLAIN) a = mix(a, b, mixed);
    *weave = grain(g, 0.17f, q->seed + 103, u * 6, v * 6);
    return scale(a, 1 + 0.12f * *weave);
}

/* Folds of cloth, as a tilt of its normal. */
static vec3 folds(const person *q, float u, float v) {
    float e = 0.6f, s = 0.11f;
    float here = noise2(q->seed + 104, u * s + v * 0.05f, v * s * 0.8f),
          right = noise2(q->seed + 104, (u + e) * s + v * 0.05f, v * s * 0.8f);
    float up = noise2(q->seed + 104, u * s + (v + e) * 0.05f, (v + e) * s * 0.8f);
    return v3((here - right) * 2.6f, (here - up) * 2.6f, 0);
}

static vec3 lit_cloth(const draw_canvas *c, const person *q, point *g, vec3 a, float u, float v) {
    vec3 n = unit(add(g->n, turn(&q->body, folds(q, u, v))));
    vec3 out = mul(a, arriving(&c->light, g, n, grey(0.05f)));
    return add(out, mul(rim_light(&c->light, g, n), add(a, grey(0.08f))));
}

static vec3 shade_body(const draw_canvas *c, const person *q, point *g) {
    float x = g->p.x, y = g->p.y, ax = absf(x), z = g->p.z, weave;
    bool front = z > -3;
    float in = 1; /* distance into the cloth, cm; negative: skin */
    float rim = -15.2f - y; /* below where a neck becomes shoulders */
    vec3 a = cloth(q, g, x, y, &weave);
    switch (q->cloth) {
    case CLOTH_HIGH:
        in = -13.3f - y + 0.06f * ax;
        break;
    case CLOTH_VNECK:
        in = front ? rim - maxf(0, 4.9f - ax) * 1.5f : rim;
        break;
    case CLOTH_TANK:
        in = ax < 9 ? rim - 6.5f * ramp(7.4f, 5.6f, ax) : maxf(10.6f - ax, -23 - y - 0.5f * (ax - 14));
        break;
    case CLOTH_SHIRT:
    case CLOTH_SUIT:
        in = !front ? rim + 0.7f : y < -19 ? 1 : minf(-14.2f - 0.1f * ax - y, ax - (y + 19) * 0.6f);
        break;
    case CLOTH_HOOD:
        in = rim + 0.4f - (front ? 1.6f * bell(sq(x / 3.5f)) : 0);
        break;
    default:
        in = rim - (front ? 2.3f * bell(sq(x / 3.6f)) : 0);
        break;
    }
    if (q->whole && y < -74) a = mix(grey(0.03f), scale(q->cloth_second, 0.35f), 0.6f);
    float cover = edge(g, in);
    vec3 skin = v3(0, 0, 0), dressed = skin;
    if (cover < 1) {
        vec3 bump = v3(0, 0, 0);
        vec3 s = skin_color(q, g, &bump);
        g->open *= 1 - 0.3f * bell(sq(in / 0.7f)) * (in < 0);
        g->lit *= ramp(0.2f, 0.8f, g->open) * 0.75f + 0.25f; /* beneath the chin */
        skin = lit_skin(c, g, s, g->n, 0.5f * q->oily);
    }
    if (cover > 0) {
        if (q->cloth == CLOTH_SHIRT || q->cloth == CLOTH_SUIT) {
            bool suit = q->cloth == CLOTH_SUIT;
            vec3 shirt = suit ? v3(.62f, .64f, .68f) : a;
            if (suit && hash_unit(q->seed + 105, 5, 5) > 0.6f) shirt = scale(mix(q->cloth_second, grey(0.6f), 0.7f), 0.9f);
            float wing = front ? edge(g, y + 20 - 0.5f * (ax - 1.2f))
                               : edge(g, y + 17); /* the collar lies on top and is a little lighter */
            if (suit && front) {
                float lapel = ax - 1.2f - (-y - 16.5f > 0 ? maxf(0, 5.2f - (-y - 16.5f) * 0.22f) : 5.2f);
                vec3 inner = shirt;
                float tie = 1.25f + 0.13f * maxf(0, -y - 19.5f) - ax;
                if (hash_unit(q->seed + 106, 5, 5) > 0.35f && y < -17.6f)
                    inner = mix(inner, q->cloth_second, edge(g, tie) * (y > -19.4f ? edge(g, 1.5f - ax) : 1));
                float turned = ramp(2.4f, 2.1f, lapel) * ramp(-28, -22, y);
                a = mix(inner, scale(a, 1 - 0.25f * bell(sq((lapel - 2.4f) / 0.3f))), edge(g, lapel));
                a = scale(a, 1 + 0.12f * turned);
                if (lapel > -0.6f && lapel < 0) a = scale(a, 0.8f);
                if (wing > 0 && ax < 6.5f) a = mix(a, shirt, wing * edge(g, ax - maxf(0, y + 19) * 0.5f) * edge(g, 6.3f - ax));
            } else if (front) {
                a = mix(a, scale(a, 1.12f), wing);
                a = scale(a, 1 - 0.35f * bell(sq((y + 20 - 0.5f * (ax - 1.2f)) / 0.28f)) * (ax < 7) -
                                 0.3f * bell(sq((ax - 0.9f) / 0.2f)) * (y < -20));
                float button = (y + 24) / 7, off = button - (float)floor_int(button) - 0.5f;
                if (y < -21) a = mix(a, scale(a, 0.5f), edge(g, 0.45f - root(sq(x) + sq(off * 7))) * 0.7f);
            }
        }
        if (q->cloth == CLOTH_TEE || q->cloth == CLOTH_HOOD || q->cloth == CLOTH_VNECK)
            a = scale(a, 1 - 0.25f * bell(sq((in - 1.5f) / 0.2f))); /* a hem */
        if (q->cloth == CLOTH_HOOD) {
            g->open *= 0.6f + 0.4f * ramp(0, 3, in);
            if (front) a = mix(a, grey(0.5f), edge(g, 0.35f - absf(ax - 2.2f)) * (y < -20) * (y > -31));
        }
        dressed = lit_cloth(c, q, g, a, x, y);
    }
    return mix(skin, dressed, cover);
}

static vec3 shade_limb(const draw_canvas *c, const person *q, point *g, bool leg) {
    float weave;
    bool sleeveless = q->cloth == CLOTH_TANK, half = q->cloth == CLOTH_TEE || q->cloth == CLOTH_VNECK;
    float down = g->p.y;
    if (leg) {
        vec3 a = g->v > 0.93f ? grey(0.02f) : mix(grey(0.03f), scale(q->cloth_second, 0.35f), 0.6f);
        return lit_cloth(c, q, g, a, g->p.x, down);
    }
    bool bare = sleeveless || (half && down < -40) || g->v > 0.9f;
    if (bare) return lit_skin(c, g, q->skin, g->n, 0.4f);
    return lit_cloth(c, q, g, cloth(q, g, g->p.x, down, &weave), g->p.x, down);
}

static vec3 shade_hat(const draw_canvas *c, const person *q, point *g) {
    vec3 a = q->hat_color, n = g->n;
    if (dot(n, g->look) < 0) n = scale(n, -1), g->open *= 0.5f, g->lit *= 0.5f;
    if (q->hat == HAT_BEANIE) {
        float rib = g->u * 26, k = rib - (float)floor_int(rib) - 0.5f, row = g->v * 34, m = row - (float)floor_int(row) - 0.5f;
        float show = shows(g, 0.35f);
        a = scale(a, 1 - 0.35f * show * bell(sq((absf(k) - 0.5f) / 0.16f)) - 0.12f * show * bell(sq((absf(m) - 0.5f) / 0.2f)));
        a = scale(a, 0.9f + 0.2f * noise2(q->seed + 62, g->u * 9, g->v * 9));
    } else {
        float seam = g->u / 1.05f + 0.5f, k = seam - (float)floor_int(seam) - 0.5f;
        if (g->v < 1) a = scale(a, 1 - 0.3f * bell(sq((absf(k) - 0.5f) / 0.02f)));
        if (g->v < 1 && absf(g->u) < 0.42f && g->v > 0.5f && g->v < 0.86f && hash_unit(q->seed + 63, 2, 2) > 0.4f) {
            float mark = noise2(q->seed + 64, absf(g->u) * 9, g->v * 12);
            a = mix(a, q->cloth_second, ramp(0.48f, 0.55f, mark));
        }
        if (g->v >= 1) a = scale(a, 0.92f);
        a = scale(a, 1 + 0.1f * grain(g, 0.3f, q->seed + 65, g->u * 30, g->v * 30));
    }
    vec3 out = mul(a, arriving(&c->light, g, n, grey(0.1f)));
    return add(out, mul(rim_light(&c->light, g, n), add(a, grey(0.08f))));
}

static vec3 shade_metal(const draw_canvas *c, const person *q, point *g) {
    vec3 n = g->n;
    if (dot(n, g->look) < 0) n = scale(n, -1);
    vec3 mirror = sub(scale(n, 2 * dot(n, g->look)), g->look);
    vec3 around = mix(c->light.ground, c->light.sky, ramp(-0.4f, 0.5f, mirror.y));
    float lamp = maxf(0, dot(mirror, c->light.dir));
    vec3 e = add(scale(around, 1.1f), scale(c->light.color, sq(sq(sq(lamp))) * 2.2f * g->lit + 0.15f));
    return mul(q->metal, e);
}

/* ---- a sample ---- */

vec3 shade_sample(const draw_canvas *c, int x, int y, float wide, bool *detail) {
    uint32_t id = c->id[(size_t)y * (size_t)c->sw + (size_t)x];
    const triangle *t = &c->tri[id - 1];
    const person *q = &c->who[t->who];
    const vertex *a = &c->vert[t->a], *b = &c->vert[t->b], *d = &c->vert[t->c];
    float px = (float)x + 0.5f, py = (float)y + 0.5f;
    float area = (b->sx - a->sx) * (d->sy - a->sy) - (d->sx - a->sx) * (b->sy - a->sy), inv = 1 / area;
    float wb = ((px - a->sx) * (d->sy - a->sy) - (d->sx - a->sx) * (py - a->sy)) * inv;
    float wd = ((b->sx - a->sx) * (py - a->sy) - (px - a->sx) * (b->sy - a->sy)) * inv, wa = 1 - wb - wd;
    point g;
#define BLEND(f) add(add(scale(a->f, wa), scale(b->f, wb)), scale(d->f, wd))
    g.p = BLEND(p), g.c = BLEND(c), g.n = unit(BLEND(n));
    if (t->mat == M_HAIR) g.t = unit(BLEND(t));
#undef BLEND
    g.u = wa * a->u + wb * b->u + wd * d->u;
    g.v = wa * a->v + wb * b->v + wd * d->v;
    g.open = wa * a->open + wb * b->open + wd * d->open;
    g.lit = wa * a->lit + wb * b->lit + wd * d->lit;
    g.foot = wide / (q->px * q->size);
    g.look = unit(scale(g.c, -1));
    g.detail = false;
    vec3 out;
    switch ((material)t->mat) {
    case M_SKIN:
        out = shade_face(c, q, &g);
        break;
    case M_EAR: {
        vec3 bump = v3(0, 0, 0), s = skin_color(q, &g, &bump);
        if (dot(g.n, g.look) < 0) g.n = scale(g.n, -1);
        out = lit_skin(c, &g, mul(s, v3(1, .86f, .84f)), g.n, q->oily * 0.7f);
        break;
    }
    case M_BODY:
        out = shade_body(c, q, &g);
        break;
    case M_HAIR:
        out = shade_hair(c, q, &g);
        break;
    case M_HAT:
        out = shade_hat(c, q, &g);
        break;
    case M_METAL:
        out = shade_metal(c, q, &g);
        break;
    default:
        out = shade_limb(c, q, &g, t->mat == M_LEG);
        break;
    }
    bool framed = q->glasses && px > q->frame_box[0] && px < q->frame_box[2] && py > q->frame_box[1] && py < q->frame_box[3];
    if (framed && (t->mat == M_SKIN || t->mat == M_EAR || (t->mat == M_HAIR && g.p.z < 8) || t->mat == M_BODY))
        out = behind_glasses(c, q, &g, out);
    *detail = g.detail;
    return out;
}
