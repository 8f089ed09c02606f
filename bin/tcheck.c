/* tcheck: verifies streams, and that parts of a data set are disjoint. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/prog.h"

static const char *disjoint;

static const opt options[] = {
    {0, "disjoint", OPT_TEXT, &disjoint, "NAME", 0, 0, 0, "fail when two of the files have a value of NAME= in common"}, {0}};
static const program self = {.name = "tcheck",
                             .summary = "verify streams",
                             .operands = "[FILE]...",
                             .max_operands = -1,
                             .options = options,
                             .uses = PROG_TEXT,
                             .notes = "tcheck *.tns && echo all whole\n"
                                      "tcheck --disjoint group train.tns test.tns"};

typedef struct {
    char *s;
    int file;
    uint64_t record;
} value;

static value *values;
static size_t n_values, room;

static void collect(int file, uint64_t record, const char *s) {
    if (n_values == room) values = xrealloc(values, (room = room ? 2 * room : 1024) * sizeof *values);
    values[n_values++] = (value){xstrdup(s), file, record};
}

static int by_value(const void *a, const void *b) {
    const value *x = a, *y = b;
    int c = strcmp(x->s, y->s);
    if (!c) c = (x->file > y->file) - (x->file < y->file);
    return c ? c : (x->record > y->record) - (x->record < y->record);
}

/* Reads all of a file; collects what must not be in another one. */
static void check(int file, const char *path) {
    prog_input *in = prog_open(path);
    tns_frame f = {0};
    text buf = {0};
    uint64_t records = 0, segments = 0, found = 0;
    while (prog_skim(in, &f)) {
        segments += f.type == 'H';
        if (f.type != 'R') continue;
        prog_progress(++records, 0, "records");
        if (!disjoint) continue;
        const char *s = tns_meta_get(&f.meta, disjoint, &buf);
        /* A record without a group is a group of its own, as for tsplit. */
        if (!s && !strcmp(disjoint, "group")) s = tns_meta_get(&f.meta, "key", &buf);
        if (s) collect(file, f.seq, s), found++;
    }
    if (disjoint && records && !found) die(EXIT_FAILED, "%s: no record has %s=", prog_input_name(in), disjoint);
    if (prog.verbose)
        warn("%s: good, %" PRIu64 " records in %" PRIu64 " segment%s", prog_input_name(in), records, segments,
             segments == 1 ? "" : "s");
    free(buf.s);
    tns_frame_free(&f);
    prog_close(in);
}

/* Values in two files; the first of them is named. */
static void compare(void) {
    if (n_values) qsort(values, n_values, sizeof *values, by_value);
    const value *a = NULL, *b = NULL;
    uint64_t common = 0;
    for (size_t i = 0, next; i < n_values; i = next) {
        size_t other = 0;
        for (next = i + 1; next < n_values && !strcmp(values[i].s, values[next].s); next++)
            if (!other && values[next].file != values[i].file) other = next;
        if (other && !common++) a = &values[i], b = &values[other];
    }
    if (common)
        die(EXIT_FAILED, "%s=%s is in %s (record %" PRIu64 ") and in %s (record %" PRIu64 "); %" PRIu64 " value%s in common",
            disjoint, a->s, prog.operand[a->file], a->record, prog.operand[b->file], b->record, common, common == 1 ? "" : "s");
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    prog_text(); /* -o FILE: an empty file, good as a stamp for make */
    if (disjoint && prog.operands < 2) prog_usage("--disjoint wants two files or more");
    for (int i = 0; i < prog.operands || i == 0; i++) check(i, prog.operand[i]);
    if (disjoint) compare();
    for (size_t i = 0; i < n_values; i++) free(values[i].s);
    free(values);
    return prog_finish();
}
