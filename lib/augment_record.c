#include "augment_record.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "points.h"

static bool read_range(const char *s, float *low, float *high) {
    char *copy = xstrdup(s), *colon = strchr(copy, ':');
    double from, to;
    if (colon) *colon = 0;
    bool ok = colon && parse_f64(copy, &from) && parse_f64(colon + 1, &to) && fabs(from) < 1e9 && fabs(to) < 1e9 &&
              (float)from < (float)to;
    if (ok) *low = (float)from, *high = (float)to;
    free(copy);
    return ok;
}

bool augment_header(augment_how *how, const tns_meta *header, char err[AUGMENT_ERROR]) {
    static const char *const wanted[][2] = {{"kind", "images"}, {"axes", "hwc"}, {"space", "srgb"}};
    text t = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof wanted / sizeof *wanted; i++) {
        const char *s = tns_meta_get(header, wanted[i][0], &t);
        ok = !s || !strcmp(s, wanted[i][1]);
        if (!ok) snprintf(err, AUGMENT_ERROR, "%s=%.80s; %s is wanted", wanted[i][0], s, wanted[i][1]);
    }
    const char *range = tns_meta_get(header, "range", &t);
    how->has_range = range;
    how->low = 0, how->high = 255;
    if (ok && range && !read_range(range, &how->low, &how->high)) {
        snprintf(err, AUGMENT_ERROR, "range=%.80s isn't LOW:HIGH", range);
        ok = false;
    }
    free(t.s);
    return ok;
}

void augment_arrays_free(augment_arrays *a) {
    free(a->px);
    free(a->spare);
    *a = (augment_arrays){0};
}

/* A whole number of the metadata, 0 when it isn't there. */
static bool read_number(const tns_meta *m, const char *name, uint64_t *v, char err[AUGMENT_ERROR]) {
    text t = {0};
    const char *s = tns_meta_get(m, name, &t);
    *v = 0;
    bool ok = !s || parse_u64(s, v);
    if (!ok) snprintf(err, AUGMENT_ERROR, "%s=%.80s isn't a whole number", name, s);
    free(t.s);
    return ok;
}

static bool make_rng(uint64_t seed, const tns_meta *m, rng *g, char err[AUGMENT_ERROR]) {
    uint64_t epoch, copy;
    if (!read_number(m, "epoch", &epoch, err) || !read_number(m, "copy", &copy, err)) return false;
    text name = {0}, value = {0};
    int before = 0;
    for (size_t pos = 0; tns_meta_next(m, &pos, &name, &value);) before += !strcmp(name.s, "augment");
    char *who = copy || before ? xasprintf("augment %" PRIu64 " %d", copy, before) : xstrdup("augment");
    *g = rng_make(seed, who, tns_meta_get(m, "key", &value), epoch);
    free(who);
    free(name.s);
    free(value.s);
    return true;
}

static bool check_image(const augment_how *how, const tns_frame *f, char err[AUGMENT_ERROR]) {
    const uint32_t most = 1 << 24;
    char shape[80];
    tns_shape_text(f, shape);
    const bool image = f->rank == 3 && (f->shape[2] == 1 || f->shape[2] == 3) && (f->dtype == TNS_U8 || f->dtype == TNS_F32);
    if (!image || !f->shape[0] || !f->shape[1] || f->shape[0] > most || f->shape[1] > most)
        snprintf(err, AUGMENT_ERROR, "%s of %s; an image is wanted: height x width x 3 (or 1) of u8 or f32", shape,
                 tns_dtype_name(f->dtype));
    else if (f->dtype == TNS_F32 && !how->has_range)
        snprintf(err, AUGMENT_ERROR, "f32, and the header has no range=, which says what black and white are");
    else if (f->dtype == TNS_U8 && (how->low != 0 || how->high != 255))
        snprintf(err, AUGMENT_ERROR, "u8, and the header's range= isn't 0:255");
    else
        return true;
    return false;
}

static int load(const tns_frame *f, size_t n, augment_arrays *a, char err[AUGMENT_ERROR]) {
    if (a->room < n) {
        augment_arrays_free(a);
        a->px = aligned_alloc64((n + 4) * sizeof *a->px);
        a->spare = aligned_alloc64((n + 4) * sizeof *a->spare);
        if (!a->px || !a->spare) {
            snprintf(err, AUGMENT_ERROR, "no memory for an image of %zu numbers; try a smaller -j", n);
            return EXIT_FAILED;
        }
        /* What lies beyond an image is read along with it, and goes nowhere. */
        memset(a->px, 0, (n + 4) * sizeof *a->px);
        memset(a->spare, 0, (n + 4) * sizeof *a->spare);
        a->room = n;
    }
    if (f->dtype == TNS_U8) {
        augment_from_u8(f->data, a->px, n);
        return EXIT_DONE;
    }
    memcpy(a->px, f->data, n * sizeof *a->px);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(a->px[i])) {
            snprintf(err, AUGMENT_ERROR, "has a value that isn't finite");
            return EXIT_CORRUPT;
        }
    return EXIT_DONE;
}

/* From coordinates that count from the centre, output to input, to points.h's, which count from the corner, input to output. */
static bool move_points(tns_frame *f, const affine *moved, char err[AUGMENT_ERROR]) {
    if (affine_is_identity(moved)) return true;
    const affine to = affine_inverse(moved);
    const double width = f->shape[1], height = f->shape[0], cx = width / 2, cy = height / 2;
    const points_map map = {.scale_x = to.xx,
                            .lean_x = to.xy,
                            .shift_x = to.x0 + cx - to.xx * cx - to.xy * cy,
                            .lean_y = to.yx,
                            .scale_y = to.yy,
                            .shift_y = to.y0 + cy - to.yx * cx - to.yy * cy};
    const char *bad;
    if (points_move(&f->meta, &map, width, height, &bad)) return true;
    snprintf(err, AUGMENT_ERROR, "%s= isn't a list of numbers", bad);
    return false;
}

int augment_record(const augment_how *how, tns_frame *f, augment_arrays *a, char err[AUGMENT_ERROR]) {
    text copy = {0};
    const bool leave = how->only_copies && !tns_meta_get(&f->meta, "copy", &copy);
    free(copy.s);
    if (leave) return EXIT_DONE;
    rng g;
    if (!make_rng(how->seed, &f->meta, &g, err) || !check_image(how, f, err)) return EXIT_CORRUPT;
    const size_t n = tns_frame_count(f);
    const int loaded = load(f, n, a, err);
    if (loaded != EXIT_DONE) return loaded;

    const augment_recipe *r = &how->recipe[rng_below(&g, (uint64_t)how->recipes)];
    const augment_draw d = augment_draw_from(r, &g);
    augment_image im = {(int)f->shape[1], (int)f->shape[0], (int)f->shape[2], how->low, how->high, a->px, a->spare};
    affine moved;
    const bool ok = augment_apply(r, &d, how->fill, how->jpeg, &im, &moved, err);
    a->px = im.px, a->spare = im.spare;
    if (!ok) return EXIT_FAILED;
    if (!move_points(f, &moved, err)) return EXIT_CORRUPT;
    if (f->dtype == TNS_U8)
        augment_to_u8(a->px, f->data, n);
    else
        memcpy(f->data, a->px, n * sizeof *a->px);
    text drawn = {0};
    augment_draw_text(r, &d, &drawn);
    tns_meta_add(&f->meta, "augment", drawn.s);
    free(drawn.s);
    return EXIT_DONE;
}
