/* tsplit: splits a stream into parts by group, at random. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/prog.h"
#include "lib/split.h"
#include "lib/spool.h"

static const char *by, *counts, *per_label, *part_names;
static int64_t only;

static const opt options[] = {
    {0, "by", OPT_TEXT, &by, "A,B,...", 0, 0, OPT_PG, "shares of the parts, such as 70,15,15"},
    {0, "counts", OPT_TEXT, &counts, "A,B,...", 0, 0, OPT_PG, "records of each part"},
    {0, "per-label", OPT_TEXT, &per_label, "A,B,...", 0, 0, OPT_PG, "records of each label in each part"},
    {0, "names", OPT_TEXT, &part_names, "A,B,...", 0, 0, 0, "values for split= (default: names of the -o files, without .tns)"},
    {0, "part", OPT_INT, &only, "N", 1, SPLIT_MAX_PARTS, 0, "write only the N-th part, as one stream"},
    {0}};
static const program self = {.name = "tsplit",
                             .summary = "split a stream into parts, groups kept whole",
                             .operands = "[FILE]",
                             .max_operands = 1,
                             .options = options,
                             .uses = PROG_SEED,
                             .notes =
                                 "-o takes one file a part, separated by commas. One file more than --counts or --per-label\n"
                                 "names gets the rest.\n\n"
                                 "tsplit --by 70,15,15 -o train.tns,val.tns,test.tns faces.tns\n"
                                 "tsplit --counts 5000 -o test.tns,train.tns faces.tns"};

static int parts, wants; /* parts written or named; those for which there is a number. One part more is the rest's */
static char *name[SPLIT_MAX_PARTS + 1], *file[SPLIT_MAX_PARTS + 1], *number[SPLIT_MAX_PARTS + 1];
static double share[SPLIT_MAX_PARTS];
static uint64_t want[SPLIT_MAX_PARTS];

/* Cuts a list at its commas. */
static int cut(const char *list, const char *option, char **word) {
    int n = 0;
    char *copy = xstrdup(list); /* lives as long as the program */
    for (char *p = copy, *next; p; p = next) {
        if ((next = strchr(p, ','))) *next++ = 0;
        if (!*p) prog_usage("%s %s: an empty word in the list", option, list);
        if (n == SPLIT_MAX_PARTS) prog_usage("%s: more than %d parts", option, SPLIT_MAX_PARTS);
        word[n++] = p;
    }
    return n;
}

/* "out/train.tns": train */
static char *stem(const char *path) {
    const char *slash = strrchr(path, '/');
    char *s = xstrdup(slash ? slash + 1 : path), *dot = strrchr(s, '.');
    if (dot && dot > s) *dot = 0;
    return s;
}

static void read_options(void) {
    if (!!by + !!counts + !!per_label != 1) prog_usage("one of --by, --counts and --per-label is needed");
    const char *list = by ? by : counts ? counts : per_label, *option = by ? "--by" : counts ? "--counts" : "--per-label";
    wants = cut(list, option, number);
    for (int i = 0; i < wants; i++)
        if (by ? !parse_f64(number[i], &share[i]) || !(share[i] > 0) || share[i] > 1e15
               : !parse_u64(number[i], &want[i]) || !want[i])
            prog_usage("%s %s: %s isn't a %s above 0", option, list, number[i], by ? "number" : "whole number");

    int files = prog.output && !only ? cut(prog.output, "-o", file) : 0;
    if (!files && !only) prog_usage("-o A.tns,B.tns,... is needed, a file for each part (or --part N for one of them)");
    parts = part_names ? cut(part_names, "--names", name) : files ? files : only > wants && !by ? (int)only : wants;
    if (files && files != parts) prog_usage("%d names and %d output files", parts, files);
    if (parts != wants && (by || parts != wants + 1)) prog_usage("%s names %d parts, not %d", option, wants, parts);
    if (only > parts) prog_usage("--part %d: there are %d", (int)only, parts);
    for (int i = 0; i < parts; i++) {
        if (!part_names) name[i] = files ? stem(file[i]) : xasprintf("part%d", i + 1);
        for (int k = 0; k < i; k++) {
            if (files && !strcmp(file[i], file[k])) prog_usage("-o names %s twice", file[i]);
            if (!strcmp(name[i], name[k])) prog_usage("two parts named %s; give them --names", name[i]);
        }
    }
}

/* ---- outputs ---- */

static struct {
    outfile *file;
    tns_writer *writer;
    bool gone; /* its reader has gone: the others may still read */
} out[SPLIT_MAX_PARTS];

static void put(int part, const tns_frame *f) {
    if (only) {
        if (part == only - 1) prog_write(f);
        return;
    }
    if (out[part].gone || tns_write(out[part].writer, f) == 0) return;
    if (!outfile_reader_gone(out[part].file)) die(EXIT_FAILED, "%s:", file[part]);
    out[part].gone = true;
    for (int i = 0; i < parts; i++)
        if (!out[i].gone) return;
    exit(EXIT_DONE);
}

static void put_header(int part, const tns_frame *f) {
    tns_frame header = {.type = 'H'};
    text extra = {0};
    tns_meta_copy(&header.meta, &f->meta);
    text_add(&extra, "--names=");
    text list = {0};
    for (int i = 0; i < parts; i++) text_addf(&list, "%s%s", i ? "," : "", name[i]);
    text_add_shell(&extra, list.s);
    text_addf(&extra, " --part=%d", part + 1);
    prog_add_pg(&header.meta, extra.s);
    put(part, &header);
    free(list.s);
    free(extra.s);
    tns_frame_free(&header);
}

/* Counts are reached only when all records are known, so that takes a pass of its own. */
static void count_pass(const char *path, split_index *x) {
    prog_input *in = prog_open(path);
    tns_frame f = {0};
    text label = {0};
    char err[512];
    while (prog_skim(in, &f)) {
        if (f.type != 'R') continue;
        if (per_label && !tns_meta_get(&f.meta, "label", &label))
            prog_bad_record(in, &f, "has no label=, by which --per-label goes");
        split_add(x, split_draw(prog.seed, &f), per_label ? label.s : NULL);
    }
    if (!split_by_count(x, want, wants, parts > wants ? wants : SPLIT_NO_PART, err)) die(EXIT_FAILED, "%s", err);
    free(label.s);
    tns_frame_free(&f);
    prog_close(in);
}

/* Every segment becomes one in every part. x.part has the parts when they don't go by share. */
static void distribute(prog_input *in, const split_index *x) {
    tns_frame f = {0};
    uint64_t records = 0, dropped = 0, dropped_here = 0;
    while (prog_next(in, &f)) {
        if (f.type == 'H') {
            for (int i = 0; i < parts; i++) put_header(i, &f);
            dropped_here = 0;
        } else if (f.type == 'R') {
            if (!by && records >= x->count) prog_bad_record(in, &f, "wasn't there a moment ago: the file has changed");
            int part = by ? split_by_share(split_draw(prog.seed, &f), share, wants) : x->part[records];
            prog_progress(++records, x->count, "records");
            if (part == SPLIT_NO_PART) {
                dropped++, dropped_here++;
                continue;
            }
            tns_meta_set(&f.meta, "split", name[part]);
            put(part, &f);
        } else {
            for (int i = 0; i < parts - 1; i++) put(i, &f);
            if (dropped_here) tns_meta_addf(&f.meta, "dropped", "in-no-part:%" PRIu64, dropped_here);
            put(parts - 1, &f);
        }
    }
    if (dropped && !prog.quiet) warn("%" PRIu64 " of %" PRIu64 " records are in no part", dropped, records);
    tns_frame_free(&f);
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    read_options();
    const char *path = by ? prog.operand[0] : spool_input(prog.operand[0]);
    split_index x = {0};
    if (!by) {
        off_t start = spool_start(path);
        count_pass(path, &x);
        if (!path && lseek(0, start, SEEK_SET) < 0) die(EXIT_FAILED, "standard input:");
    }
    prog_input *in = prog_open(path);
    for (int i = 0; i < parts && !only; i++) {
        out[i].file = outfile_open(file[i]);
        out[i].writer = tns_writer_open(outfile_fd(out[i].file));
    }
    distribute(in, &x);
    for (int i = 0; i < parts && !only; i++) {
        tns_writer_close(out[i].writer);
        outfile_commit(out[i].file, false);
    }
    split_free(&x);
    prog_close(in);
    return prog_finish();
}
