/* Where and in what light: lamps, places behind people, and where people stand. */
#include <string.h>

#include "draw_parts.h"

/* ---- light ---- */

/* The colour of a black body, roughly: 0 candle .. 0.5 daylight .. 1 blue sky; its green is 1. */
static vec3 warmth(float t) {
    return t < 0.5f ? mix(v3(1.65f, 1, 0.42f), v3(1.05f, 1, 0.95f), t * 2)
                    : mix(v3(1.05f, 1, 0.95f), v3(0.82f, 1, 1.3f), t * 2 - 1);
}

static vec3 heading(float azimuth, float height) {
    float k = draw_cos(height);
    return v3(k * draw_sin(azimuth), draw_sin(height), k * draw_cos(azimuth));
}

void scene_light(draw_canvas *c, rng *r) {
    lighting *l = &c->light;
    memset(l, 0, sizeof *l);
    static const char *const name[] = {"soft", "side", "flash", "sun", "window", "back", "evening"};
    int kind = choose(r, (float[]){0.28f, 0.13f, 0.15f, 0.16f, 0.13f, 0.09f, 0.06f}, 7);
    l->name = name[kind];
    float left = chance(r, 0.5f) ? -1 : 1, tint = between(r, 0.38f, 0.6f), around = between(r, 0.36f, 0.6f),
          height = between(r, 0.35f, 0.9f);
    float power = 1.1f, fill = 0.32f, turned = between(r, 0.2f, 0.8f);
    l->soft = 1.6f;
    switch (kind) {
    case 0:
        l->soft = between(r, 2.5f, 4), power = 0.85f, fill = 0.42f;
        break;
    case 1:
        turned = between(r, 0.9f, 1.35f), height = between(r, 0.1f, 0.6f), fill = between(r, 0.12f, 0.3f), power = 1.15f;
        break;
    case 2:
        turned = between(r, 0, 0.12f), height = between(r, 0.08f, 0.3f), tint = between(r, 0.48f, 0.58f),
        around = between(r, 0.25f, 0.45f);
        l->soft = between(r, 0.5f, 1.3f), power = 1.05f, fill = between(r, 0.14f, 0.3f);
        break;
    case 3:
        height = between(r, 0.55f, 1.1f), turned = between(r, 0.2f, 1.2f), tint = between(r, 0.42f, 0.5f),
        around = between(r, 0.6f, 0.85f);
        l->soft = 0.45f, power = 1.15f, fill = between(r, 0.28f, 0.42f);
        break;
    case 4:
        turned = between(r, 0.7f, 1.2f), height = between(r, 0.05f, 0.5f), tint = between(r, 0.5f, 0.7f),
        around = between(r, 0.4f, 0.55f);
        l->soft = between(r, 2.5f, 4.5f), power = 0.95f, fill = between(r, 0.2f, 0.36f);
        break;
    case 5:
        turned = between(r, 0.3f, 1), power = 0.5f, fill = 0.42f, l->soft = 3;
        break;
    default:
        tint = between(r, 0.12f, 0.3f), around = between(r, 0.2f, 0.45f), power = 0.9f, fill = between(r, 0.15f, 0.35f);
        break;
    }
    l->dir = unit(heading(left * turned, height));
    l->color = scale(warmth(tint), power);
    l->sky = scale(warmth(around), fill * 1.25f);
    l->ground = scale(mix(warmth(around), v3(1.1f, 0.95f, 0.75f), 0.5f), fill * between(r, 0.45f, 0.85f));
    float second = chance(r, 0.4f) ? between(r, 0.05f, 0.3f) : 0.05f, where = between(r, 0.7f, 1.3f);
    l->side_dir = unit(heading(-left * where, 0.2f));
    float second_tint = between(r, 0.2f, 0.8f);
    l->side = scale(warmth(second_tint), second);
    if (kind == 5 || chance(r, 0.22f)) {
        float rim_tint = between(r, 0.25f, 0.7f);
        l->rim = scale(warmth(rim_tint), kind == 5 ? between(r, 1.2f, 2.4f) : between(r, 0.3f, 1.1f));
    }
    c->outdoors = kind == 3 || (kind == 0 && chance(r, 0.5f)) || (kind == 5 && chance(r, 0.6f));
}

/* ---- backgrounds ---- */

static void fill_rect(draw_canvas *c, float x0, float y0, float x1, float y1, vec3 a, float k) {
    int w = (int)c->o.width, h = (int)c->o.height;
    int left = (int)clampf(x0 * (float)w, 0, (float)w), right = (int)clampf(x1 * (float)w, 0, (float)w);
    int top = (int)clampf(y0 * (float)h, 0, (float)h), bottom = (int)clampf(y1 * (float)h, 0, (float)h);
    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++) {
            vec3 *p = &c->image[(size_t)y * (size_t)w + (size_t)x];
            *p = mix(*p, a, k);
        }
}

/* A disc of light: a lamp out of focus, brighter at its edge. Radius in parts of the picture's height. */
static void add_disc(draw_canvas *c, float cx, float cy, float radius, vec3 a) {
    int w = (int)c->o.width, h = (int)c->o.height;
    float x = cx * (float)w, y = cy * (float)h, s = maxf(radius * (float)h, 0.6f);
    int x0 = (int)clampf(x - s - 1, 0, (float)w), x1 = (int)clampf(x + s + 2, 0, (float)w),
        y0 = (int)clampf(y - s - 1, 0, (float)h), y1 = (int)clampf(y + s + 2, 0, (float)h);
    for (int j = y0; j < y1; j++)
        for (int i = x0; i < x1; i++) {
            float d = root(sq((float)i + 0.5f - x) + sq((float)j + 0.5f - y)), cover = unitf(s - d + 0.5f);
            vec3 *p = &c->image[(size_t)j * (size_t)w + (size_t)i];
            *p = add(*p, scale(a, cover * (0.7f + 0.3f * sq(d / s))));
        }
}

static void gradient(draw_canvas *c, vec3 top, vec3 bottom, vec3 glow, float gx, float gy, float spread) {
    int w = (int)c->o.width, h = (int)c->o.height;
    float per = 1 / (float)h;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            float fx = ((float)x + 0.5f) * per, fy = ((float)y + 0.5f) * per;
            vec3 a = mix(top, bottom, fy);
            c->image[(size_t)y * (size_t)w + (size_t)x] =
                add(a, scale(glow, bell(sq((fx - gx) / spread) + sq((fy - gy) / spread))));
        }
}

/* Mixes a colour in by noise: leaves, clouds, plaster. */
static void speckle(draw_canvas *c, uint32_t seed, vec3 a, float fx, float fy, float lo, float hi, float top, float bottom,
                    int octaves) {
    int w = (int)c->o.width, h = (int)c->o.height;
    float per = 1 / (float)h, row[DRAW_MAX_SIDE];
    for (int y = (int)(top * (float)h); y < (int)(bottom * (float)h); y++) {
        fractal_row(seed, per * fx, (float)y * per * fy, octaves, row, w);
        for (int x = 0; x < w; x++) {
            float k = ramp(lo, hi, row[x]);
            if (k <= 0) continue;
            vec3 *p = &c->image[(size_t)y * (size_t)w + (size_t)x];
            *p = mix(*p, a, k);
        }
    }
}

enum { B_STUDIO, B_BOKEH, B_LEAVES, B_SKY, B_WALL, B_ROOM, B_STREET, B_STAGE, B_SIGNS, BACKGROUNDS };

/* The ground of a scene: from the horizon outdoors, indoors from a wall behind the last person. */
static void floor_under(draw_canvas *c, rng *r, int kind, float level) {
    int w = (int)c->o.width, h = (int)c->o.height;
    float per = 1 / (float)SAMPLES, far = 500;
    for (int i = 0; i < c->people; i++) far = maxf(far, -c->who[i].at.z * 1.15f);
    bool open = kind == B_LEAVES || kind == B_SKY || kind == B_STREET;
    if (open) far = maxf(far, 4000);
    static const vec3 grass = {.13f, .19f, .06f}, sand = {.5f, .42f, .3f}, stone = {.3f, .29f, .28f}, wood = {.3f, .18f, .1f},
                      red = {.3f, .02f, .03f};
    float lightness = between(r, 0.6f, 1.3f);
    uint32_t seed = rng_u32(r);
    vec3 a = kind == B_LEAVES                     ? grass
             : kind == B_SKY                      ? (chance(r, 0.5f) ? sand : grass)
             : kind == B_STREET                   ? stone
             : kind == B_SIGNS                    ? (chance(r, 0.5f) ? red : stone)
             : kind == B_BOKEH || kind == B_STAGE ? grey(0.03f)
             : kind == B_STUDIO                   ? c->image[(size_t)(h - 1) * (size_t)w]
             : chance(r, 0.6f)                    ? wood
                                                  : stone;
    if (kind != B_STUDIO) a = scale(a, lightness * (open ? 1 : level));
    float edge = (c->lens.cy + c->camera_height * c->lens.focal / far) * per;
    for (int y = (int)clampf(edge, 0, (float)h); y < h; y++) {
        float away =
            c->camera_height * c->lens.focal * per / maxf((float)y + 0.5f - c->lens.cy * per, 0.5f); /* cm from the camera */
        for (int x = 0; x < w; x++) {
            float across = ((float)x - c->lens.cx * per) * away / (c->lens.focal * per);
            float grain = noise2(seed, across * 0.02f, away * 0.02f) + 0.6f * noise2(seed + 1, across * 0.09f, away * 0.09f);
            c->image[(size_t)y * (size_t)w + (size_t)x] = scale(a, 0.75f + 0.3f * grain);
        }
    }
}

/* Soft shadows where people stand. */
static void stand_on(draw_canvas *c) {
    int w = (int)c->o.width, h = (int)c->o.height;
    float per = 1 / (float)SAMPLES;
    for (int i = 0; i < c->people; i++) {
        const person *q = &c->who[i];
        float k = c->lens.focal * per / -q->at.z, x = c->lens.cx * per + q->at.x * k, y = c->lens.cy * per + c->camera_height * k,
              rx = 34 * k, ry = 11 * k;
        x -= c->light.dir.x * 14 * k;
        int x0 = (int)clampf(x - 2.3f * rx, 0, (float)w), x1 = (int)clampf(x + 2.3f * rx, 0, (float)w),
            y0 = (int)clampf(y - 2.3f * ry, 0, (float)h), y1 = (int)clampf(y + 2.3f * ry, 0, (float)h);
        for (int py = y0; py < y1; py++)
            for (int px = x0; px < x1; px++) {
                vec3 *p = &c->image[(size_t)py * (size_t)w + (size_t)px];
                *p = scale(*p, 1 - 0.65f * bell2(((float)px + 0.5f - x) / rx, ((float)py + 0.5f - y) / ry));
            }
    }
}

void scene_background(draw_canvas *c, rng *r) {
    static const char *const name[BACKGROUNDS] = {"studio", "bokeh", "leaves", "sky", "wall", "room", "street", "stage", "signs"};
    int h = (int)c->o.height, w = (int)c->o.width;
    float level = dot(add(c->light.sky, c->light.ground), grey(0.34f)) + 0.2f;
    bool day = c->outdoors, scene = c->o.scene;
    int kind = day ? choose(r, (float[]){0.02f, 0.08f, 0.36f, 0.2f, 0.1f, 0, 0.24f, 0, 0}, BACKGROUNDS)
                   : choose(r, (float[]){scene ? 0.05f : 0.3f, 0.14f, 0, 0, 0.2f, 0.16f, 0.02f, 0.08f, 0.12f}, BACKGROUNDS);
    uint32_t seed = rng_u32(r);
    float horizon = scene ? c->lens.cy / (float)c->sh : between(r, 0.55f, 1.1f);
    float depth =
        scene ? between(r, 0, 0.012f) : between(r, 0.006f, 0.045f); /* of focus: the blur's radius in parts of the height */
    c->background = name[kind];
    float pale = between(r, 0.4f, 1);
    vec3 tint = any_hue(r, pale), a = scale(mul(tint, c->light.sky), 1.6f);
    float gx = between(r, 0, 1), gy = between(r, 0, 0.8f), tone = between(r, 0.15f, 1.1f);
    int n;
    switch (kind) {
    case B_STUDIO: {
        bool white = chance(r, 0.3f);
        vec3 base = white ? grey(between(r, 0.6f, 1.1f)) : scale(mix(tint, grey(0.5f), 0.4f), tone * tone * 0.6f + 0.015f);
        float fall = between(r, 0.5f, 1), spread = between(r, 0.4f, 0.8f);
        gradient(c, base, scale(base, fall), scale(base, white ? 0.1f : 0.9f), 0.5f, gy, spread);
        break;
    }
    case B_WALL: {
        vec3 base = scale(mix(tint, v3(.6f, .55f, .5f), 0.65f), level * (0.25f + 0.7f * tone));
        float fall = between(r, 0.6f, 1);
        gradient(c, base, scale(base, fall), scale(base, 0.5f), gx, gy, 0.7f);
        float rough = between(r, 3, 14);
        speckle(c, seed, scale(base, 0.82f), rough, rough, 0.35f, 0.75f, 0, 1, 2);
        int style = (int)rng_below(r, 4);
        if (style == 0) { /* bricks */
            vec3 joint = scale(base, 1.35f), brick = mul(base, v3(1.1f, .7f, .55f));
            float row = between(r, 0.045f, 0.08f);
            fill_rect(c, 0, 0, 1, 1, brick, 0.7f);
            for (int i = 0; (float)i * row < 1; i++) {
                fill_rect(c, 0, (float)i * row, 1, (float)i * row + row * 0.13f, joint, 0.8f);
                for (int j = 0; (float)j * row * 2.4f < 1.2f; j++) {
                    float x = (float)j * row * 2.4f - (i & 1 ? row * 1.2f : 0);
                    fill_rect(c, x, (float)i * row, x + row * 0.13f, (float)(i + 1) * row, joint, 0.8f);
                    fill_rect(c, x, (float)i * row, x + row * 2.4f, (float)(i + 1) * row,
                              scale(brick, 0.6f + 0.7f * hash_unit(seed, (uint32_t)i, (uint32_t)j)), 0.5f);
                }
            }
        } else if (style == 1) { /* panels */
            float x = between(r, -0.3f, 0.2f), step = between(r, 0.25f, 0.6f);
            for (; x < 1; x += step) fill_rect(c, x, 0, x + 0.02f, 1, scale(base, 0.45f), 0.8f);
        } else if (style == 2) { /* a picture's frame, or a window's light on the wall */
            float x = between(r, -0.2f, 0.8f), y = between(r, -0.2f, 0.4f), s = between(r, 0.2f, 0.6f);
            vec3 inner = scale(any_hue(r, 0.6f), level);
            fill_rect(c, x, y, x + s, y + s * 0.8f, scale(base, 0.25f), 0.9f);
            fill_rect(c, x + 0.03f, y + 0.03f, x + s - 0.03f, y + s * 0.8f - 0.03f, inner, 0.9f);
        }
        break;
    }
    case B_BOKEH: {
        vec3 dark = scale(tint, day ? 0.25f : 0.03f);
        gradient(c, dark, scale(dark, 0.6f), scale(a, 0.12f), gx, gy, 0.7f);
        n = 10 + (int)rng_below(r, 40);
        float size = between(r, 0.02f, 0.075f), hue = between(r, 0, 1);
        for (int i = 0; i < n; i++) {
            float warm = clampf(hue + between(r, -0.3f, 0.3f), 0, 1), x = between(r, 0, 1), y = between(r, 0, 1),
                  s = size * between(r, 0.6f, 1.2f);
            float power = 0.04f + 0.5f * sq(between(r, 0, 1));
            vec3 lamp = chance(r, 0.25f) ? any_hue(r, 0.2f) : warmth(warm);
            add_disc(c, x, y, s, scale(lamp, power));
        }
        depth *= 0.3f;
        break;
    }
    case B_LEAVES: {
        float g0 = between(r, 0.05f, 0.16f), yellow = between(r, 0.6f, 1.3f);
        vec3 green = v3(g0 * yellow, g0 * 1.35f, g0 * 0.4f);
        gradient(c, scale(green, 1.5f), scale(green, 0.7f), scale(green, 1.2f), gx, gy, 0.5f);
        speckle(c, seed, scale(green, 0.2f), 5, 5, 0.45f, 0.7f, 0, 1, 3);
        speckle(c, seed + 20, mul(green, v3(2.6f, 2.3f, 1.4f)), 9, 9, 0.5f, 0.75f, 0, 1, 2);
        if (chance(r, 0.6f))
            speckle(c, seed + 40, scale(v3(.8f, .95f, 1.1f), 0.9f), 6, 6, 0.58f, 0.7f, 0, minf(horizon, 0.6f), 3);
        n = (int)rng_below(r, 25);
        for (int i = 0; i < n; i++) {
            float x = between(r, 0, 1), y = between(r, 0, 0.7f), s = between(r, 0.015f, 0.05f), power = between(r, 0.05f, 0.4f);
            add_disc(c, x, y, s, scale(v3(.8f, 1, .6f), power));
        }
        break;
    }
    case B_SKY: {
        float blue = between(r, 0.1f, 1);
        vec3 top = mix(v3(.75f, .8f, .85f), v3(.16f, .34f, .75f), blue),
             low = mix(v3(.85f, .87f, .88f), v3(.6f, .75f, .92f), blue);
        gradient(c, top, low, v3(.15f, .13f, .1f), gx, gy, 0.6f);
        speckle(c, seed, v3(.95f, .95f, .95f), 2.2f, 4.5f, 0.48f, 0.75f, 0, 1, 4);
        int style = (int)rng_below(r, 3);
        if (style && horizon < 1) {
            vec3 far = style == 1 ? v3(.07f, .12f, .06f) : v3(.10f, .22f, .30f);
            for (int x = 0; x < w; x++) {
                float fx = (float)x / (float)h, y = horizon + 0.05f - (style == 1 ? 0.18f * fractal2(seed + 7, fx * 5, 1, 3) : 0);
                fill_rect(c, (float)x / (float)w, y, (float)(x + 1) / (float)w + 1e-4f, 1, far, 1);
            }
        }
        break;
    }
    case B_ROOM: {
        vec3 base = scale(mix(tint, v3(.6f, .52f, .44f), 0.7f), level * 0.55f);
        gradient(c, base, scale(base, 0.6f), scale(base, 0.8f), gx, gy, 0.6f);
        n = 3 + (int)rng_below(r, 7);
        for (int i = 0; i < n; i++) {
            float x = between(r, -0.2f, 1), y = between(r, -0.3f, 0.8f), s = between(r, 0.06f, 0.5f), t = between(r, 0.1f, 0.9f),
                  dark = between(r, 0.1f, 1.2f);
            vec3 thing = scale(any_hue(r, 0.7f), level * dark * 0.7f);
            fill_rect(c, x, y, x + s, y + t, thing, 0.9f);
            for (int k = 0; k < 4 && s > 0.2f; k++) { /* shelves with things */
                float sy = y + t * ((float)k + 0.1f) / 4;
                fill_rect(c, x, sy, x + s, sy + 0.015f, scale(thing, 0.3f), 0.9f);
                for (int m = 0; m < 6; m++) {
                    float bx = x + s * (float)m / 6, tall = between(r, 0.3f, 0.9f) * t / 4;
                    vec3 book = scale(any_hue(r, 0.4f), level * 0.5f);
                    fill_rect(c, bx, sy + t / 4 - tall, bx + s / 7, sy + t / 4, book, 0.8f);
                }
            }
        }
        if (chance(r, 0.6f)) { /* a window */
            float x = between(r, -0.2f, 0.9f), y = between(r, -0.2f, 0.2f), s = between(r, 0.2f, 0.45f);
            vec3 bright = scale(v3(.95f, 1.05f, 1.15f), between(r, 0.9f, 1.8f));
            fill_rect(c, x, y, x + s, y + s * 1.3f, bright, 1);
            fill_rect(c, x + s * 0.48f, y, x + s * 0.52f, y + s * 1.3f, base, 1);
            fill_rect(c, x, y + s * 0.62f, x + s, y + s * 0.66f, base, 1);
        }
        break;
    }
    case B_STREET: {
        gradient(c, v3(.7f, .78f, .88f), v3(.6f, .58f, .55f), v3(.2f, .18f, .14f), gx, gy, 0.5f);
        float x = between(r, -0.3f, 0);
        while (x < 1) {
            float s = between(r, 0.15f, 0.5f), top = between(r, -0.3f, 0.35f), bright = between(r, 0.12f, 0.6f),
                  step = between(r, 0.05f, 0.11f);
            vec3 house = scale(any_hue(r, 0.8f), bright);
            vec3 glass = scale(v3(.5f, .65f, .8f), between(r, 0.1f, 0.9f));
            fill_rect(c, x, top, x + s, 1, house, 1);
            for (float wy = top + 0.03f; wy < 0.75f; wy += step)
                for (float wx = x + 0.02f; wx < x + s - 0.03f; wx += step * 0.8f)
                    fill_rect(c, wx, wy, wx + step * 0.4f, wy + step * 0.6f, glass, 0.9f);
            x += s;
        }
        if (!scene) fill_rect(c, 0, 0.85f, 1, 1, grey(0.2f), 1);
        break;
    }
    case B_STAGE: {
        gradient(c, grey(0.006f), grey(0.012f), scale(tint, 0.25f), gx, gy, 0.45f);
        n = (int)rng_below(r, 5);
        for (int i = 0; i < n; i++) {
            float x = between(r, 0, 1), y = between(r, 0, 0.5f), s = between(r, 0.02f, 0.07f), power = between(r, 0.2f, 1);
            vec3 lamp = any_hue(r, 0.3f);
            add_disc(c, x, y, s * 4, scale(lamp, power * 0.08f));
            add_disc(c, x, y, s, scale(lamp, power));
        }
        break;
    }
    default: { /* a wall with signs, as photographers stand before */
        float lightness = between(r, 0, 1);
        vec3 base =
            chance(r, 0.5f) ? grey(0.5f + 0.45f * lightness) : scale(any_hue(r, 0.5f), 0.03f + 0.3f * lightness * lightness);
        gradient(c, base, scale(base, 0.9f), scale(base, 0.2f), gx, gy, 0.6f);
        float tall = between(r, 0.05f, 0.16f), step = tall * between(r, 1.8f, 3), wide = step * between(r, 1.6f, 3);
        vec3 ink = base.y > 0.3f ? scale(any_hue(r, 0.3f), 0.15f) : scale(any_hue(r, 0.6f), 0.8f);
        float x0 = between(r, -0.3f, 0), y0 = between(r, -0.1f, 0.1f);
        for (int i = 0; y0 + step * (float)i < 1; i++)
            for (int j = 0; x0 + wide * (float)j < 1; j++) {
                float x = x0 + wide * (float)j + (i & 1 ? wide * 0.5f : 0), y = y0 + step * (float)i;
                if (hash3(seed, (uint32_t)((i + j) & 1), 3) % 3 == 0) {
                    add_disc(c, x + tall, y + tall * 0.5f, tall * 0.5f, sub(ink, base));
                    continue;
                }
                for (int k = 0; k < 5; k++) { /* letters, more or less */
                    uint32_t letter = hash3(seed + 9, (uint32_t)k, (uint32_t)((i + j) & 1));
                    float lx = x + (float)k * tall * 0.8f, bar = tall * 0.2f;
                    if (letter & 1) fill_rect(c, lx, y, lx + bar, y + tall, ink, 1);
                    if (letter & 2) fill_rect(c, lx + tall * 0.42f, y, lx + tall * 0.42f + bar, y + tall, ink, 1);
                    if (letter & 4) fill_rect(c, lx, y, lx + tall * 0.6f, y + bar, ink, 1);
                    if (letter & 8) fill_rect(c, lx, y + tall * 0.4f, lx + tall * 0.6f, y + tall * 0.4f + bar, ink, 1);
                    if (letter & 16) fill_rect(c, lx, y + tall - bar, lx + tall * 0.6f, y + tall, ink, 1);
                }
            }
        depth *= 0.5f;
        break;
    }
    }
    for (int i = 0; i < w * h; i++) { /* nothing is darker than dark */
        vec3 *p = &c->image[i];
        *p = v3(maxf(p->x, 0.002f), maxf(p->y, 0.002f), maxf(p->z, 0.002f));
    }
    if (scene) floor_under(c, r, kind, level);
    int radius = (int)(depth * (float)h + 0.5f);
    if (radius > 0) blur_box(c->image, c->spare, w, h, radius, 2);
    if (scene) stand_on(c);
}

/* ---- people in the picture ---- */

static float pose_angle(rng *r, float usual, float most) {
    float a = bellish(r) * usual;
    return clampf(a, -most, most);
}

static void one_face(draw_canvas *c, rng *r) {
    person *q = &c->who[0];
    person_draw(q, r, c->o.fake, c->o.height > c->o.width + c->o.width / 4);
    float yaw = chance(r, 0.12f) ? pose_angle(r, 0.55f, 0.8f) : pose_angle(r, 0.24f, 0.6f);
    float pitch = pose_angle(r, 0.10f, 0.32f), roll = pose_angle(r, 0.07f, 0.3f), turned = pose_angle(r, 0.3f, 0.6f);
    person_pose(q, yaw, pitch, roll, yaw * 0.5f + turned);
    float far = between(r, 75, 220), tall = between(r, 0.56f, 0.66f), jx = between(r, -0.025f, 0.025f),
          jy = between(r, -0.025f, 0.025f);
    float side = minf((float)c->sw, (float)c->sh);
    /* 18.2 cm from chin to hairline fill that part of the picture; the lens does what the distance needs */
    c->lens.focal = tall * side * (far - 9) / (18.2f * q->size);
    c->lens.cx = (float)c->sw * 0.5f, c->lens.cy = (float)c->sh * 0.5f;
    q->at = v3(0, 0, -far);
    q->px = c->lens.focal / (far - 9);
    /* the face's middle into the picture's middle */
    vec3 middle = to_camera(q, v3(0, -2.6f, 6), true);
    float px = (jx * side) / q->px, py = (jy * side) / q->px;
    q->at.x -= middle.x - px, q->at.y -= middle.y - py;
    c->people = 1;
}

/* How high a tall person's eyes are above the soles. */
#define EYES 160

static void several(draw_canvas *c, rng *r) {
    float side = minf((float)c->sw, (float)c->sh), wide = (float)c->sw;
    c->lens.focal = side * between(r, 0.9f, 1.7f);
    c->lens.cx = (float)c->sw * 0.5f, c->lens.cy = (float)c->sh * between(r, 0.25f, 0.5f);
    float camera = c->camera_height = between(r, 125, 225);
    int want = 1 + (int)rng_below(r, MAX_PEOPLE - 2), n = 0;
    float nearest = side * between(r, 0.2f, 0.55f), least = maxf(side * 0.03f, 8.0f * (float)SAMPLES); /* faces' heights */
    float box[MAX_PEOPLE][4];
    for (int tries = 0; tries < want * 6 && n < want; tries++) {
        /* sizes even in their logarithm, so that there are many small ones */
        float tall = least * draw_exp2(draw_log2(maxf(nearest / least, 1.2f)) * between(r, 0, 1));
        float far = c->lens.focal * 18.2f / tall, x = between(r, 0.06f, 0.94f) * wide;
        rng own = rng_make(rng_u64(r), "person", NULL, (uint64_t)tries);
        person *q = &c->who[n];
        person_draw(q, &own, c->o.fake, true);
        float y = c->lens.cy + (camera - EYES * q->size) * c->lens.focal / far;
        float b[4] = {x - tall * 0.42f, y - tall * 0.5f, x + tall * 0.42f, y + tall * 0.75f};
        bool fits = b[1] > side * 0.01f && y + tall * 0.65f < (float)c->sh && x > tall * 0.3f && x < wide - tall * 0.3f;
        for (int i = 0; i < n && fits; i++) { /* heads may touch and hide a little of each other, not more */
            float ox = minf(b[2], box[i][2]) - maxf(b[0], box[i][0]), oy = minf(b[3], box[i][3]) - maxf(b[1], box[i][1]);
            float smaller = minf((b[2] - b[0]) * (b[3] - b[1]), (box[i][2] - box[i][0]) * (box[i][3] - box[i][1]));
            if (ox > 0 && oy > 0 && ox * oy > 0.25f * smaller) fits = false;
            /* a near body may not hide a far face either */
            bool first = tall > (box[i][2] - box[i][0]) / 0.84f;
            const float *near = first ? b : box[i], *back = first ? box[i] : b;
            float body = (near[2] - near[0]) * 1.3f, mid = (near[0] + near[2]) * 0.5f, bx = (back[0] + back[2]) * 0.5f,
                  by = (back[1] + back[3]) * 0.5f;
            if (by > near[3] && absf(bx - mid) < body + (back[2] - back[0]) * 0.2f) fits = false;
        }
        if (!fits) continue;
        float yaw = pose_angle(&own, 0.35f, 0.85f), pitch = pose_angle(&own, 0.12f, 0.35f), roll = pose_angle(&own, 0.08f, 0.3f),
              turned = pose_angle(&own, 0.3f, 0.7f);
        person_pose(q, yaw, pitch, roll, yaw * 0.5f + turned);
        q->at = v3((x - c->lens.cx) * far / c->lens.focal, (c->lens.cy - y) * far / c->lens.focal, -far);
        q->px = c->lens.focal / far;
        memcpy(box[n++], b, sizeof b);
    }
    c->people = n;
    /* the nearest first */
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            if (c->who[j].at.z > c->who[i].at.z) {
                person t = c->who[i];
                c->who[i] = c->who[j], c->who[j] = t;
            }
}

void scene_people(draw_canvas *c, rng *r) {
    if (c->o.scene)
        several(c, r);
    else
        one_face(c, r);
}
