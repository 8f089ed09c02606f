/* faceyolo: finds faces in images by a YOLOv8 network, and cuts them out. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/face_crop.h"
#include "lib/par.h"
#include "lib/prog.h"

enum { BEST, FIRST, LARGEST, ALL };
enum { NO_FACE, SMALL, REASONS };
static const char *const reason_name[REASONS] = {"no-face", "small"};

static const char *model_path, *drops_path;
static int64_t size = 200, face_class = -1;
static double least = 50, conf = .25, iou = .7, margin;
static int pick, aspect;
static bool mark;

static const opt options[] = {
    {'m', "model", OPT_TEXT, &model_path, "MODEL", 0, 0, OPT_REQUIRED,
     "the network with its weights: a .tns, or FILE:NAME of a state"},
    {0, "size", OPT_INT, &size, "N", 1, 16384, OPT_PG, "a crop's sides in pixels (default 200)"},
    {0, "min", OPT_FLOAT, &least, "PIXELS", 0, 1e9, OPT_PG,
     "pass over faces with a shorter side, in the image as it came (default 50)"},
    {0, "conf", OPT_FLOAT, &conf, "P", 0, 1, OPT_PG, "only faces that the network is surer of (default .25)"},
    {0, "iou", OPT_FLOAT, &iou, "P", 0, 1, OPT_PG, "of two that overlap more, only the surer one (default .7)"},
    {0, "pick", OPT_CHOICE, &pick, "best|first|largest|all", 0, 0, OPT_PG,
     "of the faces that are large enough the surest (default), or the surest of all, the largest, each"},
    {0, "margin", OPT_FLOAT, &margin, "F", 0, 100, OPT_PG, "cut out more on each side, times the face's (default 0)"},
    {0, "aspect", OPT_CHOICE, &aspect, "stretch|keep", 0, 0, OPT_PG, "scale the box to the crop (default), or cut out a square"},
    {0, "class", OPT_INT, &face_class, "N", 0, 100000, OPT_PG, "the class that is a face, from 0, of a network of several"},
    {0, "boxes", OPT_FLAG, &mark, NULL, 0, 0, OPT_PG, "pass the images on, with the faces as face= lines"},
    {0, "drops", OPT_TEXT, &drops_path, "FILE", 0, 0, 0, "list what was dropped: key and reason, tab-separated"},
    {0}};
static const program self = {.name = "faceyolo",
                             .summary = "find faces in images and cut them out",
                             .operands = "[FILE]",
                             .max_operands = 1,
                             .options = options,
                             .notes = "imgnorm photos | faceyolo -m face.tns | tview -o faces.png\n"
                                      "imgnorm photos | faceyolo -m face.tns --boxes | tview --boxes -o boxes.png"};

/* An image on its way, with the faces in it. */
typedef struct {
    tns_frame in, *crop;
    int crops, room, dropped[REASONS];
    detect_status status;
    const char *bad; /* a line of its metadata that isn't numbers */
    bool no_memory;
    detections found;
} item;

static detector d;
static prog_input *input;
static uint64_t images, written, dropped[REASONS];
static outfile *drops;
static FILE *drops_file;

/* ---- one image, in a worker ---- */

static bool large_enough(const detection *f) {
    return f->x2 - f->x1 >= least && f->y2 - f->y1 >= least;
}

/* Moves the faces to be cut out to the front and returns how many; counts the image, or with ALL each face, that is dropped. */
static int choose(item *it) {
    detection *f = it->found.face;
    int count = it->found.count, chosen = 0;
    it->dropped[NO_FACE] = !count;
    if (pick == FIRST && count > 1) count = 1;
    for (int i = 0; i < count; i++)
        if (large_enough(&f[i])) f[chosen++] = f[i];
    it->dropped[SMALL] = pick == ALL ? count - chosen : count && !chosen;
    if (pick == LARGEST)
        for (int i = 1; i < chosen; i++)
            if ((f[i].x2 - f[i].x1) * (f[i].y2 - f[i].y1) > (f->x2 - f->x1) * (f->y2 - f->y1)) f[0] = f[i];
    return pick == ALL || !chosen ? chosen : 1;
}

static void cut_out(item *it, int i) {
    face_crop how = {.size = (int)size, .margin = margin, .keep = aspect};
    tns_frame *crop = &it->crop[i];
    if (!face_crop_make(&how, &d, &it->found.face[i], &it->in, crop, &it->bad)) {
        it->no_memory = !it->bad;
        return;
    }
    text key = {0};
    if (i && tns_meta_get(&crop->meta, "key", &key)) {
        text_addf(&key, "#%d", i + 1);
        tns_meta_set(&crop->meta, "key", key.s);
    }
    free(key.s);
}

static void work(void *slot, void *shared) {
    (void)shared;
    item *it = slot;
    it->bad = NULL, it->no_memory = false, it->crops = 0;
    it->status = detect(&d, it->in.data, (int)it->in.shape[0], (int)it->in.shape[1], conf, iou, &it->found);
    if (it->status != DETECT_DONE) return;
    if (mark) {
        face_mark(&it->in.meta, &d, &it->found);
        return;
    }
    it->crops = choose(it);
    if (it->crops > it->room) {
        it->crop = xrealloc(it->crop, (size_t)it->crops * sizeof *it->crop);
        memset(it->crop + it->room, 0, (size_t)(it->crops - it->room) * sizeof *it->crop);
        it->room = it->crops;
    }
    for (int i = 0; i < it->crops && !it->bad && !it->no_memory; i++) cut_out(it, i);
}

/* ---- in order, in the main thread ---- */

static void count_drops(const item *it) {
    text key = {0};
    for (int why = 0; why < REASONS; why++)
        for (int i = 0; i < it->dropped[why]; i++) {
            dropped[why]++;
            if (drops) fprintf(drops_file, "%s\t%s\n", tns_meta_get(&it->in.meta, "key", &key), reason_name[why]);
        }
    free(key.s);
}

static void done(void *slot, void *shared) {
    (void)shared;
    item *it = slot;
    if (it->status == DETECT_NOT_FINITE) prog_bad_record(input, &it->in, "makes the network give a value that isn't finite");
    if (it->bad) prog_bad_record(input, &it->in, "%s= isn't a list of numbers", it->bad);
    if (it->status == DETECT_NO_MEMORY || it->no_memory)
        die(EXIT_FAILED, "no memory for an image of %u x %u", it->in.shape[1], it->in.shape[0]);
    if (mark) {
        prog_write(&it->in);
        written++;
    } else {
        for (int i = 0; i < it->crops; i++) prog_write(&it->crop[i]), written++;
        count_drops(it);
    }
    prog_progress(++images, 0, "images");
}

static void item_free(void *slot) {
    item *it = slot;
    tns_frame_free(&it->in);
    for (int i = 0; i < it->room; i++) tns_frame_free(&it->crop[i]);
    free(it->crop);
    detections_free(&it->found);
}

static void put(par *p, tns_frame *f) {
    bool good = f->rank == 3 && f->dtype == TNS_U8 && f->shape[2] == 3 && f->shape[0] && f->shape[1] && f->shape[0] <= 1 << 16 &&
                f->shape[1] <= 1 << 16;
    if (!good) {
        char shape[80];
        par_drain(p);
        tns_shape_text(f, shape);
        prog_bad_record(input, f, "%s of %s; an image of u8, height x width x 3, is wanted (imgnorm makes them)", shape,
                        tns_dtype_name(f->dtype));
    }
    item *it = par_item(p);
    tns_frame_swap(&it->in, f);
    par_put(p);
}

/* Says on E how many were dropped, by reason; a segment's own count. */
static void end_segment(tns_frame *e, uint64_t before[REASONS]) {
    for (int i = 0; i < REASONS; i++) {
        if (dropped[i] > before[i]) tns_meta_addf(&e->meta, "dropped", "%s:%" PRIu64, reason_name[i], dropped[i] - before[i]);
        before[i] = dropped[i];
    }
    prog_write(e);
}

static void finish(void) {
    uint64_t all = dropped[NO_FACE] + dropped[SMALL];
    if (!written)
        die(EXIT_FAILED, "no face at all in %" PRIu64 " images (no-face %" PRIu64 ", small %" PRIu64 ")", images,
            dropped[NO_FACE], dropped[SMALL]);
    if (all && !prog.quiet)
        warn("%s %" PRIu64 " of %" PRIu64 ": no-face %" PRIu64 ", small %" PRIu64, "dropped", all,
             pick == ALL ? all + written : images, dropped[NO_FACE], dropped[SMALL]);
    if (!drops) return;
    if (ferror(drops_file) | fclose(drops_file)) die(EXIT_FAILED, "%s:", drops_path);
    outfile_commit(drops, false);
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    char err[MODEL_ERROR];
    bool corrupt;
    if (mark && drops_path) prog_usage("--boxes drops nothing, so --drops has nothing to list");
    if (!detector_open(&d, model_path, face_class, err, &corrupt)) die(corrupt ? EXIT_CORRUPT : EXIT_FAILED, "%s", err);
    input = prog_open(prog.operand[0]);
    if (drops_path) {
        drops = outfile_open(drops_path);
        drops_file = fdopen(dup(outfile_fd(drops)), "w");
        if (!drops_file) die(EXIT_FAILED, "%s:", drops_path);
    }

    par *p = par_start((int)prog.threads, sizeof(item), work, done, NULL);
    tns_frame f = {0};
    uint64_t before[REASONS] = {0};
    while (prog_next(input, &f)) {
        if (f.type == 'R') {
            put(p, &f);
            continue;
        }
        par_drain(p);
        if (f.type == 'H') {
            char *extra = xasprintf("--model=MODEL_%016" PRIx64, d.m.checksum);
            prog_add_pg(&f.meta, extra);
            free(extra);
            prog_write(&f);
        } else {
            end_segment(&f, before);
        }
    }
    finish();
    par_stop(p, item_free);
    prog_close(input);
    tns_frame_free(&f);
    detector_close(&d);
    return prog_finish();
}
