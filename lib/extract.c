#include "extract.h"

#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "infer_pool.h"
#include "par.h"
#include "preprocess.h"

enum { MOST = 16 };

struct extract {
    const extractor *e;
    par *workers;
    struct images *now; /* being filled */
    int at_once;
    void (*each)(const float *x, const tns_frame *image, void *to);
    void *to;
    infer_pool *runs;
};

/* A few images on their way. */
typedef struct images {
    tns_frame in[MOST];
    int count;
    float *x, *y; /* [count, h, w, c], [count, d] */
} images;

/* What the last dense layer sees, dropout aside. */
static const char *before_last_dense(const net *n) {
    int i = n->layers - 1;
    while (i > 0 && n->layer[i].op != OP_DENSE) i--;
    if (i == 0) return NULL;
    do i = n->layer[i].input[0];
    while (n->layer[i].op == OP_DROPOUT);
    return *n->layer[i].name ? n->layer[i].name : NULL;
}

bool extractor_open(extractor *e, const char *operand, const char *layer, fid_mode mode, char err[MODEL_ERROR], bool *corrupt) {
    char why[NET_ERROR];
    *e = (extractor){.mode = mode};
    if (!model_open(&e->m, operand, err, corrupt)) return false;
    *corrupt = true;
    if (e->m.open) {
        snprintf(err, MODEL_ERROR, "%.300s: doesn't say the size of its images; wgt2tns --size HxWxC makes a model that does",
                 operand);
        return false;
    }
    if (!(e->graph = model_net(&e->m, 0, 0, 0, err))) return false;
    text positive = {0};
    const char *wanted = layer;
    if (!layer && tns_meta_get(&e->m.header, "positive", &positive) && !(wanted = before_last_dense(e->graph))) {
        snprintf(err, MODEL_ERROR,
                 "%.300s: is a classifier, and what its last dense layer sees has no name; --layer NAME says whose output the "
                 "features are",
                 operand);
        free(positive.s);
        return false;
    }
    free(positive.s);
    if (!(e->plan = infer_new(e->graph, wanted ? &wanted : NULL, wanted != NULL, why))) {
        snprintf(err, MODEL_ERROR, "%.150s: %.400s", operand, why);
        *corrupt = !layer;
        return false;
    }
    if (e->graph->layer[0].flat || infer_outputs(e->plan) != 1) {
        snprintf(err, MODEL_ERROR, "%.300s: %s, so it gives no features of images%s", operand,
                 e->graph->layer[0].flat ? "takes vectors" : "has several outputs",
                 e->graph->layer[0].flat ? "" : " (--layer NAME chooses one)");
        return false;
    }
    const infer_output *o = infer_out(e->plan, 0);
    e->d = o->h * o->w * o->c;
    e->name = model_label(&e->m, layer);
    return true;
}

void extractor_close(extractor *e) {
    infer_free(e->plan);
    net_free(e->graph);
    model_close(&e->m);
    free(e->name);
    *e = (extractor){0};
}

const char *extractor_refuses(const extractor *e, const tns_frame *f) {
    if (f->rank != 3 || f->dtype != TNS_U8) return "is no image of u8 (imgnorm makes them)";
    if ((int)f->shape[2] != e->graph->layer[0].c)
        return "hasn't the number of colours that the network wants (imgnorm makes RGB)";
    if (!f->shape[0] || !f->shape[1] || f->shape[0] > 1 << 16 || f->shape[1] > 1 << 16)
        return "is an image of no use: a side of 0, or of more than 65536";
    return NULL;
}

static void work(void *slot, void *shared) {
    images *it = slot;
    extract *x = shared;
    const extractor *e = x->e;
    const net_layer *in = &e->graph->layer[0];
    size_t size = (size_t)in->h * (size_t)in->w * (size_t)in->c;
    if (!it->x)
        it->x = xarray((size_t)x->at_once, size * sizeof(float)),
        it->y = xarray((size_t)x->at_once, (size_t)e->d * sizeof(float));
    for (int i = 0; i < it->count; i++) {
        const tns_frame *f = &it->in[i];
        float *to = it->x + (size_t)i * size;
        if (!fid_resize(e->mode, f->data, (int)f->shape[0], (int)f->shape[1], in->c, in->h, in->w, to))
            die(EXIT_FAILED, "not enough memory to resize images");
        if (e->graph->range == RANGE_LINEAR && e->graph->range_lo == -1 && e->graph->range_hi == 1)
            fid_scale(e->mode, to, size);
        else
            preprocess_floats(e->graph, to, size, 0, 1);
    }
    infer_run *r = infer_pool_take(x->runs);
    infer_forward(r, it->x, it->count);
    for (int i = 0; i < it->count; i++) infer_read(r, 0, i, it->y + (size_t)i * (size_t)e->d);
    infer_pool_give(x->runs, r);
}

static void done(void *slot, void *shared) {
    images *it = slot;
    extract *x = shared;
    for (int i = 0; i < it->count; i++) x->each(it->y + (size_t)i * (size_t)x->e->d, &it->in[i], x->to);
}

static void free_images(void *slot) {
    images *it = slot;
    for (int i = 0; i < MOST; i++) tns_frame_free(&it->in[i]);
    free(it->x);
    free(it->y);
}

extract *extract_start(const extractor *e, int threads, void (*each)(const float *x, const tns_frame *image, void *to),
                       void *to) {
    extract *x = xarray(1, sizeof *x);
    *x = (extract){.e = e, .each = each, .to = to, .at_once = infer_batch(e->plan) < MOST ? infer_batch(e->plan) : MOST};
    x->runs = infer_pool_new(e->plan);
    x->workers = par_start(threads, sizeof(images), work, done, x);
    return x;
}

void extract_put(extract *x, tns_frame *f) {
    if (!x->now) x->now = par_item(x->workers), x->now->count = 0;
    tns_frame_swap(&x->now->in[x->now->count++], f);
    if (x->now->count == x->at_once) par_put(x->workers), x->now = NULL;
}

void extract_end(extract *x) {
    if (x->now) par_put(x->workers);
    par_drain(x->workers);
    par_stop(x->workers, free_images);
    infer_pool_free(x->runs);
    free(x);
}
