/* augment: changes images at random, as recipes say. */
#include <inttypes.h>
#include <stdlib.h>

#include "formats/jpeg_trip.h"
#include "lib/augment_record.h"
#include "lib/par.h"
#include "lib/prog.h"

static int fill;
static augment_how how = {.jpeg = jpeg_trip};

static const opt options[] = {{0, "fill", OPT_CHOICE, &fill, "nearest|reflect|constant", 0, 0, OPT_PG,
                               "what is seen outside an image: its edge (default), its mirror image, or black"},
                              {0, "only-copies", OPT_FLAG, &how.only_copies, NULL, 0, 0, OPT_PG,
                               "change only records with copy=, such as tshuf --balance adds"},
                              {0}};
static const program self = {
    .name = "augment",
    .summary = "change images at random",
    .operands = "RECIPE...",
    .min_operands = 1,
    .max_operands = -1,
    .options = options,
    .uses = PROG_SEED | PROG_PG_OPERANDS,
    .notes = "A RECIPE is one argument of words, applied in order; with several each image gets one of them:\n"
             "  flip[=P] hue=M saturation=S brightness=M gain=G contrast=C zoom=Z rotate=DEG shear=DEG shift=F\n"
             "  jpeg=Q blur=S scale=F, and WORD=LOW:HIGH\n"
             "tshuf --epochs 10 in.tns | augment 'flip hue=.1' 'brightness=.2 hue=.1' 'zoom=.2' | clsfit ..."};

static augment_arrays *own_arrays; /* a thread's own */

typedef struct {
    tns_frame f;
    int status;
    char err[AUGMENT_ERROR];
} item;

static void change(void *slot, void *shared) {
    (void)shared;
    item *it = slot;
    it->status = augment_record(&how, &it->f, &own_arrays[par_worker()], it->err);
}

static void write_out(void *slot, void *in) {
    static uint64_t written;
    item *it = slot;
    text key = {0};
    if (it->status == EXIT_CORRUPT) prog_bad_record(in, &it->f, "%s", it->err);
    if (it->status != EXIT_DONE)
        die(it->status, "record %" PRIu64 " (key %s): %s", it->f.seq, tns_meta_get(&it->f.meta, "key", &key), it->err);
    prog_write(&it->f);
    prog_progress(++written, 0, "images");
}

static void free_item(void *slot) {
    tns_frame_free(&((item *)slot)->f);
}

/* History shows the recipes in their one form, whatever the command line's. */
static augment_recipe *read_recipes(void) {
    augment_recipe *r = xarray((size_t)prog.operands, sizeof *r);
    char err[AUGMENT_ERROR];
    for (int i = 0; i < prog.operands; i++) {
        if (!augment_parse(prog.operand[i], &r[i], err)) prog_usage("recipe '%s': %s", prog.operand[i], err);
        text t = {0};
        augment_text(&r[i], &t);
        prog.operand[i] = t.s;
    }
    return r;
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    augment_recipe *recipe = read_recipes();
    how.recipe = recipe, how.recipes = prog.operands;
    how.fill = (affine_fill)fill;
    how.seed = prog.seed;
    prog_input *in = prog_open(NULL);
    own_arrays = xarray((size_t)prog.threads, sizeof *own_arrays);
    par *p = par_start((int)prog.threads, sizeof(item), change, write_out, in);
    tns_frame f = {0};
    char err[AUGMENT_ERROR];
    while (prog_next(in, &f)) {
        if (f.type == 'R') {
            item *it = par_item(p);
            tns_frame_swap(&it->f, &f);
            par_put(p);
            continue;
        }
        par_drain(p);
        if (f.type == 'H') {
            if (!augment_header(&how, &f.meta, err)) prog_bad_record(in, &f, "%s", err);
            prog_add_pg(&f.meta, NULL);
        }
        prog_write(&f);
    }
    par_stop(p, free_item);
    for (int64_t i = 0; i < prog.threads; i++) augment_arrays_free(&own_arrays[i]);
    free(own_arrays);
    tns_frame_free(&f);
    prog_close(in);
    for (int i = 0; i < prog.operands; i++) free(prog.operand[i]);
    free(recipe);
    return prog_finish();
}
