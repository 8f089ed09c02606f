/* The second order of networks: in double, how net_backward's gradients to the parameters change along a direction of the input, against central differences of
 * exactly that; in float against double. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lib/base.h"
#include "lib/net.h"
#include "lib/rng.h"
#include "ops_f64.h"

enum { BATCH = 3, STEP = 5 };

static net *made(const char *source, const ops *o) {
    char err[NET_ERROR] = "";
    net *n = net_parse(source, "second.net", err);
    if (!n || !net_shape(n, 0, 0, 0, err)) die(EXIT_FAILED, "%s", err);
    if (!net_alloc(n, o)) die(EXIT_FAILED, "out of memory");
    for (int i = 0; i < n->params; i++) {
        const net_param *p = &n->param[i];
        if (!p->trained) continue;
        double *v = xarray(p->count, sizeof *v), fan = p->rank > 1 ? (double)(p->count / p->shape[0]) : 1;
        rng r = rng_make(4, "test_second", p->key, 0);
        for (size_t k = 0; k < p->count; k++)
            v[k] = (float)(rng_range(&r, -1, 1) * 1.7 / sqrt(fan) + (p->rank == 1 && strstr(p->key, ".weight") ? 1 : 0));
        o->from_f64(p->count, v, net_param_data(n, p));
        free(v);
    }
    return n;
}

static size_t sample(const net_layer *l) {
    return (size_t)l->h * (size_t)l->w * (size_t)l->c;
}

static double *numbers(const char *key, size_t count) {
    double *v = xarray(count + 1, sizeof *v);
    rng r = rng_make(3, "test_second", key, 0);
    for (size_t i = 0; i < count; i++) v[i] = (float)rng_range(&r, -1, 1);
    return v;
}

static double norm(size_t count, const double *v) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += v[i] * v[i];
    return sqrt(sum);
}

/* |a-b| / |b|, but at least that for |b| */
static double distance_over(double least, size_t count, const double *a, const double *b) {
    double difference = 0;
    for (size_t i = 0; i < count; i++) difference += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(difference) / fmax(norm(count, b), least);
}

static double distance(size_t count, const double *a, const double *b) {
    return distance_over(1e-2, count, a, b);
}

/* Everything for one network: its arrays in a table's type. */
typedef struct {
    net *n;
    net_run *r;
    const ops *o;
    size_t inputs, outputs;
    double *x, *v, *dout;
} subject;

static subject subject_new(const char *source, const ops *o) {
    subject s = {.n = made(source, o), .o = o};
    s.r = net_run_new(s.n, BATCH, NET_SECOND);
    if (!s.r) die(EXIT_FAILED, "out of memory");
    s.inputs = BATCH * sample(&s.n->layer[0]), s.outputs = BATCH * sample(&s.n->layer[s.n->layers - 1]);
    s.x = numbers("x", s.inputs), s.v = numbers("v", s.inputs), s.dout = numbers("dout", s.outputs);
    return s;
}

static void subject_free(subject *s) {
    free(s->x), free(s->v), free(s->dout);
    net_run_free(s->r);
    net_free(s->n);
}

/* Output and gradients of the parameters at x + e*v, in double; both the caller's. */
static void evaluate(subject *s, double e, double **y, double **grads) {
    double *x = xarray(s->inputs, sizeof *x);
    void *there = xmalloc(s->inputs * s->o->real_size);
    for (size_t i = 0; i < s->inputs; i++) x[i] = s->x[i] + e * s->v[i];
    s->o->from_f64(s->inputs, x, there);
    *y = xarray(s->outputs, sizeof **y), *grads = xarray(s->n->weight_count, sizeof **grads);
    net_zero_grad(s->n);
    s->o->to_f64(s->outputs, net_forward(s->r, there, 1, STEP), *y);
    s->o->from_f64(s->outputs, s->dout, net_dout(s->r));
    net_backward(s->r, NET_PARAMS);
    s->o->to_f64(s->n->weight_count, s->n->grads, *grads);
    free(x);
    free(there);
}

/* Their derivatives. add: to the gradients there are, doubled, which are then taken off again. */
static void derive(subject *s, bool add, double **ty, double **tgrads) {
    void *x = xmalloc(s->inputs * s->o->real_size), *v = xmalloc(s->inputs * s->o->real_size);
    s->o->from_f64(s->inputs, s->x, x);
    s->o->from_f64(s->inputs, s->v, v);
    *ty = xarray(s->outputs, sizeof **ty), *tgrads = xarray(s->n->weight_count, sizeof **tgrads);
    double *before = xarray(s->n->weight_count, sizeof *before);
    net_zero_grad(s->n);
    net_forward(s->r, x, 1, STEP);
    s->o->from_f64(s->outputs, s->dout, net_dout(s->r));
    net_backward(s->r, add ? NET_PARAMS | NET_INPUT : NET_INPUT);
    if (add) s->o->to_f64(s->n->weight_count, s->n->grads, before);
    s->o->to_f64(s->outputs, net_tangent(s->r, v), *ty);
    net_backward_tangent(s->r);
    s->o->to_f64(s->n->weight_count, s->n->grads, *tgrads);
    for (size_t i = 0; i < s->n->weight_count; i++) (*tgrads)[i] -= before[i];
    free(before);
    free(x);
    free(v);
}

static void test_differences(const char *source) {
    const double h = 1e-6;
    subject s = subject_new(source, &ops_f64);
    double *ty, *tgrads, *again, *tagain, *y[2], *grads[2];
    evaluate(&s, -h, &y[0], &grads[0]);
    evaluate(&s, h, &y[1], &grads[1]);
    derive(&s, false, &ty, &tgrads);
    derive(&s, true, &again, &tagain);
    for (size_t i = 0; i < s.outputs; i++) y[1][i] = (y[1][i] - y[0][i]) / (2 * h);
    for (size_t i = 0; i < s.n->weight_count; i++) grads[1][i] = (grads[1][i] - grads[0][i]) / (2 * h);
    double error = distance(s.outputs, ty, y[1]);
    CHECK(error < 1e-7, "the output's tangent is off by %g: %s", error, source);
    for (int i = 0; i < s.n->params; i++) {
        const net_param *p = &s.n->param[i];
        if (!p->trained) continue;
        error = distance(p->count, tgrads + p->offset, grads[1] + p->offset);
        CHECK(error < 1e-7, "%s is off by %g: %s", p->key, error, source);
        error = distance(p->count, tagain + p->offset, tgrads + p->offset);
        CHECK(error < 1e-12, "%s, added to gradients, is off by %g: %s", p->key, error, source);
    }
    CHECK(distance(s.outputs, again, ty) == 0, "the same tangent again");
    free(ty), free(tgrads), free(again), free(tagain), free(y[0]), free(y[1]), free(grads[0]), free(grads[1]);
    subject_free(&s);
}

static void test_float(const char *source) {
    subject s = subject_new(source, &ops_f64), fast = subject_new(source, &ops_f32);
    double *ty, *tgrads, *fast_ty, *fast_tgrads, *again[2];
    derive(&s, false, &ty, &tgrads);
    for (int threads = 1; threads <= 2; threads++) {
        ops_f32.set_threads(threads);
        derive(&fast, false, &fast_ty, &fast_tgrads);
        derive(&fast, false, &again[0], &again[1]);
        CHECK(!memcmp(again[1], fast_tgrads, fast.n->weight_count * sizeof(double)), "the same bytes again: %s", source);
        double error = distance(s.outputs, fast_ty, ty);
        CHECK(error < 1e-4, "in float the output's tangent is off by %g: %s", error, source);
        double floor =
            0; /* a bias before a batch norm has no gradient but rounding: it is measured against its layer's weights' */
        for (int i = 0; i < s.n->params; i++) {
            const net_param *p = &s.n->param[i];
            if (!p->trained) continue;
            if (p->rank > 1) floor = norm(p->count, tgrads + p->offset);
            error = distance_over(fmax(floor, 1e-2), p->count, fast_tgrads + p->offset, tgrads + p->offset);
            CHECK(error < 1e-4, "%s in float is off by %g: %s", p->key, error, source);
        }
        free(fast_ty), free(fast_tgrads), free(again[0]), free(again[1]);
    }
    free(ty), free(tgrads);
    subject_free(&s);
    subject_free(&fast);
}

int main(void) {
    base_program = "test_second";
    static const char *const nets[] = {
        /* each op by itself, below something curved, so that its gradient's tangent isn't 0, and above something with weights */
        "input 3\na dense 4\nrelu\nb dense 2\n",
        "input 3\na dense 4\ntanh\nb dense 3\nsigmoid\nc dense 2\nelu .7\n",
        "input 5x4x2\na conv 4 3x2 stride=2 pad=2,1\nleaky .2\nb conv 6 2 groups=2 dilation=2 pad=same\ntanh\n",
        "input 3x2x3\na convt 4 4x3 stride=2 crop=1,0\nelu .5\nb convt 2 2 bias=no\nsigmoid\n",
        "input 4x3x2\na conv 3 2\nn batchnorm\nrelu\nb conv 2 2\nflatten\n",
        "input 4x3x2\nn batchnorm\na conv 3 2\nm batchnorm\ntanh\n",
        "input 4x3x2\na conv 3 2\nn layernorm\nleaky .2\nb conv 2 2\nflatten\n",
        "input 4x3x2\nn layernorm\na conv 3 2\nm layernorm\nsigmoid\n",
        "input 7\na dense 6\nn layernorm\nsilu\nb dense 5\nm batchnorm\nelu 1.3\nc dense 1\n",
        "input 6x5x2\na conv 3 2\nmaxpool 2 stride=1\nsilu\nb conv 3 2\navgpool 2 stride=1 pad=1 count_pad=yes\nt silu\n"
        "upsample 2\nc conv 2 3\ngap\ntanh\n",
        "input 4\na dense 5\ns silu\nb dense 5 < a\ne elu 1\nadd < a s e a\nconcat < a s e\nd dense 3\ndropout .4\nsilu\n",
        "input 4x4x2\na conv 3 3 pad=1\nt tanh\nu relu < a\nz add < t u\nn batchnorm\nr relu\nl layernorm < z\nadd < r l\n"
        "dead conv 2 1\nflatten < l\nd dense 2\nsigmoid\n",
        /* the critics */
        "input 16x16x3\nc1 conv 4 4 stride=2 pad=1\nleaky .2\nc2 conv 6 4 stride=2 pad=1\nleaky .2\nc3 conv 1 4\nflatten\n",
        "input 16x16x3\nc1 conv 4 4 stride=2 pad=1\nleaky .2\nc2 conv 6 4 stride=2 pad=1 bias=no\nn2 layernorm eps=1e-5\n"
        "leaky .2\nc3 conv 1 4\nflatten\n",
        "input 16x16x3\nc1 conv 4 4 stride=2 pad=1\nleaky .2\nc2 conv 6 4 stride=2 pad=1 bias=no\nn2 batchnorm\nleaky .2\n"
        "c3 conv 1 4\nflatten\n",
    };
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        test_differences(nets[i]);
        test_float(nets[i]);
    }
    return check_status();
}
