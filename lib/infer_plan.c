/* From a network to steps: what is needed, what is fused, where everything lies. */
#include "infer_plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "buffers.h"

typedef struct {
    infer *p;
    const net *from; /* has the weights */
    net *n;
    bool *needed, *wanted; /* wanted: an output */
    int *readers; /* needed layers that read it, and once more when it's wanted */
    int *only; /* the one that reads it, when there is one */
    int *absorbed; /* the layer whose step computes it, or -1 */
    int *parent; /* its output lies in that layer's, or -1 */
    size_t *shift; /* from which channel on */
    double *scale, *offset; /* of a convolution's output channels, while batch norm is folded */
} planner;

/* ---- what is needed ---- */

static void mark(planner *b) {
    net *n = b->n;
    for (int i = 0; i < b->p->outputs; i++) b->needed[b->p->out_layer[i]] = b->wanted[b->p->out_layer[i]] = true;
    for (int i = n->layers - 1; i >= 0; i--)
        for (int k = 0; k < n->layer[i].inputs && b->needed[i]; k++) b->needed[n->layer[i].input[k]] = true;
    for (int i = 0; i < n->layers; i++) {
        b->absorbed[i] = b->parent[i] = -1;
        b->readers[i] += b->wanted[i];
        for (int k = 0; k < n->layer[i].inputs && b->needed[i]; k++) {
            b->readers[n->layer[i].input[k]]++;
            b->only[n->layer[i].input[k]] = i;
        }
    }
}

/* ---- views: outputs that lie inside others ---- */

static bool whole_pixels(const net_layer *l) {
    return l->from[0] == 0 && l->from[1] == 0 && l->step[0] == 1 && l->step[1] == 1 && l->step[2] == 1;
}

/* A slice along channels only. */
static bool channel_slice(const planner *b, int i) {
    const net_layer *l = &b->n->layer[i], *x = l->inputs ? &b->n->layer[l->input[0]] : NULL;
    return l->op == OP_SLICE && whole_pixels(l) && l->h == x->h && l->w == x->w;
}

static bool reshapes(const net_layer *l) {
    return l->op == OP_RESHAPE || l->op == OP_FLATTEN || l->op == OP_DROPOUT;
}

/* ---- fusing ---- */

/* The one layer that reads i, or -1: outputs and what several read must be there as they are. */
static int sole_reader(const planner *b, int i) {
    return b->readers[i] == 1 && !b->wanted[i] ? b->only[i] : -1;
}

static const float *values(const planner *b, int param) {
    return param < 0 ? NULL : net_param_data(b->from, &b->from->param[param]);
}

/* scale and offset, then batch norm or an affine layer after them. */
static void fold(planner *b, const net_layer *l) {
    const float *gamma = values(b, l->weight), *beta = values(b, l->bias_param), *mean = values(b, l->mean),
                *var = values(b, l->var);
    for (int c = 0; c < l->c; c++) {
        double g = l->op == OP_BATCHNORM ? gamma[c] / sqrt((double)var[c] + l->eps) : gamma[c];
        b->scale[c] *= g;
        b->offset[c] = (b->offset[c] - (l->op == OP_BATCHNORM ? mean[c] : 0)) * g + (beta ? beta[c] : 0);
    }
}

/* Takes into s what follows it and nobody else reads. linear: batch norm can be folded; sums: a residual can be added. */
static void absorb(planner *b, step *s, bool linear, bool sums) {
    net *n = b->n;
    int state = 0; /* 1: has its first activation; 2: has added; 3: complete */
    for (int next; (next = sole_reader(b, s->out)) >= 0 && b->absorbed[next] < 0;) {
        const net_layer *l = &n->layer[next];
        if ((l->op == OP_BATCHNORM || l->op == OP_AFFINE) && linear && state == 0) {
            fold(b, l);
        } else if (l->op == OP_DROPOUT) {
            /* nothing, in inference */
        } else if (l->op == OP_ACT && state == 0) {
            s->first = l->act, state = 1;
        } else if (l->op == OP_ACT && state == 2) {
            s->then = l->act, state = 3;
        } else if (l->op == OP_ADD && sums && l->inputs == 2 && state < 2) {
            int other = l->input[0] == s->out ? l->input[1] : l->input[0];
            const net_layer *x = &n->layer[other], *mine = &n->layer[s->out];
            if (x->h != mine->h || x->w != mine->w || x->c != mine->c) break;
            s->add = other, state = 2;
        } else {
            break;
        }
        b->absorbed[next] = s->layer;
        s->out = next;
        if (state == 3) break;
    }
}

/* ---- steps ---- */

static float *aligned_floats(size_t count) {
    float *p = aligned_alloc64((count + 16) * sizeof(float));
    if (!p) die(EXIT_FAILED, "out of memory for a network's weights");
    memset(p, 0, (count + 16) * sizeof(float));
    return p;
}

static void begin_fold(planner *b, const net_layer *l) {
    const float *bias = values(b, l->bias_param);
    free(b->scale);
    free(b->offset);
    b->scale = xarray((size_t)l->c, sizeof *b->scale);
    b->offset = xarray((size_t)l->c, sizeof *b->offset);
    for (int c = 0; c < l->c; c++) b->scale[c] = 1, b->offset[c] = bias ? bias[c] : 0;
}

static void set_bias(const planner *b, step *s, int c) {
    int columns = b->p->k->columns;
    s->bias = aligned_floats((size_t)(c + 2 * columns));
    for (int k = 0; k < c; k++) s->bias[k] = (float)b->offset[k];
}

static bool small_input(const net_layer *l, const net_layer *x) {
    return x->c * l->kw <= 64 && x->c < 8 && l->kw > 1 && l->dil_w == 1 && l->groups == 1;
}

static void plan_conv(planner *b, step *s, const net_layer *l) {
    const net_layer *x = &b->n->layer[l->input[0]];
    const kernels *k = b->p->k;
    const float *w = values(b, l->weight);
    int cg = x->c / l->groups, og = l->c / l->groups, taps = l->kh * l->kw;
    set_bias(b, s, l->c);
    if (l->groups == x->c && l->groups == l->c) { /* depthwise */
        s->kind = STEP_DEPTHWISE;
        s->weights = aligned_floats((size_t)taps * (size_t)l->c);
        for (int t = 0; t < taps; t++)
            for (int c = 0; c < l->c; c++)
                s->weights[(size_t)t * (size_t)l->c + (size_t)c] = (float)(w[(size_t)c * (size_t)taps + (size_t)t] * b->scale[c]);
        s->win = (window){.h = x->h,
                          .w = x->w,
                          .c = x->c,
                          .oh = l->h,
                          .ow = l->w,
                          .kh = l->kh,
                          .kw = l->kw,
                          .stride_h = l->stride_h,
                          .stride_w = l->stride_w,
                          .dil_h = l->dil_h,
                          .dil_w = l->dil_w,
                          .top = l->top,
                          .left = l->left,
                          .weights = s->weights};
        return;
    }
    float *folded = aligned_floats((size_t)l->c * (size_t)cg * (size_t)taps);
    for (int o = 0; o < l->c; o++)
        for (size_t q = 0, each = (size_t)cg * (size_t)taps; q < each; q++)
            folded[(size_t)o * each + q] = (float)(w[(size_t)o * each + q] * b->scale[o]);

    bool square = l->kh == l->kw && (l->kh == 3 || l->kh == 5) && l->groups == 1 && l->stride_h == 1 && l->stride_w == 1 &&
                  l->dil_h == 1 && l->dil_w == 1;
    int side = square ? 7 - l->kh : 1; /* of a tile's outputs */
    double tiles = (double)((l->h + side - 1) / side) * ((l->w + side - 1) / side);
    if (square && x->c >= 16 && l->c >= 16 && tiles * 36 < .6 * taps * l->h * l->w) {
        s->kind = STEP_WINOGRAD;
        s->weights = aligned_floats(k->winograd_size(l->kh, x->c, l->c));
        winograd_weights layout = winograd_plain(l->kh, x->c, l->c);
        k->winograd_pack(&layout, folded, 0, l->c, s->weights);
        s->wino = (winograd){.h = x->h,
                             .w = x->w,
                             .c = x->c,
                             .in_step = 1,
                             .oh = l->h,
                             .ow = l->w,
                             .oc = l->c,
                             .out_step = 1,
                             .out_row = (size_t)l->w,
                             .out_sample = (size_t)l->h * (size_t)l->w,
                             .top = l->top,
                             .left = l->left,
                             .r = l->kh,
                             .weights = s->weights};
        free(folded);
        return;
    }

    /* Rows of the weight matrix: taps, then channels. A row of the kernel is one tap where the input has few channels. */
    s->kind = STEP_GATHER;
    s->bordered = small_input(l, x);
    int rows = s->bordered ? l->kh : taps, per_tap = s->bordered ? l->kw * cg : cg;
    size_t packed = k->packed_size(rows * per_tap, og);
    s->weights = aligned_floats(packed * (size_t)l->groups);
    s->passes = xarray((size_t)l->groups, sizeof *s->passes);
    s->pass_count = l->groups;
    s->taps = xarray((size_t)rows * 2, sizeof *s->taps);
    for (int t = 0; t < rows; t++) {
        s->taps[t] = s->bordered ? t * l->dil_h : t / l->kw * l->dil_h - l->top;
        s->taps[rows + t] = s->bordered ? 0 : t % l->kw * l->dil_w - l->left;
    }
    if (s->bordered) {
        s->border_h = (l->h - 1) * l->stride_h + (l->kh - 1) * l->dil_h + 1;
        s->border_w = (l->w - 1) * l->stride_w + l->kw;
    }
    float *matrix = aligned_floats((size_t)taps * (size_t)cg * (size_t)og);
    for (int g = 0; g < l->groups; g++) {
        for (int t = 0; t < taps; t++)
            for (int q = 0; q < cg; q++)
                for (int o = 0; o < og; o++)
                    matrix[((size_t)t * (size_t)cg + (size_t)q) * (size_t)og + (size_t)o] =
                        folded[((size_t)(g * og + o) * (size_t)cg + (size_t)q) * (size_t)taps + (size_t)t];
        float *to = s->weights + (size_t)g * packed;
        k->pack(rows * per_tap, og, matrix, (size_t)og, 1, to);
        s->passes[g] = (pass){.g = {.h = s->bordered ? s->border_h : x->h,
                                    .w = s->bordered ? s->border_w : x->w,
                                    .oh = l->h,
                                    .ow = l->w,
                                    .oc = og,
                                    .grid_h = l->h,
                                    .grid_w = l->w,
                                    .out_step_h = 1,
                                    .out_step_w = 1,
                                    .in_step_h = l->stride_h,
                                    .in_step_w = l->stride_w,
                                    .taps = rows,
                                    .k = per_tap,
                                    .dy = s->taps,
                                    .dx = s->taps + rows,
                                    .weights = to},
                              .x_offset = (size_t)g * (size_t)cg,
                              .y_offset = (size_t)g * (size_t)og};
    }
    free(matrix);
    free(folded);
}

static void plan_dense(planner *b, step *s, const net_layer *l) {
    const net_layer *x = &b->n->layer[l->input[0]];
    const kernels *k = b->p->k;
    const float *w = values(b, l->weight);
    set_bias(b, s, l->c);
    s->kind = STEP_GATHER;
    s->weights = aligned_floats(k->packed_size(x->c, l->c));
    float *folded = aligned_floats((size_t)x->c * (size_t)l->c);
    for (size_t o = 0; o < (size_t)l->c; o++)
        for (size_t q = 0; q < (size_t)x->c; q++) folded[o * (size_t)x->c + q] = (float)(w[o * (size_t)x->c + q] * b->scale[o]);
    k->pack(x->c, l->c, folded, 1, (size_t)x->c, s->weights);
    free(folded);
    s->taps = xarray(2, sizeof *s->taps);
    s->passes = xarray(1, sizeof *s->passes);
    s->pass_count = 1;
    s->passes[0].g = (gather){.h = 1,
                              .w = 1,
                              .oh = 1,
                              .ow = 1,
                              .oc = l->c,
                              .grid_h = 1,
                              .grid_w = 1,
                              .out_step_h = 1,
                              .out_step_w = 1,
                              .in_step_h = 1,
                              .in_step_w = 1,
                              .taps = 1,
                              .k = x->c,
                              .dy = s->taps,
                              .dx = s->taps + 1,
                              .weights = s->weights};
}

/* Outputs at the same place modulo the stride (a phase) meet the same taps of the kernel: each phase is a convolution of stride 1. */
static void plan_convt(planner *b, step *s, const net_layer *l) {
    const net_layer *x = &b->n->layer[l->input[0]];
    const kernels *k = b->p->k;
    const float *w = values(b, l->weight);
    int cg = x->c / l->groups, og = l->c / l->groups, taps = l->kh * l->kw, phases = l->stride_h * l->stride_w;
    set_bias(b, s, l->c);
    s->kind = STEP_GATHER;
    s->pass_count = 0;
    s->passes = xarray((size_t)phases * (size_t)l->groups, sizeof *s->passes);
    s->taps = xarray((size_t)(taps + phases) * 2, sizeof *s->taps);
    /* Every tap belongs to one phase; a phase without taps gets one that is never inside. */
    size_t room = 0;
    for (int a = 0; a < l->stride_h; a++)
        for (int c = 0; c < l->stride_w; c++) {
            int met = 0;
            for (int t = 0; t < taps; t++)
                met += t / l->kw % l->stride_h == (a + l->top) % l->stride_h &&
                       t % l->kw % l->stride_w == (c + l->left) % l->stride_w;
            room += k->packed_size((met ? met : 1) * cg, og) + 16;
        }
    s->weights = aligned_floats(room * (size_t)l->groups);
    float *matrix = aligned_floats((size_t)(taps + 1) * (size_t)cg * (size_t)og), *to = s->weights;
    int *tap = s->taps;
    for (int a = 0; a < l->stride_h; a++)
        for (int c = 0; c < l->stride_w; c++) {
            int met = 0, *which = xarray((size_t)taps, sizeof *which);
            for (int t = 0; t < taps; t++)
                if (t / l->kw % l->stride_h == (a + l->top) % l->stride_h &&
                    t % l->kw % l->stride_w == (c + l->left) % l->stride_w)
                    which[met++] = t;
            int rows = met ? met : 1, *dy = tap, *dx = tap + rows;
            tap += 2 * rows;
            dy[0] = dx[0] = -(1 << 24);
            for (int t = 0; t < met; t++) {
                dy[t] = (a + l->top - which[t] / l->kw) / l->stride_h;
                dx[t] = (c + l->left - which[t] % l->kw) / l->stride_w;
            }
            for (int g = 0; g < l->groups; g++) {
                memset(matrix, 0, (size_t)rows * (size_t)cg * (size_t)og * sizeof *matrix);
                for (int t = 0; t < met; t++)
                    for (int q = 0; q < cg; q++)
                        for (int o = 0; o < og; o++)
                            matrix[((size_t)t * (size_t)cg + (size_t)q) * (size_t)og + (size_t)o] =
                                (float)(w[((size_t)(g * cg + q) * (size_t)og + (size_t)o) * (size_t)taps + (size_t)which[t]] *
                                        b->scale[g * og + o]);
                k->pack(rows * cg, og, matrix, (size_t)og, 1, to);
                if (a < l->h && c < l->w)
                    s->passes[s->pass_count++] = (pass){.g = {.h = x->h,
                                                              .w = x->w,
                                                              .oh = l->h,
                                                              .ow = l->w,
                                                              .oc = og,
                                                              .grid_h = (l->h - a + l->stride_h - 1) / l->stride_h,
                                                              .grid_w = (l->w - c + l->stride_w - 1) / l->stride_w,
                                                              .out_y = a,
                                                              .out_x = c,
                                                              .out_step_h = l->stride_h,
                                                              .out_step_w = l->stride_w,
                                                              .in_step_h = 1,
                                                              .in_step_w = 1,
                                                              .taps = rows,
                                                              .k = cg,
                                                              .dy = dy,
                                                              .dx = dx,
                                                              .weights = to},
                                                        .x_offset = (size_t)g * (size_t)cg,
                                                        .y_offset = (size_t)g * (size_t)og};
                to += (k->packed_size(rows * cg, og) + 15) / 16 * 16;
            }
            free(which);
        }
    free(matrix);
}

/* Batch norm or affine that nothing before it could take: a depthwise convolution of one pixel. */
static void plan_affine(planner *b, step *s, const net_layer *l) {
    const net_layer *x = &b->n->layer[l->input[0]];
    s->kind = STEP_DEPTHWISE;
    set_bias(b, s, l->c);
    s->weights = aligned_floats((size_t)l->c);
    for (int c = 0; c < l->c; c++) s->weights[c] = (float)b->scale[c];
    s->win = (window){.h = x->h,
                      .w = x->w,
                      .c = x->c,
                      .oh = l->h,
                      .ow = l->w,
                      .kh = 1,
                      .kw = 1,
                      .stride_h = 1,
                      .stride_w = 1,
                      .dil_h = 1,
                      .dil_w = 1,
                      .weights = s->weights};
}

/* The output of a reshape needs its source's numbers in one piece, unless pixels only change their arrangement. */
static bool same_pixels(const planner *b, int i) {
    return b->n->layer[i].c == b->n->layer[b->n->layer[i].input[0]].c;
}

static void copy_params(planner *b, int i) {
    const net_layer *l = &b->n->layer[i];
    int index[2] = {l->weight, l->bias_param};
    for (int k = 0; k < 2; k++) {
        if (index[k] < 0) continue;
        const net_param *q = &b->from->param[index[k]];
        float *to = b->p->param[2 * i + k] = aligned_floats(q->count);
        memcpy(to, values(b, index[k]), q->count * sizeof *to);
    }
}

static void plan_step(planner *b, int i) {
    infer *p = b->p;
    net *n = b->n;
    const net_layer *l = &n->layer[i], *x = l->inputs ? &n->layer[l->input[0]] : NULL;
    step *s = &p->steps[p->step_count++];
    *s = (step){.kind = STEP_OP, .layer = i, .out = i, .add = -1};
    switch (l->op) {
    case OP_CONV:
    case OP_CONVT:
    case OP_DENSE:
        begin_fold(b, l);
        absorb(b, s, true, true);
        if (l->op == OP_CONV)
            plan_conv(b, s, l);
        else if (l->op == OP_CONVT)
            plan_convt(b, s, l);
        else
            plan_dense(b, s, l);
        return;
    case OP_BATCHNORM:
    case OP_AFFINE:
        begin_fold(b, l);
        for (int c = 0; c < l->c; c++) b->offset[c] = 0;
        fold(b, l);
        absorb(b, s, true, true);
        plan_affine(b, s, l);
        return;
    case OP_MAXPOOL:
    case OP_AVGPOOL:
        s->kind = STEP_POOL;
        s->win = (window){.h = x->h,
                          .w = x->w,
                          .c = x->c,
                          .oh = l->h,
                          .ow = l->w,
                          .kh = l->kh,
                          .kw = l->kw,
                          .stride_h = l->stride_h,
                          .stride_w = l->stride_w,
                          .dil_h = l->dil_h,
                          .dil_w = l->dil_w,
                          .top = l->top,
                          .left = l->left,
                          .bottom = l->bottom,
                          .right = l->right,
                          .max = l->op == OP_MAXPOOL,
                          .count_pad = l->count_pad};
        break;
    case OP_ACT:
        s->kind = STEP_ACTIVATE;
        s->first = l->act;
        return;
    case OP_CONCAT: /* an activation after it would change what others read of its parts */
        return;
    default:
        copy_params(b, i);
    }
    absorb(b, s, false, false);
}

static int by_out(const void *a, const void *b) {
    const step *x = a, *y = b;
    return (x->out > y->out) - (x->out < y->out);
}

/* ---- places ---- */

/* Inputs of a concatenation along channels that are, one after the other, all channels of one layer: that layer, and how many inputs it is. */
static int joined(const planner *b, const net_layer *l, int k, int *count) {
    int whole = b->n->layer[l->input[k]].op == OP_SLICE ? b->n->layer[l->input[k]].input[0] : -1, at = 0;
    for (*count = 0; whole >= 0 && k + *count < l->inputs; ++*count) {
        int i = l->input[k + *count];
        const net_layer *x = &b->n->layer[i];
        if (!channel_slice(b, i) || x->input[0] != whole || x->from[2] != at) break;
        at += x->c;
    }
    if (whole >= 0 && at == b->n->layer[whole].c) return whole;
    *count = 1;
    return l->input[k];
}

/* Lets what a concatenation joins be written where it will lie. */
static void host(planner *b, step *s, const bool *piece) {
    const net_layer *l = &b->n->layer[s->layer];
    size_t channel = 0;
    for (int k = 0; k < l->inputs;) {
        int count, i = joined(b, l, k, &count),
                   end = b->absorbed[i] >= 0 || (!reshapes(&b->n->layer[i]) && !channel_slice(b, i)) ? i : -1;
        size_t c = (size_t)b->n->layer[i].c;
        bool free_to_move = end > 0 && b->parent[i] < 0 && !piece[i] && b->n->layer[i].op != OP_INPUT;
        if (free_to_move) {
            b->parent[i] = s->layer, b->shift[i] = channel;
            for (int j = 0; j < count; j++) s->skip[k + j] = true;
        }
        channel += c;
        k += count;
    }
}

static void find_place(planner *b, int i) {
    infer *p = b->p;
    const net_layer *l = &b->n->layer[i];
    if (b->parent[i] < 0) {
        p->at[i] = (place){i, 0, (size_t)l->c};
        return;
    }
    place in = p->at[b->parent[i]];
    if (in.root < 0) find_place(b, b->parent[i]), in = p->at[b->parent[i]];
    p->at[i] = (place){in.root, in.offset + b->shift[i], in.stride};
    if (reshapes(l) && !same_pixels(b, i)) p->at[i].stride = (size_t)l->c;
}

static void place_all(planner *b) {
    infer *p = b->p;
    net *n = b->n;
    /* piece: a reshape reads it across pixels, so it must stay in one piece. */
    bool *piece = xarray((size_t)n->layers, sizeof *piece);
    for (int i = 1; i < n->layers; i++) {
        const net_layer *l = &n->layer[i];
        if (!b->needed[i] || b->absorbed[i] >= 0) continue;
        bool view = false;
        if (channel_slice(b, i)) {
            view = true;
        } else if (reshapes(l)) {
            view = true;
            bool sliced = false;
            for (int k = l->input[0]; !same_pixels(b, i); k = n->layer[k].input[0]) { /* down to the base */
                sliced |= channel_slice(b, k) && b->absorbed[k] < 0;
                if (b->absorbed[k] >= 0 || (!reshapes(&n->layer[k]) && !channel_slice(b, k))) {
                    if (!sliced) piece[k] = true;
                    break;
                }
            }
            view = !sliced;
        }
        if (view) b->parent[i] = l->input[0], b->shift[i] = l->op == OP_SLICE ? (size_t)l->from[2] : 0;
    }
    for (int i = 0; i < n->layers; i++) p->at[i].root = -1;
    for (int i = p->step_count - 1; i >= 0; i--) {
        step *s = &p->steps[i];
        const net_layer *l = &n->layer[s->layer];
        if (l->op != OP_CONCAT) continue;
        s->skip = xarray((size_t)l->inputs, sizeof *s->skip);
        if (l->axis[0] == 2) host(b, s, piece);
    }
    for (int i = 0; i < n->layers; i++)
        if (b->needed[i] && p->at[i].root < 0) find_place(b, i);
    free(piece);
}

/* ---- memory ---- */

static void use(const planner *b, int layer, int time, int *first, int *last) {
    int root = b->p->at[layer].root;
    if (time < first[root]) first[root] = time;
    if (time > last[root]) last[root] = time;
}

static void plan_memory(planner *b) {
    infer *p = b->p;
    net *n = b->n;
    int *first = xarray((size_t)n->layers, sizeof *first), *last = xarray((size_t)n->layers, sizeof *last), count = 0;
    buffer *buffers = xarray((size_t)n->layers, sizeof *buffers);
    p->slot_of = xarray((size_t)n->layers, sizeof *p->slot_of);
    for (int i = 0; i < n->layers; i++) first[i] = n->layers + 1, last[i] = -1, p->slot_of[i] = -1;
    for (int k = 0; k < p->step_count; k++) {
        const step *s = &p->steps[k];
        const net_layer *l = &n->layer[s->layer];
        use(b, s->out, k, first, last);
        if (s->add >= 0) use(b, s->add, k, first, last);
        for (int j = 0; j < l->inputs; j++) use(b, l->input[j], k, first, last);
    }
    for (int i = 0; i < p->outputs; i++) use(b, p->out_layer[i], p->step_count, first, last);
    for (int i = 1; i < n->layers; i++)
        if (last[i] >= 0) {
            buffers[count] = (buffer){.id = i, .start = first[i], .end = last[i], .count = infer_sample(p, i)};
            count++;
        }
    p->slot_size = xarray((size_t)count + 1, sizeof *p->slot_size);
    p->slots = buffers_share(buffers, count, p->slot_size);
    for (int i = 0; i < count; i++) p->slot_of[buffers[i].id] = buffers[i].slot;
    free(first);
    free(last);
    free(buffers);
}

/* Samples at a time: enough rows for the kernels in the last, small maps, while the memory for the first, large ones stays reasonable. */
static int choose_batch(const infer *p) {
    size_t floats = 0;
    for (int i = 0; i < p->slots; i++) floats += p->slot_size[i];
    size_t batch = (6 << 20) / (floats + 1);
    return batch < 1 ? 1 : batch > 8 ? 8 : (int)batch;
}

/* Strides are known only now. */
static void finish_steps(planner *b) {
    infer *p = b->p;
    const kernels *k = p->k;
    p->zeros = 64;
    for (int i = 0; i < p->step_count; i++) {
        step *s = &p->steps[i];
        const net_layer *l = &b->n->layer[s->layer];
        size_t in = l->inputs ? p->at[l->input[0]].stride : 0, out = p->at[s->out].stride;
        if (s->kind == STEP_DEPTHWISE || s->kind == STEP_POOL) s->win.stride = in, s->win.out_stride = out;
        if (s->kind == STEP_WINOGRAD) {
            s->wino.stride = in, s->wino.out_stride = out;
            s->scratch = k->winograd_scratch(&s->wino);
        }
        for (int j = 0; j < s->pass_count; j++) {
            gather *g = &s->passes[j].g;
            g->stride = s->bordered ? (size_t)b->n->layer[l->input[0]].c : in, g->out_stride = out;
            if (k->gather_scratch(g) > s->scratch) s->scratch = k->gather_scratch(g);
            if ((size_t)g->k + 64 > p->zeros) p->zeros = (size_t)g->k + 64;
        }
        s->scratch = (s->scratch + 63) / 64 * 64;
        size_t border = s->bordered ? ((size_t)p->batch * (size_t)s->border_h * (size_t)s->border_w * 8 + 64) * sizeof(float) : 0;
        if (s->scratch + border > p->scratch) p->scratch = s->scratch + border;
    }
}

/* ---- the whole ---- */

static int layer_named(const net *n, const char *name) {
    for (int i = 0; i < n->layers; i++)
        if (*n->layer[i].name && !strcmp(n->layer[i].name, name)) return i;
    return -1;
}

static bool choose_outputs(infer *p, const char *const *outputs, int count, char err[NET_ERROR]) {
    const net *n = p->n;
    const net_layer *last = &n->layer[n->layers - 1];
    p->outputs = count ? count : last->op == OP_OUTPUT ? last->inputs : 1;
    p->out_layer = xarray((size_t)p->outputs, sizeof *p->out_layer);
    p->out = xarray((size_t)p->outputs, sizeof *p->out);
    for (int i = 0; i < p->outputs; i++) {
        int at = count ? layer_named(n, outputs[i]) : last->op == OP_OUTPUT ? last->input[i] : n->layers - 1;
        if (at < 0) {
            text names = {0};
            for (int k = n->layers - 1; k >= 0 && names.len < 200; k--)
                if (*n->layer[k].name) text_addf(&names, " %s", n->layer[k].name);
            snprintf(err, NET_ERROR, "no layer is called '%.80s'; the last ones are:%.200s", outputs[i],
                     names.s ? names.s : " none");
            free(names.s);
            return false;
        }
        const net_layer *l = &n->layer[at];
        p->out_layer[i] = at;
        p->out[i] = (infer_output){.name = l->name, .h = l->h, .w = l->w, .c = l->c, .flat = l->flat};
    }
    return true;
}

infer *infer_new(const net *from, const char *const *outputs, int count, char err[NET_ERROR]) {
    infer *p = xarray(1, sizeof *p);
    const net_layer *in = &from->layer[0];
    p->k = kernels_get();
    p->n = net_parse(from->text, from->file, err);
    if (!p->n || !net_shape(p->n, in->h, in->w, in->c, err) || !choose_outputs(p, outputs, count, err)) {
        infer_free(p);
        return NULL;
    }
    size_t layers = (size_t)p->n->layers;
    planner b = {.p = p, .from = from, .n = p->n};
    b.needed = xarray(layers, sizeof *b.needed), b.wanted = xarray(layers, sizeof *b.wanted);
    b.readers = xarray(layers, sizeof *b.readers), b.only = xarray(layers, sizeof *b.only);
    b.absorbed = xarray(layers, sizeof *b.absorbed), b.parent = xarray(layers, sizeof *b.parent);
    b.shift = xarray(layers, sizeof *b.shift);
    p->at = xarray(layers, sizeof *p->at);
    p->steps = xarray(layers, sizeof *p->steps);
    p->param = xarray(layers * 2, sizeof *p->param);
    mark(&b);

    /* Views are no steps, unless a reshape can't be one: place_all finds those; here every reshape of a slice is taken for one. */
    for (int i = 1; i < p->n->layers; i++) {
        const net_layer *l = &p->n->layer[i];
        if (!b.needed[i] || b.absorbed[i] >= 0 || l->op == OP_OUTPUT || channel_slice(&b, i)) continue;
        if (reshapes(l)) {
            bool sliced = false;
            for (int k = l->input[0];
                 !same_pixels(&b, i) && b.absorbed[k] < 0 && (reshapes(&p->n->layer[k]) || channel_slice(&b, k));
                 k = p->n->layer[k].input[0])
                sliced |= channel_slice(&b, k);
            if (!sliced) continue;
        }
        plan_step(&b, i);
    }
    qsort(p->steps, (size_t)p->step_count, sizeof *p->steps, by_out);
    place_all(&b);
    plan_memory(&b);
    for (int i = 0; i < p->outputs; i++) p->keep_input |= p->at[p->out_layer[i]].root == 0;
    p->batch = choose_batch(p);
    finish_steps(&b);
    free(b.needed), free(b.wanted), free(b.readers), free(b.only), free(b.absorbed), free(b.parent), free(b.shift);
    free(b.scale), free(b.offset);
    return p;
}

void infer_free(infer *p) {
    if (!p) return;
    for (int i = 0; i < p->step_count; i++) {
        step *s = &p->steps[i];
        free(s->bias), free(s->weights), free(s->taps), free(s->passes), free(s->skip);
    }
    for (int i = 0; p->param && i < 2 * p->n->layers; i++) free(p->param[i]);
    net_free(p->n);
    free(p->at), free(p->steps), free(p->param), free(p->out_layer), free(p->out), free(p->slot_size), free(p->slot_of);
    free(p);
}
