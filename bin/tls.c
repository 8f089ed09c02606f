/* tls: lists a stream, a tab-separated line a record. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/script.h"
#include "lib/prog.h"

static bool head, as_script;

static const opt options[] = {
    {0, "head", OPT_FLAG, &head, NULL, 0, 0, 0, "the header's metadata only, a line each"},
    {0, "script", OPT_FLAG, &as_script, NULL, 0, 0, 0, "the shell commands that made the stream, from its history"},
    {0}};
static const program self = {.name = "tls",
                             .summary = "list a stream",
                             .operands = "[FILE]",
                             .max_operands = 1,
                             .options = options,
                             .uses = PROG_TEXT,
                             .notes = "tls faces.tns | cut -f 2        the keys\n"
                                      "thead -n 0 big.tns | tls --head  the header without reading on"};

/* seq, key, shape, dtype, then the other metadata. Names and values stay escaped, so they hold no tab and no newline. */
static void list_record(text *line, const tns_frame *f) {
    char shape[80];
    const char *key = NULL, *end = f->meta.t.s + f->meta.t.len;
    for (const char *p = f->meta.t.s; p < end && !key; p = strchr(p, '\n') + 1)
        if (!strncmp(p, "key=", 4)) key = p;
    size_t key_len = strcspn(key, "\n");
    tns_shape_text(f, shape);
    line->len = 0;
    text_addf(line, "%" PRIu64 "\t", f->seq);
    text_addn(line, key + 4, key_len - 4);
    text_addf(line, "\t%s\t%s", shape, tns_dtype_name(f->dtype));
    for (const char *p = f->meta.t.s; p < end; p = strchr(p, '\n') + 1) {
        if (p == key) continue;
        text_add(line, "\t");
        text_addn(line, p, strcspn(p, "\n"));
    }
    text_add(line, "\n");
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    if (head && as_script) prog_usage("--head and --script exclude each other");
    prog_input *in = prog_open(prog.operand[0]);
    tns_frame f = {0};
    text line = {0};
    script sc = {0};
    uint64_t records = 0;
    for (bool first = true; prog_skim(in, &f);) {
        line.len = 0;
        if (f.type == 'R' && !head && !as_script) list_record(&line, &f);
        if (f.type == 'H' && head) {
            if (!first) text_add(&line, "\n");
            text_addn(&line, f.meta.t.s, f.meta.t.len);
            first = false;
        }
        if (f.type == 'H' && as_script) {
            if (!script_add(&sc, &f.meta))
                prog_bad_record(in, &f, "no history (pg=) to make a script of, or one that contradicts itself");
            text_add(&line, sc.text.s);
            sc.text.len = 0;
        }
        if (f.type == 'R' && prog.progress)
            prog_progress(++records, 0, "records"); /* by itself it would stand between the lines */
        prog_print(line.s ? line.s : "", line.len);
    }
    script_free(&sc);
    free(line.s);
    tns_frame_free(&f);
    prog_close(in);
    return prog_finish();
}
