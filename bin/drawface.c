/* drawface: photos of people who don't exist, as a stream. */
#include <inttypes.h>
#include <string.h>

#include "lib/draw.h"
#include "lib/par.h"
#include "lib/prog.h"

static int64_t count = 1, start;
static const char *size, *label;
static bool scene;
static int style;

static const opt options[] = {
    {'n', "count", OPT_INT, &count, "N", 0, 1e15, OPT_PG, "draw N photos (default 1)"},
    {0, "size", OPT_TEXT, &size, "N|WxH", 0, 0, OPT_PG, "pixels, 8 to 2048 a side (default 64; with --scene 256)"},
    {0, "scene", OPT_FLAG, &scene, NULL, 0, 0, OPT_PG, "several people in a place, not one face"},
    {0, "style", OPT_CHOICE, &style, "real|fake", 0, 0, OPT_PG, "fake: with faults that generated faces have (default real)"},
    {0, "start", OPT_INT, &start, "N", 0, 1e15, OPT_PG, "begin with photo N (default 0), to draw a set in parts"},
    {0, "label", OPT_TEXT, &label, "LABEL", 0, 0, OPT_PG, "label of the records (default: the style)"},
    {0},
};

static const program self = {
    .name = "drawface",
    .summary = "draw photos of faces, with exact boxes and attributes",
    .operands = "",
    .options = options,
    .uses = PROG_SEED,
    .notes = "Example: drawface -n 64 | tview --tty\n",
};

typedef struct {
    tns_frame frame;
    int64_t number;
    draw_canvas *canvas;
} item;

typedef struct {
    draw_options o;
    uint64_t done;
} job;

static void draw_item(void *item_pointer, void *shared) {
    item *it = item_pointer;
    const job *j = shared;
    char key[64];
    snprintf(key, sizeof key, "draw/%s%s/%06" PRId64, j->o.fake ? "fake" : "real", j->o.scene ? "-scene" : "", it->number);
    if (!it->canvas) it->canvas = draw_canvas_new(&j->o);
    if (!it->canvas || !tns_frame_shape(&it->frame, TNS_U8, 3, (uint32_t[]){j->o.height, j->o.width, 3}))
        die(EXIT_FAILED, "no memory for a picture of %ux%u", j->o.width, j->o.height);
    it->frame.type = 'R';
    tns_meta_clear(&it->frame.meta);
    tns_meta_add(&it->frame.meta, "key", key);
    tns_meta_add(&it->frame.meta, "label", label);
    rng r = rng_make(prog.seed, "drawface", key, 0);
    draw_picture(it->canvas, &r, it->frame.data, &it->frame.meta);
}

static void write_item(void *item_pointer, void *shared) {
    item *it = item_pointer;
    job *j = shared;
    prog_write(&it->frame);
    prog_progress(++j->done, (uint64_t)count, "photos");
}

static void free_item(void *item_pointer) {
    item *it = item_pointer;
    tns_frame_free(&it->frame);
    draw_canvas_free(it->canvas);
}

static bool parse_side(const char *s, size_t n, uint32_t *side) {
    char word[16];
    int64_t v;
    if (n >= sizeof word) return false;
    memcpy(word, s, n), word[n] = 0;
    if (!parse_i64(word, &v) || v < DRAW_MIN_SIDE || v > DRAW_MAX_SIDE) return false;
    *side = (uint32_t)v;
    return true;
}

/* "64" or "320x240" */
static bool parse_sides(const char *s, draw_options *o) {
    const char *x = strchr(s, 'x'), *tall = x ? x + 1 : s;
    return parse_side(s, x ? (size_t)(x - s) : strlen(s), &o->width) && parse_side(tall, strlen(tall), &o->height);
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    job j = {.o = {.scene = scene, .fake = style == 1}};
    if (!size) size = scene ? "256" : "64";
    if (!label) label = j.o.fake ? "fake" : "real";
    if (!parse_sides(size, &j.o))
        prog_usage("--size %s: expected N or WxH, each from %d to %d", size, DRAW_MIN_SIDE, DRAW_MAX_SIDE);

    tns_frame f = {0};
    prog_source_header(&f, "images");
    prog_write(&f);
    par *p = par_start((int)prog.threads, sizeof(item), draw_item, write_item, &j);
    for (int64_t i = 0; i < count; i++) {
        item *it = par_item(p);
        it->number = start + i;
        par_put(p);
    }
    par_drain(p);
    par_stop(p, free_item);
    f.type = 'E';
    tns_meta_clear(&f.meta);
    prog_write(&f);
    tns_frame_free(&f);
    return prog_finish();
}
