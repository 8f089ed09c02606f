/* Small networks of every op of the language against PyTorch in double (tests/golden/nets.tns, see nets.py there): the plain loops of net_ref.h within 1e-12, inference
 * on every kernel within 1e-5. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "golden.h"
#include "lib/base.h"
#include "lib/infer.h"
#include "net_ref.h"
#include "ops_f64.h"

static bool seen_op[OP_OUTPUT], seen_act[ACT_SCALE + 1];

/* As `weight` in nets.py. */
static void fill(const net *n, const char *name) {
    for (int i = 0; i < n->params; i++) {
        const net_param *p = &n->param[i];
        char *key = xasprintf("%s/%s", name, p->key);
        double *v = xarray(p->count, sizeof *v), fan = (double)p->count / p->shape[0];
        bool near_one = p->rank == 1 && (strstr(p->key, ".weight") || strstr(p->key, ".running_var"));
        for (size_t k = 0; k < p->count; k++)
            v[k] = golden_centred(key, k) * (p->rank > 1 ? 3 / sqrt(fan) : 1) + (near_one ? 1 : 0);
        n->ops->from_f64(p->count, v, net_param_data(n, p));
        free(v);
        free(key);
    }
}

static net *made(const char *source, const char *name, const ops *o) {
    char err[NET_ERROR] = "";
    net *n = net_parse(source, name, err);
    if (!n || !net_shape(n, 0, 0, 0, err)) die(EXIT_FAILED, "%s", err);
    if (!net_alloc(n, o)) die(EXIT_FAILED, "out of memory");
    fill(n, name);
    return n;
}

/* Relative to the largest. */
static double difference(size_t count, const double *got, const double *want) {
    double most = 0, far = 0;
    for (size_t i = 0; i < count; i++) {
        double d = fabs(got[i] - want[i]);
        most = fmax(most, fabs(want[i]));
        if (!(d <= far)) far = d;
    }
    return far / most;
}

static void infers(const char *source, const char *name, const float *x, size_t count, const double *want) {
    static const char *const kernels[] = {"avx512", "avx2", "generic"};
    char err[NET_ERROR] = "";
    net *n = made(source, name, &ops_f32);
    float *y = xarray(count, sizeof *y);
    double *got = xarray(count, sizeof *got);
    for (int i = 0; i < 3; i++) {
        setenv("FACADE_KERNELS", kernels[i], 1);
        infer *p = infer_new(n, NULL, 0, err);
        infer_run *r = p ? infer_run_new(p) : NULL;
        if (!r) die(EXIT_FAILED, "%s: no plan: %s", name, err);
        infer_forward(r, x, 1);
        infer_read(r, 0, 0, y);
        for (size_t k = 0; k < count; k++) got[k] = y[k];
        double d = difference(count, got, want);
        CHECK(d <= 1e-5, "%s: %s is off by %.2g", name, infer_kernels(), d);
        infer_run_free(r);
        infer_free(p);
    }
    free(got);
    free(y);
    net_free(n);
}

static void test_golden(const char *name, const tns_frame *f) {
    text source = {0};
    if (!tns_meta_get(&f->meta, "net", &source)) die(EXIT_FAILED, "%s: no text in the golden file", name);
    net *n = made(source.s, name, &ops_f64);
    for (int i = 0; i < n->layers; i++) {
        seen_op[n->layer[i].op] = true;
        if (n->layer[i].op == OP_ACT) seen_act[n->layer[i].act.kind] = true;
    }
    const net_layer *in = &n->layer[0], *out = &n->layer[n->layers - 1];
    bool right_shape =
        out->flat ? f->rank == 1 && (int)f->shape[0] == out->c
                  : f->rank == 3 && (int)f->shape[0] == out->h && (int)f->shape[1] == out->w && (int)f->shape[2] == out->c;
    CHECK(right_shape, "%s gives %dx%dx%d", name, out->h, out->w, out->c);
    size_t inputs = (size_t)in->h * (size_t)in->w * (size_t)in->c, count = tns_frame_count(f);
    char *key = xasprintf("%s/input", name);
    double *x = xarray(inputs, sizeof *x);
    float *single = xarray(inputs, sizeof *single);
    for (size_t i = 0; i < inputs; i++) single[i] = (float)(x[i] = 2 * golden_centred(key, i));
    if (right_shape) {
        double **y = net_ref_forward(n, x), d = difference(count, y[n->layers - 1], f->data);
        CHECK(d <= 1e-12, "%s: the reference is off by %.2g", name, d);
        net_ref_free(n, y);
        infers(source.s, name, single, count, f->data);
    }
    free(single);
    free(x);
    free(key);
    net_free(n);
    free(source.s);
}

int main(void) {
    const char *key;
    const tns_frame *f;
    golden_read("tests/golden/nets.tns");
    int count = 0;
    for (; (f = golden_at(count, &key)); count++) test_golden(key, f);
    for (int i = 0; i < OP_OUTPUT; i++) CHECK(seen_op[i], "no golden network has op %d", i);
    for (int i = ACT_NONE + 1; i <= ACT_SCALE; i++) CHECK(seen_act[i], "no golden network has activation %d", i);
    golden_free();
    return check_status();
}
