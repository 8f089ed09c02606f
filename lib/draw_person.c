/* Who: everything about a person as chance has it, with what goes together going together (age and wrinkles, skin and hair). */
#include <string.h>

#include "draw_parts.h"

const char *const fault_names[FAULTS] = {"iris", "pupil",  "gaze", "eyes", "earring",      "teeth", "glasses",
                                         "ear",  "smooth", "hair", "warp", "checkerboard", "bleed"};

static const char *const style_names[HAIR_STYLES] = {"bald", "buzz", "short", "quiff", "side-part", "curly",
                                                     "afro", "bob",  "long",  "wavy",  "bun",       "ponytail"};
static const char *const beard_names[BEARDS] = {"none", "stubble", "moustache", "goatee", "full"};
static const char *const glasses_names[GLASSES_KINDS] = {"none", "thin", "thick", "sun"};
static const char *const hat_names[HATS] = {"none", "beanie", "cap"};
static const char *const ring_names[RINGS] = {"none", "stud", "hoop", "drop"};

enum { BLACK, DARK_BROWN, BROWN, AUBURN, GINGER, DARK_BLOND, BLOND, GREY, WHITE, DYED, HAIR_COLORS };
static const char *const color_names[HAIR_COLORS] = {"black",      "dark-brown", "brown", "auburn", "ginger",
                                                     "dark-blond", "blond",      "grey",  "white",  "dyed"};
static const vec3 color_of[HAIR_COLORS] = {
    {.013f, .011f, .010f}, {.036f, .022f, .014f}, {.085f, .048f, .027f}, {.12f, .042f, .02f}, {.30f, .105f, .03f},
    {.20f, .13f, .066f},   {.44f, .30f, .15f},    {.26f, .25f, .24f},    {.58f, .56f, .53f},  {0}};

/* A hue's wheel in three ramps, paled by chance, at some lightness. */
static vec3 any_color(rng *r, float lo, float hi) {
    float pale = between(r, 0.3f, 1.2f);
    vec3 a = any_hue(r, minf(pale, 1));
    return scale(a, lo + (hi - lo) * sq(between(r, 0, 1)));
}

/* ---- the parts of a person ---- */

static void draw_skin(person *q, rng *r) {
    static const vec3 pale = {.66f, .445f, .345f}, light = {.56f, .355f, .25f}, tan = {.37f, .21f, .128f},
                      brown = {.20f, .105f, .062f}, deep = {.085f, .044f, .028f};
    float shade = between(r, 0, 1);
    q->tone = shade < 0.62f ? 0.4f * shade / 0.62f : 0.4f + 0.6f * (shade - 0.62f) / 0.38f;
    float t = q->tone * 4;
    q->skin = t < 1   ? mix(pale, light, t)
              : t < 2 ? mix(light, tan, t - 1)
              : t < 3 ? mix(tan, brown, t - 2)
                      : mix(brown, deep, t - 3);
    float ruddy = 0.07f * bellish(r), sallow = 0.05f * bellish(r);
    q->skin = mul(q->skin, v3(1 + 0.5f * ruddy, 1 - 0.7f * ruddy + 0.4f * sallow, 1 - 0.8f * ruddy - sallow));
    q->blush = maxf(0, 0.35f + 0.28f * bellish(r)) * (1 - 0.6f * q->tone);
    q->freckles = q->tone < 0.35f && chance(r, 0.18f) ? between(r, 0.3f, 1) : 0;
    q->oily = between(r, 0.25f, 1);
    q->pores = between(r, 0.5f, 1.2f);
    q->wrinkles = q->old * between(r, 0.5f, 1.2f);
    q->mole = chance(r, 0.25f) ? between(r, 0.1f, 0.2f) : 0;
    q->mole_x = between(r, -5, 5), q->mole_y = between(r, -9, 5);
    q->makeup = q->fem > 0.5f && !q->kid ? maxf(0, between(r, -0.35f, 1)) : 0;
    q->lip = mul(q->skin, v3(0.80f, 0.44f, 0.46f));
    if (q->makeup > 0.3f) {
        static const vec3 sticks[5] = {
            {.42f, .03f, .04f}, {.48f, .12f, .13f}, {.5f, .1f, .2f}, {.25f, .03f, .06f}, {.5f, .2f, .16f}};
        q->lip = mix(q->lip, sticks[rng_below(r, 5)], 0.65f * q->makeup);
    }
}

static void draw_bones(person *q, rng *r) {
    float f = q->fem, kid = q->kid;
    q->size = (1 + 0.035f * bellish(r)) * (1.03f - 0.06f * f) * (1 - 0.14f * kid);
    q->fat = unitf(0.45f + 0.22f * bellish(r) + 0.3f * kid);
    q->width = 1.01f + 0.045f * bellish(r) + 0.04f * (q->fat - 0.45f) + 0.05f * kid;
    q->top = 11.5f + 0.35f * bellish(r) + 0.8f * kid;
    q->jaw = 1 + 0.05f * bellish(r) - 0.10f * (f - 0.5f) + 0.10f * (q->fat - 0.45f) - 0.03f * kid;
    q->square = (1 - f) * between(r, -0.2f, 1) * (1 - kid);
    q->chin = 0.55f * bellish(r) + 0.3f * (0.5f - f) - 1.4f * kid;
    q->chin_w = 1.05f - 0.25f * f + 0.15f * bellish(r);
    q->cheek = unitf(0.5f + 0.3f * bellish(r));
    q->ridge = 0.5f * (1 - f) * (1 - kid) * between(r, 0.3f, 1.1f);
    q->eye_x = 3.15f + 0.14f * bellish(r);
    for (int i = 0; i < 2; i++) q->eye_y[i] = 0.06f * bellish(r) - 0.5f * kid;
    q->eye_size[0] = q->eye_size[1] = 1.04f + 0.06f * bellish(r) + 0.09f * f + 0.14f * kid;
    q->eye_tilt = 0.07f + 0.06f * bellish(r);
    q->nose_len = (4.2f + 0.3f * bellish(r) - 0.15f * f) * (1 - 0.12f * kid) + 0.4f * kid + 0.25f * q->old;
    q->nose_w = (1 + 0.10f * bellish(r) - 0.08f * f + 0.16f * ramp(0.4f, 0.9f, q->tone)) * (1 - 0.06f * kid) + 0.08f * q->old;
    q->nose_h = (2.15f + 0.28f * bellish(r) - 0.2f * f) * (1 - 0.3f * kid);
    q->bridge = unitf(0.34f + 0.10f * bellish(r) - 0.15f * kid);
    q->hook = 0.22f * bellish(r);
    q->mouth_y = -7.05f + 0.22f * bellish(r) + 0.4f * kid - 0.1f * q->old;
    q->mouth_w = 2.45f + 0.16f * bellish(r) - 0.25f * kid;
    q->lip_up = (0.62f + 0.13f * bellish(r) + 0.12f * f + 0.16f * ramp(0.4f, 0.9f, q->tone)) * (1 - 0.35f * q->old);
    q->lip_low = (0.80f + 0.15f * bellish(r) + 0.12f * f + 0.16f * ramp(0.4f, 0.9f, q->tone)) * (1 - 0.3f * q->old);
    q->ear = 1 + 0.07f * bellish(r) + 0.12f * q->old;
    q->ear_out = 1 + 0.35f * bellish(r);
    q->neck = 6 - 1.05f * f + 0.3f * bellish(r) - 0.9f * kid + 0.6f * (q->fat - 0.4f);
    q->shoulder = 21.5f - 3.5f * f + bellish(r) - 5.5f * kid;
    q->brow_y = 2.05f + 0.18f * bellish(r) + 0.2f * f;
    q->brow_thick = (0.40f + 0.09f * bellish(r)) * (1.15f - 0.4f * f) * (1 - 0.25f * kid);
    q->brow_arch = unitf(0.35f + 0.3f * f + 0.2f * bellish(r));

    /* the head's cuts: half width and front by height, from which the table is read */
    const float key[][4] = {{-12.4f, 3.1f, 3.6f, 3},    {-12, 4.0f, 6, 3.6f},        {-11.4f, 4.75f, 8.2f, 3.8f},
                            {-10.4f, 5.5f, 9.1f, 4.1f}, {-9, 6.0f, 9.5f, 4.5f},      {-7.5f, 6.3f, 9.75f, 5.2f},
                            {-5.5f, 6.7f, 9.85f, 6.2f}, {-3.5f, 6.95f, 9.85f, 7.4f}, {-1.5f, 7.15f, 9.85f, 8.3f},
                            {0.5f, 7.35f, 9.95f, 8.9f}, {2, 7.45f, 10.2f, 9.2f}};
    enum { KEYS = sizeof key / sizeof *key };
    for (int i = 0; i < SECTIONS; i++) {
        float y = HEAD_BOTTOM + (2 - HEAD_BOTTOM) * (float)i / (SECTIONS - 1);
        float at = y - q->chin * ramp(-7, -11, y) * -1; /* a longer chin reaches lower */
        int k = 0;
        while (k < KEYS - 2 && at > key[k + 1][0]) k++;
        const float *a = key[k ? k - 1 : 0], *b = key[k], *d = key[k + 1], *e = key[k + 2 < KEYS ? k + 2 : k + 1];
        float t = clampf((at - b[0]) / (d[0] - b[0]), 0, 1), z[3];
        for (int m = 1; m < 4; m++)
            z[m - 1] =
                b[m] +
                0.5f * t * (d[m] - a[m] + t * (2 * a[m] - 5 * b[m] + 4 * d[m] - e[m] + t * (3 * (b[m] - d[m]) + e[m] - a[m])));
        float low = ramp(-3.5f, -9, y);
        q->sec[i] = (section){maxf(0.5f, z[0]) * q->width * lerp(1, q->jaw, low), maxf(0.5f, z[1]), maxf(0.5f, z[2])};
    }
}

static void draw_expression(person *q, rng *r) {
    int mood = choose(r, (float[]){0.32f, 0.24f, 0.34f, 0.10f}, 4); /* calm, smile, laugh, talk */
    q->smile = mood == 0   ? between(r, -0.08f, 0.3f)
               : mood == 1 ? between(r, 0.35f, 0.75f)
               : mood == 2 ? between(r, 0.6f, 1.1f)
                           : between(r, -0.1f, 0.3f);
    q->teeth = mood >= 2;
    q->gap = mood == 2 ? between(r, 0.45f, 0.95f) : mood == 3 ? between(r, 0.3f, 1) : 0;
    q->drop = q->gap * (mood == 3 ? 0.9f : 0.45f);
    float lid = 0.88f + 0.10f * bellish(r) - 0.16f * maxf(0, q->smile - 0.4f) - 0.16f * q->old;
    if (chance(r, 0.02f)) lid = 0.06f;
    q->lid[0] = lid + 0.02f * bellish(r), q->lid[1] = lid + 0.02f * bellish(r);
    q->brow_raise = 0.16f * bellish(r) + (mood == 3 ? 0.2f : 0);
    q->brow_y += q->brow_raise;
    q->gaze_x[0] = q->gaze_x[1] = 0.1f * bellish(r);
    q->gaze_y[0] = q->gaze_y[1] = 0.04f * bellish(r);
}

static void draw_hair(person *q, rng *r) {
    float dark = ramp(0.3f, 0.5f, q->tone);
    float w[HAIR_COLORS] = {0.16f + 2.2f * dark,
                            0.22f + 0.7f * dark,
                            0.24f * (1 - 0.7f * dark),
                            0.07f * (1 - dark),
                            0.06f * (1 - dark),
                            0.16f * (1 - dark),
                            0.16f * (1 - 0.96f * dark),
                            0.02f + 1.9f * q->old,
                            0.01f + 1.5f * maxf(0, q->old - 0.45f),
                            0.025f};
    q->hair_name = choose(r, w, HAIR_COLORS);
    if (q->kid > 0 && (q->hair_name == GREY || q->hair_name == WHITE)) q->hair_name = BROWN;
    q->hair_color = q->hair_name == DYED ? any_color(r, 0.15f, 0.5f) : color_of[q->hair_name];
    q->hair_color = scale(q->hair_color, draw_exp2(0.3f * bellish(r)));
    float red = 0.05f * bellish(r), yellow = 0.06f * bellish(r);
    q->hair_color = mul(q->hair_color, v3(1 + red, 1, 1 - yellow));
    q->grey_hair = q->old * between(r, 0, 0.7f);
    q->brow_color = mix(q->hair_color, v3(.03f, .02f, .014f),
                        q->hair_name == DYED || q->hair_name == BLOND || q->hair_name == DARK_BLOND ? 0.6f : 0.4f);
    if (q->hair_name == GREY || q->hair_name == WHITE)
        q->brow_color = mix(q->hair_color, v3(.05f, .04f, .035f), between(r, 0.3f, 0.8f));

    if (q->fem > 0.5f) {
        static const float weight[HAIR_STYLES] = {.004f, .02f, .06f, .02f, .04f, .07f, .03f, .15f, .28f, .2f, .09f, .06f};
        q->style = choose(r, weight, HAIR_STYLES);
    } else {
        float bald = 0.05f + 0.16f * q->old;
        float weight[HAIR_STYLES] = {bald * (1 - q->kid), .13f, .32f, .16f, .19f, .09f, .04f, .012f, .02f, .015f, .012f, .004f};
        q->style = choose(r, weight, HAIR_STYLES);
    }
    if (q->style == HAIR_AFRO && q->tone < 0.4f) q->style = HAIR_CURLY;
    q->hairline = 7 + 0.35f * bellish(r) + 0.4f * q->kid;
    q->receding = q->fem < 0.5f && !q->kid ? maxf(0, between(r, -0.6f, 0.5f) + 0.7f * q->old) : 0;
    q->part = between(r, -1, 1);
    if (absf(q->part) < 0.25f) q->part = 0;
    bool straight_only = q->hair_name == BLOND && chance(r, 0.4f);
    switch (q->style) {
    case HAIR_BALD:
        q->thick = 0.15f, q->receding = chance(r, 0.5f) ? 2 : 0;
        break;
    case HAIR_BUZZ:
        q->thick = between(r, 0.12f, 0.35f);
        break;
    case HAIR_SHORT:
        q->thick = between(r, 0.7f, 1.6f);
        break;
    case HAIR_QUIFF:
        q->thick = between(r, 0.8f, 1.3f);
        break;
    case HAIR_SIDE:
        q->thick = between(r, 0.9f, 1.7f), q->part += q->part > 0 ? 0.3f : -0.3f;
        break;
    case HAIR_CURLY:
        q->thick = between(r, 1.4f, 2.6f), q->curl = between(r, 0.6f, 1);
        break;
    case HAIR_AFRO:
        q->thick = between(r, 3, 5.2f), q->curl = between(r, 0.4f, 0.7f);
        break;
    case HAIR_BOB:
        q->thick = between(r, 1.1f, 1.9f), q->length = between(r, -12, -6.5f);
        break;
    case HAIR_LONG:
        q->thick = between(r, 0.8f, 1.7f), q->length = between(r, -30, -15);
        break;
    case HAIR_WAVY:
        q->thick = between(r, 1.2f, 2.1f), q->length = between(r, -28, -13),
        q->curl = straight_only ? 0.35f : between(r, 0.4f, 1);
        break;
    default:
        q->thick = between(r, 0.4f, 0.8f);
        break; /* pulled back */
    }
    if (q->style == HAIR_CURLY && q->fem > 0.5f && chance(r, 0.7f)) q->length = between(r, -24, -8);
    if (q->length < 0) {
        q->hang0 = between(r, 0.28f, 0.85f), q->hang1 = q->hang0 + between(r, 0.3f, 0.45f);
    }
    bool may_fringe = q->style == HAIR_BOB || q->style == HAIR_LONG || q->style == HAIR_WAVY || q->style == HAIR_SHORT ||
                      q->style == HAIR_SIDE || q->style == HAIR_CURLY;
    if (may_fringe && q->receding < 0.3f && chance(r, q->style == HAIR_LONG || q->style == HAIR_BOB ? 0.35f : 0.22f)) {
        q->fringe = between(r, 0.8f, 1);
        q->fringe_y = between(r, 3, 5.2f);
    }

    float can = q->fem < 0.4f && q->age > 18 ? 1 : 0;
    q->beard = choose(r, (float[]){1, 0.6f * can, 0.1f * can, 0.22f * can, 0.4f * can}, BEARDS);
    q->beard_len = between(r, 0.2f, 1);
    if (chance(r, 0.2f)) q->beard_len *= 2.2f;
    q->beard_dark = between(r, 0.45f, 1);
}

static void draw_eyes(person *q, rng *r) {
    static const vec3 colors[6] = {{.055f, .026f, .012f}, {.12f, .055f, .02f}, {.17f, .12f, .045f},
                                   {.10f, .17f, .10f},    {.11f, .19f, .30f},  {.2f, .25f, .28f}};
    float light = ramp(0.45f, 0.2f, q->tone);
    int i = choose(r, (float[]){1, 0.5f, 0.3f * light, 0.3f * light, 0.9f * light, 0.3f * light}, 6);
    q->iris[0] = scale(colors[i], between(r, 0.75f, 1.3f));
    q->iris[1] = q->iris[0];
}

static void draw_things(person *q, rng *r) {
    q->glasses = choose(r, (float[]){0.76f, 0.07f + 0.08f * q->old, 0.09f, 0.05f}, GLASSES_KINDS);
    q->hat = choose(r, (float[]){0.93f, 0.035f, 0.035f}, HATS);
    if (q->style == HAIR_AFRO || q->style == HAIR_BUN) q->hat = HAT_NONE;
    q->hat_color = any_color(r, 0.03f, 0.5f);
    static const vec3 frames[6] = {{.012f, .011f, .012f}, {.05f, .022f, .01f},  {.3f, .28f, .26f},
                                   {.4f, .27f, .1f},      {.12f, .012f, .016f}, {.02f, .03f, .08f}};
    q->frame_color =
        frames[choose(r, (float[]){4, 2, q->glasses == GLASSES_THIN ? 3 : 0, q->glasses == GLASSES_THIN ? 2 : 0, 0.6f, 0.6f}, 6)];
    q->frame_w = between(r, 2.35f, 2.85f), q->frame_h = between(r, 1.6f, 2.4f), q->frame_round = between(r, 0.25f, 1);
    if (q->glasses == GLASSES_SUN) q->frame_w += 0.3f, q->frame_h += 0.25f;
    q->frame_bar = q->glasses == GLASSES_THICK  ? between(r, 0.2f, 0.36f)
                   : q->glasses == GLASSES_THIN ? between(r, 0.07f, 0.13f)
                                                : between(r, 0.1f, 0.3f);
    q->frame_y = -0.35f - 0.25f * between(r, 0, 1);
    q->lens_dark = q->glasses == GLASSES_SUN ? between(r, 0.8f, 0.97f) : between(r, 0, 0.06f);
    q->lens_color = mix(v3(.012f, .012f, .014f), any_color(r, 0.02f, 0.1f), 0.4f);
    q->ring[0] = q->fem > 0.5f && !q->kid ? choose(r, (float[]){0.45f, 0.25f, 0.13f, 0.17f}, RINGS)
                 : chance(r, 0.04f)       ? RING_STUD
                                          : RING_NONE;
    q->ring[1] = q->ring[0];
    q->metal = chance(r, 0.5f) ? v3(.72f, .5f, .2f) : chance(r, 0.7f) ? v3(.7f, .7f, .72f) : any_color(r, 0.2f, 0.7f);
    q->cloth = choose(
        r, q->fem > 0.5f ? (float[]){.26f, .24f, .12f, .06f, .2f, .12f, .06f} : (float[]){.3f, .06f, .26f, .24f, .02f, .08f, .1f},
        CLOTHS);
    if (q->kid > 0 && q->cloth == CLOTH_SUIT) q->cloth = CLOTH_TEE;
    q->cloth_color =
        q->cloth == CLOTH_SUIT ? mix(v3(.012f, .013f, .018f), any_color(r, 0.03f, 0.15f), 0.5f) : any_color(r, 0.015f, 0.75f);
    q->cloth_second = q->cloth == CLOTH_SUIT ? any_color(r, 0.05f, 0.4f) : any_color(r, 0.02f, 0.7f);
    q->pattern = choose(r, (float[]){0.62f, 0.16f, 0.14f, 0.08f}, PATTERNS);
    for (int i = 0; i < 2; i++) q->arm[i] = chance(r, 0.3f) ? between(r, 0.3f, 1) : between(r, 0, 0.2f);
}

/* ---- faults ---- */

static void draw_faults(person *q, rng *r) {
    /* two to five faults, of those this person can have; weak ones are as common as strong ones */
    float weight[FAULTS] = {1,
                            0.6f,
                            0.8f,
                            0.8f,
                            q->ring[0] ? 2 : 0.3f,
                            q->teeth ? 2.5f : 0,
                            q->glasses ? 3 : 0,
                            0.6f,
                            0.9f,
                            q->style > HAIR_BUZZ ? 1.3f : 0,
                            1,
                            1,
                            0.7f};
    if (q->glasses == GLASSES_SUN) weight[F_IRIS] = weight[F_PUPIL] = weight[F_GAZE] = 0;
    int n = 2 + (int)rng_below(r, 4);
    for (int i = 0; i < n; i++) {
        int k = choose(r, weight, FAULTS);
        weight[k] = 0;
        q->fault[k] = between(r, 0.25f, 1);
    }
    float s = q->fault[F_IRIS];
    if (s > 0) q->iris[1] = mix(q->iris[1], chance(r, 0.5f) ? v3(.16f, .2f, .22f) : v3(.09f, .04f, .015f), 0.4f + 0.6f * s);
    s = q->fault[F_GAZE];
    if (s > 0) q->gaze_x[1] += (chance(r, 0.5f) ? 0.36f : -0.36f) * s, q->gaze_y[1] += 0.2f * s * bellish(r);
    s = q->fault[F_EYES];
    if (s > 0) {
        q->eye_y[1] += (chance(r, 0.5f) ? 0.55f : -0.55f) * s;
        q->eye_size[1] *= 1 + 0.22f * s * (chance(r, 0.5f) ? 1 : -1);
        q->lid[1] *= 1 - 0.3f * s;
    }
    if (q->fault[F_EARRING] > 0) q->ring[1] = (q->ring[0] + 1 + (int)rng_below(r, RINGS - 1)) % RINGS;
    if (q->fault[F_SMOOTH] > 0) {
        float keep = 1 - q->fault[F_SMOOTH];
        q->pores *= keep, q->wrinkles *= keep, q->freckles *= keep, q->oily *= 0.6f + 0.4f * keep;
    }
}

void person_draw(person *q, rng *r, bool fake, bool scene) {
    memset(q, 0, sizeof *q);
    q->seed = rng_u32(r);
    q->fem = chance(r, 0.54f) ? between(r, 0.65f, 1) : between(r, 0, 0.35f);
    float years = between(r, 0, 30), more = sq(between(r, 0, 1));
    more *= between(r, 0, 40);
    q->age = chance(r, 0.1f) ? between(r, 6, 16) : 16 + years + more;
    q->kid = unitf((16 - q->age) / 10);
    q->old = ramp(32, 76, q->age);
    draw_skin(q, r);
    draw_bones(q, r);
    draw_expression(q, r);
    draw_hair(q, r);
    draw_eyes(q, r);
    draw_things(q, r);
    q->whole = scene;
    if (fake) draw_faults(q, r);
}

void person_pose(person *q, float yaw, float pitch, float roll, float body_yaw) {
    q->yaw = yaw, q->pitch = pitch, q->roll = roll;
    q->head = rotation(yaw, pitch, roll);
    q->body = rotation(body_yaw, 0, 0);
}

void person_attributes(const person *q, tns_meta *m) {
    const float degrees = 57.2957795f;
    tns_meta_addf(m, "pose", "%.1f,%.1f,%.1f", (double)(q->yaw * degrees), (double)(q->pitch * degrees),
                  (double)(q->roll * degrees));
    tns_meta_add(m, "hair", style_names[q->style]);
    tns_meta_add(m, "hair_color", color_names[q->hair_name]);
    tns_meta_add(m, "beard", beard_names[q->beard]);
    tns_meta_add(m, "glasses", glasses_names[q->glasses]);
    tns_meta_add(m, "hat", hat_names[q->hat]);
    tns_meta_add(m, "earrings", ring_names[q->ring[0]]);
    tns_meta_addf(m, "skin", "%d", 1 + (int)(q->tone * 5.999f));
    tns_meta_addf(m, "age", "%d", (int)q->age);
    tns_meta_addf(m, "smile", "%.2f", (double)clampf(q->smile, 0, 1));
    tns_meta_add(m, "mouth", q->gap > 0 ? "open" : "closed");
}
