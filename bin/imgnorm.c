/* imgnorm: image files, or a stream of images, to a stream of images of one kind. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/file_list.h"
#include "formats/groups.h"
#include "formats/image_read.h"
#include "lib/fit.h"
#include "lib/par.h"
#include "lib/prog.h"

static const char *size, *label, *root, *group_re, *group_from;
static int fit_as, kernel = RESIZE_BICUBIC, dtype, range;
static int64_t count, max_pixels = 200000000;
static bool label_from_dir, strict, lines, nuls;

static const opt options[] = {
    {0, "size", OPT_TEXT, &size, "N|WxH", 0, 0, OPT_PG, "scale to this (default: as they are)"},
    {0, "fit", OPT_CHOICE, &fit_as, "stretch|cover|contain", 0, 0, OPT_PG,
     "change proportions (default), cut what is too long, or add black"},
    {0, "kernel", OPT_CHOICE, &kernel, "nearest|bilinear|bicubic|lanczos3", 0, 0, OPT_PG, "how to scale (default bicubic)"},
    {0, "dtype", OPT_CHOICE, &dtype, "u8|f32", 0, 0, OPT_PG, "numbers of the output (default u8)"},
    {0, "range", OPT_CHOICE, &range, "0:1|-1:1", 0, 0, OPT_PG, "black and white in f32 (default 0:1)"},
    {0, "label", OPT_TEXT, &label, "L", 0, 0, OPT_PG, "label of every record"},
    {0, "label-from-dir", OPT_FLAG, &label_from_dir, NULL, 0, 0, OPT_PG, "label: the first directory below DIR"},
    {0, "root", OPT_TEXT, &root, "DIR", 0, 0, 0, "key files as if found below DIR"},
    {0, "group-re", OPT_TEXT, &group_re, "RE", 0, 0, OPT_PG, "group: the first capture of RE in the key, or the match"},
    {0, "group-from", OPT_TEXT, &group_from, "TSV", 0, 0, 0,
     "group: from a file of keys and groups; with --group-re for those that aren't in it"},
    {'n', NULL, OPT_INT, &count, "N", 0, 1e15, OPT_PG, "only the first N images (default 0: all)"},
    {0, "max-pixels", OPT_INT, &max_pixels, "N", 1, 1e15, OPT_PG, "skip larger pictures (default 200000000)"},
    {0, "strict", OPT_FLAG, &strict, NULL, 0, 0, 0, "a file that would be skipped ends the program"},
    {'@', NULL, OPT_FLAG, &lines, NULL, 0, 0, 0, "names on standard input, a line each"},
    {'0', NULL, OPT_FLAG, &nuls, NULL, 0, 0, 0, "names on standard input, each ended by a NUL byte"},
    {0}};
static const program self = {.name = "imgnorm",
                             .summary = "read images, scale them, make a stream of them",
                             .operands = "[FILE|DIR]...",
                             .max_operands = -1,
                             .options = options,
                             .notes = "Without operands, -@ and -0: a stream of images on standard input.\n"
                                      "imgnorm --size 64 photos | tshuf - | ..."};

typedef struct {
    char *path; /* of a file, or NULL: `in` is the image */
    tns_frame in, out; /* out.meta is made by whoever fills the item */
    image_status status;
    char why[IMAGE_WHY];
} item;

static planes **own_planes; /* a thread's own, for pictures that come line by line */
static int width, height; /* of --size, or 0 */
static float low, high = 1; /* of f32 output */
static groups *group_table, *group_rule; /* the table first */
static prog_input *input; /* NULL: files */
static double in_low, in_high; /* of the stream's header */
static uint64_t written, skipped[IMAGE_LARGE + 1], no_group;
static text first_without;

static bool enough(void) {
    return count && written == (uint64_t)count;
}

/* ---- one image, in a worker ---- */

static uint64_t record_size(int w, int h) {
    return (uint64_t)w * (uint64_t)h * 3 * (dtype ? 4 : 1);
}

static tns_dtype out_dtype(void) {
    return dtype ? TNS_F32 : TNS_U8;
}

static _Noreturn void no_memory(int w, int h) {
    die(EXIT_FAILED, "no memory for an image of %d x %d", w, h);
}

static void draw(item *it, const resize_source *src, const resize_box *picture) {
    int w = width ? width : src->width, h = width ? height : src->height;
    uint64_t bytes = record_size(w, h);
    fit f = fit_make((fit_kind)fit_as, picture, w, h);
    points_map moved = fit_points(&f);
    const char *bad;
    if (bytes > prog.max_record) {
        it->status = IMAGE_LARGE;
        snprintf(it->why, sizeof it->why, "would be a record of %" PRIu64 " bytes, more than --max-record", bytes);
    } else if (!points_move(&it->out.meta, &moved, w, h, &bad)) {
        it->status = IMAGE_BROKEN;
        snprintf(it->why, sizeof it->why, "%s= isn't a list of numbers", bad);
    } else if (!fit_draw(&f, src, (resize_kernel)kernel, out_dtype(), low, high, &it->out)) {
        no_memory(w, h);
    }
}

static bool begin_planes(const image *im, void *shared) {
    item *it = shared;
    fit f = fit_make((fit_kind)fit_as, &im->box, width, height);
    bool starved;
    if (record_size(width, height) > prog.max_record) return false;
    planes **p = &own_planes[par_worker()];
    if (!*p) *p = planes_new();
    bool begun = fit_begin(&f, im->plane, &im->box, (resize_kernel)kernel, out_dtype(), *p, &it->out, &starved);
    if (starved) no_memory(width, height);
    return begun;
}

static uint8_t *room(int plane, int ahead, void *shared) {
    (void)shared;
    return planes_room(own_planes[par_worker()], plane, ahead);
}

static void take_lines(int plane, int n, void *shared) {
    (void)shared;
    planes_lines(own_planes[par_worker()], plane, n);
}

static void work_file(item *it) {
    image_want want = {.max_pixels = (uint64_t)max_pixels};
    if (width) want.begin = begin_planes, want.room = room, want.lines = take_lines, want.shared = it;
    if (kernel != RESIZE_NEAREST) want.target_width = width, want.target_height = height;
    image im;
    it->status = image_read(it->path, &want, &im, it->why);
    if (it->status != IMAGE_DONE) return;
    tns_meta_addf(&it->out.meta, "src_size", "%dx%d", im.src_width, im.src_height);
    tns_meta_add(&it->out.meta, "src_format", im.format);
    if (*im.jpeg) tns_meta_add(&it->out.meta, "jpeg", im.jpeg);
    if (im.rgb)
        draw(it, &(resize_source){im.width, im.height, 3, im.rgb, NULL, im.shrunk}, &im.box);
    else if (!fit_end(own_planes[par_worker()], out_dtype(), low, high, &it->out))
        no_memory(width, height);
    free(im.rgb);
}

/* A record of a stream as 3 channels of 0..255. Its values are within the range of its header, or it is at fault. */
static void work_record(item *it) {
    const tns_frame *f = &it->in;
    int h = (int)f->shape[0], w = (int)f->shape[1], channels = (int)f->shape[2];
    size_t n = (size_t)w * (size_t)h;
    float *values = NULL;
    it->status = IMAGE_DONE;
    if (f->dtype == TNS_F32 || channels == 1) {
        values = xarray(n * 3, sizeof *values);
        double scale = 255 / (in_high - in_low);
        for (size_t i = 0; i < n * 3; i++) {
            size_t from = channels == 1 ? i / 3 : i;
            float v = f->dtype == TNS_F32 ? ((const float *)f->data)[from] : ((const uint8_t *)f->data)[from];
            if (!isfinite(v)) {
                it->status = IMAGE_BROKEN;
                snprintf(it->why, sizeof it->why, "has a value that isn't finite");
            }
            values[i] = (float)((v - in_low) * scale);
        }
    }
    if (it->status == IMAGE_DONE)
        draw(it, &(resize_source){w, h, 3, values ? NULL : f->data, values, 1}, &(resize_box){0, 0, w, h});
    free(values);
}

static void work(void *slot, void *shared) {
    (void)shared;
    item *it = slot;
    if (it->path && it->status == IMAGE_DONE)
        work_file(it);
    else if (!it->path)
        work_record(it);
}

/* ---- in order, in the main thread ---- */

static void done(void *slot, void *shared) {
    (void)shared;
    item *it = slot;
    if (enough()) return;
    if (it->status != IMAGE_DONE && input) {
        if (it->status == IMAGE_BROKEN) prog_bad_record(input, &it->in, "%s", it->why);
        text key = {0};
        die(EXIT_FAILED, "record %" PRIu64 " (key %s): %s", it->in.seq, tns_meta_get(&it->in.meta, "key", &key), it->why);
    }
    if (it->status == IMAGE_FAILED)
        die(EXIT_FAILED, "%s: %s", it->path, it->why); /* the set would lack it for no fault of its own */
    if (it->status != IMAGE_DONE) {
        if (strict) die(it->status == IMAGE_BROKEN ? EXIT_CORRUPT : EXIT_FAILED, "%s: %s", it->path, it->why);
        skipped[it->status]++;
        if (!prog.quiet) warn("skipped %s: %s (%s)", it->path, it->why, image_status_name(it->status));
        return;
    }
    text found = {0};
    if ((group_table || group_rule) && !tns_meta_get(&it->out.meta, "group", &found) && !no_group++)
        text_add(&first_without, tns_meta_get(&it->out.meta, "key", &found));
    free(found.s);
    it->out.type = 'R';
    prog_write(&it->out);
    prog_progress(++written, (uint64_t)count, "images");
}

/* Label and group, of a record that has its key. */
static void add_label(tns_meta *m, const char *key, const char *l) {
    if (l) tns_meta_set(m, "label", l);
    char *group = group_table ? groups_find(group_table, key) : NULL;
    if (!group && group_rule) group = groups_find(group_rule, key);
    if (group) tns_meta_set(m, "group", group);
    free(group);
}

/* Says on H what the images are, and where they come from. */
static void finish_header(tns_frame *h) {
    tns_meta_set(&h->meta, "kind", "images");
    tns_meta_set(&h->meta, "axes", "hwc");
    tns_meta_set(&h->meta, "range", !dtype ? "0:255" : range ? "-1:1" : "0:1");
    tns_meta_set(&h->meta, "space", "srgb");
    char *extra = group_from ? xasprintf("--group-from=%016" PRIx64, groups_digest(group_table)) : NULL;
    prog_add_pg(&h->meta, extra);
    free(extra);
    prog_write(h);
}

static void from_files(par *p) {
    tns_frame h = {.type = 'H'}, e = {.type = 'E'};
    finish_header(&h);
    file_list *l = file_list_open(prog.operand, lines ? '\n' : nuls ? 0 : -1, root);
    file_entry f;
    while (!enough() && file_list_next(l, &f)) {
        item *it = par_item(p);
        free(it->path);
        it->path = xstrdup(f.path);
        it->status = f.error ? IMAGE_UNREADABLE : IMAGE_DONE;
        snprintf(it->why, sizeof it->why, "%s", f.error ? f.error : "");
        tns_meta_clear(&it->out.meta);
        tns_meta_add(&it->out.meta, "key", f.key);
        if (label_from_dir && !f.first_dir && !f.error)
            die(EXIT_FAILED, "%s: --label-from-dir, and it is in no directory below the one given", f.path);
        add_label(&it->out.meta, f.key, label_from_dir ? f.first_dir : label);
        par_put(p);
    }
    par_drain(p);
    file_list_close(l);

    uint64_t all = 0;
    text reasons = {0};
    for (int i = IMAGE_UNREADABLE; i <= IMAGE_LARGE; i++) {
        if (!skipped[i]) continue;
        all += skipped[i];
        text_addf(&reasons, "%s%s %" PRIu64, reasons.len ? ", " : "", image_status_name((image_status)i), skipped[i]);
        tns_meta_addf(&e.meta, "dropped", "%s:%" PRIu64, image_status_name((image_status)i), skipped[i]);
    }
    if (!written) die(EXIT_FAILED, "no image at all%s%s", all ? ": " : "", all ? reasons.s : "");
    if (all && !prog.quiet) warn("skipped %" PRIu64 " of %" PRIu64 " files: %s", all, all + written, reasons.s);
    prog_write(&e);
    free(reasons.s);
    tns_frame_free(&h);
    tns_frame_free(&e);
}

/* Takes in what the stream's header says of its values. */
static void read_header(const tns_frame *h) {
    text v = {0};
    const char *s = tns_meta_get(&h->meta, "kind", &v);
    if (s && strcmp(s, "images")) prog_bad_record(input, h, "a stream of %s; images are wanted", s);
    s = tns_meta_get(&h->meta, "axes", &v);
    if (s && strcmp(s, "hwc")) prog_bad_record(input, h, "axes=%s; hwc is wanted", s);
    s = tns_meta_get(&h->meta, "space", &v);
    if (s && strcmp(s, "srgb")) prog_bad_record(input, h, "space=%s; srgb is wanted", s);
    s = tns_meta_get(&h->meta, "range", &v);
    in_low = 0, in_high = 255;
    char *colon = s ? strchr(v.s, ':') : NULL;
    if (colon) *colon = 0;
    if (s && (!colon || !parse_f64(v.s, &in_low) || !parse_f64(colon + 1, &in_high) || in_low >= in_high))
        prog_bad_record(input, h, "range= isn't LOW:HIGH");
    free(v.s);
}

static void check_record(par *p, const tns_frame *f) {
    bool image_shape = f->rank == 3 && f->shape[0] && f->shape[1] && (f->shape[2] == 1 || f->shape[2] == 3);
    bool small = f->shape[0] <= 1 << 28 && f->shape[1] <= 1 << 28;
    bool good = image_shape && small && (f->dtype == TNS_U8 || f->dtype == TNS_F32);
    if (good && (f->dtype == TNS_F32 || (in_low == 0 && in_high == 255))) return;
    char shape[80];
    par_drain(p);
    tns_shape_text(f, shape);
    if (good) prog_bad_record(input, f, "u8, and the header's range= isn't 0:255");
    prog_bad_record(input, f, "%s of %s; an image is wanted: height x width x 3 (or 1) of u8 or f32", shape,
                    tns_dtype_name(f->dtype));
}

static void from_stream(par *p) {
    input = prog_open(NULL);
    tns_frame f = {0};
    text key = {0};
    int64_t taken = 0;
    while (prog_next(input, &f)) {
        if (f.type == 'R') {
            check_record(p, &f);
            item *it = par_item(p);
            tns_frame_swap(&it->in, &f);
            tns_meta_copy(&it->out.meta, &it->in.meta);
            add_label(&it->out.meta, tns_meta_get(&it->in.meta, "key", &key), label);
            par_put(p);
            if (++taken != count) continue;
            tns_frame_free(&f);
            f = (tns_frame){.type = 'E'}; /* the first N: what follows isn't waited for */
        }
        par_drain(p);
        if (f.type == 'H') {
            read_header(&f);
            finish_header(&f);
        } else {
            prog_write(&f);
            if (taken == count && count) break;
        }
    }
    if (!written) die(EXIT_FAILED, "no image at all");
    free(key.s);
    tns_frame_free(&f);
    prog_close(input);
}

static void item_free(void *slot) {
    item *it = slot;
    free(it->path);
    tns_frame_free(&it->in);
    tns_frame_free(&it->out);
}

/* "64" or "178x218" */
static bool parse_size_option(const char *s) {
    const char *x = strchr(s, 'x');
    char *first = x ? xasprintf("%.*s", (int)(x - s), s) : xstrdup(s);
    int64_t w, h;
    bool good = parse_i64(first, &w) && parse_i64(x ? x + 1 : first, &h) && w >= 1 && h >= 1 && w <= 65535 && h <= 65535;
    free(first);
    if (good) width = (int)w, height = (int)h;
    return good;
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    bool listed = lines || nuls,
         stream = !listed && (prog.operands == 0 || (prog.operands == 1 && !strcmp(prog.operand[0], "-")));
    if (size && !parse_size_option(size)) prog_usage("--size %s: not N or WxH, from 1 to 65535", size);
    if (range && !dtype)
        prog_usage("--range -1:1 is of --dtype f32; u8 is 0:255"); /* 0:1 is the default, which histories name too */
    if (label && label_from_dir) prog_usage("--label and --label-from-dir: one of them");
    if (lines && nuls) prog_usage("-@ and -0: one of them");
    if (listed && prog.operands) prog_usage("names are on standard input, or operands: not both");
    if (stream && (root || label_from_dir)) prog_usage("--root and --label-from-dir are for files, not for a stream");
    if (stream && isatty(0)) prog_usage("no images: name files or directories, or put a stream before a pipe");
    if (range) low = -1;
    if (group_re) group_rule = groups_from_regex(group_re);
    if (group_from) group_table = groups_from_table(group_from);

    own_planes = xarray((size_t)prog.threads, sizeof(planes *));
    par *p = par_start((int)prog.threads, sizeof(item), work, done, NULL);
    if (stream)
        from_stream(p);
    else
        from_files(p);
    par_stop(p, item_free);
    for (int64_t i = 0; i < prog.threads; i++) planes_free(own_planes[i]);
    free(own_planes);
    if (no_group && !prog.quiet) warn("%" PRIu64 " images are in no group, the first: %s", no_group, first_without.s);
    groups_free(group_table);
    groups_free(group_rule);
    free(first_without.s);
    return prog_finish();
}
