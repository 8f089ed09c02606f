/* npy2tns: NumPy's arrays as a stream; the first axis counts the records. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/npy.h"
#include "lib/prog.h"

static const char *kind, *key, *keys, *label, *labels, *range, *axes, *space;
static bool whole;

static const opt options[] = {
    {0, "kind", OPT_TEXT, &kind, "KIND", 0, 0, OPT_PG,
     "images, features, scores... (default: images for u8 of N,H,W,1-4, else features)"},
    {0, "key", OPT_TEXT, &key, "NAME", 0, 0, OPT_PG,
     "keys are NAME/0, NAME/1... over all files (default: each file's name without .npy)"},
    {0, "keys", OPT_TEXT, &keys, "FILE", 0, 0, OPT_PG, "take the keys from FILE, a line a record"},
    {0, "label", OPT_TEXT, &label, "L", 0, 0, OPT_PG, "give every record label=L"},
    {0, "labels", OPT_TEXT, &labels, "FILE", 0, 0, OPT_PG, "take the labels from FILE: a line a record, or .npy of integers"},
    {0, "range", OPT_TEXT, &range, "LO:HI", 0, 0, OPT_PG, "what images hold (default for u8 0:255)"},
    {0, "axes", OPT_TEXT, &axes, "AXES", 0, 0, OPT_PG, "what a record's axes are (default for images hwc)"},
    {0, "space", OPT_TEXT, &space, "SPACE", 0, 0, OPT_PG, "colour space of images (default srgb)"},
    {0, "whole", OPT_FLAG, &whole, NULL, 0, 0, OPT_PG, "a file is one record, not its first axis"},
    {0}};
static const program self = {.name = "npy2tns",
                             .summary = "make a stream of NumPy arrays",
                             .operands = "[FILE]...",
                             .max_operands = -1,
                             .options = options,
                             .notes = "npy2tns --label real x_train.npy | tview -o sheet.png\n"
                                      "npy2tns --labels y.npy --range 0:1 --kind images x.npy -o x.tns"};

/* Values that come one a record, in order. */
typedef struct {
    const char *path, *next;
    uint64_t count;
    text lines;
} column;

static void column_open(column *c, const char *path) {
    char err[256];
    if (!path) return;
    const char *wrong = npy_read_lines(path, &c->lines, &c->count, err);
    if (wrong) die(EXIT_FAILED, "%s: %s", path, wrong);
    c->path = path;
    c->next = c->lines.s;
}

/* The next value; ends the program when there is none left. */
static const char *column_next(column *c) {
    if (!c->next || !*c->next) die(EXIT_FAILED, "%s: %" PRIu64 " values, and more records", c->path, c->count);
    char *s = (char *)c->next, *end = strchr(s, '\n');
    *end = 0;
    c->next = end + 1;
    return s;
}

static void write_header(const npy_header *h, const char *name) {
    static const char *chosen, *first_name;
    bool images = h->dtype == TNS_U8 && h->rank == 4 && h->shape[3] >= 1 && h->shape[3] <= 4 && !whole;
    const char *k = kind ? kind : images ? "images" : "features";
    if (chosen && strcmp(chosen, k)) die(EXIT_FAILED, "%s would be %s, and %s is %s: say --kind", name, k, first_name, chosen);
    if (chosen) return;
    chosen = k, first_name = name;
    tns_frame f = {.type = 'H'};
    images = !strcmp(k, "images");
    if (images && !range && h->dtype != TNS_U8) prog_usage("%s: images of %s need a --range", name, tns_dtype_name(h->dtype));
    const char *said[][3] = {{"axes", axes, "hwc"}, {"range", range, "0:255"}, {"space", space, "srgb"}};
    tns_meta_add(&f.meta, "kind", k);
    for (int i = 0; i < 3; i++)
        if (said[i][1] || images) tns_meta_add(&f.meta, said[i][0], said[i][1] ? said[i][1] : said[i][2]);
    prog_add_pg(&f.meta, NULL);
    prog_write(&f);
    tns_frame_free(&f);
}

static void convert(const char *path, column *key_column, column *label_column) {
    static uint64_t total;
    char err[256], stem[4096];
    int is_errno, fd = path && strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : 0;
    const char *name = fd ? path : "standard input";
    if (fd < 0) die(EXIT_FAILED, "%s:", path);
    if (!fd && isatty(0)) die(EXIT_USAGE, "no arrays from a terminal: give a file");
    npy_header h;
    const char *wrong = npy_read_header(fd, &h, err, &is_errno);
    if (wrong) die(is_errno ? EXIT_FAILED : EXIT_CORRUPT, "%s: %s", name, wrong);
    int skip = whole ? 0 : 1, rank = h.rank - skip;
    if (rank < 0) die(EXIT_FAILED, "%s: a single number has no axis of records; say --whole", name);
    if (rank > TNS_MAX_RANK) die(EXIT_FAILED, "%s: a record would have %d axes, and %d is the most", name, rank, TNS_MAX_RANK);
    write_header(&h, name);

    tns_frame f = {.type = 'R'};
    uint64_t n = whole ? 1 : h.shape[0], bytes = tns_dtype_size(h.dtype);
    uint32_t shape[TNS_MAX_RANK] = {0};
    bool empty = false, over = false;
    for (int i = 0; i < rank; i++) {
        uint64_t d = h.shape[i + skip];
        over |= d > UINT32_MAX;
        empty |= d == 0;
        shape[i] = (uint32_t)d;
        bytes = d && bytes > prog.max_record / d ? UINT64_MAX : d ? bytes * d : bytes;
    }
    if (over || (!empty && bytes > prog.max_record))
        die(EXIT_FAILED, "%s: records over the limit of %" PRIu64 " bytes; --max-record raises it", name, prog.max_record);
    if (!tns_frame_shape(&f, h.dtype, rank, shape)) die(EXIT_FAILED, "%s: no memory for a record", name);
    snprintf(stem, sizeof stem, "%s", key ? key : fd ? path : "array");
    size_t len = strlen(stem);
    if (!key && len > 4 && !strcmp(stem + len - 4, ".npy")) stem[len - 4] = 0;

    for (uint64_t i = 0; i < n; i++, total++) {
        ptrdiff_t got = full_read(fd, f.data, f.data_len);
        if (got < 0) die(EXIT_FAILED, "%s:", name);
        if ((size_t)got < f.data_len) die(EXIT_CORRUPT, "%s: cut off in record %" PRIu64 " of %" PRIu64, name, i, n);
        if (h.swapped) npy_swap(f.data, tns_frame_count(&f), tns_dtype_size(h.dtype));
        tns_meta_clear(&f.meta);
        if (keys)
            tns_meta_add(&f.meta, "key", column_next(key_column));
        else if (whole && !key)
            tns_meta_add(&f.meta, "key", stem);
        else
            tns_meta_addf(&f.meta, "key", "%s/%" PRIu64, stem, key ? total : i);
        if (label || labels) tns_meta_add(&f.meta, "label", labels ? column_next(label_column) : label);
        prog_write(&f);
        prog_progress(i + 1, n, "records");
    }
    char more;
    ptrdiff_t beyond = full_read(fd, &more, 1);
    if (beyond < 0) die(EXIT_FAILED, "%s:", name);
    if (beyond) die(EXIT_CORRUPT, "%s: longer than its shape says", name);
    tns_frame_free(&f);
    if (fd) close(fd);
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    if (label && labels) prog_usage("--label and --labels exclude each other");
    if (key && keys) prog_usage("--key and --keys exclude each other");
    column key_column = {0}, label_column = {0};
    column_open(&key_column, keys);
    column_open(&label_column, labels);
    for (int i = 0; i < prog.operands || i == 0; i++) convert(prog.operand[i], &key_column, &label_column);
    column *columns[] = {&key_column, &label_column};
    for (int i = 0; i < 2; i++)
        if (columns[i]->next && *columns[i]->next)
            die(EXIT_FAILED, "%s: %" PRIu64 " values, and fewer records", columns[i]->path, columns[i]->count);
    tns_frame end = {.type = 'E'};
    prog_write(&end);
    free(key_column.lines.s);
    free(label_column.lines.s);
    return prog_finish();
}
