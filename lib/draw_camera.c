/* The camera: lens, sensor and development, and the faults that networks leave in pictures. */
#include "draw_parts.h"

/* The mean of a square around each pixel, several times, which is nearly a bell. */
void blur_box(vec3 *image, vec3 *spare, int w, int h, int radius, int times) {
    float inv = 1 / (float)(2 * radius + 1);
    for (int t = 0; t < times; t++) {
        for (int y = 0; y < h; y++) {
            const vec3 *in = image + (size_t)y * (size_t)w;
            vec3 sum = v3(0, 0, 0);
            for (int x = -radius; x <= radius; x++) sum = add(sum, in[x < 0 ? 0 : x < w ? x : w - 1]);
            for (int x = 0; x < w; x++) {
                spare[(size_t)y * (size_t)w + (size_t)x] = scale(sum, inv);
                int gone = x - radius, next = x + radius + 1;
                sum = add(sum, sub(in[next < w ? next : w - 1], in[gone < 0 ? 0 : gone]));
            }
        }
        for (int x = 0; x < w; x++) {
            const vec3 *in = spare + x;
            vec3 sum = v3(0, 0, 0);
            for (int y = -radius; y <= radius; y++) sum = add(sum, in[(size_t)(y < 0 ? 0 : y < h ? y : h - 1) * (size_t)w]);
            for (int y = 0; y < h; y++) {
                image[(size_t)y * (size_t)w + (size_t)x] = scale(sum, inv);
                int gone = y - radius, next = y + radius + 1;
                sum = add(sum,
                          sub(in[(size_t)(next < h ? next : h - 1) * (size_t)w], in[(size_t)(gone < 0 ? 0 : gone) * (size_t)w]));
            }
        }
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

void camera_develop(draw_canvas *c, uint8_t *rgb) {
    int w = (int)c->o.width, h = (int)c->o.height;
    const optics *o = &c->lens;
    /* the lens: a small bell, as three taps each way */
    float side = 0.5f * minf(o->blur * o->blur, 0.66f), mid = 1 - 2 * side;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const vec3 *p = &c->image[(size_t)y * (size_t)w + (size_t)x];
            c->spare[(size_t)y * (size_t)w + (size_t)x] =
                add(scale(*p, mid), scale(add(p[x ? -1 : 0], p[x < w - 1 ? 1 : 0]), side));
        }
    float diagonal = 4 / ((float)w * (float)w + (float)h * (float)h);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            size_t k = (size_t)y * (size_t)w + (size_t)x;
            const vec3 *p = &c->spare[k];
            vec3 a = add(scale(*p, mid), scale(add(p[y ? -w : 0], p[y < h - 1 ? w : 0]), side));
            float corner = (sq((float)x + 0.5f - (float)w * 0.5f) + sq((float)y + 0.5f - (float)h * 0.5f)) * diagonal;
            a = scale(mul(a, o->balance), o->exposure * (1 - o->vignette * corner));
            float grey_level = dot(a, v3(.25f, .65f, .1f));
            a = mix(grey(grey_level), a, o->saturation);
            float v[3] = {a.x, a.y, a.z};
            uint32_t bits = hash3(c->seed, (uint32_t)x, (uint32_t)y), more = hash3(bits, 1, 2);
            float shared = (float)(more & 255) + (float)(more >> 8 & 255) - 255;
            float own[3] = {(float)(bits & 255) + (float)(bits >> 8 & 255), (float)(bits >> 16 & 255) + (float)(bits >> 24),
                            (float)(more >> 16 & 255) + (float)(more >> 24)};
            for (int i = 0; i < 3; i++) {
                /* shot noise grows with the root of the light; a part of it is the same in all three */
                float s = root(v[i]); /* in the root, shot noise is even */
                s += o->noise * ((own[i] - 255) * 0.0055f + shared * 0.0073f);
                float byte = c->curve[(int)(clampf(s, 0, 2) * 2048 + 0.5f)];
                byte += o->contrast * byte * (1 - byte) * (2 * byte - 1);
                rgb[k * 3 + (size_t)i] = (uint8_t)(clampf(byte, 0, 1) * 255 + 0.5f);
            }
        }
}
