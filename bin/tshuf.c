/* tshuf: shuffles a stream, again in every epoch. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/merge.h"
#include "lib/prog.h"
#include "lib/shuffle.h"
#include "lib/spool.h"

static int64_t epochs = 1, copies, up_to;
static bool balance;
static const char *from;

static const opt options[] = {
    {0, "epochs", OPT_INT, &epochs, "N", 1, 1e15, OPT_PG, "go through the records N times, each in its own order (default 1)"},
    {0, "from", OPT_TEXT, &from, "STATE", 0, 0, 0,
     "begin where the training in STATE has got to; no such file: at the beginning"},
    {0, "copies", OPT_INT, &copies, "K", 0, 1e15, OPT_PG, "add K copies of every record, with copy=1...K (default 0)"},
    {0, "to", OPT_INT, &up_to, "N", 0, 1e15, OPT_PG, "add copies of a label's records up to N (default 0: none)"},
    {0, "balance", OPT_FLAG, &balance, NULL, 0, 0, OPT_PG, "add copies up to the count of the label that has most"},
    {0}};
static const program self = {.name = "tshuf",
                             .summary = "shuffle a stream",
                             .operands = "[FILE]",
                             .max_operands = 1,
                             .options = options,
                             .uses = PROG_SEED,
                             .notes = "tshuf --epochs 200 --from gan.state faces.tns | ganstep --state gan.state ...\n"
                                      "tshuf --balance train.tns | augment --only-copies 'flip hue=.1' | clsfit ..."};

/* Reads all of the input: fills in the index, and the header and end of the one segment that comes out. */
static void index_input(prog_input *in, uint64_t base, shuffle *s, tns_frame *header, tns_frame *end) {
    tns_frame f = {0};
    char err[512];
    while (prog_skim(in, &f)) {
        if (f.type == 'H' && !merge_header(header, &f, err)) prog_bad_record(in, &f, "%s", err);
        if (f.type == 'E') merge_end(&end->meta, &f.meta);
        if (f.type == 'R' && !shuffle_add(s, &f, base + prog_input_offset(in)))
            prog_bad_record(in, &f, "has no label=, by which --to and --balance go");
    }
    tns_frame_free(&f);
    end->type = 'E';
}

/* The cursor of a state file: how many records of which epoch were consumed. False when there is no such file. */
static bool read_cursor(const char *path, uint64_t *epoch, uint64_t *consumed) {
    if (access(path, F_OK) < 0 && errno == ENOENT) return false;
    prog_input *in = prog_open(path);
    tns_frame f = {0};
    text value = {0};
    bool found = false;
    while (prog_skim(in, &f)) {
        if (f.type != 'H') continue;
        const char *kind = tns_meta_get(&f.meta, "kind", &value);
        if (!kind || strcmp(kind, "state")) prog_bad_record(in, &f, "kind=%s: not the state of a training", kind ? kind : "");
        const char *cursor = tns_meta_get(&f.meta, "cursor", &value);
        char *colon = cursor ? strchr(cursor, ':') : NULL;
        if (colon) *colon = 0;
        if (!colon || !parse_u64(cursor, epoch) || !parse_u64(colon + 1, consumed))
            prog_bad_record(in, &f, "no cursor=EPOCH:N that says where to go on");
        found = true;
    }
    free(value.s);
    tns_frame_free(&f);
    prog_close(in);
    return found;
}

/* Writes the records of one epoch, but for those that were consumed. */
static void write_epoch(shuffle *s, prog_input *in, uint64_t epoch, uint64_t consumed, size_t ahead) {
    static tns_frame f;
    char number[24], err[512];
    int is_errno;
    text key = {0}, group = {0};
    shuffle_order(s, epoch);
    for (size_t i = consumed; i < s->count; i++) {
        enum { AHEAD = 64 }; /* so that a disk has something to do while we write */
        if (ahead && i + AHEAD < s->count)
            posix_fadvise(prog_fd(in), (off_t)s->entry[s->place[i + AHEAD].entry].offset, (off_t)ahead, POSIX_FADV_WILLNEED);
        const shuffle_entry *e = &s->entry[s->place[i].entry];
        if (tns_read_at(prog_fd(in), e->offset, prog_input_name(in), prog.max_record, &f, err, &is_errno) < 0)
            die(is_errno ? EXIT_FAILED : EXIT_CORRUPT, "%s", err);
        snprintf(number, sizeof number, "%" PRIu64, epoch);
        tns_meta_set(&f.meta, "epoch", number);
        if ((copies || up_to || balance) && !tns_meta_get(&f.meta, "group", &group))
            tns_meta_add(&f.meta, "group", tns_meta_get(&f.meta, "key", &key));
        snprintf(number, sizeof number, "%" PRIu32, e->copy);
        if (e->copy) tns_meta_set(&f.meta, "copy", number);
        prog_write(&f);
        prog_progress(epoch * s->count + i + 1, (uint64_t)epochs * s->count, "records");
    }
    free(key.s);
    free(group.s);
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    if ((copies > 0) + (up_to > 0) + balance > 1) prog_usage("--copies, --to and --balance exclude each other");
    uint64_t epoch = 0, consumed = 0;
    if (from) read_cursor(from, &epoch, &consumed);

    const char *path = spool_input(prog.operand[0]);
    off_t base = spool_start(path);
    prog_input *in = prog_open(path);
    posix_fadvise(prog_fd(in), 0, 0, POSIX_FADV_SEQUENTIAL);
    shuffle s = {.seed = prog.seed, .by_label = up_to || balance};
    tns_frame header = {0}, end = {0};
    index_input(in, (uint64_t)base, &s, &header, &end);
    struct stat st;
    size_t ahead = s.count && fstat(prog_fd(in), &st) == 0 ? (size_t)st.st_size / s.count : 0;
    posix_fadvise(prog_fd(in), 0, 0, POSIX_FADV_RANDOM);

    if (copies)
        shuffle_copies(&s, prog_fd(in), (uint64_t)copies);
    else if (up_to || balance)
        shuffle_up_to(&s, prog_fd(in), (uint64_t)up_to);
    else
        shuffle_settle(&s, prog_fd(in));

    if (consumed > s.count)
        die(EXIT_FAILED, "%s: has consumed %" PRIu64 " records of an epoch that has %zu: other data or options?", from, consumed,
            s.count);
    if (epoch > (uint64_t)epochs || (epoch == (uint64_t)epochs && consumed))
        die(EXIT_FAILED, "%s: is in epoch %" PRIu64 " (the first is 0), and --epochs is %" PRId64, from, epoch, epochs);
    prog_add_pg(&header.meta, NULL);
    prog_write(&header);
    for (; s.count && epoch < (uint64_t)epochs; epoch++, consumed = 0) write_epoch(&s, in, epoch, consumed, ahead);
    prog_write(&end);

    shuffle_free(&s);
    tns_frame_free(&header);
    tns_frame_free(&end);
    prog_close(in);
    return prog_finish();
}
