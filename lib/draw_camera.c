/* The camera: lens, sensor and development, and the faults that networks leave in pictures. */
#include "draw_parts.h"

/* A pixel and a number more, of which nothing depends. */
static inline floats pixel(const vec3 *p) {
    return *(const floats *)p;
}

static inline void put(vec3 *p, floats a) {
    *p = v3(a[0], a[1], a[2]);
}

/* The mean of 2 * radius + 1 neighbours in a line of n pixels that lie step apart; at the ends the last one goes on. */
static void blur_line(const vec3 *in, vec3 *out, int n, size_t step, int radius) {
    float inv = 1 / (float)(2 * radius + 1);
    const vec3 *last = in + (size_t)(n - 1) * step;
    floats sum = all4(0);
    for (int i = -radius; i <= radius; i++) sum += pixel(i < 0 ? in : i < n ? in + (size_t)i * step : last);
    for (int i = 0; i < n; i++) {
        put(out + (size_t)i * step, sum * inv);
        int gone = i - radius, next = i + radius + 1;
        sum += pixel(next < n ? in + (size_t)next * step : last) - pixel(gone < 0 ? in : in + (size_t)gone * step);
    }
}

/* The mean of a square around each pixel, several times, which is nearly a bell. */
void blur_box(vec3 *image, vec3 *spare, int w, int h, int radius, int times) {
    for (int t = 0; t < times; t++) {
        for (int y = 0; y < h; y++) blur_line(image + (size_t)y * (size_t)w, spare + (size_t)y * (size_t)w, w, 1, radius);
        for (int x = 0; x < w; x++) blur_line(spare + x, image + x, h, (size_t)w, radius);
    }
}

/* The colour between pixels; outside, the edge goes on. */
static vec3 look_up(const vec3 *image, int w, int h, float x, float y) {
    x = clampf(x, 0, (float)(w - 1)), y = clampf(y, 0, (float)(h - 1));
    int ix = (int)x, iy = (int)y, jx = ix + 1 < w ? ix + 1 : ix, jy = iy + 1 < h ? iy + 1 : iy;
    const vec3 *a = image + (size_t)iy * (size_t)w, *b = image + (size_t)jy * (size_t)w;
    return mix(mix(a[ix], a[jx], x - (float)ix), mix(b[ix], b[jx], x - (float)ix), y - (float)iy);
}

/* ---- faults of the picture as a whole, each around the person who has them ---- */

void camera_faults(draw_canvas *c) {
    int w = (int)c->o.width, h = (int)c->o.height;
    for (int i = 0; i < c->people; i++) {
        const person *q = &c->who[i];
        float hair = q->fault[F_HAIR], warp = q->fault[F_WARP], bleed = q->fault[F_BLEED], smooth = q->fault[F_SMOOTH],
              checker = q->fault[F_CHECKER];
        float sx, sy, cm = q->px * q->size / (float)SAMPLES; /* pixels a centimetre */
        to_samples(c, to_camera(q, v3(0, 0, 0), true), &sx, &sy);
        float cx = sx / (float)SAMPLES, cy = sy / (float)SAMPLES, reach = 30 * cm;
        int x0 = (int)clampf(cx - reach, 0, (float)w), x1 = (int)clampf(cx + reach + 1, 0, (float)w),
            y0 = (int)clampf(cy - reach, 0, (float)h), y1 = (int)clampf(cy + reach + 1, 0, (float)h);
        if (hair + warp + bleed + smooth > 0) {
            for (int k = 0; k < w * h; k++) c->spare[k] = c->image[k];
            for (int y = y0; y < y1; y++)
                for (int x = x0; x < x1; x++) {
                    size_t k = (size_t)y * (size_t)w + (size_t)x;
                    float hx = ((float)x - cx) / cm, hy = (cy - (float)y) / cm, far = root(sq(hx) + sq(hy + 1.5f));
                    vec3 a = c->spare[k];
                    float person_here = (float)c->cover[k] / 255, hair_here = (float)c->hairy[k] / 255;
                    if (warp > 0) { /* what is behind bends near the head */
                        float near = bell(sq((far - 12) / 4.5f)) * (1 - 0.85f * person_here);
                        float dx = noise2(q->seed + 201, hx * 0.33f, hy * 0.33f) - 0.5f,
                              dy = noise2(q->seed + 202, hx * 0.33f, hy * 0.33f) - 0.5f;
                        float push = near * warp * 6 * cm;
                        if (near > 0.01f) a = look_up(c->spare, w, h, (float)x + dx * push, (float)y + dy * push);
                    }
                    if (hair > 0) { /* hair runs out into what is around it, and the other way round */
                        float patch = ramp(0.42f, 0.6f, noise2(q->seed + 203, hx * 0.16f, hy * 0.16f)) * ramp(6, 9, far) *
                                      ramp(19, 14, far);
                        if (patch > 0.01f) {
                            vec3 sum = v3(0, 0, 0);
                            float ang = noise2(q->seed + 204, hx * 0.1f, hy * 0.1f) * 6.3f, ux = draw_cos(ang),
                                  uy = draw_sin(ang);
                            for (int s = -3; s <= 3; s++)
                                sum = add(sum, look_up(c->spare, w, h, (float)x + ux * (float)s * 0.75f * cm * hair,
                                                       (float)y + uy * (float)s * 0.75f * cm * hair));
                            a = mix(a, scale(sum, 1.0f / 7), patch * (0.5f + 0.5f * hair));
                        }
                    }
                    if (smooth > 0 && person_here > 0.5f && hair_here < 0.3f &&
                        far < 12) { /* skin like wax: near colours flow together */
                        vec3 sum = scale(a, 0.5f);
                        float weight = 0.5f, step = 0.6f * cm;
                        for (int s = 0; s < 8; s++) {
                            static const float ring[8][2] = {{1, 0},     {-1, 0},     {0, 1},      {0, -1},
                                                             {.7f, .7f}, {-.7f, .7f}, {.7f, -.7f}, {-.7f, -.7f}};
                            vec3 b = look_up(c->spare, w, h, (float)x + ring[s][0] * step, (float)y + ring[s][1] * step);
                            float d = absf(b.y - a.y) / (a.y + 0.02f), k2 = ramp(0.35f, 0.05f, d);
                            sum = add(sum, scale(b, k2)), weight += k2;
                        }
                        a = mix(a, scale(sum, 1 / weight), smooth);
                    }
                    if (bleed > 0) { /* colour, but not lightness, from the side */
                        float zone = ramp(0.45f, 0.65f, noise2(q->seed + 205, hx * 0.2f, hy * 0.2f));
                        vec3 b = look_up(c->spare, w, h, (float)x + 1.8f * cm * bleed, (float)y + 0.9f * cm * bleed);
                        float la = dot(a, v3(.25f, .65f, .1f)), lb = dot(b, v3(.25f, .65f, .1f)) + 0.01f;
                        a = mix(a, scale(b, minf(la / lb, 4)), zone * (0.35f + 0.5f * bleed));
                    }
                    c->image[k] = a;
                }
        }
        if (checker > 0) { /* uneven overlap of transposed convolutions: every second and every fourth pixel */
            for (int y = y0; y < y1; y++)
                for (int x = x0; x < x1; x++) {
                    float hx = ((float)x - cx) / cm, hy = (cy - (float)y) / cm;
                    float zone = ramp(0.35f, 0.7f, noise2(q->seed + 206, hx * 0.14f, hy * 0.14f));
                    float two = ((x & 1) ? 1.0f : -1.0f) * ((y & 1) ? 1.0f : -1.0f),
                          four = ((x & 2) ? 1.0f : -1.0f) * ((y & 2) ? 1.0f : -1.0f);
                    float k = 1 + checker * zone * (0.055f * two + 0.06f * four);
                    vec3 *p = &c->image[(size_t)y * (size_t)w + (size_t)x];
                    *p = mul(*p, v3(k, k * (1 + 0.01f * four * checker * zone), k));
                }
        }
    }
}

/* ---- development ---- */

/* 0 where below; the root where not. */
static inline floats roots(floats a) {
    return (floats){root(a[0]), root(a[1]), root(a[2]), 0};
}

void camera_develop(draw_canvas *c, uint8_t *rgb) {
    int w = (int)c->o.width, h = (int)c->o.height;
    const optics *o = &c->lens;
    /* the lens: a small bell, as three taps each way */
    float side = 0.5f * minf(o->blur * o->blur, 0.66f), mid = 1 - 2 * side;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) { /* what is written too much is the next pixel's */
            const vec3 *p = &c->image[(size_t)y * (size_t)w + (size_t)x];
            *(floats *)&c->spare[(size_t)y * (size_t)w + (size_t)x] =
                pixel(p) * mid + (pixel(x ? p - 1 : p) + pixel(x < w - 1 ? p + 1 : p)) * side;
        }
    float diagonal = 4 / ((float)w * (float)w + (float)h * (float)h);
    floats balance = {o->balance.x, o->balance.y, o->balance.z, 0};
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            size_t k = (size_t)y * (size_t)w + (size_t)x;
            const vec3 *p = &c->spare[k];
            floats a = pixel(p) * mid + (pixel(y ? p - w : p) + pixel(y < h - 1 ? p + w : p)) * side;
            float corner = (sq((float)x + 0.5f - (float)w * 0.5f) + sq((float)y + 0.5f - (float)h * 0.5f)) * diagonal;
            a = a * balance * (o->exposure * (1 - o->vignette * corner));
            floats level = all4(0.25f * a[0] + 0.65f * a[1] + 0.1f * a[2]);
            a = level + (a - level) * o->saturation;
            /* shot noise grows with the root of the light, so in the root it is even; a part of it is the same in all three */
            uint32_t bits = hash3(c->seed, (uint32_t)x, (uint32_t)y), more = hash3(bits, 1, 2);
            uint32_t two = (bits & 0xFF00FF) + (bits >> 8 & 0xFF00FF), last = (more & 0xFF00FF) + (more >> 8 & 0xFF00FF);
            floats own = __builtin_convertvector(((ints){two & 0xFFFF, two >> 16, last >> 16, 0}), floats);
            float shared = (float)(int)(last & 0xFFFF);
            floats s = roots(a) + o->noise * ((own - 255) * 0.0055f + (shared - 255) * 0.0073f);
            ints at = __builtin_convertvector(clamps(s, 0, 2) * 2048 + 0.5f, ints);
            floats v = {c->curve[at[0]], c->curve[at[1]], c->curve[at[2]], 0};
            v += o->contrast * v * (1 - v) * (2 * v - 1);
            at = __builtin_convertvector(clamps(v, 0, 1) * 255 + 0.5f, ints);
            for (int i = 0; i < 3; i++) rgb[k * 3 + (size_t)i] = (uint8_t)at[i];
        }
}
