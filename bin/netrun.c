/* netrun: runs a network over a stream of images or features. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/floats.h"
#include "lib/gradcam.h"
#include "lib/heat.h"
#include "lib/infer_pool.h"
#include "lib/model.h"
#include "lib/par.h"
#include "lib/preprocess.h"
#include "lib/prog.h"

static const char *model_path, *cam_layer;
static opt_list layers;
static int64_t batch = 16;

static const opt options[] = {
    {'m', "model", OPT_TEXT, &model_path, "MODEL", 0, 0, OPT_REQUIRED,
     "the network with its weights: a .tns, or FILE:NAME of a state"},
    {0, "layer", OPT_LIST, &layers, "NAME", 0, 0, OPT_PG, "that layer's output instead of the network's (again for more)"},
    {0, "gradcam", OPT_TEXT, &cam_layer, "LAYER", 0, 0, OPT_PG,
     "write the images with a heat map over them: where that layer speaks for the output"},
    {'b', "batch", OPT_INT, &batch, "N", 1, 65536, 0, "at most N records at a time to a thread (default 16); changes no result"},
    {0}};
static const program self = {.name = "netrun",
                             .summary = "run a network over a stream of images or features",
                             .operands = "[FILE]",
                             .max_operands = 1,
                             .options = options,
                             .notes = "imgnorm --size 299 photos | netrun -m inception.tns -o features.tns\n"
                                      "netrun -m model3.tns --gradcam bn3 test.tns | tview -o sheet.png\n"
                                      "netrun -m resnet50.tns --layer layer4.2 images.tns | tls"};

enum { MOST = 16 };

/* A few records on their way through the network. */
typedef struct {
    tns_frame in[MOST];
    int count, bad; /* bad: the record with a number that isn't finite, or -1 */
    const char *why;
    float *x, *y; /* [count, input], [count, all outputs] */
} item;

static model m;
static net *graph;
static infer *plan;
static infer_pool *runs;
static size_t x_size, y_size;
static int at_once;
static prog_input *input;
static uint64_t done_records;

static size_t output_count(int i) {
    const infer_output *o = infer_out(plan, i);
    return (size_t)o->h * (size_t)o->w * (size_t)o->c;
}

static void work(void *slot, void *shared) {
    (void)shared;
    item *it = slot;
    if (!it->x) it->x = xarray((size_t)at_once, x_size * sizeof(float)), it->y = xarray((size_t)at_once, y_size * sizeof(float));
    it->bad = -1;
    for (int i = 0; i < it->count; i++) {
        preprocess(graph, &it->in[i], 0, 1, it->x + (size_t)i * x_size);
        if (it->bad < 0 && !floats_finite(it->x + (size_t)i * x_size, x_size))
            it->bad = i, it->why = "has a value that isn't finite";
    }
    infer_run *r = infer_pool_take(runs);
    infer_forward(r, it->x, it->count);
    for (int i = 0; i < it->count; i++) {
        float *y = it->y + (size_t)i * y_size;
        for (int k = 0; k < infer_outputs(plan); y += output_count(k++)) infer_read(r, k, i, y);
        if (it->bad < 0 && !floats_finite(it->y + (size_t)i * y_size, y_size))
            it->bad = i, it->why = "makes the network give a value that isn't finite";
    }
    infer_pool_give(runs, r);
}

static void done(void *slot, void *shared) {
    (void)shared;
    item *it = slot;
    tns_frame f = {0};
    for (int i = 0; i < it->count; i++) {
        if (i == it->bad) prog_bad_record(input, &it->in[i], "%s", it->why);
        const float *y = it->y + (size_t)i * y_size;
        for (int k = 0; k < infer_outputs(plan); y += output_count(k++)) {
            const infer_output *o = infer_out(plan, k);
            uint32_t shape[3] = {(uint32_t)(o->flat ? o->c : o->h), (uint32_t)o->w, (uint32_t)o->c};
            f.type = 'R';
            if (!tns_frame_shape(&f, TNS_F32, o->flat ? 1 : 3, shape)) die(EXIT_FAILED, "out of memory");
            tns_meta_copy(&f.meta, &it->in[i].meta);
            if (infer_outputs(plan) > 1) tns_meta_set(&f.meta, "output", *o->name ? o->name : "output");
            memcpy(f.data, y, f.data_len);
            prog_write(&f);
        }
        prog_progress(++done_records, 0, "records");
    }
    tns_frame_free(&f);
}

static void item_free(void *slot) {
    item *it = slot;
    for (int i = 0; i < MOST; i++) tns_frame_free(&it->in[i]);
    free(it->x);
    free(it->y);
}

/* The network for data of the first record's size. */
static void load_net(const tns_frame *f) {
    char err[MODEL_ERROR];
    bool image = f && f->rank == 3;
    int h = m.open && image ? (int)f->shape[0] : 0, w = m.open && image ? (int)f->shape[1] : 0;
    int c = !m.open || !f ? 0 : (int)f->shape[image ? 2 : 0];
    if (!(graph = model_net(&m, h, w, c, err))) {
        if (m.open && f) prog_bad_record(input, f, "%s", err);
        die(EXIT_CORRUPT, "%s", err);
    }
}

/* That, planned for inference. */
static void load(const tns_frame *f) {
    char net_err[NET_ERROR];
    load_net(f);
    if (!(plan = infer_new(graph, layers.item, layers.count, net_err)))
        die(layers.count ? EXIT_USAGE : EXIT_CORRUPT, "%s: %s", m.path, net_err);
    runs = infer_pool_new(plan);
    const net_layer *in = &graph->layer[0];
    x_size = (size_t)in->h * (size_t)in->w * (size_t)in->c;
    for (int i = 0; i < infer_outputs(plan); i++) y_size += output_count(i);
    at_once = infer_batch(plan) < MOST ? infer_batch(plan) : MOST;
    if (batch < at_once) at_once = (int)batch;
}

/* The header of what goes out: images become features, or scores where the model says what it is sure of. */
static void write_header(tns_frame *h) {
    text positive = {0};
    bool scores = tns_meta_get(&m.header, "positive", &positive) != NULL, map = plan && !infer_out(plan, 0)->flat;
    tns_meta_set(&h->meta, "kind", scores && !layers.count ? "scores" : "features");
    if (scores && !layers.count) tns_meta_set(&h->meta, "positive", positive.s);
    tns_meta_drop(&h->meta, "axes");
    tns_meta_drop(&h->meta, "range");
    tns_meta_drop(&h->meta, "space");
    if (map) tns_meta_add(&h->meta, "axes", "hwc");
    char *label = model_label(&m, layers.count == 1 ? layers.item[0] : NULL);
    model_sign(&m, label, &h->meta);
    free(label);
    char *extra = xasprintf("--model=MODEL_%016llx", (unsigned long long)m.checksum);
    prog_add_pg(&h->meta, extra);
    prog_write(h);
    free(extra);
    free(positive.s);
}

/* ---- heat maps ---- */

static void write_heat(gradcam *g, const tns_frame *in, float *x, double *map, tns_frame *out) {
    if (in->dtype != TNS_U8 || in->rank != 3 || (in->shape[2] != 3 && in->shape[2] != 1))
        prog_bad_record(input, in, "--gradcam draws over images: u8 of height x width x 3 or 1 channels");
    preprocess(graph, in, 0, 1, x);
    double z = gradcam_map(g, x, map);
    if (!isfinite(z)) prog_bad_record(input, in, "makes the network give a value that isn't finite");
    uint32_t shape[3] = {in->shape[0], in->shape[1], 3};
    out->type = 'R';
    if (!tns_frame_shape(out, TNS_U8, 3, shape) ||
        !heat_draw(map, g->h, g->w, in->data, (int)shape[0], (int)shape[1], (int)in->shape[2], out->data))
        die(EXIT_FAILED, "out of memory");
    tns_meta_copy(&out->meta, &in->meta);
    tns_meta_addf(&out->meta, "output", "%.6g", z);
    prog_write(out);
    prog_progress(++done_records, 0, "records");
}

static void open_heat(gradcam *g, const tns_frame *f, float **x, double **map) {
    char err[NET_ERROR];
    if (!graph) load_net(f);
    if (!gradcam_open(g, graph, cam_layer, err)) die(EXIT_USAGE, "%s: %s", m.path, err);
    const net_layer *in = &graph->layer[0];
    *x = xarray((size_t)in->h * (size_t)in->w * (size_t)in->c, sizeof **x);
    *map = xarray((size_t)g->h * (size_t)g->w, sizeof **map);
}

static int heat_maps(void) {
    char err[NET_ERROR];
    gradcam g = {0};
    tns_frame f = {0}, out = {0};
    float *x = NULL;
    double *map = NULL;
    ops_f32.set_threads((int)prog.threads);
    while (prog_next(input, &f)) {
        if (f.type == 'H') {
            char *extra = xasprintf("--model=MODEL_%016llx", (unsigned long long)m.checksum);
            prog_add_pg(&f.meta, extra);
            free(extra);
        }
        if (f.type != 'R') {
            prog_write(&f);
            continue;
        }
        if (m.open && !graph && f.rank != 3) prog_bad_record(input, &f, "is no image");
        if (!g.n) open_heat(&g, &f, &x, &map);
        if (!preprocess_accepts(graph, &f, err)) prog_bad_record(input, &f, "%s", err);
        write_heat(&g, &f, x, map, &out);
    }
    gradcam_close(&g);
    free(x);
    free(map);
    tns_frame_free(&f);
    tns_frame_free(&out);
    prog_close(input);
    net_free(graph);
    model_close(&m);
    return prog_finish();
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    char err[MODEL_ERROR];
    bool corrupt;
    if (cam_layer && layers.count) prog_usage("--gradcam and --layer exclude each other");
    if (!model_open(&m, model_path, err, &corrupt)) die(corrupt ? EXIT_CORRUPT : EXIT_FAILED, "%s", err);
    if (!m.open && !cam_layer) load(NULL);
    input = prog_open(prog.operand[0]);
    if (cam_layer) return heat_maps();
    par *p = par_start((int)prog.threads, sizeof(item), work, done, NULL);
    tns_frame f = {0}, header = {0};
    item *it = NULL;
    while (prog_next(input, &f)) {
        if (f.type == 'R') {
            if (!graph) {
                if ((f.rank != 1 && f.rank != 3) || (f.dtype != TNS_U8 && f.dtype != TNS_F32))
                    prog_bad_record(input, &f, "is neither an image nor a vector of u8 or f32");
                load(&f), write_header(&header), header.type = 0;
            }
            if (!preprocess_accepts(graph, &f, err)) {
                if (it) par_put(p);
                par_drain(p);
                prog_bad_record(input, &f, "%s", err);
            }
            if (!it) it = par_item(p), it->count = 0;
            tns_frame_swap(&it->in[it->count++], &f);
            if (it->count == at_once) par_put(p), it = NULL;
            continue;
        }
        if (it) par_put(p), it = NULL;
        par_drain(p);
        if (f.type == 'H') {
            tns_frame_swap(&header, &f);
            if (graph) write_header(&header), header.type = 0; /* else the first record says how large it is */
        } else {
            if (header.type == 'H') write_header(&header), header.type = 0;
            prog_write(&f);
        }
    }
    par_stop(p, item_free);
    prog_close(input);
    tns_frame_free(&f);
    tns_frame_free(&header);
    infer_pool_free(runs);
    infer_free(plan);
    net_free(graph);
    model_close(&m);
    return prog_finish();
}
