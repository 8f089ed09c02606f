/* draw: a picture from beginning to end, and what is true of it. */
#include "draw.h"

#include <stdlib.h>
#include <string.h>

#include "draw_parts.h"

draw_canvas *draw_canvas_new(const draw_options *o) {
    draw_canvas *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->o = *o;
    c->sw = (int)o->width * SAMPLES, c->sh = (int)o->height * SAMPLES;
    size_t samples = (size_t)c->sw * (size_t)c->sh, pixels = (size_t)o->width * o->height;
    c->depth = malloc((samples + SPARE) * sizeof *c->depth);
    c->id = malloc((samples + SPARE) * sizeof *c->id);
    c->image = calloc(pixels + 1, sizeof *c->image);
    c->spare = calloc(pixels + 1, sizeof *c->spare);
    c->cover = malloc(pixels);
    c->hairy = malloc(pixels);
    if (!c->depth || !c->id || !c->image || !c->spare || !c->cover || !c->hairy) {
        draw_canvas_free(c);
        return NULL;
    }
    for (int i = 0; i <= 4096; i++) {
        float x = sq((float)i / 2048);
        if (x > 0.55f)
            x = 0.55f + 0.45f * (1 - draw_exp2((0.55f - x) * 3.2f)); /* bright light is pressed together, as film does */
        c->curve[i] = x <= 0.0031308f ? 12.92f * x : 1.055f * draw_pow(x, 1 / 2.4f) - 0.055f;
    }
    return c;
}

void draw_canvas_free(draw_canvas *c) {
    if (!c) return;
    free(c->depth), free(c->id), free(c->image), free(c->spare), free(c->cover), free(c->hairy), free(c->vert), free(c->tri);
    free(c);
}

/* ---- the camera's settings ---- */

static void set_camera(draw_canvas *c, rng *r) {
    optics *o = &c->lens;
    o->blur = between(r, 0.3f, 0.65f);
    o->vignette = between(r, 0, 0.4f);
    float grain = between(r, 0, 1);
    o->noise = 0.003f + 0.012f * sq(grain) * grain;
    o->contrast = between(r, 0.1f, 1);
    o->saturation = between(r, 0.7f, 1.08f);
    if (chance(r, 0.015f)) o->saturation = 0; /* black and white */
    /* white balance: most of the light's tint is taken out */
    const lighting *l = &c->light;
    vec3 all = add(l->color, scale(add(l->sky, l->ground), 0.5f));
    float keep = between(r, 0.68f, 1), warm = 0.05f * bellish(r), green = 0.015f * bellish(r);
    o->balance = v3(draw_pow(all.y / all.x, keep) * (1 + warm), 1 + green, draw_pow(all.y / all.z, keep) * (1 - warm));
    /* exposure: for the face, but dark skin stays dark and pale skin pale */
    float light = all.y * 0.72f, skin = 0;
    for (int i = 0; i < c->people; i++) skin += dot(c->who[i].skin, v3(.3f, .6f, .1f)) / (float)c->people;
    if (c->people == 0) skin = 0.3f;
    o->exposure = 1.12f / light * draw_pow(0.32f / skin, 0.42f) * draw_exp2(0.28f * bellish(r));
}

/* ---- what is true ---- */

typedef struct {
    float x1, y1, x2, y2;
} box;

/* The box of the face's surface from chin to hairline and from cheek to cheek, pixels, not yet cut to the picture. */
static box face_box(const draw_canvas *c, const person *q) {
    box b = {1e9f, 1e9f, -1e9f, -1e9f};
    float top = minf(q->hairline + 0.4f, 7.6f);
    for (int i = 0; i <= 16; i++)
        for (int j = 0; j <= 16; j++) {
            float y = lerp(top, -12.2f, (float)i / 16), x = lerp(-7.4f, 7.4f, (float)j / 16), sx, sy;
            vec3 p = face_point(q, x * q->width, y);
            to_samples(c, to_camera(q, p, true), &sx, &sy);
            b.x1 = minf(b.x1, sx), b.x2 = maxf(b.x2, sx), b.y1 = minf(b.y1, sy), b.y2 = maxf(b.y2, sy);
        }
    float k = 1 / (float)SAMPLES;
    return (box){b.x1 * k, b.y1 * k, b.x2 * k, b.y2 * k};
}

/* A landmark: its place, and whether the surface seen there is that person's skin, about as far away. */
static bool landmark(const draw_canvas *c, int who, vec3 p, float *x, float *y) {
    const person *q = &c->who[who];
    vec3 at = to_camera(q, p, true);
    float sx, sy;
    to_samples(c, at, &sx, &sy);
    *x = sx / (float)SAMPLES, *y = sy / (float)SAMPLES;
    if (!(sx >= 0 && sy >= 0 && sx < (float)c->sw && sy < (float)c->sh)) return false;
    size_t k = (size_t)sy * (size_t)c->sw + (size_t)sx;
    if (!c->id[k]) return false;
    const triangle *t = &c->tri[c->id[k] - 1];
    return t->who == who && t->mat == M_SKIN && absf(c->depth[k] + at.z) < 1.5f * q->size;
}

static float seen_share(const draw_canvas *c, int who, const box *b) {
    /* the share of the box's middle, an oval, in which this person is what is seen */
    int all = 0, seen = 0;
    float mx = (b->x1 + b->x2) * 0.5f, my = (b->y1 + b->y2) * 0.5f, rx = (b->x2 - b->x1) * 0.45f, ry = (b->y2 - b->y1) * 0.45f;
    for (int i = 0; i < 21; i++)
        for (int j = 0; j < 21; j++) {
            float u = (float)i / 10 - 1, v = (float)j / 10 - 1;
            if (u * u + v * v > 1) continue;
            all++;
            float sx = (mx + u * rx) * (float)SAMPLES, sy = (my + v * ry) * (float)SAMPLES;
            if (!(sx >= 0 && sy >= 0 && sx < (float)c->sw && sy < (float)c->sh)) continue;
            uint32_t id = c->id[(size_t)sy * (size_t)c->sw + (size_t)sx];
            seen += id && c->tri[id - 1].who == who;
        }
    return (float)seen / (float)all;
}

static void add_truth(const draw_canvas *c, tns_meta *meta) {
    text faults = {0};
    for (int i = 0; i < c->people; i++) {
        const person *q = &c->who[i];
        box b = face_box(c, q);
        if (seen_share(c, i, &b) < 0.45f) continue; /* nobody could find it */
        float w = (float)c->o.width, h = (float)c->o.height;
        tns_meta_addf(meta, "face", "%.1f,%.1f,%.1f,%.1f,1", (double)clampf(b.x1, 0, w), (double)clampf(b.y1, 0, h),
                      (double)clampf(b.x2, 0, w), (double)clampf(b.y2, 0, h));
        vec3 mark[5] = {face_point(q, -q->eye_x, q->eye_y[0]), face_point(q, q->eye_x, q->eye_y[1]),
                        face_point(q, 0, -q->nose_len), face_point(q, -q->mouth_w, q->mouth_y + 0.4f * q->smile),
                        face_point(q, q->mouth_w, q->mouth_y + 0.4f * q->smile)};
        text t = {0};
        for (int k = 0; k < 5; k++) {
            float x, y;
            bool seen = landmark(c, i, mark[k], &x, &y);
            text_addf(&t, "%s%.1f,%.1f,%d", k ? "," : "", (double)x, (double)y, seen);
        }
        tns_meta_add(meta, "landmarks", t.s);
        free(t.s);
        person_attributes(q, meta);
        for (int k = 0; k < FAULTS; k++)
            if (q->fault[k] > 0) text_addf(&faults, "%s%s:%.2f", faults.len ? "," : "", fault_names[k], (double)q->fault[k]);
    }
    tns_meta_add(meta, "light", c->light.name);
    tns_meta_add(meta, "background", c->background);
    if (faults.len) tns_meta_add(meta, "faults", faults.s);
    free(faults.s);
}

/* ---- the picture ---- */

static material sample_material(const draw_canvas *c, int x, int y) {
    return (material)c->tri[c->id[(size_t)y * (size_t)c->sw + (size_t)x] - 1].mat;
}

/* The same person's same stuff at about the same distance. */
static bool sample_is_like(const draw_canvas *c, int x, int y, int x2, int y2) {
    size_t a = (size_t)y * (size_t)c->sw + (size_t)x, b = (size_t)y2 * (size_t)c->sw + (size_t)x2;
    if (!c->id[b]) return false;
    if (c->id[a] == c->id[b]) return true;
    const triangle *s = &c->tri[c->id[a] - 1], *t = &c->tri[c->id[b] - 1];
    return s->mat == t->mat && s->who == t->who && absf(c->depth[a] - c->depth[b]) < 2.5f;
}

/* Glasses stand out beyond the face: the background as it is seen past them. */
static vec3 past_glasses(const draw_canvas *c, int x, int y, vec3 light) {
    float sx = ((float)x + 0.5f) * SAMPLES, sy = ((float)y + 0.5f) * SAMPLES;
    for (int i = c->people - 1; i >= 0; i--) {
        const person *q = &c->who[i];
        const float *b = q->frame_box;
        if (q->glasses && sx > b[0] && sx < b[2] && sy > b[1] && sy < b[3])
            light = shade_through_glasses(c, q, sx, sy, SAMPLES, light);
    }
    return light;
}

static void frame_box(const draw_canvas *c, person *q) {
    float *b = q->frame_box;
    b[0] = b[1] = 1e9f, b[2] = b[3] = -1e9f;
    for (int i = 0; i < 8; i++) {
        float sx, sy;
        to_samples(c, to_camera(q, v3(i & 1 ? 8 : -8, q->frame_y + (i & 2 ? 3.5f : -3.5f), i & 4 ? 10.5f : -1), true), &sx, &sy);
        b[0] = minf(b[0], sx), b[1] = minf(b[1], sy), b[2] = maxf(b[2], sx), b[3] = maxf(b[3], sy);
    }
}

/* Light of the people in a pixel, summed over its samples. One look at each thing is enough, mostly. */
static vec3 look_at(const draw_canvas *c, int x, int y, int *covered, int *hairs) {
    vec3 sum = v3(0, 0, 0);
    *covered = *hairs = 0;
    uint32_t any = 0;
    for (int s = 0; s < SAMPLES * SAMPLES; s++)
        any |= c->id[(size_t)(y + s / SAMPLES) * (size_t)c->sw + (size_t)(x + s % SAMPLES)];
    if (!any) return sum;
    bool done[SAMPLES * SAMPLES] = {0};
    for (int s = 0; s < SAMPLES * SAMPLES; s++) {
        int sx = x + s % SAMPLES, sy = y + s / SAMPLES, n = 0, same[SAMPLES * SAMPLES];
        if (done[s] || !c->id[(size_t)sy * (size_t)c->sw + (size_t)sx]) continue;
        for (int i = s; i < SAMPLES * SAMPLES; i++) {
            if (done[i] || (i > s && !sample_is_like(c, sx, sy, x + i % SAMPLES, y + i / SAMPLES))) continue;
            done[i] = true, same[n++] = i;
        }
        *covered += n;
        if (sample_material(c, sx, sy) == M_HAIR) *hairs += n;
        bool detail;
        vec3 one = shade_sample(c, sx, sy, n > 1 ? (float)SAMPLES : 1, &detail);
        if (n == 1 || !detail) {
            sum = add(sum, scale(one, (float)n));
            continue;
        }
        for (int i = 0; i < n; i++) sum = add(sum, shade_sample(c, x + same[i] % SAMPLES, y + same[i] / SAMPLES, 1, &detail));
    }
    return sum;
}

/* Light of every pixel: the mean of its samples, people over the background. */
static void resolve(draw_canvas *c) {
    int w = (int)c->o.width, h = (int)c->o.height, n = SAMPLES * SAMPLES;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int covered, hairs;
            vec3 sum = look_at(c, x * SAMPLES, y * SAMPLES, &covered, &hairs);
            size_t k = (size_t)y * (size_t)w + (size_t)x;
            if (covered < n) c->image[k] = past_glasses(c, x, y, c->image[k]);
            c->image[k] = scale(add(sum, scale(c->image[k], (float)(n - covered))), 1 / (float)n);
            c->cover[k] = (uint8_t)(covered * 255 / n), c->hairy[k] = (uint8_t)(hairs * 255 / n);
        }
}

void draw_picture(draw_canvas *c, rng *r, uint8_t *rgb, tns_meta *meta) {
    c->seed = rng_u32(r);
    c->verts = c->tris = 0;
    size_t samples = (size_t)c->sw * (size_t)c->sh;
    for (size_t i = 0; i < samples + SPARE; i++) c->depth[i] = 1e9f;
    memset(c->id, 0, (samples + SPARE) * sizeof *c->id);
    scene_light(c, r);
    scene_people(c, r);
    scene_background(c, r);
    set_camera(c, r);
    for (int i = 0; i < c->people; i++) {
        person_mesh(c, i);
        frame_box(c, &c->who[i]);
    }
    resolve(c);
    if (c->o.fake) camera_faults(c);
    camera_develop(c, rgb);
    add_truth(c, meta);
}
