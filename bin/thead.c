/* thead: passes the first records of a stream and stops reading. */
#include "lib/prog.h"

static int64_t count = 10;

static const opt options[] = {{'n', "count", OPT_INT, &count, "N", 0, 1e18, OPT_PG, "pass the first N records (default 10)"},
                              {0}};
static const program self = {.name = "thead",
                             .summary = "pass the first records of a stream",
                             .operands = "[FILE]",
                             .max_operands = 1,
                             .options = options,
                             .notes = "tshuf faces.tns | thead -n 16 | tview -o sixteen.png"};

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    prog_input *in = prog_open(prog.operand[0]);
    tns_frame f = {0}, end = {.type = 'E'};
    int64_t left = count;
    while (prog_next(in, &f)) {
        if (f.type == 'H') prog_add_pg(&f.meta, NULL);
        if (f.type == 'R') left--;
        prog_write(&f);
        prog_progress((uint64_t)(count - left), 0, "records");
        if (left || f.type == 'E') continue;
        /* Enough: what follows, be it endless, isn't waited for. */
        prog_write(&end);
        break;
    }
    tns_frame_free(&f);
    prog_close(in);
    return prog_finish();
}
