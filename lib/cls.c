#include "cls.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

/* Line `number` (from 1) of a text: its beginning; *len without the newline. */
static const char *line_of(const char *s, int number, size_t *len) {
    for (; number > 1 && *s; number--) s += strcspn(s, "\n"), s += *s == '\n';
    *len = strcspn(s, "\n");
    return s;
}

/* The text with HxWxC after the word `input`. */
static char *with_size(const net *n, int h, int w, int c) {
    size_t len;
    const char *line = line_of(n->text, n->layer[0].line, &len), *word = strstr(line, "input");
    text out = {0};
    text_addn(&out, n->text, (size_t)(word + 5 - n->text));
    text_addf(&out, h ? " %dx%dx%d" : " %d", h ? h : c, w, c);
    text_add(&out, word + 5);
    return out.s;
}

/* The text with line `number` empty. */
static char *without_line(const char *s, int number) {
    size_t len;
    const char *line = line_of(s, number, &len);
    text out = {0};
    text_addn(&out, s, (size_t)(line - s));
    text_add(&out, line + len);
    return out.s;
}

net *cls_net(const net *parsed, int h, int w, int c, const ops *o, char **whole, char err[NET_ERROR]) {
    const net_layer *last = &parsed->layer[parsed->layers - 1];
    *whole = NULL;
    if (last->op != OP_ACT || last->act.kind != ACT_SIGMOID || last->input[0] != parsed->layers - 2) {
        snprintf(err, NET_ERROR, "%.150s:%d: a classifier's last line is `sigmoid`, of the line before it", parsed->file,
                 last->line);
        return NULL;
    }
    *whole = parsed->open ? with_size(parsed, h, w, c) : xstrdup(parsed->text);
    char *logit = without_line(*whole, last->line);
    net *n = net_parse(logit, parsed->file, err);
    free(logit);
    bool good = n && net_shape(n, h, w, c, err) && net_can_train(n, err);
    const net_layer *out = good ? &n->layer[n->layers - 1] : NULL;
    if (good && (out->h != 1 || out->w != 1 || out->c != 1)) {
        snprintf(err, NET_ERROR, "%.150s:%d: a classifier gives one number a sample, this gives %dx%dx%d", parsed->file,
                 last->line, out->h, out->w, out->c);
        good = false;
    }
    if (good && !net_alloc(n, o)) die(EXIT_FAILED, "%s: not enough memory for its weights", parsed->file);
    if (good) return n;
    net_free(n);
    free(*whole);
    *whole = NULL;
    return NULL;
}

bool cls_open(cls *c, net *n, const cls_options *o) {
    *c = (cls){.n = n, .o = *o};
    c->gradient = xarray((size_t)o->batch, sizeof(double));
    return optimiser_open(&c->opt, n, &o->adam);
}

void cls_close(cls *c) {
    net_run_free(c->run);
    optimiser_close(&c->opt);
    free(c->gradient);
}

static double l2_of(const cls *c, const net_layer *l) {
    if (l->op != OP_DENSE && l->op != OP_CONV && l->op != OP_CONVT) return 0;
    return l->l2 < 0 ? c->o.l2 : l->l2;
}

double cls_penalty(const cls *c) {
    const net *n = c->n;
    double sum = 0, sum_abs, squares;
    for (int i = 0; i < n->layers; i++) {
        double l2 = l2_of(c, &n->layer[i]);
        if (l2 == 0) continue;
        const net_param *p = &n->param[n->layer[i].weight];
        n->ops->norms(p->count, net_param_data(n, p), &sum_abs, &squares);
        sum += l2 * squares;
    }
    return sum;
}

double cls_p(double z) {
    return z < 0 ? exp(z) / (1 + exp(z)) : 1 / (1 + exp(-z));
}

double cls_loss(double z, double target) {
    return fmax(z, 0) - z * target + log1p(exp(-fabs(z)));
}

bool cls_gradient(cls *c, int count, const void *x, const double *target, const double *weight, uint64_t seed, uint64_t step,
                  double *logits) {
    net *n = c->n;
    if (count != c->run_count) { /* the last batch of an epoch is smaller */
        net_run_free(c->run);
        c->run = net_run_new(n, count, NET_TRAIN);
        c->run_count = c->run ? count : 0;
        if (!c->run) return false;
    }
    const void *z = net_forward(c->run, x, seed, step);
    n->ops->to_f64((size_t)count, z, logits);
    double *d = c->gradient;
    for (int i = 0; i < count; i++) {
        double p = cls_p(logits[i]);
        d[i] = (weight ? weight[i] : 1) * (p - target[i]) / count;
    }
    n->ops->from_f64((size_t)count, d, net_dout(c->run));
    net_zero_grad(n);
    net_backward(c->run, NET_PARAMS);
    for (int i = 0; i < n->layers; i++) {
        double l2 = l2_of(c, &n->layer[i]);
        if (l2 == 0) continue;
        const net_param *p = &n->param[n->layer[i].weight];
        n->ops->axpy(p->count, 2 * l2, net_param_data(n, p), net_param_grad(n, p));
    }
    return true;
}

void cls_move(cls *c, double lr) {
    net *n = c->n;
    if (c->o.kind == CLS_ADAM) {
        c->opt.o.lr = lr;
        optimiser_step(&c->opt);
        return;
    }
    c->opt.t++;
    n->ops->axpy(n->weight_count, c->o.momentum - 1, c->opt.m, c->opt.m);
    n->ops->axpy(n->weight_count, 1, n->grads, c->opt.m);
    n->ops->axpy(n->weight_count, -lr, c->opt.m, n->weights);
}
