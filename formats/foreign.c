#include "foreign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/floats.h"

static int find(const weights *w, const char *name) {
    for (int i = 0; i < w->count; i++)
        if (!strcmp(w->weight[i].name, name)) return i;
    return -1;
}

/* Keras' names for the last part of a key; NULL-terminated. */
static const char *const *keras_names(const net_layer *l, const char *suffix) {
    static const char *const kernel[] = {"kernel", "depthwise_kernel", NULL}, *const gamma[] = {"gamma", NULL},
                             *const beta[] = {"beta", NULL}, *const bias[] = {"bias", NULL},
                             *const mean[] = {"moving_mean", NULL}, *const var[] = {"moving_variance", NULL},
                             *const alpha[] = {"alpha", NULL}, *const none[] = {NULL};
    bool norm = l->op == OP_BATCHNORM || l->op == OP_LAYERNORM;
    if (!strcmp(suffix, "weight")) return norm ? gamma : l->op == OP_PRELU ? alpha : kernel;
    if (!strcmp(suffix, "bias")) return norm ? beta : bias;
    if (!strcmp(suffix, "running_mean")) return mean;
    if (!strcmp(suffix, "running_var")) return var;
    return none;
}

static int find_keras(const weights *w, const net_layer *l, const char *suffix, const char *prefix) {
    int found = -1;
    for (const char *const *k = keras_names(l, suffix); *k && found < 0; k++)
        for (int form = 0; form < 4 && found < 0; form++) {
            char *name = form & 1 ? xasprintf("%s%s/%s/%s%s", prefix, l->name, l->name, *k, form & 2 ? ":0" : "")
                                  : xasprintf("%s%s/%s%s", prefix, l->name, *k, form & 2 ? ":0" : "");
            found = find(w, name);
            free(name);
        }
    return found;
}

/* Where axis k of the parameter is in the tensor: Keras keeps convolutions as [h, w, in, out], transposed ones as [h, w, out, in], depthwise ones as
 * [h, w, channels, 1], dense layers as [in, out]. */
static void axes_of(const weight *t, const net_param *p, int axis[4]) {
    static const int plain[4] = {0, 1, 2, 3}, conv[4] = {3, 2, 0, 1}, depthwise[4] = {2, 3, 0, 1}, dense[2] = {1, 0};
    bool keras = strchr(t->name, '/') != NULL, deep = strstr(t->name, "depthwise_kernel") != NULL;
    const int *from = !keras ? plain : p->rank == 4 ? (deep ? depthwise : conv) : p->rank == 2 ? dense : plain;
    for (int k = 0; k < p->rank && k < 4; k++) axis[k] = from[k];
}

static bool same_shape(const weight *t, const net_param *p) {
    int axis[4];
    if (t->rank != p->rank) return false;
    axes_of(t, p, axis);
    for (int k = 0; k < p->rank; k++)
        if (t->shape[axis[k]] != p->shape[k]) return false;
    return true;
}

static void shape_of(int rank, const uint32_t *shape, char out[80]) {
    tns_frame f = {.rank = rank};
    memcpy(f.shape, shape, (size_t)rank * sizeof *shape);
    tns_shape_text(&f, out);
}

int foreign_find(const weights *w, const net *n, const net_param *p, const char *prefix, char err[WEIGHTS_ERROR]) {
    const net_layer *l = &n->layer[p->layer];
    const char *suffix = p->key + strlen(l->name) + 1;
    char *name = xasprintf("%s%s", prefix, p->key), want[80], have[80];
    int i = find(w, name);
    if (i < 0) i = find_keras(w, l, suffix, prefix);
    shape_of(p->rank, p->shape, want);
    if (i >= 0 && !same_shape(&w->weight[i], p)) {
        shape_of(w->weight[i].rank, w->weight[i].shape, have);
        snprintf(err, WEIGHTS_ERROR, "%.150s is %s, the network wants %s%s", w->weight[i].name, have, want,
                 strchr(w->weight[i].name, '/') ? " (in PyTorch's order of axes)" : "");
        i = -1;
    } else if (i < 0) {
        text near = {0};
        int count = 0;
        text_add(&near, "");
        for (int k = 0; k < w->count && count < 3; k++) { /* the same shape, and the same end of the name */
            const weight *t = &w->weight[k];
            size_t len = strlen(t->name), end = strlen(suffix);
            if (len > end && !strcmp(t->name + len - end, suffix) && same_shape(t, p))
                text_addf(&near, " %.60s", t->name), count++;
        }
        snprintf(err, WEIGHTS_ERROR, "%.120s (%s) is missing%s%.150s", name, want, count ? "; of that shape there is:" : "",
                 near.s);
        free(near.s);
    }
    free(name);
    return i;
}

bool foreign_read(const weights *w, int i, const net_param *p, tns_frame *f, char err[WEIGHTS_ERROR]) {
    tns_frame raw = {0};
    int axis[4];
    if (!weights_read(w, i, &raw, err)) {
        tns_frame_free(&raw);
        return false;
    }
    if (!tns_frame_shape(f, TNS_F32, p->rank, p->shape)) out_of_memory(p->count * sizeof(float));
    float *plain = xarray(p->count + 1, sizeof *plain), *to = f->data;
    floats_of(&raw, plain);
    axes_of(&w->weight[i], p, axis);
    size_t step[4] = {0}, index[4] = {0};
    for (int k = 0; k < p->rank; k++) {
        step[k] = 1;
        for (int j = axis[k] + 1; j < p->rank; j++) step[k] *= raw.shape[j];
    }
    for (size_t e = 0; e < p->count; e++) {
        size_t at = 0;
        for (int k = 0; k < p->rank; k++) at += index[k] * step[k];
        to[e] = plain[at];
        for (int k = p->rank - 1; k >= 0 && ++index[k] == p->shape[k]; k--) index[k] = 0;
    }
    free(plain);
    tns_frame_free(&raw);
    return true;
}
