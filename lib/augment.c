#include "augment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "blur.h"
#include "colour.h"
#include "resize.h"
#include "wide.h"

/* ---- recipes ---- */

enum { FLIP, HUE, SATURATION, BRIGHTNESS, GAIN, CONTRAST, ZOOM, ROTATE, SHEAR, SHIFT, JPEG, BLUR, SCALE, WORDS };

/* Everything here is in millionths, so that what is written down is what was done. */
static double rounded(double v) {
    return floor(v * 1e6 + .5) / 1e6;
}

/* 15, 0.8, -0.031254. Not printf's %f, which knows locales. */
static void add_number(text *t, double v) {
    long long millionths = llround(v * 1e6), whole = llabs(millionths);
    int rest = (int)(whole % 1000000), digits = 6;
    text_addf(t, "%s%lld", millionths < 0 ? "-" : "", whole / 1000000);
    if (!rest) return;
    for (; rest % 10 == 0; rest /= 10) digits--;
    text_addf(t, ".%0*d", digits, rest);
}

/* What one number says of what is drawn. */
typedef enum { PROBABILITY, AROUND_0, AROUND_1, UP_TO, DOWN_TO } meaning;

static const struct {
    const char *name;
    meaning meaning;
    double low, high; /* bounds of what is drawn; of flip, of the probability */
    int drawn; /* numbers */
} words[WORDS] = {
    [FLIP] = {"flip", PROBABILITY, 0, 1, 1},
    [HUE] = {"hue", AROUND_0, -.5, .5, 1},
    [SATURATION] = {"saturation", AROUND_1, 0, 10, 1},
    [BRIGHTNESS] = {"brightness", AROUND_0, -1, 1, 1},
    [GAIN] = {"gain", AROUND_1, 0, 10, 1},
    [CONTRAST] = {"contrast", AROUND_1, 0, 10, 1},
    [ZOOM] = {"zoom", AROUND_1, .01, 100, 2},
    [ROTATE] = {"rotate", AROUND_0, -180, 180, 1},
    [SHEAR] = {"shear", AROUND_0, -89, 89, 1},
    [SHIFT] = {"shift", AROUND_0, -1, 1, 2},
    [JPEG] = {"jpeg", DOWN_TO, 1, 100, 1},
    [BLUR] = {"blur", UP_TO, 0, 100, 1},
    [SCALE] = {"scale", DOWN_TO, .01, 1, 1},
};

static void set_range(meaning m, double v, double highest, double *low, double *high) {
    *low = rounded(m == AROUND_0 ? -v : m == AROUND_1 ? 1 - v : m == DOWN_TO ? v : 0);
    *high = rounded(m == AROUND_1 ? 1 + v : m == DOWN_TO ? highest : v);
}

/* "hue=N, N from 0 to 0.5, or hue=LOW:HIGH, from -0.5 to 0.5" */
static void describe(int w, text *t) {
    const double low = words[w].low, high = words[w].high;
    const meaning m = words[w].meaning;
    const char *name = words[w].name;
    text_addf(t, "%s=N, N from ", name);
    add_number(t, m == DOWN_TO ? low : 0);
    text_add(t, " to ");
    add_number(t, m == AROUND_1 ? 1 - low : high);
    if (m == PROBABILITY) {
        text_addf(t, " (or %s alone, for 0.5)", name);
        return;
    }
    text_addf(t, ", or %s=LOW:HIGH, from ", name);
    add_number(t, low);
    text_add(t, " to ");
    add_number(t, high);
}

/* Of what follows the =: "0.1" or "-5:10"; NULL: nothing does. */
static bool parse_range(int w, char *s, double *low, double *high) {
    const meaning m = words[w].meaning;
    char *colon = s && m != PROBABILITY ? strchr(s, ':') : NULL;
    double v = .5;
    if (!s && m != PROBABILITY) return false;
    if (colon) {
        *colon = 0;
        bool good = parse_f64(s, low) && parse_f64(colon + 1, high) && *low <= *high;
        *colon = ':';
        *low = good ? rounded(*low) : 0;
        *high = good ? rounded(*high) : 0;
        return good && *low >= words[w].low && *high <= words[w].high;
    }
    if (s && (!parse_f64(s, &v) || fabs(v) > 1000)) return false;
    set_range(m, v, words[w].high, low, high);
    /* A negative number would turn the range around. */
    return *low <= *high && *low >= words[w].low && *high <= words[w].high && (m != UP_TO || v >= 0);
}

static bool parse_word(char *s, augment_recipe *r, char err[AUGMENT_ERROR]) {
    char *value = strchr(s, '='), *name_end = value ? value : s + strlen(s);
    size_t n = (size_t)(name_end - s);
    int w = 0;
    while (w < WORDS && (strlen(words[w].name) != n || memcmp(words[w].name, s, n))) w++;
    text t = {0};
    if (w == WORDS) {
        for (int i = 0; i < WORDS; i++) text_addf(&t, " %s", words[i].name);
        snprintf(err, AUGMENT_ERROR, "there is no word '%.*s'; there are%s", n < 80 ? (int)n : 80, s, t.s);
    } else if (r->count == AUGMENT_MOST_WORDS) {
        snprintf(err, AUGMENT_ERROR, "more than %d words", AUGMENT_MOST_WORDS);
        w = WORDS;
    } else if (!parse_range(w, value ? value + 1 : NULL, &r->step[r->count].low, &r->step[r->count].high)) {
        describe(w, &t);
        snprintf(err, AUGMENT_ERROR, "'%.80s' isn't %s", s, t.s);
        w = WORDS;
    } else {
        r->step[r->count++].word = w;
    }
    free(t.s);
    return w < WORDS;
}

bool augment_parse(const char *s, augment_recipe *r, char err[AUGMENT_ERROR]) {
    char *copy = xstrdup(s), *rest = copy, *word;
    bool good = true;
    r->count = 0;
    while (good && (word = strsep(&rest, " \t\n")))
        if (*word) good = parse_word(word, r, err);
    if (good && !r->count) {
        snprintf(err, AUGMENT_ERROR, "no word in it (flip=0 leaves images as they are)");
        good = false;
    }
    free(copy);
    return good;
}

void augment_text(const augment_recipe *r, text *t) {
    for (int i = 0; i < r->count; i++) {
        const int w = r->step[i].word;
        const meaning m = words[w].meaning;
        const double v = m == DOWN_TO ? r->step[i].low : m == AROUND_1 ? r->step[i].high - 1 : r->step[i].high;
        double low, high;
        set_range(m, v, words[w].high, &low, &high);
        text_addf(t, "%s%s=", i ? " " : "", words[w].name);
        if (low == r->step[i].low && high == r->step[i].high) {
            add_number(t, v);
        } else {
            add_number(t, r->step[i].low);
            text_add(t, ":");
            add_number(t, r->step[i].high);
        }
    }
}

/* ---- draws ---- */

augment_draw augment_draw_from(const augment_recipe *r, rng *g) {
    augment_draw d = {0};
    for (int i = 0; i < r->count; i++)
        for (int k = 0; k < words[r->step[i].word].drawn; k++) {
            const int w = r->step[i].word;
            const double u = rng_uniform(g), low = r->step[i].low, high = r->step[i].high, v = low + (high - low) * u;
            d.v[i][k] = w == FLIP ? u < high : w == JPEG ? floor(v + .5) : rounded(v);
        }
    return d;
}

void augment_draw_text(const augment_recipe *r, const augment_draw *d, text *t) {
    for (int i = 0; i < r->count; i++) {
        text_addf(t, "%s%s", i ? " " : "", words[r->step[i].word].name);
        for (int k = 0; k < words[r->step[i].word].drawn; k++) {
            text_add(t, k ? "," : "=");
            add_number(t, d->v[i][k]);
        }
    }
}

/* ---- doing it ---- */

void augment_from_u8(const uint8_t *in, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = in[i];
}

WIDE void augment_to_u8(const float *in, uint8_t *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float v = in[i] + .5f;
        v = v > 0 ? v : 0;
        v = v < 255 ? v : 255;
        out[i] = (uint8_t)(int)v;
    }
}

static bool is_geometry(int w) {
    return w == FLIP || (w >= ZOOM && w <= SHIFT);
}

static affine map_of(int w, const double v[2], const augment_image *im) {
    switch (w) {
    case FLIP:
        return v[0] ? affine_flip() : affine_identity();
    case ZOOM:
        return affine_zoom(v[0], v[1]);
    case ROTATE:
        return affine_rotate(v[0]);
    case SHEAR:
        return affine_shear(v[0]);
    default:
        return affine_shift(v[0] * im->width, v[1] * im->height);
    }
}

static void swap_arrays(augment_image *im) {
    float *px = im->px;
    im->px = im->spare;
    im->spare = px;
}

static bool no_memory(char err[AUGMENT_ERROR]) {
    snprintf(err, AUGMENT_ERROR, "no memory for another copy of the image");
    return false;
}

static bool round_trip(augment_image *im, int quality, augment_jpeg *jpeg, char err[AUGMENT_ERROR]) {
    const size_t n = (size_t)im->width * (size_t)im->height * (size_t)im->channels;
    const float scale = 255 / (im->high - im->low), back = (im->high - im->low) / 255;
    uint8_t *bytes = malloc(n);
    if (!bytes) return no_memory(err);
    for (size_t i = 0; i < n; i++) im->spare[i] = (im->px[i] - im->low) * scale;
    augment_to_u8(im->spare, bytes, n);
    bool ok = jpeg(bytes, im->width, im->height, im->channels, quality, err);
    for (size_t i = 0; ok && i < n; i++) im->px[i] = im->low + bytes[i] * back;
    free(bytes);
    return ok;
}

static int at_least_1(double v) {
    return v < 1 ? 1 : (int)v;
}

static bool down_and_up(augment_image *im, double factor, char err[AUGMENT_ERROR]) {
    const int w = at_least_1(im->width * factor + .5), h = at_least_1(im->height * factor + .5);
    if (w == im->width && h == im->height) return true;
    const resize_source large = {im->width, im->height, im->channels, .f32 = im->px};
    const resize_source small = {w, h, im->channels, .f32 = im->spare};
    const size_t n = (size_t)im->width * (size_t)im->height * (size_t)im->channels;
    if (!resize_f32(&large, NULL, RESIZE_BICUBIC, w, h, im->spare, (int64_t)w * im->channels)) return no_memory(err);
    if (!resize_f32(&small, NULL, RESIZE_BICUBIC, im->width, im->height, im->px, (int64_t)im->width * im->channels))
        return no_memory(err);
    colour_brightness(im->px, n, 1, im->low, im->high, 0); /* clips what bicubic overshoots */
    return true;
}

static bool move(augment_image *im, const affine *m, affine_fill fill, char err[AUGMENT_ERROR]) {
    if (affine_is_identity(m)) return true;
    if (!affine_image(im->px, im->width, im->height, im->channels, m, fill, im->low, im->spare)) return no_memory(err);
    swap_arrays(im);
    return true;
}

bool augment_apply(const augment_recipe *r, const augment_draw *d, affine_fill fill, augment_jpeg *jpeg, augment_image *im,
                   affine *moved, char err[AUGMENT_ERROR]) {
    const size_t pixels = (size_t)im->width * (size_t)im->height;
    const float low = im->low, high = im->high;
    const int channels = im->channels;
    *moved = affine_identity();
    for (int i = 0; i < r->count; i++) {
        const double v = d->v[i][0];
        const int w = r->step[i].word;
        bool ok = true;
        if (is_geometry(w)) {
            affine m = map_of(w, d->v[i], im);
            for (; i + 1 < r->count && is_geometry(r->step[i + 1].word); i++) {
                const affine next = map_of(r->step[i + 1].word, d->v[i + 1], im);
                m = affine_then(&m, &next);
            }
            ok = move(im, &m, fill, err);
            *moved = affine_then(moved, &m);
        } else if (w == HUE && v != 0) {
            colour_hue(im->px, pixels, channels, v);
        } else if (w == SATURATION && v != 1) {
            colour_saturation(im->px, pixels, channels, low, v);
        } else if (w == BRIGHTNESS && v != 0) {
            colour_brightness(im->px, pixels, channels, low, high, v);
        } else if (w == GAIN && v != 1) {
            colour_gain(im->px, pixels, channels, low, high, v);
        } else if (w == CONTRAST && v != 1) {
            colour_contrast(im->px, pixels, channels, low, high, v);
        } else if (w == JPEG) {
            ok = round_trip(im, (int)v, jpeg, err);
        } else if (w == BLUR && v > 0) {
            ok = blur_gaussian(im->px, im->width, im->height, channels, v) || no_memory(err);
        } else if (w == SCALE && v < 1) {
            ok = down_and_up(im, v, err);
        }
        if (!ok) return false;
    }
    return true;
}
