#include "gradcam.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

/* The net without a sigmoid or softmax in its last line, on the same weights: neither has parameters, so the others keep their places. */
static net *before_probability(const net *n, char err[NET_ERROR]) {
    const net_layer *in = &n->layer[0], *last = &n->layer[n->layers - 1];
    bool probability = last->op == OP_SOFTMAX || (last->op == OP_ACT && last->act.kind == ACT_SIGMOID);
    const char *s = n->text;
    for (int line = 1; line < last->line; line++) s = strchr(s, '\n') + 1;
    text without = {0};
    text_addn(&without, n->text, (size_t)(s - n->text));
    text_add(&without, probability && last->input[0] == n->layers - 2 ? s + strcspn(s, "\n") : s);
    net *m = net_parse(without.s, n->file, err);
    free(without.s);
    if (m && net_shape(m, in->flat ? 0 : in->h, in->flat ? 0 : in->w, in->c, err) && net_can_train(m, err)) {
        m->ops = n->ops, m->weights = n->weights, m->stats = n->stats;
        return m;
    }
    net_free(m);
    return NULL;
}

static int layer_named(const net *n, const char *name) {
    for (int i = 1; i < n->layers; i++)
        if (!strcmp(n->layer[i].name, name)) return i;
    return -1;
}

bool gradcam_open(gradcam *g, const net *n, const char *layer, char err[NET_ERROR]) {
    *g = (gradcam){.n = before_probability(n, err)};
    if (!g->n) return false;
    g->layer = layer_named(g->n, layer);
    const net_layer *l = g->layer < 0 ? NULL : &g->n->layer[g->layer];
    if (!l) {
        text names = {0};
        for (int i = g->n->layers - 1; i > 0 && names.len < 200; i--)
            if (*g->n->layer[i].name && !g->n->layer[i].flat) text_addf(&names, " %s", g->n->layer[i].name);
        snprintf(err, NET_ERROR, "no layer is called '%.80s'; the last maps are:%.200s", layer, names.s ? names.s : " none");
        free(names.s);
    } else if (l->flat) {
        snprintf(err, NET_ERROR, "%.80s gives a vector, and a heat map wants a map: a convolution, say", layer);
    } else if (!(g->run = net_run_new(g->n, 1, NET_FROZEN))) {
        die(EXIT_FAILED, "not enough memory to run %s", n->file);
    } else {
        g->h = l->h, g->w = l->w, g->c = l->c;
        g->value = xarray((size_t)l->h * (size_t)l->w * (size_t)l->c, sizeof *g->value);
        g->gradient = xarray((size_t)l->h * (size_t)l->w * (size_t)l->c, sizeof *g->gradient);
        return true;
    }
    gradcam_close(g);
    return false;
}

void gradcam_close(gradcam *g) {
    net_run_free(g->run);
    if (g->n) g->n->weights = g->n->stats = NULL;
    net_free(g->n);
    free(g->value);
    free(g->gradient);
    *g = (gradcam){0};
}

double gradcam_map(gradcam *g, const void *x, double *map) {
    const ops *o = g->n->ops;
    const net_layer *out = &g->n->layer[g->n->layers - 1];
    size_t outputs = (size_t)out->h * (size_t)out->w * (size_t)out->c, pixels = (size_t)g->h * (size_t)g->w, c = (size_t)g->c;
    double *z = xarray(outputs, sizeof *z), best;
    size_t which = 0;
    o->to_f64(outputs, net_forward(g->run, x, 0, 0), z);
    for (size_t i = 1; i < outputs; i++)
        if (z[i] > z[which]) which = i;
    best = z[which];
    memset(z, 0, outputs * sizeof *z);
    z[which] = 1;
    o->from_f64(outputs, z, net_dout(g->run));
    free(z);
    const void *gradient = net_backward_to(g->run, g->layer);
    memset(map, 0, pixels * sizeof *map);
    if (!gradient) return best; /* the layer has no say in it */
    o->to_f64(pixels * c, net_value(g->run, g->layer), g->value);
    o->to_f64(pixels * c, gradient, g->gradient);
    for (size_t k = 0; k < c; k++) {
        double weight = 0;
        for (size_t i = 0; i < pixels; i++) weight += g->gradient[i * c + k] / (double)pixels;
        for (size_t i = 0; i < pixels; i++) map[i] += weight * g->value[i * c + k];
    }
    for (size_t i = 0; i < pixels; i++) map[i] = fmax(map[i], 0);
    return best;
}
