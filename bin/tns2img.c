/* tns2img: writes each image of a stream into a file of its own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "formats/file_name.h"
#include "formats/image_write.h"
#include "lib/par.h"
#include "lib/prog.h"

enum { PNG, JPEG };
static const char *dir;
static int format = PNG;
static int64_t quality = 90, first;

static const opt options[] = {
    {'d', "dir", OPT_TEXT, &dir, "DIR", 0, 0, OPT_REQUIRED, "directory to write into; made when it isn't there"},
    {'n', "count", OPT_INT, &first, "N", 1, 1e18, 0, "write the first N images (default: all)"},
    {0, "format", OPT_CHOICE, &format, "png|jpeg", 0, 0, 0, "format of the files (default png)"},
    {0, "quality", OPT_INT, &quality, "N", 1, 100, 0, "quality of JPEG (default 90)"},
    {0}};
static const program self = {.name = "tns2img",
                             .summary = "write each image of a stream as a PNG or JPEG file",
                             .operands = "[FILE]",
                             .max_operands = 1,
                             .options = options,
                             .uses = PROG_TEXT,
                             .notes = "faceyolo -m yolov8n-face.tns photos.tns | tns2img -d faces"};

typedef struct {
    tns_frame f;
    text range, name, file;
    bool has_range, ok;
    char err[512];
} item;

static void encode(void *slot, void *shared) {
    (void)shared;
    item *it = slot;
    picture p = {0};
    it->ok = picture_from_frame(&p, &it->f, it->has_range ? it->range.s : NULL, it->err) &&
             (format == PNG ? image_write_png(&p, &it->file, it->err) : image_write_jpeg(&p, (int)quality, &it->file, it->err));
    picture_free(&p);
}

/* Makes the directories that path is in. */
static void make_directories(const char *path) {
    static text made; /* where the last one went: mostly it is the same again */
    size_t n = (size_t)(strrchr(path, '/') - path);
    if (made.len == n && !memcmp(made.s, path, n)) return;
    char *copy = xstrdup(path);
    for (char *p = copy + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        if (mkdir(copy, 0777) < 0 && errno != EEXIST) die(EXIT_FAILED, "%s:", copy);
        *p = '/';
    }
    free(copy);
    made.len = 0;
    text_addn(&made, path, n);
}

/* Runs in the order of the stream, so what is there after a failure are the images before it. */
static void write_out(void *slot, void *shared) {
    item *it = slot;
    if (!it->ok) prog_bad_record(shared, &it->f, "%s", it->err);
    char *path = xasprintf("%s/%s", dir, it->name.s);
    make_directories(path);
    outfile *out = outfile_open(path);
    if (full_write(outfile_fd(out), it->file.s, it->file.len) < 0) die(EXIT_FAILED, "%s:", path);
    outfile_commit(out, false);
    text_add(&it->name, "\n");
    if (prog_given("output")) prog_print(it->name.s, it->name.len);
    prog_progress(it->f.seq + 1, 0, "images");
    free(path);
}

static void free_item(void *slot) {
    item *it = slot;
    tns_frame_free(&it->f);
    free(it->range.s);
    free(it->name.s);
    free(it->file.s);
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    if (!*dir) prog_usage("--dir is empty; the directory here is .");
    prog_input *in = prog_open(prog.operand[0]);
    par *p = par_start((int)prog.threads, sizeof(item), encode, write_out, in);
    file_names taken = {0};
    tns_frame f = {0};
    text range = {0}, key = {0};
    bool has_range = false;
    int64_t n = 0;
    while ((!first || n < first) && prog_next(in, &f)) {
        if (f.type == 'H') has_range = tns_meta_get(&f.meta, "range", &range);
        if (f.type != 'R') continue;
        item *it = par_item(p);
        tns_frame_swap(&it->f, &f);
        file_names_new(&taken, &it->name, tns_meta_get(&it->f.meta, "key", &key), format == PNG ? ".png" : ".jpg");
        it->range.len = 0;
        it->has_range = has_range;
        if (has_range) text_add(&it->range, range.s);
        par_put(p);
        n++;
    }
    par_drain(p);
    par_stop(p, free_item);
    free(taken.slot);
    free(range.s);
    free(key.s);
    tns_frame_free(&f);
    prog_close(in);
    return prog_finish();
}
