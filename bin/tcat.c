/* tcat: merges files and segments into one segment. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/merge.h"
#include "lib/prog.h"
#include "lib/spool.h"

static bool stream;

static const opt options[] = {{0, "stream", OPT_FLAG, &stream, NULL, 0, 0, 0,
                               "write a pipe's records as they come; its later segments can't bring new history"},
                              {0}};
static const program self = {.name = "tcat",
                             .summary = "merge streams into one segment",
                             .operands = "[FILE]...",
                             .max_operands = -1,
                             .options = options,
                             .notes = "tcat shard-*.tns -o all.tns\n"
                                      "cat real.tns fake.tns | tcat | tshuf -o both.tns"};

/* What the one header has to say must be known before the first record is written. So every input is looked through for headers
 * first: a file by hopping from frame to frame; what isn't a file is spooled into one, or with --stream read up to its first. */

typedef struct {
    const char *path, *name; /* name: for messages */
    prog_input *in; /* open already, or NULL */
} input;

static tns_frame header; /* merged, without tcat's own pg line */

static void add_header(const char *name, const tns_frame *f) {
    char err[512];
    if (!merge_header(&header, f, err)) die(EXIT_CORRUPT, "%s: %s (the first of all headers, and this one's)", name, err);
}

/* All headers of a regular file. Damage ends the search: it is reported when the file is read. */
static void scan(int fd, const char *name) {
    tns_frame f = {0};
    char err[512];
    off_t start = lseek(fd, 0, SEEK_CUR);
    if (start < 0) die(EXIT_FAILED, "%s:", name);
    uint64_t at = (uint64_t)start, length;
    int type, is_errno;
    for (; (type = tns_peek_at(fd, at, prog.max_record, &length)) > 0; at += length)
        if (type == 'H') {
            if (tns_read_at(fd, at, name, prog.max_record, &f, err, &is_errno) < 0) {
                if (is_errno) die(EXIT_FAILED, "%s", err);
                break;
            }
            add_header(name, &f);
        }
    if (type < 0) die(EXIT_FAILED, "%s:", name);
    tns_frame_free(&f);
}

static void look_through(input *i) {
    bool standard = !i->path || !strcmp(i->path, "-");
    struct stat st;
    i->name = standard ? "standard input" : i->path;
    int fd = standard ? 0 : open(i->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) die(EXIT_FAILED, "%s:", i->name);
    if (S_ISREG(st.st_mode)) {
        scan(fd, i->name);
        if (!standard) close(fd); /* there may be more shards than descriptors */
        return;
    }
    if (standard && isatty(0)) prog_open(NULL); /* refuses it */
    int spool = stream ? -1 : spool_copy(fd, i->name);
    if (!stream && !standard) close(fd);
    i->in = prog_open_fd(stream ? fd : spool, standard ? "" : i->path);
    if (!stream) {
        scan(spool, i->name);
        return;
    }
    tns_frame f = {0};
    if (prog_next(i->in, &f)) add_header(i->name, &f);
    tns_frame_free(&f);
}

/* Passes an input's records on; adds up what its ends say. */
static void pass(input *i, tns_frame *f, tns_meta *end) {
    static uint64_t records;
    prog_input *in = i->in ? i->in : prog_open(i->path);
    while (prog_next(in, f)) {
        if (f->type == 'R') {
            prog_write(f);
            prog_progress(++records, 0, "records");
        } else if (f->type == 'E') {
            merge_end(end, &f->meta);
        } else {
            size_t known = header.meta.t.len;
            add_header(i->name, f);
            if (header.meta.t.len != known)
                prog_bad_record(
                    in, f,
                    stream ? "this segment brings history or names that the header already written hasn't; leave out --stream"
                           : "the file has changed while it was read");
        }
    }
    prog_close(in);
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    int n = prog.operands ? prog.operands : 1;
    input *inputs = xarray((size_t)n, sizeof *inputs);
    tns_frame f = {0}, end = {.type = 'E'};
    for (int i = 0; i < n; i++) {
        inputs[i].path = prog.operand[i];
        look_through(&inputs[i]);
    }
    if (header.type && tns_frame_copy(&f, &header)) {
        prog_add_pg(&f.meta, NULL);
        prog_write(&f);
    }
    for (int i = 0; i < n; i++) pass(&inputs[i], &f, &end.meta);
    prog_write(&end);
    tns_frame_free(&f);
    tns_frame_free(&end);
    tns_frame_free(&header);
    free(inputs);
    return prog_finish();
}
