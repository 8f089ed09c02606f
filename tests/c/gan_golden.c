#include "gan_golden.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "lib/base.h"
#include "lib/net_text.h"

net *gan_golden_net(const char *path, const char *setting, const ops *o) {
    char err[NET_ERROR] = "";
    char *source = read_file(path, NET_MAX_TEXT, NULL);
    if (!source) die(EXIT_FAILED, "%s:", path);
    char *plain = net_expand(source, path, &setting, setting != NULL, err);
    net *n = plain ? net_parse(plain, path, err) : NULL;
    if (!n || !net_shape(n, 0, 0, 0, err)) die(EXIT_FAILED, "%s", err);
    if (!net_alloc(n, o)) die(EXIT_FAILED, "out of memory");
    free(source);
    free(plain);
    return n;
}

void gan_golden_weights(const net *n, const char *name) {
    for (int i = 0; i < n->params; i++) {
        const net_param *p = &n->param[i];
        if (!p->trained) continue;
        char *key = xasprintf("%s/%s", name, p->key);
        double *v = xarray(p->count, sizeof *v), fan = p->rank > 1 ? (double)(p->count / p->shape[0]) : 1;
        bool is_scale = p->rank == 1 && strstr(p->key, ".weight");
        for (size_t k = 0; k < p->count; k++)
            v[k] = p->rank > 1 ? golden_centred(key, k) * (4 / sqrt(fan)) : golden_centred(key, k) * .2 + (is_scale ? 1 : 0);
        n->ops->from_f64(p->count, v, net_param_data(n, p));
        free(v);
        free(key);
    }
}

double gan_golden_norm(size_t count, const double *v) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += v[i] * v[i];
    return sqrt(sum);
}

/* floor: the least norm that an error is measured against */
static double distance(const net *n, size_t count, const void *data, const double *want, double floor) {
    double *v = xarray(count, sizeof *v);
    n->ops->to_f64(count, data, v);
    for (size_t i = 0; i < count; i++) v[i] -= want[i];
    double error = gan_golden_norm(count, v) / fmax(gan_golden_norm(count, want), floor);
    free(v);
    return isfinite(error) ? error : INFINITY;
}

/* A convolution's bias before a batch norm has no gradient at all but rounding: it is measured against its layer's weights'. */
double gan_golden_gradients(const net *n, const char *run, const char *name) {
    double floor = 0, worst = 0;
    for (int i = 0; i < n->params; i++) {
        const net_param *p = &n->param[i];
        if (!p->trained) continue;
        char *key = xasprintf("%s/grad/%s/%s", run, name, p->key);
        const double *want = golden_find(key, p->count);
        free(key);
        if (p->rank > 1) floor = gan_golden_norm(p->count, want);
        worst = fmax(worst, distance(n, p->count, net_param_grad(n, p), want, floor));
    }
    return worst;
}

double gan_golden_end(const net *n, const char *run, const char *name) {
    double worst = 0;
    for (int i = 0; i < n->params; i++) {
        const net_param *p = &n->param[i];
        char *key = xasprintf("%s/end/%s/%s", run, name, p->key);
        worst = fmax(worst, distance(n, p->count, net_param_data(n, p), golden_find(key, p->count), 0));
        free(key);
    }
    return worst;
}
