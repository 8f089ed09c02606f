/* prog: what every program does the same way: one table of options, streams, temporary outputs, progress, provenance.
 *
 * A program's main is then short:
 *
 *     static int64_t count = 10;
 *     static const opt options[] = {
 *         {'n', "count", OPT_INT, &count, "N", 0, 1e18, OPT_PG, "pass the first N records (default 10)"}, {0}};
 *     static const program self = {.name = "thead", .summary = "pass the first records of a stream",
 *         .operands = "[FILE]", .max_operands = 1, .options = options};
 *
 *     int main(int argc, char **argv) {
 *         prog_start(&self, argc, argv);
 *         prog_input *in = prog_open(prog.operand[0]);
 *         tns_frame f = {0};
 *         while (prog_next(in, &f)) {
 *             if (f.type == 'H') prog_add_pg(&f.meta);
 *             ...
 *             prog_write(&f);
 *         }
 *         tns_frame_free(&f);
 *         prog_close(in);
 *         return prog_finish();
 *     }
 */
#ifndef FACADE_PROG_H
#define FACADE_PROG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base.h"
#include "tns.h"

typedef enum {
    OPT_FLAG, /* bool: --strict */
    OPT_INT, /* int64_t, between min and max */
    OPT_FLOAT, /* double, finite, between min and max */
    OPT_TEXT, /* const char * */
    OPT_CHOICE, /* int: index of the word in arg, "stretch|cover|contain" */
    OPT_BYTES, /* uint64_t, with K, M, G */
    OPT_LIST, /* opt_list: may be given again */
    OPT_OPTIONAL /* const char *: --flip or --flip=P; "" when given without a value (long options only) */
} opt_kind;

typedef struct {
    const char **item;
    int count;
} opt_list;

enum {
    OPT_PG = 1, /* decides the output: goes into the canonical command line, with its resolved value */
    OPT_REQUIRED = 2
};

typedef struct {
    char letter; /* 'n', or 0 */
    const char *name; /* "size" for --size, or NULL. The table ends with both 0 */
    opt_kind kind;
    void *value; /* holds the default before prog_start */
    const char *arg; /* what stands for the value in usage: "N|WxH"; for OPT_CHOICE the words, first = index 0 */
    double min, max; /* OPT_INT, OPT_FLOAT: inclusive bounds; both 0: any */
    unsigned flags;
    const char *help; /* one line, says the default */
} opt;

enum {
    PROG_SEED = 1, /* has --seed N, which is part of pg */
    PROG_PG_THREADS = 2, /* -j decides the output (trainers): part of pg */
    PROG_PG_OPERANDS = 4, /* operands are part of pg (augment's recipes) */
    PROG_TEXT = 8 /* writes text, not a stream: a terminal is welcome */
};

typedef struct {
    const char *name, *summary; /* summary: what it does, one line without a full stop, as in the manual's NAME */
    const char *operands; /* "[FILE]", "RECIPE...", "" */
    int min_operands, max_operands; /* max -1: any number */
    const opt *options; /* without the common ones */
    unsigned uses;
    const char *notes; /* printed after the options by --help: an example or two; may be NULL */
} program;

/* What the common options gave: -o -j -q -v --progress --seed --max-record (and --help, --version, which exit; and
 * --options, which prints the table, tab-separated, for the test that holds manuals against it and for completion). */
extern struct prog_globals {
    const char *output; /* -o; NULL or "-": stdout */
    int64_t threads; /* -j; default: all the cores this process may use */
    bool quiet, verbose, progress;
    uint64_t seed; /* --seed, default 0 */
    uint64_t max_record; /* --max-record */
    int operands;
    char **operand; /* operand[operands] is NULL */
} prog;

/* Parses the command line (options may stand after operands; "--" ends them; --name=value and --name value both work; long names may
 * not be abbreviated), ignores SIGPIPE, arranges for temporaries to be removed at exit and on SIGINT, SIGTERM and SIGHUP. Exits
 * with 2 on wrong usage. */
void prog_start(const program *p, int argc, char **argv);
/* Wrong usage found later: "NAME: MESSAGE", a hint at --help, exit 2. */
__attribute__((noreturn)) void prog_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* True when the option (by long name, or one letter) stood on the command line. */
bool prog_given(const char *name);

/* ---- input ---- */

typedef struct prog_input prog_input;
/* path NULL or "-": stdin, refused when it is a terminal. Exits with 1 when it can't be opened. */
prog_input *prog_open(const char *path);
/* The same for a descriptor that is open already; name is for messages ("" to leave it out). prog_close closes fd. */
prog_input *prog_open_fd(int fd, const char *name);
/* The next frame; false at the end of the stream. Exits with 3 on corrupt input, 1 on a failed read. */
bool prog_next(prog_input *in, tns_frame *f);
/* As prog_next, but passes over data (tns_skim). */
bool prog_skim(prog_input *in, tns_frame *f);
int prog_fd(const prog_input *in);
const char *prog_input_name(const prog_input *in); /* "standard input" or the path */
uint64_t prog_input_offset(const prog_input *in); /* of the frame last returned */
void prog_close(prog_input *in);
/* Exits with 3: "NAME: [FILE: ]record 17 (key K): MESSAGE". For input that is a valid stream but not what the program takes. */
__attribute__((noreturn)) void prog_bad_record(const prog_input *in, const tns_frame *f, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- output ---- */

/* Writes a frame to -o or stdout (refused when that is a terminal). When the reader has gone (EPIPE), ends the program
 * quietly with status 0; on any other error exits with 1. */
void prog_write(const tns_frame *f);
/* The same, but gives false when the reader has gone: for a program that has other output to finish. */
bool prog_offer(const tns_frame *f);
/* The same place as text, for programs with PROG_TEXT. prog_finish checks and closes it. */
FILE *prog_text(void);
/* Writes n bytes there, and ends the program as prog_write does when that fails: a reader that has gone stops a long listing. */
void prog_print(const char *s, size_t n);
/* Flushes, checks, renames -o into place, and gives the status for main to return: EXIT_DONE. */
int prog_finish(void);

/* Adds this program's pg= line to a header's metadata: id, previous ids, name, version, canonical command line (format.md).
 * extra (may be NULL) is appended to the command line: models by checksum. */
void prog_add_pg(tns_meta *header, const char *extra);
/* A header with kind= (and this program's pg line, the first of its chain), for sources. */
void prog_source_header(tns_frame *h, const char *kind);

/* ---- other outputs, written whole or not at all ---- */

typedef struct outfile outfile;
/* Opens a temporary beside path (or path itself when it exists and isn't a regular file: /dev/null, a FIFO, /dev/fd/3; - is standard output). Exits with 1 when
 * that fails. Until committed, it is removed at exit and on signals. */
outfile *outfile_open(const char *path);
int outfile_fd(const outfile *o);
/* Right after a failed write: was it that the reader has gone? Never of what will be a regular file. */
bool outfile_reader_gone(const outfile *o);
/* Syncs to disk when sync, closes and renames into place; frees o. Exits with 1 when any of it fails. */
void outfile_commit(outfile *o, bool sync);

/* ---- progress ---- */

/* Shows "NAME: 1,234 UNIT, 56.7/s, ETA 0:42" on stderr when it is a terminal or with --progress, a few times a second; cheap enough to call
 * for every record. total 0: unknown. prog_finish wipes the line (on a terminal) or ends it. */
void prog_progress(uint64_t done, uint64_t total, const char *unit);

#endif
