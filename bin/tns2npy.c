/* tns2npy: a stream of equal records as one NumPy array. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/npy.h"
#include "lib/prog.h"
#include "lib/spool.h"

static const opt options[] = {{0}};
static const program self = {.name = "tns2npy",
                             .summary = "make one NumPy array of a stream",
                             .operands = "[FILE]",
                             .max_operands = 1,
                             .options = options,
                             .uses = PROG_TEXT,
                             .notes = "netrun -m inception.tns faces.tns | tns2npy -o features.npy"};

/* The array's header: reads all, and holds every record against the first. */
static npy_header look_through(prog_input *in) {
    tns_frame f = {0}, first = {0};
    npy_header h = {0};
    while (prog_skim(in, &f)) {
        if (f.type != 'R') continue;
        if (f.dtype == TNS_NONE) prog_bad_record(in, &f, "has no data");
        if (!h.shape[0]++) {
            first.dtype = f.dtype, first.rank = f.rank;
            memcpy(first.shape, f.shape, sizeof f.shape);
        } else if (f.dtype != first.dtype || f.rank != first.rank || memcmp(f.shape, first.shape, sizeof f.shape)) {
            char is[80], was[80];
            tns_shape_text(&f, is);
            tns_shape_text(&first, was);
            prog_bad_record(in, &f, "is %s %s, and the records before it are %s %s: they make no array", is,
                            tns_dtype_name(f.dtype), was, tns_dtype_name(first.dtype));
        }
    }
    if (!h.shape[0]) die(EXIT_FAILED, "no records: what shape the array has can't be known");
    h.dtype = first.dtype == TNS_BF16 ? TNS_F32 : first.dtype;
    h.rank = first.rank + 1;
    for (int i = 0; i < first.rank; i++) h.shape[i + 1] = first.shape[i];
    tns_frame_free(&f);
    return h;
}

/* .npy has no bfloat16. Its bits are the upper half of a float's: nothing is lost. */
static void print_bf16(const tns_frame *f) {
    const unsigned char *p = f->data;
    unsigned char wide[4096];
    for (size_t i = 0, n = tns_frame_count(f); i < n;) {
        size_t k = 0;
        for (; k < sizeof wide && i < n; k += 4, i++)
            wide[k] = wide[k + 1] = 0, wide[k + 2] = p[2 * i], wide[k + 3] = p[2 * i + 1];
        prog_print((char *)wide, k);
    }
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    if (!prog.output && isatty(1)) die(EXIT_USAGE, "no array to a terminal: use -o FILE");
    /* The header says how many records there are, so the input is read twice. */
    const char *path = spool_input(prog.operand[0]);
    off_t start = spool_start(path);
    prog_input *in = prog_open(path);
    npy_header h = look_through(in);
    prog_close(in);
    if (!path && lseek(0, start, SEEK_SET) < 0) die(EXIT_FAILED, "standard input:");

    unsigned char bytes[NPY_MAX_HEADER];
    prog_print((char *)bytes, npy_header_bytes(&h, bytes));
    tns_frame f = {0};
    uint64_t done = 0;
    for (in = prog_open(path); prog_next(in, &f);) {
        if (f.type != 'R') continue;
        if (f.dtype == TNS_BF16)
            print_bf16(&f);
        else
            prog_print(f.data, f.data_len);
        prog_progress(++done, h.shape[0], "records");
    }
    if (done != h.shape[0]) die(EXIT_FAILED, "%s: has changed while it was read", prog_input_name(in));
    tns_frame_free(&f);
    prog_close(in);
    return prog_finish();
}
