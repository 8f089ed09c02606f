#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

static void add(state *s, char *key, void *data, const ops *o, const net_param *p) {
    s->array = xrealloc(s->array, (size_t)(s->count + 1) * sizeof *s->array);
    s->array[s->count++] = (struct state_array){.key = key, .data = data, .ops = o, .param = p};
}

void state_add_net(state *s, const char *name, net *n) {
    for (int i = 0; i < n->params; i++)
        add(s, name ? xasprintf("%s/%s", name, n->param[i].key) : xstrdup(n->param[i].key), net_param_data(n, &n->param[i]),
            n->ops, &n->param[i]);
}

void state_add_array(state *s, const char *key, void *data, const ops *o, const net_param *p) {
    add(s, xstrdup(key), data, o, p);
}

void state_add_optimiser(state *s, const char *name, optimiser *a) {
    const net *n = a->n;
    for (int moment = 0; moment < 2; moment++)
        for (int i = 0; i < n->params; i++)
            if (n->param[i].trained)
                add(s, xasprintf("%s.%c/%s", name, moment ? 'v' : 'm', n->param[i].key),
                    (char *)(moment ? a->v : a->m) + n->param[i].offset * n->ops->real_size, n->ops, &n->param[i]);
}

void state_free(state *s) {
    for (int i = 0; i < s->count; i++) free(s->array[i].key);
    free(s->array);
    *s = (state){0};
}

int state_write(const state *s, const tns_meta *header, tns_writer *w) {
    tns_frame f = {.type = 'H'};
    tns_meta_copy(&f.meta, header);
    int result = tns_write(w, &f);
    tns_meta_free(&f.meta);
    for (int i = 0; i < s->count && result == 0; i++) {
        const struct state_array *a = &s->array[i];
        /* The frame borrows the array's memory: no copy. */
        tns_frame r = {.type = 'R', .dtype = a->ops->dtype, .rank = a->param->rank, .data = a->data};
        memcpy(r.shape, a->param->shape, (size_t)r.rank * sizeof *r.shape);
        tns_meta_add(&r.meta, "key", a->key);
        result = tns_write(w, &r);
        tns_meta_free(&r.meta);
    }
    return result < 0 ? result : tns_write(w, &(tns_frame){.type = 'E'});
}

static struct state_array *find(state *s, const char *key) {
    for (int i = 0; i < s->count; i++)
        if (!strcmp(s->array[i].key, key)) return &s->array[i];
    return NULL;
}

/* Takes a record into its array. False with a message. */
static bool fill(struct state_array *a, const tns_frame *f, char err[STATE_ERROR]) {
    const net_param *p = a->param;
    char have[80], want[80];
    tns_frame shape = {.rank = p->rank};
    memcpy(shape.shape, p->shape, sizeof p->shape);
    tns_shape_text(f, have);
    tns_shape_text(&shape, want);
    if (a->filled) {
        snprintf(err, STATE_ERROR, "two records are called %.150s", a->key);
        return false;
    }
    if (strcmp(have, want) || f->rank != p->rank || (f->dtype != TNS_F32 && f->dtype != TNS_F64)) {
        snprintf(err, STATE_ERROR, "%.150s is %s of %s, the network wants %s of f32", a->key, have, tns_dtype_name(f->dtype),
                 want);
        return false;
    }
    a->filled = true;
    if (f->dtype == a->ops->dtype) {
        memcpy(a->data, f->data, f->data_len);
    } else if (f->dtype == TNS_F64) {
        a->ops->from_f64(p->count, f->data, a->data);
    } else {
        for (size_t i = 0; i < p->count; i++) {
            double v = (double)((const float *)f->data)[i];
            a->ops->from_f64(1, &v, (char *)a->data + i * a->ops->real_size);
        }
    }
    return true;
}

bool state_read(state *s, tns_reader *r, char err[STATE_ERROR], bool *corrupt) {
    tns_frame f = {0};
    text key = {0};
    bool good = true;
    int got;
    *corrupt = true;
    while (good && (got = tns_read(r, &f)) > 0) {
        if (f.type == 'H') {
            snprintf(err, STATE_ERROR, "a second segment, where a state has one");
            good = false;
        } else if (f.type == 'R') {
            const char *k = tns_meta_get(&f.meta, "key", &key);
            struct state_array *a = k ? find(s, k) : NULL;
            if (a) good = fill(a, &f, err);
        }
    }
    if (good && got < 0) {
        *corrupt = tns_reader_errno(r) == 0;
        snprintf(err, STATE_ERROR, "%.500s", tns_reader_error(r));
        good = false;
    }
    for (int i = 0; i < s->count && good; i++)
        if (!s->array[i].filled) {
            snprintf(err, STATE_ERROR, "%.200s is missing", s->array[i].key);
            good = false;
        }
    tns_frame_free(&f);
    free(key.s);
    return good;
}

net *state_net(const tns_meta *header, const char *name, const char *file, const ops *o, char err[NET_ERROR]) {
    text buf = {0};
    char *field = xasprintf("net.%s", name);
    const char *source = tns_meta_get(header, field, &buf);
    net *n = NULL;
    if (!source) {
        snprintf(err, NET_ERROR, "%.150s holds no network called %.40s", file, name);
    } else if ((n = net_parse(source, file, err)) && (!net_shape(n, 0, 0, 0, err) || !net_alloc(n, o))) {
        if (n->shaped) die(EXIT_FAILED, "%s: not enough memory for the network %s", file, name);
        net_free(n);
        n = NULL;
    }
    free(field);
    free(buf.s);
    return n;
}
