/* Arithmetic that is the same everywhere, and meshes: grids of vertices, their normals, shadows and visible samples. */
#include <stdlib.h>
#include <string.h>

#include "draw_parts.h"

/* ---- arithmetic ---- */

float draw_sin(float x) {
    int k = floor_int(x * 0.318309886f + 0.5f); /* to +-pi/2, then Taylor's series: error below 1e-6 */
    float t = x - (float)k * 3.14159274f, s = t * t;
    float v = t * (1 + s * (-1.66666672e-1f + s * (8.33333377e-3f + s * (-1.98412701e-4f + s * 2.75573188e-6f))));
    return k & 1 ? -v : v;
}

float draw_cos(float x) {
    return draw_sin(x + 1.57079637f);
}

float draw_exp2(float x) {
    x = clampf(x, -126, 126);
    int i = floor_int(x);
    float f = (x - (float)i) * 0.693147182f; /* e^f, 0 <= f < ln 2 */
    float v = 1 + f * (1 + f * (0.5f + f * (0.166666672f + f * (4.16666679e-2f + f * (8.33333377e-3f + f * 1.38888892e-3f)))));
    uint32_t bits = (uint32_t)(i + 127) << 23;
    float two;
    memcpy(&two, &bits, 4);
    return v * two;
}

float draw_log2(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    int e = (int)(bits >> 23) - 127;
    bits = (bits & 0x7FFFFF) | 0x3F800000;
    float m;
    memcpy(&m, &bits, 4);
    if (m > 1.41421354f) m *= 0.5f, e++;
    float t = (m - 1) / (m + 1), s = t * t; /* 2 artanh */
    return (float)e + 2.88539004f * t * (1 + s * (0.333333343f + s * (0.2f + s * 0.142857149f)));
}

float draw_pow(float x, float y) {
    return x <= 1e-30f ? 0 : draw_exp2(y * draw_log2(x));
}

static inline float fade(float t) {
    return t * t * (3 - 2 * t);
}

float noise2(uint32_t seed, float x, float y) {
    int ix = floor_int(x), iy = floor_int(y);
    float fx = fade(x - (float)ix), fy = fade(y - (float)iy);
    /* hash_unit of the four corners at once: upper left and lower left, then right */
    uint32_t a = (uint32_t)ix * 0x9E3779B1u ^ seed, a2 = ((uint32_t)ix + 1) * 0x9E3779B1u ^ seed, b = (uint32_t)iy * 0x85EBCA77u,
             b2 = ((uint32_t)iy + 1) * 0x85EBCA77u;
    words h = {a ^ b, a ^ b2, a2 ^ b, a2 ^ b2};
    h = (h ^ (h >> 15)) * 0x2C1B3C6Du;
    h = (h ^ (h >> 12)) * 0x297A2D39u;
    h = (h ^ (h >> 15)) >> 8;
    floats v = __builtin_convertvector((ints)h, floats), right = __builtin_shufflevector(v, v, 2, 3, 2, 3);
    v += (right - v) * fx;
    return lerp(v[0], v[1], fy) * 0x1p-24f;
}

float noise3(uint32_t seed, float x, float y, float z) {
    int iz = floor_int(z);
    float fz = fade(z - (float)iz);
    return lerp(noise2(seed + (uint32_t)iz * 0x632BE5ABu, x, y), noise2(seed + (uint32_t)(iz + 1) * 0x632BE5ABu, x, y), fz);
}

float fractal2(uint32_t seed, float x, float y, int octaves) {
    float sum = 0, weight = 0.5f, total = 0;
    for (int i = 0; i < octaves; i++) {
        sum += weight * noise2(seed + (uint32_t)i, x, y);
        total += weight;
        weight *= 0.5f, x *= 2.03f, y *= 2.03f;
    }
    return sum / total;
}

void fractal_row(uint32_t seed, float step, float y, int octaves, float *row, int n) {
    float weight = 0.5f, total = 0;
    for (int x = 0; x < n; x++) row[x] = 0;
    for (int i = 0; i < octaves; i++, seed++) {
        int iy = floor_int(y), before = -1;
        float fy = fade(y - (float)iy), a = 0, b = 0, p = 0, q = 0; /* the corners around a point: upper a, b; lower p, q */
        for (int x = 0; x < n; x++) {
            float at = (float)x * step;
            int ix = (int)at;
            if (ix != before) {
                a = hash_unit(seed, (uint32_t)ix, (uint32_t)iy), b = hash_unit(seed, (uint32_t)ix + 1, (uint32_t)iy);
                p = hash_unit(seed, (uint32_t)ix, (uint32_t)iy + 1), q = hash_unit(seed, (uint32_t)ix + 1, (uint32_t)iy + 1);
                before = ix;
            }
            float fx = fade(at - (float)ix);
            row[x] += weight * lerp(lerp(a, b, fx), lerp(p, q, fx), fy);
        }
        total += weight;
        weight *= 0.5f, step *= 2.03f, y *= 2.03f;
    }
    for (int x = 0; x < n; x++) row[x] *= 1 / total;
}

float bellish(rng *r) {
    float s = 0;
    for (int i = 0; i < 4; i++) s += between(r, -1, 1);
    return s * 0.866025388f;
}

vec3 any_hue(rng *r, float pale) {
    static const vec3 hue[8] = {{1, .12f, .08f},  {1, .42f, .12f},    {.9f, .62f, .25f}, {.35f, .6f, .18f},
                                {.1f, .55f, .5f}, {.12f, .35f, .95f}, {.4f, .22f, .75f}, {.9f, .25f, .5f}};
    int i = choose(r, (float[]){1, 1.3f, 1.3f, 0.7f, 0.6f, 1.6f, 0.4f, 0.5f}, 8);
    float k = between(r, 0, 0.6f);
    return mix(mix(hue[i], hue[(i + 1) % 8], k), grey(0.55f), pale);
}

int choose(rng *r, const float *weight, int n) {
    float total = 0;
    for (int i = 0; i < n; i++) total += weight[i];
    float at = between(r, 0, total);
    for (int i = 0; i < n - 1; i++) {
        if (at < weight[i]) return i;
        at -= weight[i];
    }
    return n - 1;
}

/* ---- space ---- */

vec3 turn(const mat3 *m, vec3 p) {
    return v3(dot(m->x, p), dot(m->y, p), dot(m->z, p));
}

vec3 turn_back(const mat3 *m, vec3 p) {
    return add(add(scale(m->x, p.x), scale(m->y, p.y)), scale(m->z, p.z));
}

static mat3 product(const mat3 *a, const mat3 *b) {
    mat3 m;
    m.x = turn_back(b, a->x), m.y = turn_back(b, a->y), m.z = turn_back(b, a->z);
    return m;
}

mat3 rotation(float yaw, float pitch, float roll) {
    float s = draw_sin(yaw), k = draw_cos(yaw);
    mat3 y = {{k, 0, s}, {0, 1, 0}, {-s, 0, k}};
    s = draw_sin(pitch), k = draw_cos(pitch);
    mat3 x = {{1, 0, 0}, {0, k, s}, {0, -s, k}};
    s = draw_sin(roll), k = draw_cos(roll);
    mat3 z = {{k, s, 0}, {-s, k, 0}, {0, 0, 1}};
    mat3 yx = product(&y, &x);
    return product(&z, &yx);
}

vec3 to_camera(const person *q, vec3 p, bool head) {
    vec3 pivot = v3(0, -9, -3);
    p = scale(add(turn(head ? &q->head : &q->body, sub(p, pivot)), pivot), q->size);
    return add(p, q->at);
}

void to_samples(const draw_canvas *c, vec3 p, float *sx, float *sy) {
    float k = c->lens.focal / maxf(-p.z, 1);
    *sx = c->lens.cx + p.x * k;
    *sy = c->lens.cy - p.y * k;
}

/* ---- grids ---- */

vertex *mesh_begin(draw_canvas *c, int rows, int cols) {
    uint32_t n = (uint32_t)(rows * cols);
    if (c->verts + n > c->vert_cap) {
        c->vert_cap = (c->verts + n) * 3 / 2;
        c->vert = xrealloc(c->vert, c->vert_cap * sizeof *c->vert);
    }
    vertex *v = c->vert + c->verts;
    for (uint32_t i = 0; i < n; i++) v[i] = (vertex){.open = 1, .lit = 1};
    return v;
}

static void add_triangle(draw_canvas *c, uint32_t a, uint32_t b, uint32_t d, material mat, int who) {
    c->tri[c->tris++] = (triangle){a, b, d, (uint8_t)mat, (uint8_t)who};
}

void mesh_end(draw_canvas *c, int who, int rows, int cols, material mat, bool head) {
    const person *q = &c->who[who];
    const mat3 *m = head ? &q->head : &q->body;
    vertex *v = c->vert + c->verts;
    for (int i = 0; i < rows; i++) {
        int up = i ? i - 1 : 0, down = i < rows - 1 ? i + 1 : i;
        for (int j = 0; j < cols; j++) {
            int left = j ? j - 1 : 0, right = j < cols - 1 ? j + 1 : j;
            vertex *o = &v[i * cols + j];
            vec3 along = sub(v[down * cols + j].p, v[up * cols + j].p);
            vec3 across = sub(v[i * cols + right].p, v[i * cols + left].p);
            vec3 n = cross(along, across);
            float l = dot(n, n);
            if (l < 1e-12f) n = sub(o->p, v3(0, i ? o->p.y + 1 : o->p.y - 1, 0)); /* a pole: straight up or down */
            o->n = turn(m, unit(n));
            if (mat == M_HAIR) o->t = turn(m, unit(along));
            o->c = to_camera(q, o->p, head);
            to_samples(c, o->c, &o->sx, &o->sy);
            o->sz = -o->c.z;
        }
    }
    uint32_t need = c->tris + 2 * (uint32_t)((rows - 1) * (cols - 1));
    if (need > c->tri_cap) {
        c->tri_cap = need * 3 / 2;
        c->tri = xrealloc(c->tri, c->tri_cap * sizeof *c->tri);
    }
    for (int i = 0; i < rows - 1; i++)
        for (int j = 0; j < cols - 1; j++) {
            uint32_t k = c->verts + (uint32_t)(i * cols + j), below = k + (uint32_t)cols;
            add_triangle(c, k, below, k + 1, mat, who);
            add_triangle(c, k + 1, below, below + 1, mat, who);
        }
    c->verts += (uint32_t)(rows * cols);
}

/* ---- shadows ---- */

/* Whether the inside can't be seen. */
static bool closed(const person *q, material mat) {
    return mat == M_HAIR ? q->length > -3 : mat != M_HAT && mat != M_EAR;
}

/* First and last sample centre (at i + 1/2) within [lo, hi], cut to 0..n-1; false when there is none. */
static inline bool span(float lo, float hi, int n, int *first, int *last) {
    if (!(hi >= 0.5f && lo <= (float)n - 0.5f)) return false;
    *first = lo <= 0.5f ? 0 : floor_int(lo + 0.5f);
    *last = hi >= (float)n - 0.5f ? n - 1 : floor_int(hi - 0.5f);
    return *first <= *last;
}

typedef struct {
    vec3 right, up;
    vec3 centre;
    float reach; /* half of the map's side, cm */
    int side;
    float *map;
} shadow_view;

static vec3 shadow_place(const shadow_view *s, const lighting *l, vec3 p) {
    p = sub(p, s->centre);
    float half = (float)s->side * 0.5f, k = half / s->reach;
    return v3(half + dot(p, s->right) * k, half + dot(p, s->up) * k, dot(p, l->dir));
}

/* A triangle over a grid of cells. The weights of its corners b and d are linear, and so is z; all are measured from corner a, which
 * keeps them precise. */
typedef struct {
    floats ax, bx, by, dx, dy, z, zb, zd;
    float ay;
    int x0, x1, y0, y1; /* cells that it may cover */
} cover;

/* False when it covers no cell's centre for sure. Corners are x, y, z; area: twice, signed, not 0. */
static inline bool cover_of(cover *t, const float *a, const float *b, const float *d, float area, int w, int h) {
    if (!span(minf(a[0], minf(b[0], d[0])), maxf(a[0], maxf(b[0], d[0])), w, &t->x0, &t->x1) ||
        !span(minf(a[1], minf(b[1], d[1])), maxf(a[1], maxf(b[1], d[1])), h, &t->y0, &t->y1))
        return false;
    float inv = 1 / area;
    t->ax = (floats){0.5f, 1.5f, 2.5f, 3.5f} - a[0], t->ay = 0.5f - a[1];
    t->bx = all4((d[1] - a[1]) * inv), t->by = all4((a[0] - d[0]) * inv);
    t->dx = all4((a[1] - b[1]) * inv), t->dy = all4((b[0] - a[0]) * inv);
    t->z = all4(a[2]), t->zb = all4(b[2] - a[2]), t->zd = all4(d[2] - a[2]);
    return true;
}

/* Which of the cells x..x+3 of row y it covers (all bits set), the weights of b and d there, and z. */
static inline ints cover_at(const cover *t, int x, int y, floats *wb, floats *wd, floats *z) {
    floats px = t->ax + (float)x, py = all4(t->ay + (float)y);
    *wb = px * t->bx + py * t->by, *wd = px * t->dx + py * t->dy;
    *z = t->z + *wb * t->zb + *wd * t->zd;
    const ints lane = {0, 1, 2, 3};
    ints here = lane <= t->x1 - x; /* beyond the grid's edge is the next row */
    return here & (*wb >= 0) & (*wd >= 0) & (*wb + *wd <= 1);
}

static inline bool any(ints which) {
    typedef int64_t halves __attribute__((vector_size(16)));
    halves h = (halves)which;
    return (h[0] | h[1]) != 0;
}

static void shadow_triangle(const shadow_view *s, const vec3 *a, const vec3 *b, const vec3 *d, bool both_sides) {
    float area = (b->x - a->x) * (d->y - a->y) - (d->x - a->x) * (b->y - a->y);
    cover t;
    if (area == 0 || (area < 0 && !both_sides) || !cover_of(&t, &a->x, &b->x, &d->x, area, s->side, s->side)) return;
    for (int y = t.y0; y <= t.y1; y++)
        for (int x = t.x0; x <= t.x1; x += 4) {
            floats wb, wd, z, *m = (floats *)&s->map[y * s->side + x];
            ints in = cover_at(&t, x, y, &wb, &wd, &z);
            *m = either(in & (z > *m), z, *m);
        }
}

/* How much of the lamp reaches a place: the share of nearby cells of the map that aren't nearer to the lamp. */
static float shadow_look(const shadow_view *s, vec3 at, float cells) {
    static const floats across[2] = {{0.2f, -0.5f, 0.15f, 0.75f}, {-0.25f, -0.7f, 0.7f, 0.1f}},
                        up[2] = {{0.3f, 0.1f, -0.5f, -0.25f}, {0.75f, -0.6f, 0.65f, -0.95f}};
    float most = (float)s->side - 1;
    floats sum = {0, 0, 0, 0};
    for (int i = 0; i < 2; i++) { /* nothing is at the map's edge */
        ints x = __builtin_convertvector(clamps(at.x + across[i] * cells, 0, most), ints);
        ints y = __builtin_convertvector(clamps(at.y + up[i] * cells, 0, most), ints);
        const float *m = s->map;
        floats z = {m[y[0] * s->side + x[0]], m[y[1] * s->side + x[1]], m[y[2] * s->side + x[2]], m[y[3] * s->side + x[3]]};
        floats k = clamps((at.z + 0.9f - z) * (1 / 0.55f), 0, 1); /* something is that far, cm, from being nearer to the lamp */
        sum += k * k * (3 - 2 * k);
    }
    return (sum[0] + sum[1] + sum[2] + sum[3]) / 8;
}

void mesh_shadows(draw_canvas *c, const person *q, uint32_t first_vertex, uint32_t first_triangle) {
    const lighting *l = &c->light;
    shadow_view s;
    s.right = unit(cross(absf(l->dir.y) > 0.9f ? v3(0, 0, -1) : v3(0, 1, 0), l->dir));
    s.up = cross(l->dir, s.right);
    s.centre = add(q->at, v3(0, -4 * q->size, 0));
    s.reach = 21 * q->size;
    s.side = q->px * q->size > 6 ? SHADOW_SIDE : SHADOW_SIDE / 2;
    s.map = c->shadow;
    float cells = maxf(l->soft * q->size * (float)s.side / (2 * s.reach), 0.8f);
    for (int i = 0; i < s.side * s.side + SPARE; i++) s.map[i] = -1e9f;
    uint32_t n = c->verts - first_vertex;
    vec3 *at = xarray(n, sizeof *at);
    for (uint32_t i = 0; i < n; i++) at[i] = shadow_place(&s, l, c->vert[first_vertex + i].c);
    for (uint32_t i = first_triangle; i < c->tris; i++) {
        const triangle *t = &c->tri[i];
        if (t->mat == M_BODY || t->mat == M_METAL || t->mat == M_LEG) continue; /* what shades nothing of note */
        shadow_triangle(&s, &at[t->a - first_vertex], &at[t->b - first_vertex], &at[t->c - first_vertex], !closed(q, t->mat));
    }
    for (uint32_t i = 0; i < n; i++) {
        vertex *v = &c->vert[first_vertex + i];
        if (dot(v->n, l->dir) < -0.35f || dot(v->n, v->c) > 0.3f * v->sz) continue; /* turned away from the lamp, or from us */
        vec3 off = add(v->c, scale(v->n, 0.35f)); /* off the surface, so it doesn't shade itself */
        v->lit = shadow_look(&s, shadow_place(&s, l, off), cells);
    }
    free(at);
}

/* ---- visible samples ---- */

void mesh_raster(draw_canvas *c, const person *q, uint32_t first_triangle) {
    for (uint32_t i = first_triangle; i < c->tris; i++) {
        const triangle *t = &c->tri[i];
        const vertex *a = &c->vert[t->a], *b = &c->vert[t->b], *d = &c->vert[t->c];
        float area = (b->sx - a->sx) * (d->sy - a->sy) - (d->sx - a->sx) * (b->sy - a->sy);
        cover k;
        if (area == 0 || (area > 0 && closed(q, t->mat))) continue; /* the far side of what is closed */
        if (!cover_of(&k, &a->sx, &b->sx, &d->sx, area, c->sw, c->sh)) continue;
        for (int y = k.y0; y <= k.y1; y++)
            for (int x = k.x0; x <= k.x1; x += 4) {
                size_t at = (size_t)y * (size_t)c->sw + (size_t)x;
                floats wb, wd, z, *depth = (floats *)&c->depth[at];
                ints *id = (ints *)&c->id[at], in = cover_at(&k, x, y, &wb, &wd, &z);
                in &= z < *depth;
                if (t->mat == M_HAIR && any(in))
                    for (int j = 0; j < 4; j++)
                        if (in[j] && !hair_covers(q, a, b, d, 1 - wb[j] - wd[j], wb[j], wd[j], x + j, y)) in[j] = 0;
                *depth = either(in, z, *depth);
                *id = (*id & ~in) | (in & (int32_t)(i + 1));
            }
    }
}
