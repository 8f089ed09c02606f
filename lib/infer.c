/* Running the steps of a plan. */
#include "infer.h"

#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "infer_ops.h"
#include "infer_plan.h"

struct infer_run {
    const infer *p;
    float **slot;
    float *zeros, *kept; /* kept: a copy of the input, for outputs that are the input */
    const float *x;
    void *scratch;
    map *maps; /* of a step's inputs */
    size_t bytes;
};

const char *infer_kernels(void) {
    return kernels_get()->name;
}

int infer_outputs(const infer *p) {
    return p->outputs;
}

const infer_output *infer_out(const infer *p, int i) {
    return &p->out[i];
}

int infer_batch(const infer *p) {
    return p->batch;
}

static void *take(infer_run *r, size_t bytes) {
    r->bytes += bytes;
    return aligned_alloc64(bytes + 64);
}

infer_run *infer_run_new(const infer *p) {
    infer_run *r = xarray(1, sizeof *r);
    r->p = p;
    r->slot = xarray((size_t)p->slots + 1, sizeof *r->slot);
    int inputs = 1;
    for (int i = 0; i < p->n->layers; i++)
        if (p->n->layer[i].inputs > inputs) inputs = p->n->layer[i].inputs;
    r->maps = xarray((size_t)inputs, sizeof *r->maps);
    size_t batch = (size_t)p->batch;
    bool good = true;
    for (int i = 0; i < p->slots && good; i++) good = (r->slot[i] = take(r, batch * p->slot_size[i] * sizeof(float))) != NULL;
    if (p->keep_input) good = good && (r->kept = take(r, batch * infer_sample(p, 0) * sizeof(float)));
    good = good && (r->zeros = take(r, p->zeros * sizeof(float))) && (r->scratch = take(r, p->scratch));
    if (good) return memset(r->zeros, 0, p->zeros * sizeof(float)), r;
    infer_run_free(r);
    return NULL;
}

void infer_run_free(infer_run *r) {
    if (!r) return;
    for (int i = 0; i < r->p->slots; i++) free(r->slot[i]);
    free(r->slot), free(r->zeros), free(r->kept), free(r->scratch), free(r->maps);
    free(r);
}

size_t infer_run_bytes(const infer_run *r) {
    return r->bytes;
}

static float *data_of(const infer_run *r, int layer) {
    place at = r->p->at[layer];
    return (at.root == 0 ? (float *)r->x : r->slot[r->p->slot_of[at.root]]) + at.offset; /* the input is only read */
}

static map map_of(const infer_run *r, int layer) {
    const net_layer *l = &r->p->n->layer[layer];
    return (map){data_of(r, layer), l->h, l->w, l->c, r->p->at[layer].stride};
}

/* The input, with a border of zeros, tight. */
static const float *bordered(const infer_run *r, const step *s, int count) {
    const net_layer *l = &r->p->n->layer[s->layer];
    map x = map_of(r, l->input[0]);
    float *to = (float *)r->scratch + s->scratch / sizeof(float);
    size_t c = (size_t)x.c, row = (size_t)s->border_w * c;
    int wide = s->border_w - l->left < x.w ? s->border_w - l->left : x.w;
    memset(to, 0, (size_t)count * (size_t)s->border_h * row * sizeof *to);
    for (int n = 0; n < count; n++)
        for (int i = 0; i < x.h && i + l->top < s->border_h && wide > 0; i++) {
            float *line = to + ((size_t)n * (size_t)s->border_h + (size_t)(i + l->top)) * row + (size_t)l->left * c;
            const float *from = x.data + ((size_t)n * (size_t)x.h + (size_t)i) * (size_t)x.w * x.stride;
            if (x.stride == c)
                memcpy(line, from, (size_t)wide * c * sizeof *to);
            else
                for (int j = 0; j < wide; j++) memcpy(line + (size_t)j * c, from + (size_t)j * x.stride, c * sizeof *to);
        }
    return to;
}

static void run_step(infer_run *r, const step *s, int count) {
    const infer *p = r->p;
    const kernels *k = p->k;
    const net_layer *l = &p->n->layer[s->layer], *out = &p->n->layer[s->out];
    const float *x = l->inputs ? data_of(r, l->input[0]) : NULL;
    float *y = data_of(r, s->out);
    size_t pixels = (size_t)count * (size_t)out->h * (size_t)out->w, y_stride = p->at[s->out].stride;
    epilogue e = {s->bias, s->first, s->then, NULL, 0};
    if (s->add >= 0) e.add = data_of(r, s->add), e.add_stride = p->at[s->add].stride;
    switch (s->kind) {
    case STEP_GATHER:
        if (s->bordered) x = bordered(r, s, count);
        for (int i = 0; i < s->pass_count; i++) {
            const pass *q = &s->passes[i];
            epilogue part = e;
            part.bias += q->y_offset;
            if (part.add) part.add += q->y_offset;
            k->gather(&q->g, count, x + q->x_offset, &part, y + q->y_offset, r->zeros, r->scratch);
        }
        return;
    case STEP_WINOGRAD:
        k->winograd(&s->wino, count, x, &e, y, r->scratch);
        return;
    case STEP_DEPTHWISE:
        k->depthwise(&s->win, count, x, &e, y);
        return;
    case STEP_POOL:
        k->pool(&s->win, count, x, y);
        break;
    case STEP_ACTIVATE:
        k->activate(s->first, pixels, out->c, x, p->at[l->input[0]].stride, y, y_stride);
        return;
    case STEP_OP: {
        for (int i = 0; i < l->inputs; i++) {
            r->maps[i] = map_of(r, l->input[i]);
            if (s->skip && s->skip[i]) r->maps[i].data = NULL;
        }
        map to = {y, l->h, l->w, l->c, y_stride};
        infer_op(l, count, r->maps, p->param[2 * s->layer], p->param[2 * s->layer + 1], &to);
        break;
    }
    }
    if (s->first.kind != ACT_NONE) k->activate(s->first, pixels, out->c, y, y_stride, y, y_stride);
}

void infer_forward(infer_run *r, const float *x, int count) {
    const infer *p = r->p;
    r->x = x;
    if (r->kept) r->x = memcpy(r->kept, x, (size_t)count * infer_sample(p, 0) * sizeof *x);
    for (int i = 0; i < p->step_count; i++) run_step(r, &p->steps[i], count);
}

void infer_read(const infer_run *r, int output, int sample, float *y) {
    const infer *p = r->p;
    map m = map_of(r, p->out_layer[output]);
    size_t pixels = (size_t)m.h * (size_t)m.w, c = (size_t)m.c;
    const float *from = m.data + (size_t)sample * pixels * m.stride;
    if (m.stride == c)
        memcpy(y, from, pixels * c * sizeof *y);
    else
        for (size_t i = 0; i < pixels; i++) memcpy(y + i * c, from + i * m.stride, c * sizeof *y);
}
