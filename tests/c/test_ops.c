/* The operations of networks: every backward of the naive table (ops_f64) against central differences of its forward, and the
 * fast table (ops_f32) against the naive one, on the shapes of the GAN and on many odd ones; the products of ops_bf16 too, where the processor has it. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lib/base.h"
#include "lib/dropout.h"
#include "lib/kernels.h"
#include "lib/ops.h"
#include "lib/ops_bf16.h"
#include "lib/ops_winograd.h"
#include "lib/rng.h"
#include "ops_f64.h"

static const ops *fast = &ops_f32; /* the table under test */
static bool coarse; /* it rounds what it multiplies: numbers are quarters, whose products and sums are exact */

/* ---- a case: one op, its arguments, its arrays ---- */

/* What an array of a case is:
 *   i input (differentiated)   d gradient to y (random)      s state, read and written (positive)
 *   y output                   o other output of forward     w indices, output of forward
 *   t scratch                  g gradients, in the order of the inputs */
typedef struct op_case op_case;
typedef void part(const op_case *k, const ops *o, void **a);
enum { MAX_ARRAYS = 13, GUARD = 64 };

struct op_case {
    char name[200];
    part *forward, *backward; /* backward NULL: only forward is held against the reference */
    char kinds[MAX_ARRAYS + 1];
    size_t count[MAX_ARRAYS];

    conv_shape conv;
    pool_shape pool;
    activation act;
    size_t rows;
    int n, c, in, out, h, w, factor;
    double eps, offset;
    double floor; /* see distance(); 0: 1e-3 */
    bool unbiased, bias, in_place;
};

static bool is_index(const op_case *k, int i) {
    return k->kinds[i] == 'w';
}

static size_t bytes(const op_case *k, const ops *o, int i) {
    return k->count[i] * (is_index(k, i) ? sizeof(int32_t) : o->real_size);
}

/* Outputs begin as NaN, so that what isn't overwritten shows, and every array ends in a guard. */
static void arrays_new(const op_case *k, const ops *o, void **a) {
    for (int i = 0; k->kinds[i]; i++) {
        size_t size = bytes(k, o, i);
        a[i] = aligned_alloc64(size + GUARD);
        if (!a[i]) die(EXIT_FAILED, "out of memory");
        memset(a[i], 0xff, size + GUARD);
        if (!strchr("ids", k->kinds[i])) continue;
        double *v = xarray(k->count[i] + 1, sizeof *v);
        rng r = rng_make(2, "test_ops", k->name, (uint64_t)i);
        for (size_t e = 0; e < k->count[i]; e++) {
            v[e] = rng_range(&r, k->kinds[i] == 's' ? .1 : -1, 1);
            if (i == 0) v[e] += k->offset;
            if (coarse) v[e] = round(4 * v[e]) / 4;
            v[e] = (float)v[e]; /* the same in both tables */
        }
        o->from_f64(k->count[i], v, a[i]);
        free(v);
    }
}

static void arrays_free(const op_case *k, const ops *o, void **a) {
    for (int i = 0; k->kinds[i]; i++) {
        const unsigned char *guard = (unsigned char *)a[i] + bytes(k, o, i);
        for (int b = 0; b < GUARD; b++)
            if (guard[b] != 0xff) {
                CHECK(false, "%s (%s): wrote past the end of array %d", k->name, o->name, i);
                break;
            }
        free(a[i]);
    }
}

/* |a-b| / |b|, over all elements; the floor, for a root mean square of b, keeps what cancels to nothing from asking for more than
 * rounding allows. */
static double distance(const op_case *k, size_t count, const double *a, const double *b) {
    double difference = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        difference += (a[i] - b[i]) * (a[i] - b[i]);
        size += b[i] * b[i];
    }
    return sqrt(difference) / fmax(sqrt(size), (k->floor > 0 ? k->floor : 1e-3) * sqrt((double)count + 1e-300));
}

/* ---- the naive table against central differences ---- */

static int nth(const op_case *k, char kind, int n) {
    for (int i = 0; k->kinds[i]; i++)
        if (k->kinds[i] == kind && n-- == 0) return i;
    return -1;
}

static void check_gradients(const op_case *k) {
    void *a[MAX_ARRAYS];
    const ops *o = &ops_f64;
    arrays_new(k, o, a);
    k->forward(k, o, a);
    k->backward(k, o, a);
    int out = nth(k, 'y', 0), dout = nth(k, 'd', 0);
    size_t outputs = k->count[out];
    double *up = xarray(outputs + 1, sizeof *up), *y = a[out], *dy = a[dout];
    for (int input = 0; nth(k, 'g', input) >= 0; input++) {
        int at = nth(k, 'i', input);
        size_t count = k->count[at], step = count > 150 ? count / 100 : 1, tried = 0;
        double *x = a[at], *gradient = a[nth(k, 'g', input)];
        double *numeric = xarray(count + 1, sizeof *numeric), *analytic = xarray(count + 1, sizeof *analytic);
        for (size_t e = 0; e < count; e += step) {
            const double h = 1e-5, kept = x[e];
            double sum = 0;
            x[e] = kept + h;
            k->forward(k, o, a);
            memcpy(up, y, outputs * sizeof *up);
            x[e] = kept - h;
            k->forward(k, o, a);
            x[e] = kept;
            for (size_t i = 0; i < outputs; i++) sum += dy[i] * (up[i] - y[i]);
            numeric[tried] = sum / (2 * h);
            analytic[tried++] = gradient[e];
        }
        double error = distance(k, tried, analytic, numeric);
        CHECK(error < 1e-7, "%s: gradient to input %d is off by %g from central differences", k->name, input, error);
        free(numeric);
        free(analytic);
    }
    free(up);
    arrays_free(k, o, a);
}

/* ---- the fast table against the naive one ---- */

static void compare(const op_case *k, const char *kinds, void **got, void **naive, const char *what) {
    /* Gradients behind another activation are no quarters any more. */
    double allowed = coarse && *kinds == 'g' && k->act.kind != ACT_NONE && k->act.kind != ACT_RELU ? 1e-2 : 1e-5;
    for (int i = 0; k->kinds[i]; i++) {
        if (!strchr(kinds, k->kinds[i])) continue;
        if (is_index(k, i)) {
            if (memcmp(got[i], naive[i], bytes(k, fast, i))) CHECK(false, "%s: %s: other indices", k->name, what);
            continue;
        }
        double *v = xarray(k->count[i] + 1, sizeof *v);
        fast->to_f64(k->count[i], got[i], v);
        double error = distance(k, k->count[i], v, naive[i]);
        CHECK(error < allowed, "%s: %s: array %d (%c) is off by %g", k->name, what, i, k->kinds[i], error);
        free(v);
    }
}

/* Forward and backward with that many threads. Backward starts from the reference's outputs of forward, rounded: its masks and
 * winners are then the same, and its errors its own. */
static void run_fast(const op_case *k, int threads, void **naive, void **a) {
    char what[40];
    fast->set_threads(threads);
    arrays_new(k, fast, a);
    k->forward(k, fast, a);
    snprintf(what, sizeof what, "forward, %d thread%s", threads, threads > 1 ? "s" : "");
    compare(k, "yosw", a, naive, what);
    if (!k->backward) return;
    for (int i = 0; k->kinds[i]; i++)
        if (strchr("yo", k->kinds[i])) fast->from_f64(k->count[i], naive[i], a[i]);
    k->backward(k, fast, a);
    snprintf(what, sizeof what, "backward, %d thread%s", threads, threads > 1 ? "s" : "");
    compare(k, "g", a, naive, what);
}

static void check_fast(const op_case *k) {
    void *naive[MAX_ARRAYS], *first[MAX_ARRAYS], *again[MAX_ARRAYS];
    arrays_new(k, &ops_f64, naive);
    k->forward(k, &ops_f64, naive);
    if (k->backward) k->backward(k, &ops_f64, naive);
    for (int threads = 1; threads <= 2; threads++) {
        run_fast(k, threads, naive, first);
        run_fast(k, threads, naive, again);
        for (int i = 0; k->kinds[i]; i++) {
            if (strchr("yoswg", k->kinds[i]) && memcmp(first[i], again[i], bytes(k, fast, i)))
                CHECK(false, "%s: array %d differs between two equal calls with %d threads", k->name, i, threads);
        }
        arrays_free(k, fast, first);
        arrays_free(k, fast, again);
    }
    arrays_free(k, &ops_f64, naive);
}

static void check(const op_case *k) {
    if (k->backward && fast == &ops_f32) check_gradients(k);
    check_fast(k);
}

static op_case make(const char *kinds, const size_t *count, part *forward, part *backward, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
static op_case make(const char *kinds, const size_t *count, part *forward, part *backward, const char *fmt, ...) {
    op_case k = {.forward = forward, .backward = backward};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(k.name, sizeof k.name, fmt, ap);
    va_end(ap);
    snprintf(k.kinds, sizeof k.kinds, "%s", kinds);
    memcpy(k.count, count, strlen(kinds) * sizeof *count);
    return k;
}

static part *const forward_only = NULL;
static const activation linear = {ACT_NONE, 0};
static const activation all_acts[] = {{ACT_NONE, 0}, {ACT_RELU, 0},    {ACT_LEAKY, .2}, {ACT_ELU, 1},
                                      {ACT_TANH, 0}, {ACT_SIGMOID, 0}, {ACT_SILU, 0}};
static const char *const act_names[] = {"none", "relu", "leaky", "elu", "tanh", "sigmoid", "silu"};
enum { ACTS = 7 };

/* ---- convolutions ---- */

enum { CONV_X, CONV_W, CONV_B, CONV_DY, CONV_Y, CONV_D, CONV_DX, CONV_DW, CONV_DB };
static const char conv_kinds[] = "iiidytggg";

static void conv_forward(const op_case *k, const ops *o, void **a) {
    o->conv_forward(&k->conv, a[CONV_X], a[CONV_W], k->bias ? a[CONV_B] : NULL, k->act, a[CONV_Y]);
}

static void conv_backward(const op_case *k, const ops *o, void **a) {
    const conv_shape *s = &k->conv;
    size_t rows = (size_t)s->n * s->oh * s->ow;
    o->act_backward(k->act, rows * s->oc, NULL, a[CONV_Y], a[CONV_DY], a[CONV_D]);
    o->conv_backward_data(s, a[CONV_D], a[CONV_W], NULL, linear, a[CONV_DX]);
    o->conv_backward_weights(s, a[CONV_X], a[CONV_D], a[CONV_DW]);
    o->bias_backward(rows, s->oc, a[CONV_D], a[CONV_DB]);
    if (!k->bias) o->axpy(s->oc, -1, a[CONV_DB], a[CONV_DB]); /* y doesn't depend on it */
}

/* The same shape read backwards: from [n,oh,ow,oc] to [n,h,w,c]. */
static void convt_forward(const op_case *k, const ops *o, void **a) {
    o->conv_backward_data(&k->conv, a[CONV_X], a[CONV_W], k->bias ? a[CONV_B] : NULL, k->act, a[CONV_Y]);
}

static void convt_backward(const op_case *k, const ops *o, void **a) {
    const conv_shape *s = &k->conv;
    size_t rows = (size_t)s->n * s->h * s->w;
    o->act_backward(k->act, rows * s->c, NULL, a[CONV_Y], a[CONV_DY], a[CONV_D]);
    o->conv_forward(s, a[CONV_D], a[CONV_W], NULL, linear, a[CONV_DX]);
    o->conv_backward_weights(s, a[CONV_D], a[CONV_X], a[CONV_DW]);
    o->bias_backward(rows, s->c, a[CONV_D], a[CONV_DB]);
    if (!k->bias) o->axpy(s->c, -1, a[CONV_DB], a[CONV_DB]);
}

static op_case conv_case(conv_shape s, bool transposed, bool bias, activation act) {
    size_t x = (size_t)s.n * s.h * s.w * s.c, y = (size_t)s.n * s.oh * s.ow * s.oc,
           w = (size_t)s.oc * (s.c / s.groups) * s.kh * s.kw;
    size_t in = transposed ? y : x, out = transposed ? x : y, b = transposed ? s.c : s.oc;
    op_case k = make(conv_kinds, (size_t[]){in, w, b, out, out, out, in, w, b}, transposed ? convt_forward : conv_forward,
                     act.kind == ACT_SILU ? NULL
                     : transposed         ? convt_backward
                                          : conv_backward,
                     "%s n=%d %dx%dx%d %s %dx%dx%d kernel %dx%d stride %d,%d dilation %d,%d from %d,%d groups %d%s %s",
                     transposed ? "convt" : "conv", s.n, s.h, s.w, s.c, transposed ? "<-" : "->", s.oh, s.ow, s.oc, s.kh, s.kw,
                     s.stride_h, s.stride_w, s.dil_h, s.dil_w, s.top, s.left, s.groups, bias ? " bias" : "", act_names[act.kind]);
    k.conv = s, k.bias = bias, k.act = act;
    return k;
}

/* A square convolution, before and after cells of padding; the output's size follows. */
static conv_shape square(int n, int size, int c, int oc, int kernel, int stride, int before, int after) {
    int out = (size + before + after - kernel) / stride + 1;
    return (conv_shape){n, size, size, c, out, out, oc, kernel, kernel, stride, stride, 1, 1, before, before, 1};
}

static int between(rng *r, int lo, int hi) {
    return lo + (int)rng_below(r, (uint64_t)(hi - lo + 1));
}

/* Anything a network can ask for: the output's size by the rule every framework has, with unequal paddings on the four sides, some wider
 * than the kernel. */
static conv_shape random_conv(rng *r) {
    for (;;) {
        static const int groups[] = {1, 1, 1, 2, 3};
        conv_shape s = {.n = between(r, 1, 3),
                        .h = between(r, 1, 12),
                        .w = between(r, 1, 12),
                        .kh = between(r, 1, 5),
                        .kw = between(r, 1, 5)};
        s.groups = groups[rng_below(r, 5)];
        s.c = s.groups * between(r, 1, 5), s.oc = s.groups * between(r, 1, 5);
        if (rng_below(r, 6) == 0) s.groups = s.c, s.oc = s.c * between(r, 1, 2); /* depthwise */
        s.stride_h = between(r, 1, 3), s.stride_w = between(r, 1, 3), s.dil_h = between(r, 1, 2), s.dil_w = between(r, 1, 2);
        s.top = between(r, 0, 3), s.left = between(r, 0, 3);
        int free_h = s.h + s.top + between(r, 0, 3) - (s.kh - 1) * s.dil_h - 1;
        int free_w = s.w + s.left + between(r, 0, 3) - (s.kw - 1) * s.dil_w - 1;
        if (free_h < 0 || free_w < 0) continue;
        s.oh = free_h / s.stride_h + 1, s.ow = free_w / s.stride_w + 1;
        return s;
    }
}

static void test_conv(void) {
    rng r = rng_make(1, "test_ops", "conv", 0);
    for (int i = 0; i < 120; i++) {
        op_case k = conv_case(random_conv(&r), i & 1, i & 2, all_acts[rng_below(&r, ACTS)]);
        check(&k);
    }
    static const conv_shape special[] = {
        {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1}, /* one number */
        {1, 1, 1, 3, 5, 5, 2, 1, 1, 1, 1, 1, 1, 2, 2, 1}, /* padding around one cell: most windows meet nothing */
        {2, 3, 3, 2, 4, 4, 3, 2, 2, 3, 3, 1, 1, 4, 4, 1}, /* first and last windows wholly outside */
        {1, 2, 2, 2, 1, 1, 3, 3, 3, 1, 1, 2, 2, 2, 2, 1}, /* dilated, only the corners meet */
        {1, 7, 5, 4, 4, 3, 4, 1, 1, 2, 2, 1, 1, 0, 0, 1}, /* stride over a 1x1 kernel */
        {3, 4, 4, 6, 1, 1, 1, 4, 4, 1, 1, 1, 1, 0, 0, 1}, /* to one logit */
    };
    for (size_t i = 0; i < 2 * sizeof special / sizeof *special; i++) {
        op_case k = conv_case(special[i / 2], i & 1, true, all_acts[ACT_LEAKY]);
        check(&k);
    }
    /* Keras' crop 1,2 and PyTorch's 2,1 of the 5x5 stride 2 transposed convolution differ, and both double the size. */
    for (int before = 1; before <= 2; before++) {
        conv_shape s = square(2, 8, 3, 4, 5, 2, before, 3 - before);
        CHECK(s.oh == 4, "a transposed 5x5 convolution of stride 2, cropped by 3, doubles the size");
        op_case k = conv_case(s, true, true, all_acts[ACT_TANH]);
        check(&k);
    }
}

/* The study's GAN at its own shapes: critic downwards, generator upwards, with what follows each. */
static void test_gan_shapes(void) {
    const int n = 2;
    op_case cases[] = {
        conv_case(square(n, 64, 3, 64, 4, 2, 1, 1), false, true, all_acts[ACT_LEAKY]),
        conv_case(square(n, 32, 64, 128, 4, 2, 1, 1), false, true, linear),
        conv_case(square(n, 16, 128, 256, 4, 2, 1, 1), false, true, linear),
        conv_case(square(n, 8, 256, 512, 4, 2, 1, 1), false, false, linear),
        conv_case(square(n, 4, 512, 1, 4, 1, 0, 0), false, true, linear),
        conv_case(square(n, 16, 128, 128, 5, 2, 1, 2), true, false, linear),
        conv_case(square(n, 32, 64, 128, 5, 2, 2, 1), true, false, linear),
        conv_case(square(n, 64, 3, 64, 5, 2, 1, 2), true, true, all_acts[ACT_TANH]),
        conv_case(square(n, 4, 512, 100, 4, 1, 0, 0), true, false, linear),
        conv_case(square(1, 50, 32, 64, 3, 1, 1, 1), false, true, all_acts[ACT_RELU]),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_fast(&cases[i]);
}

/* The definition in ops.h, once by hand: what both tables could have misread alike. */
static void test_conv_by_hand(const ops *o) {
    /* x = [[1,2],[3,4]], w = [[10,20],[30,40]], one cell of padding above and left: y[0,0] meets x[0,0] with w[1,1]. */
    const conv_shape s = {1, 2, 2, 1, 2, 2, 1, 2, 2, 1, 1, 1, 1, 1, 1, 1};
    double v[3][4] = {{1, 2, 3, 4}, {10, 20, 30, 40}}, want[4] = {40.5, 110.5, 140.5, 300.5}, bias = .5;
    double x[4], w[4], b[4], y[4];
    o->from_f64(4, v[0], x);
    o->from_f64(4, v[1], w);
    o->from_f64(1, &bias, b);
    o->conv_forward(&s, x, w, b, linear, y);
    o->to_f64(4, y, v[2]);
    CHECK(!memcmp(v[2], want, sizeof want), "a 2x2 convolution by hand");
    /* The transposed one spreads: x[0,0] gets y-cells (0,0)*w[1,1] + (0,1)*w[1,0] + (1,0)*w[0,1] + (1,1)*w[0,0]. */
    o->conv_backward_data(&s, x, w, b, linear, y);
    o->to_f64(4, y, v[2]);
    CHECK_NEAR(v[2][0], 1 * 40 + 2 * 30 + 3 * 20 + 4 * 10 + .5, 1e-12, "a transposed convolution by hand");
    CHECK_NEAR(v[2][3], 4 * 40 + .5, 1e-12, "a transposed convolution by hand, last cell");
}

/* ---- dense ---- */

static void dense_forward(const op_case *k, const ops *o, void **a) {
    o->dense_forward(k->n, k->in, k->out, a[CONV_X], a[CONV_W], k->bias ? a[CONV_B] : NULL, k->act, a[CONV_Y]);
}

static void dense_backward(const op_case *k, const ops *o, void **a) {
    o->act_backward(k->act, (size_t)k->n * k->out, NULL, a[CONV_Y], a[CONV_DY], a[CONV_D]);
    o->dense_backward_data(k->n, k->in, k->out, a[CONV_D], a[CONV_W], a[CONV_DX]);
    o->dense_backward_weights(k->n, k->in, k->out, a[CONV_X], a[CONV_D], a[CONV_DW]);
    o->bias_backward(k->n, k->out, a[CONV_D], a[CONV_DB]);
    if (!k->bias) o->axpy(k->out, -1, a[CONV_DB], a[CONV_DB]);
}

static void test_dense(void) {
    static const int sizes[][3] = {{1, 1, 1}, {1, 7, 3}, {5, 1, 4}, {3, 9, 1}, {4, 13, 17}, {8, 100, 33}};
    for (int i = 0; i < 7 * ACTS; i++) {
        int n = i < 6 * ACTS ? sizes[i / ACTS][0] : 16, in = i < 6 * ACTS ? sizes[i / ACTS][1] : 100,
            out = i < 6 * ACTS ? sizes[i / ACTS][2] : 1024;
        activation act = all_acts[i % ACTS];
        size_t x = (size_t)n * in, y = (size_t)n * out, w = (size_t)in * out;
        op_case k = make(conv_kinds, (size_t[]){x, w, out, y, y, y, x, w, out}, dense_forward,
                         act.kind == ACT_SILU ? NULL : dense_backward, "dense %d x %d -> %d %s", n, in, out, act_names[act.kind]);
        k.n = n, k.in = in, k.out = out, k.act = act, k.bias = i & 1;
        if (out < 1024)
            check(&k);
        else
            check_fast(&k);
    }
}

/* ---- activations ---- */

static void act_forward(const op_case *k, const ops *o, void **a) {
    if (k->in_place) memcpy(a[2], a[0], bytes(k, o, 0));
    o->act_forward(k->act, k->count[0], k->in_place ? a[2] : a[0], a[2]);
}

static void act_backward(const op_case *k, const ops *o, void **a) {
    if (k->in_place) memcpy(a[3], a[1], bytes(k, o, 1));
    o->act_backward(k->act, k->count[0], k->act.kind == ACT_SILU ? a[0] : NULL, a[2], k->in_place ? a[3] : a[1], a[3]);
}

static void test_act(void) {
    static const activation more[] = {{ACT_LEAKY, 0}, {ACT_LEAKY, .01}, {ACT_LEAKY, 1}, {ACT_ELU, .3}};
    for (int i = 0; i < 2 * (ACTS + 4); i++) {
        activation act = i / 2 < ACTS ? all_acts[i / 2] : more[i / 2 - ACTS];
        op_case k = make("idyg", (size_t[]){131, 131, 131, 131}, act_forward, act_backward, "%s %g%s", act_names[act.kind],
                         act.alpha, i & 1 ? " in place" : "");
        k.act = act, k.in_place = i & 1;
        check(&k);
    }
    /* Far out, at zero, and of what isn't a number. */
    const double far[] = {-1e4, -100, -20, 0, 20, 100, 1e4};
    const ops *tables[] = {&ops_f64, &ops_f32};
    for (int i = 0; i < 2 * ACTS; i++) {
        const ops *o = tables[i % 2];
        activation act = all_acts[i / 2];
        double x[7], y[7], dy[7], v[7];
        o->from_f64(7, far, x);
        o->act_forward(act, 7, x, y);
        o->to_f64(7, y, v);
        bool right = v[6] == (act.kind == ACT_TANH || act.kind == ACT_SIGMOID ? 1 : 1e4);
        double low[] = {-1e4, 0, -2e3, -1, -1, 0, 0};
        right &= fabs(v[0] - low[act.kind]) < 1e-3 && v[3] == (act.kind == ACT_SIGMOID ? .5 : 0);
        o->from_f64(7, (double[]){1, 1, 1, 1, 1, 1, 1}, dy);
        o->act_backward(act, 7, act.kind == ACT_SILU ? x : NULL, y, dy, dy);
        o->to_f64(7, dy, v);
        double at_zero[] = {1, 0, .2, 1, 1, .25, .5};
        right &= o->finite(7, dy) && fabs(v[3] - at_zero[act.kind]) < 1e-7;
        CHECK(right, "%s (%s) far out or at zero", act_names[act.kind], o->name);
    }
}

/* ---- normalisation ---- */

enum { NORM_X, NORM_GAMMA, NORM_BETA, NORM_DY, NORM_Y, NORM_MEAN, NORM_ISTD, NORM_DX, NORM_DGAMMA, NORM_DBETA, NORM_RM, NORM_RV };
static const double momentum = .9;

static void batchnorm_forward(const op_case *k, const ops *o, void **a) {
    o->batchnorm_forward(k->rows, k->c, a[NORM_X], a[NORM_GAMMA], a[NORM_BETA], k->eps, k->act, a[NORM_Y], a[NORM_MEAN],
                         a[NORM_ISTD], a[NORM_RM], a[NORM_RV], momentum, k->unbiased);
}

static void batchnorm_backward(const op_case *k, const ops *o, void **a) {
    if (k->in_place) memcpy(a[NORM_DX], a[NORM_DY], bytes(k, o, NORM_DY));
    o->batchnorm_backward(k->rows, k->c, a[NORM_X], a[NORM_Y], a[NORM_GAMMA], a[NORM_MEAN], a[NORM_ISTD], k->act,
                          a[k->in_place ? NORM_DX : NORM_DY], a[NORM_DX], a[NORM_DGAMMA], a[NORM_DBETA]);
}

static void batchnorm_infer(const op_case *k, const ops *o, void **a) {
    o->batchnorm_infer(k->rows, k->c, a[NORM_X], a[NORM_GAMMA], a[NORM_BETA], k->eps, k->act, a[4], a[5], a[3]);
}

static void layernorm_forward(const op_case *k, const ops *o, void **a) {
    o->layernorm_forward(k->n, k->rows, k->c, a[NORM_X], a[NORM_GAMMA], a[NORM_BETA], k->eps, k->act, a[NORM_Y], a[NORM_MEAN],
                         a[NORM_ISTD]);
}

static void layernorm_backward(const op_case *k, const ops *o, void **a) {
    o->layernorm_backward(k->n, k->rows, k->c, a[NORM_X], a[NORM_Y], a[NORM_GAMMA], a[NORM_MEAN], a[NORM_ISTD], k->act,
                          a[NORM_DY], a[NORM_DX], a[NORM_DGAMMA], a[NORM_DBETA]);
}

/* A direction, forward along it, and backward along it; from what forward leaves. */
enum {
    SECOND_X,
    SECOND_GAMMA,
    SECOND_BETA,
    SECOND_DY,
    SECOND_TX,
    SECOND_TD,
    SECOND_Y,
    SECOND_MEAN,
    SECOND_ISTD,
    SECOND_TY,
    SECOND_TDX
};
static const char second_kinds[] = "iiiiiiyooyyyy";

static void batchnorm_second(const op_case *k, const ops *o, void **a) {
    void **v = a;
    o->batchnorm_forward(k->rows, k->c, v[0], v[1], v[2], k->eps, k->act, v[SECOND_Y], v[SECOND_MEAN], v[SECOND_ISTD], NULL, NULL,
                         momentum, false);
    o->batchnorm_tangent(k->rows, k->c, v[0], v[SECOND_Y], v[1], v[SECOND_MEAN], v[SECOND_ISTD], k->act, v[SECOND_TX],
                         v[SECOND_TY]);
    if (k->in_place) memcpy(v[SECOND_TDX], v[SECOND_TD], bytes(k, o, SECOND_TD));
    o->batchnorm_second(k->rows, k->c, v[0], v[SECOND_Y], v[1], v[SECOND_MEAN], v[SECOND_ISTD], k->act, v[SECOND_DY],
                        v[SECOND_TX],
                        k->in_place ? v[SECOND_TDX]
                        : k->bias   ? v[SECOND_TD]
                                    : NULL,
                        v[SECOND_TDX], v[SECOND_TDX + 1], v[SECOND_TDX + 2]);
}

static void layernorm_second(const op_case *k, const ops *o, void **a) {
    void **v = a;
    o->layernorm_forward(k->n, k->rows, k->c, v[0], v[1], v[2], k->eps, k->act, v[SECOND_Y], v[SECOND_MEAN], v[SECOND_ISTD]);
    o->layernorm_tangent(k->n, k->rows, k->c, v[0], v[SECOND_Y], v[1], v[SECOND_MEAN], v[SECOND_ISTD], k->act, v[SECOND_TX],
                         v[SECOND_TY]);
    if (k->in_place) memcpy(v[SECOND_TDX], v[SECOND_TD], bytes(k, o, SECOND_TD));
    o->layernorm_second(k->n, k->rows, k->c, v[0], v[SECOND_Y], v[1], v[SECOND_MEAN], v[SECOND_ISTD], k->act, v[SECOND_DY],
                        v[SECOND_TX],
                        k->in_place ? v[SECOND_TDX]
                        : k->bias   ? v[SECOND_TD]
                                    : NULL,
                        v[SECOND_TDX], v[SECOND_TDX + 1], v[SECOND_TDX + 2]);
}

/* Fast against naive; the naive ones are held against central differences as parts of networks (test_second). */
static void test_norms_second(void) {
    static const int sizes[][3] = {{1, 5, 3}, {3, 40, 7}, {2, 33, 16}, {5, 1, 70}, {1, 1000, 5}, {4, 256, 64}, {1, 64, 512}};
    for (int i = 0; i < 7 * 3 * ACTS; i++) {
        activation act = all_acts[i % ACTS];
        if (act.kind == ACT_SILU) continue;
        const int *s = sizes[i / 3 / ACTS];
        size_t n = s[0], per = s[1], c = s[2], rows = n * per, all = rows * c;
        op_case k = make(second_kinds, (size_t[]){all, c, c, all, all, all, all, c, c, all, all, c, c}, batchnorm_second,
                         forward_only, "batchnorm_second %zu x %zu %s, variant %d", rows, c, act_names[act.kind], i / ACTS % 3);
        k.act = act, k.eps = 1e-3, k.rows = rows, k.c = (int)c, k.bias = i / ACTS % 3, k.in_place = i / ACTS % 3 == 2;
        k.floor = 1e-2, k.offset = i % 2 ? 0 : 2;
        if (rows > 2) check_fast(&k);
        op_case layer =
            make(second_kinds, (size_t[]){all, c, c, all, all, all, all, n, n, all, all, c, c}, layernorm_second, forward_only,
                 "layernorm_second %zu x %zu x %zu %s, variant %d", n, per, c, act_names[act.kind], i / ACTS % 3);
        layer.act = act, layer.eps = 1e-3, layer.n = (int)n, layer.rows = per, layer.c = (int)c, layer.bias = k.bias,
        layer.in_place = k.in_place, layer.floor = 1e-2, layer.offset = k.offset;
        check_fast(&layer);
    }
}

/* ---- curved activations, and winners, along a direction ---- */

static void act_second(const op_case *k, const ops *o, void **a) {
    o->act_forward(k->act, k->count[0], a[0], a[4]);
    if (k->in_place) memcpy(a[5], a[3], bytes(k, o, 3));
    o->act_second(k->act, k->count[0], k->act.kind == ACT_SILU ? a[0] : NULL, a[4], a[1], a[2],
                  k->in_place ? a[5]
                  : k->bias   ? a[3]
                              : NULL,
                  a[5]);
}

static void maxpool_tangent(const op_case *k, const ops *o, void **a) {
    o->pool_forward(&k->pool, a[0], a[2], a[3]);
    o->maxpool_tangent(&k->pool, a[1], a[3], a[4]);
}

static void test_rest_second(void) {
    for (int i = 0; i < 3 * ACTS; i++) {
        op_case k = make("iiiiyy", (size_t[]){131, 131, 131, 131, 131, 131}, act_second, forward_only,
                         "act_second %s, variant %d", act_names[i % ACTS], i / ACTS);
        k.act = all_acts[i % ACTS], k.bias = i / ACTS, k.in_place = i / ACTS == 2;
        check_fast(&k);
    }
    op_case k = make("iiywy", (size_t[]){3 * 7 * 6 * 5, 3 * 7 * 6 * 5, 3 * 3 * 3 * 5, 3 * 3 * 3 * 5, 3 * 3 * 3 * 5},
                     maxpool_tangent, forward_only, "maxpool_tangent");
    k.pool = (pool_shape){3, 7, 6, 5, 3, 3, 3, 2, 2, 2, 0, 0, true, false};
    check_fast(&k);
}

static void test_norms(void) {
    static const int sizes[][2] = {{2, 1}, {5, 3}, {40, 7}, {33, 16}, {1000, 5}, {8192, 64}, {4, 8192}};
    for (int i = 0; i < 7 * ACTS; i++) {
        activation act = all_acts[i % ACTS];
        if (act.kind == ACT_SILU) continue;
        size_t rows = sizes[i / ACTS][0], c = sizes[i / ACTS][1], all = rows * c;
        op_case k = make("iiidyooggg"
                         "ss",
                         (size_t[]){all, c, c, all, all, c, c, all, c, c, c, c}, batchnorm_forward, batchnorm_backward,
                         "batchnorm %zu x %zu %s", rows, c, act_names[act.kind]);
        k.rows = rows, k.c = (int)c, k.act = act, k.eps = 1e-3, k.in_place = i & 1, k.unbiased = i & 2;
        if (rows <= 2) k.floor = 1; /* of two rows nearly nothing is left */
        k.offset = i % 3 ? 0 : 5; /* a mean far from zero */
        if (all < 300)
            check(&k);
        else
            check_fast(&k);

        op_case infer = make("iiiyss", (size_t[]){all, c, c, all, c, c}, batchnorm_infer, forward_only,
                             "batchnorm_infer %zu x %zu %s", rows, c, act_names[act.kind]);
        infer.rows = rows, infer.c = (int)c, infer.act = act, infer.eps = 1e-3;
        check(&infer);

        for (int n = 1; n <= 3 && rows <= 40; n += 2) {
            size_t total = n * all;
            op_case layer = make("iiidyooggg", (size_t[]){total, c, c, total, total, n, n, total, c, c}, layernorm_forward,
                                 layernorm_backward, "layernorm %d x %zu x %zu %s", n, rows, c, act_names[act.kind]);
            if (all <= 2) layer.floor = 1;
            layer.n = n, layer.rows = rows, layer.c = (int)c, layer.act = act, layer.eps = 1e-3;
            if (all < 300)
                check(&layer);
            else
                check_fast(&layer);
        }
    }
}

/* What the formulas say of a column of 1 and 3: mean 2, biased variance 1. */
static void test_batchnorm_by_hand(const ops *o) {
    double values[] = {1, 3}, one = 1, zero = 0, got[2];
    double x[2], y[2], gamma[1], beta[1], mean[1], istd[1], rm[1], rv[1];
    for (int unbiased = 0; unbiased < 2; unbiased++) {
        o->from_f64(2, values, x);
        o->from_f64(1, &one, gamma);
        o->from_f64(1, &zero, beta);
        o->from_f64(1, &zero, rm);
        o->from_f64(1, &one, rv);
        o->batchnorm_forward(2, 1, x, gamma, beta, 3, linear, y, mean, istd, rm, rv, .75, unbiased);
        o->to_f64(2, y, got);
        CHECK(got[0] == -.5 && got[1] == .5, "batchnorm: (x-2)/sqrt(1+3)");
        o->to_f64(1, rm, got);
        o->to_f64(1, rv, got + 1);
        CHECK(got[0] == .5 && got[1] == (unbiased ? 1.25 : 1), "batchnorm: the running statistics");
    }
    /* A batch of one row: what is unbiased isn't defined, and mustn't be NaN. */
    o->batchnorm_forward(1, 1, x, gamma, beta, 1e-3, linear, y, mean, istd, rm, rv, .9, true);
    CHECK(o->finite(1, y) && o->finite(1, rv) && o->finite(1, istd), "batchnorm of one row is finite");
    /* Statistics may be left alone. */
    o->batchnorm_forward(2, 1, x, gamma, beta, 3, linear, y, mean, istd, NULL, NULL, .9, true);
    o->to_f64(2, y, got);
    CHECK(got[0] == -.5 && got[1] == .5, "batchnorm without running statistics");
}

/* ---- pooling and upsampling ---- */

static void pool_forward(const op_case *k, const ops *o, void **a) {
    o->pool_forward(&k->pool, a[0], a[2], a[3]);
}

static void pool_backward(const op_case *k, const ops *o, void **a) {
    o->pool_backward(&k->pool, a[1], a[3], a[4]);
}

static void test_pool(void) {
    rng r = rng_make(1, "test_ops", "pool", 0);
    for (int i = 0; i < 80; i++) {
        pool_shape s = {.n = between(&r, 1, 3), .h = between(&r, 1, 11), .w = between(&r, 1, 11), .c = between(&r, 1, 6)};
        s.kh = between(&r, 1, 5), s.kw = between(&r, 1, 5), s.stride_h = between(&r, 1, 4), s.stride_w = between(&r, 1, 4);
        s.max = i & 1, s.count_pad = i & 2;
        /* Paddings below the kernel's size: every window meets x. */
        s.top = between(&r, 0, s.kh - 1), s.left = between(&r, 0, s.kw - 1);
        int free_h = s.h + s.top + between(&r, 0, s.kh - 1) - s.kh, free_w = s.w + s.left + between(&r, 0, s.kw - 1) - s.kw;
        if (i == 0) s.kh = s.h, s.kw = s.w, s.top = s.left = free_h = free_w = 0; /* the whole map */
        if (free_h < 0 || free_w < 0) continue;
        s.oh = free_h / s.stride_h + 1, s.ow = free_w / s.stride_w + 1;
        if ((s.oh - 1) * s.stride_h - s.top >= s.h || (s.ow - 1) * s.stride_w - s.left >= s.w) continue;
        size_t x = (size_t)s.n * s.h * s.w * s.c, y = (size_t)s.n * s.oh * s.ow * s.c;
        op_case k =
            make(s.max ? "idywg" : "idytg", (size_t[]){x, y, y, y, x}, pool_forward, pool_backward,
                 "%s pool n=%d %dx%dx%d -> %dx%d window %dx%d stride %d,%d from %d,%d%s", s.max ? "max" : "average", s.n, s.h,
                 s.w, s.c, s.oh, s.ow, s.kh, s.kw, s.stride_h, s.stride_w, s.top, s.left, s.count_pad ? " count_pad" : "");
        k.pool = s;
        check(&k);
        /* Without the winners, in inference. */
        float *in = xarray(x, sizeof *in), *with = xarray(y, sizeof *with), *without = xarray(y, sizeof *without);
        int32_t *where = xarray(y, sizeof *where);
        for (size_t e = 0; e < x; e++) in[e] = (float)rng_range(&r, -2, -1); /* padding, were it 0, would win */
        ops_f32.pool_forward(&s, in, with, where);
        ops_f32.pool_forward(&s, in, without, NULL);
        CHECK(!memcmp(with, without, y * sizeof *with), "pooling without the winners");
        for (size_t e = 0; e < y && s.max; e++)
            if (!(with[e] < -1 + 1e-6)) {
                CHECK(false, "%s: padding won", k.name);
                break;
            }
        free(in), free(with), free(without), free(where);
    }
    /* Of equals, the first. */
    const pool_shape s = {1, 2, 2, 1, 1, 1, 2, 2, 2, 2, 0, 0, true, false};
    const ops *tables[] = {&ops_f64, &ops_f32};
    for (int i = 0; i < 2; i++) {
        double x[4], y[1];
        int32_t where = -1;
        tables[i]->from_f64(4, (double[]){-3, -1, -1, -1}, x);
        tables[i]->pool_forward(&s, x, y, &where);
        CHECK(where == 1, "max pooling: the first of equals wins");
    }
}

static void upsample_forward(const op_case *k, const ops *o, void **a) {
    o->upsample_forward(k->n, k->h, k->w, k->c, k->factor, a[0], a[2]);
}

static void upsample_backward(const op_case *k, const ops *o, void **a) {
    o->upsample_backward(k->n, k->h, k->w, k->c, k->factor, a[1], a[3]);
}

static void test_upsample(void) {
    static const int sizes[][5] = {{1, 1, 1, 1, 1}, {2, 3, 5, 2, 2}, {1, 2, 1, 7, 3}, {3, 1, 4, 1, 5}};
    for (int i = 0; i < 4; i++) {
        const int *s = sizes[i];
        size_t x = (size_t)s[0] * s[1] * s[2] * s[3], y = x * s[4] * s[4];
        op_case k = make("idyg", (size_t[]){x, y, y, x}, upsample_forward, upsample_backward, "upsample %dx%dx%dx%d by %d", s[0],
                         s[1], s[2], s[3], s[4]);
        k.n = s[0], k.h = s[1], k.w = s[2], k.c = s[3], k.factor = s[4];
        check(&k);
    }
}

/* ---- convolutions that go by Winograd's way where they are large; here they are made to ---- */

static double relative_error(size_t count, const double *want, const float *got) {
    double error = 0, size = 0;
    for (size_t i = 0; i < count; i++) error += pow(got[i] - want[i], 2), size += want[i] * want[i];
    return sqrt(error / size);
}

/* h x w is the input's size; oh and ow what padding by as much on the far side, or `more` rows and columns less, gives. */
static void test_winograd_case(int n, int h, int w, int c, int oc, int k, int stride, int top, int left, int less, bool with_bias,
                               activation act) {
    conv_shape s = {.n = n,
                    .h = h,
                    .w = w,
                    .c = c,
                    .oh = (h + 2 * top - k) / stride + 1 - less,
                    .ow = (w + 2 * left - k) / stride + 1 - less,
                    .oc = oc,
                    .kh = k,
                    .kw = k,
                    .stride_h = stride,
                    .stride_w = stride,
                    .dil_h = 1,
                    .dil_w = 1,
                    .top = top,
                    .left = left,
                    .groups = 1};
    size_t x_count = (size_t)n * (size_t)h * (size_t)w * (size_t)c,
           y_count = (size_t)n * (size_t)s.oh * (size_t)s.ow * (size_t)oc, w_count = (size_t)(k * k) * (size_t)c * (size_t)oc,
           most = x_count > y_count ? x_count : y_count;
    double *v = xarray(2 * most + w_count, sizeof *v), error;
    void *in[2], *dy[2], *weight[2], *bias[2], *y[2], *dx[2], *dw[2];
    const ops *table[2] = {&ops_f64, &ops_f32};
    char what[120];
    snprintf(what, sizeof what, "%dx%dx%dx%d to %d, %dx%d stride %d", n, h, w, c, oc, k, k, stride);
    rng r = rng_make(9, "test_ops", "winograd", (uint64_t)(h * 1000 + c));
    for (size_t i = 0; i < 2 * most + w_count; i++) v[i] = rng_range(&r, -1, 1);
    for (int t = 0; t < 2; t++) {
        const ops *o = table[t];
        in[t] = xarray(most, o->real_size), dy[t] = xarray(most, o->real_size), weight[t] = xarray(w_count, o->real_size),
        bias[t] = xarray(most, o->real_size);
        y[t] = xarray(y_count, o->real_size), dx[t] = xarray(x_count, o->real_size), dw[t] = xarray(w_count, o->real_size);
        o->from_f64(most, v, in[t]);
        o->from_f64(most, v + most, dy[t]);
        o->from_f64(w_count, v + 2 * most, weight[t]);
        o->from_f64(most, v, bias[t]);
    }
    const void *b[2] = {with_bias ? bias[0] : NULL, with_bias ? bias[1] : NULL};
    ops_f64.conv_forward(&s, in[0], weight[0], b[0], act, y[0]);
    ops_f64.conv_backward_data(&s, dy[0], weight[0], b[0], act, dx[0]);
    ops_f64.conv_backward_weights(&s, in[0], dy[0], dw[0]);
    for (int threads = 1; threads <= 3; threads++) {
        float *last = xarray(x_count + y_count + w_count, sizeof *last);
        memcpy(last, y[1], y_count * 4), memcpy(last + y_count, dx[1], x_count * 4),
            memcpy(last + y_count + x_count, dw[1], w_count * 4);
        for (size_t i = 0; i < x_count; i++) ((float *)dx[1])[i] = NAN;
        for (size_t i = 0; i < w_count; i++) ((float *)dw[1])[i] = NAN;
        ops_f32.set_threads(threads);
        if (stride == 1 || (c % 16 == 0 || c <= 4)) winograd_forward(&s, in[1], weight[1], b[1], act, y[1]);
        winograd_backward_data(&s, dy[1], weight[1], b[1], act, dx[1]);
        if (stride == 1 || (c % 16 == 0 || c <= 4)) winograd_backward_weights(&s, in[1], dy[1], dw[1]);
        bool same = !memcmp(last, y[1], y_count * 4) && !memcmp(last + y_count, dx[1], x_count * 4) &&
                    ((stride > 1 && c % 16 && c > 4) || !memcmp(last + y_count + x_count, dw[1], w_count * 4));
        CHECK(threads == 1 || same, "%s: the same bytes from %d threads", what, threads);
        free(last);
    }
    ops_f32.set_threads(2);
    if (stride == 1 || (c % 16 == 0 || c <= 4)) {
        CHECK((error = relative_error(y_count, y[0], y[1])) < 3e-6, "forward of %s: off by %g", what, error);
        CHECK((error = relative_error(w_count, dw[0], dw[1])) < 3e-6, "weights' gradient of %s: off by %g", what, error);
    }
    CHECK((error = relative_error(x_count, dx[0], dx[1])) < 3e-6, "data gradient of %s: off by %g", what, error);
    free(v);
    for (int t = 0; t < 2; t++) free(in[t]), free(dy[t]), free(weight[t]), free(bias[t]), free(y[t]), free(dx[t]), free(dw[t]);
}

static void test_winograd(void) {
    const activation none = {0}, relu = {ACT_RELU, 0, 0}, leaky = {ACT_LEAKY, .2, 0};
    test_winograd_case(2, 47, 50, 32, 33, 3, 1, 0, 0, 0, true, relu);
    test_winograd_case(5, 30, 31, 35, 32, 3, 1, 1, 1, 0, false, leaky);
    test_winograd_case(4, 34, 33, 32, 40, 3, 1, 2, 0, 0, true, none);
    test_winograd_case(1, 3, 5, 2, 3, 3, 1, 1, 1, 0, true, none);
    test_winograd_case(3, 8, 8, 32, 48, 4, 2, 1, 1, 0, false, leaky);
    test_winograd_case(2, 17, 22, 16, 17, 4, 2, 1, 1, 0, true, none);
    test_winograd_case(2, 9, 12, 48, 8, 4, 2, 0, 2, 0, true, relu);
    test_winograd_case(1, 12, 9, 16, 20, 4, 2, 3, 1, 0, false, none);
    test_winograd_case(3, 16, 16, 64, 80, 5, 2, 1, 1, 0, false, none);
    test_winograd_case(3, 16, 16, 64, 30, 5, 2, 2, 2, 0, true, none);
    test_winograd_case(2, 15, 20, 32, 50, 5, 2, 4, 0, 0, false, relu);
    test_winograd_case(2, 15, 20, 16, 7, 5, 2, 2, 3, 1, false, none);
    test_winograd_case(2, 12, 10, 3, 40, 5, 2, 1, 1, 0, true, leaky); /* few channels */
    test_winograd_case(3, 16, 16, 3, 64, 4, 2, 1, 1, 0, false, none);
    test_winograd_case(2, 17, 15, 3, 18, 5, 2, 2, 2, 0, true, none);
    test_winograd_case(2, 13, 18, 1, 32, 4, 2, 0, 3, 0, true, relu);
    test_winograd_case(2, 13, 18, 4, 33, 5, 2, 3, 0, 1, false, none);
    test_winograd_case(2, 9, 12, 7, 9, 2, 1, 1, 0, 0, true, relu);
    test_winograd_case(3, 10, 14, 20, 6, 4, 2, 1, 1, 0, false, none);
    test_winograd_case(40, 16, 16, 64, 64, 5, 2, 1, 1, 0, false, none); /* several parts of the weights' gradient */
    conv_shape small = {.n = 1,
                        .h = 8,
                        .w = 8,
                        .c = 64,
                        .oh = 6,
                        .ow = 6,
                        .oc = 64,
                        .kh = 3,
                        .kw = 3,
                        .stride_h = 1,
                        .stride_w = 1,
                        .dil_h = 1,
                        .dil_w = 1,
                        .groups = 1},
               large = small;
    large.n = 1000;
    for (int pass = WINOGRAD_FORWARD; pass <= WINOGRAD_BACKWARD_WEIGHTS; pass++) {
        CHECK(!winograd_fits(pass, &small), "not for a few pixels");
        CHECK(winograd_fits(pass, &large), "but for many");
        conv_shape strided = large;
        strided.stride_h = 2;
        CHECK(!winograd_fits(pass, &strided), "not with two strides");
        strided.stride_w = 2, strided.oh = strided.ow = 3;
        CHECK(!winograd_fits(pass, &strided), "not 3x3 with a stride of 2");
        strided.kh = strided.kw = 4, strided.top = strided.left = 1, strided.oh = strided.ow = 4;
        CHECK(winograd_fits(pass, &strided), "but 4x4");
        strided.c = 24;
        CHECK(winograd_fits(pass, &strided) == (pass == WINOGRAD_BACKWARD_DATA), "parted channels are whole vectors");
        strided.c = 64, strided.groups = 2;
        CHECK(!winograd_fits(pass, &strided), "not in groups");
    }
    CHECK(!winograd_applies((activation){ACT_TANH, 0, 0}) && winograd_applies(leaky), "not with tanh");
}

/* ---- dropout ---- */

/* In the vectors of every kind of processor, from any block on and for any count. */
static void test_dropout_kernels(void) {
    static const char *const name[] = {"generic", "avx2", "avx512"};
    enum { MOST = 200 };
    float x[MOST], y[MOST], scale = 1.25f;
    rng draws = dropout_draws(5, "drop", 6);
    for (int i = 0; i < MOST; i++) x[i] = (float)(i + 1);
    for (int k = 0; k < 3; k++) {
        const kernels *kernel = kernels_named(name[k]);
        for (int c = 1; kernel && c < MOST - 1; c++) {
            uint64_t block = c % 3 == 0   ? 0
                             : c % 3 == 1 ? 12345
                                          : UINT64_C(0xFFFFFFFE),
                     threshold = dropout_threshold(c % 5 * .2);
            bool right = true;
            y[c] = -7;
            kernel->dropout(&draws, threshold, block, (size_t)c, scale, x, y);
            for (int i = 0; i < c; i++)
                right &= y[i] == (dropout_keeps(&draws, threshold, 4 * block + (uint64_t)i) ? x[i] * scale : 0);
            CHECK(right && y[c] == -7, "%s: %d elements", name[k], c);
        }
        if (kernel) kernel->dropout(&draws, UINT64_C(1) << 32, 0, MOST, scale, x, y);
        for (int i = 0; i < MOST && kernel; i++) CHECK(y[i] == 0, "%s: a rate of 1", name[k]);
    }
}

static void test_dropout(void) {
    enum { COUNT = 40001 };
    static double x[COUNT], y[COUNT], v[COUNT], reference[COUNT];
    const ops *tables[] = {&ops_f64, &ops_f32};
    const double rates[] = {0, .25, .5, .9};
    for (size_t e = 0; e < COUNT; e++) v[e] = 1;
    for (int i = 0; i < 8; i++) {
        const ops *o = tables[i % 2];
        double rate = rates[i / 2], sum = 0;
        o->from_f64(COUNT, v, x);
        o->dropout(COUNT, rate, 7, "drop1", 3, x, y);
        static double got[COUNT];
        o->to_f64(COUNT, y, got);
        bool right = true;
        for (size_t e = 0; e < COUNT; e++) {
            sum += got[e];
            right &= got[e] == 0 || fabs(got[e] - 1 / (1 - rate)) < 1e-5;
            if (i % 2 == 0)
                reference[e] = got[e];
            else
                right &= (got[e] == 0) == (reference[e] == 0);
        }
        CHECK(right, "dropout: 0 or 1/(1-rate), the same in both tables");
        CHECK_NEAR(sum / COUNT, 1, 6 * sqrt(rate / (1 - rate) / COUNT) + 1e-6, "dropout keeps the mean");
        o->dropout(COUNT, rate, 7, "drop1", 3, x, x);
        CHECK(!memcmp(x, y, COUNT * o->real_size), "dropout in place");
        /* A prefix is the same, whatever the count. */
        o->from_f64(COUNT, v, x);
        o->dropout(77, rate, 7, "drop1", 3, x, x);
        CHECK(!memcmp(x, y, 77 * o->real_size), "dropout of fewer");
        for (int other = 0; other < 3 && rate > 0; other++) {
            o->from_f64(COUNT, v, x);
            o->dropout(COUNT, rate, other == 0 ? 8 : 7, other == 1 ? "drop2" : "drop1", other == 2 ? 4 : 3, x, x);
            CHECK(memcmp(x, y, COUNT * o->real_size), "dropout: another seed, layer or step draws anew");
        }
    }
}

/* ---- plain vectors and pixels ---- */

static void test_vectors(const ops *o) {
    enum { COUNT = 1003 };
    static double v[COUNT], x[COUNT], y[COUNT], got[COUNT];
    rng r = rng_make(3, "test_ops", "vectors", 0);
    double sum_abs = 0, sum_squares = 0, a, b;
    for (int i = 0; i < COUNT; i++) {
        v[i] = (float)rng_range(&r, -1, 1);
        sum_abs += fabs(v[i]), sum_squares += v[i] * v[i];
    }
    o->from_f64(COUNT, v, x);
    o->to_f64(COUNT, x, got);
    CHECK(!memcmp(v, got, sizeof v), "from and to double");
    o->norms(COUNT, x, &a, &b);
    CHECK_NEAR(a, sum_abs, 1e-10, "sum of absolute values");
    CHECK_NEAR(b, sum_squares, 1e-10, "sum of squares");
    o->norms(0, x, &a, &b);
    CHECK(a == 0 && b == 0, "norms of nothing");
    o->from_f64(COUNT, v, y);
    o->axpy(COUNT, -.5, x, y);
    o->to_f64(COUNT, y, got);
    bool right = true;
    for (int i = 0; i < COUNT; i++) right &= got[i] == v[i] / 2;
    CHECK(right, "axpy");

    CHECK(o->finite(COUNT, x) && o->finite(0, x), "finite");
    const double bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 9; i++) {
        const int places[] = {0, COUNT / 2, COUNT - 1};
        memcpy(got, v, sizeof v);
        got[places[i / 3]] = bad[i % 3];
        o->from_f64(COUNT, got, y);
        CHECK(!o->finite(COUNT, y), "one that isn't finite");
    }

    /* Columns 2..4 of rows of 5 into columns 1..3 of rows of 4; the rest stays. */
    double from[15], to[12];
    for (int i = 0; i < 15; i++) from[i] = i;
    for (int i = 0; i < 12; i++) to[i] = -1;
    o->from_f64(15, from, x);
    o->from_f64(12, to, y);
    o->copy_columns(3, 3, (char *)x + 2 * o->real_size, 5, (char *)y + o->real_size, 4);
    o->to_f64(12, y, to);
    for (int i = 0; i < 12; i++) CHECK(to[i] == (i % 4 ? i / 4 * 5 + i % 4 + 1 : -1), "copy_columns");
}

static void test_pixels(const ops *o) {
    uint8_t pixels[256], back[256];
    double x[256], v[256];
    for (int i = 0; i < 256; i++) pixels[i] = (uint8_t)i;
    o->from_u8(256, 1 / 127.5, -1, pixels, x);
    o->to_f64(256, x, v);
    for (int i = 0; i < 256; i++) CHECK_NEAR(v[i], i / 127.5 - 1, 1e-7, "from_u8");
    o->to_u8(256, 127.5, 127.5, x, back);
    CHECK(!memcmp(pixels, back, 256), "to_u8 gives back what from_u8 was given");
    /* Rounds to the nearest, halves up; what is outside is clamped; NaN is black. */
    const double in[] = {0, .49, .5, 1.5, 2.5, 254.49, 254.5, 255.4, 256, 1e30, -.4, -1, -1e30, INFINITY, -INFINITY, NAN};
    const uint8_t want[] = {0, 0, 1, 2, 3, 254, 255, 255, 255, 255, 0, 0, 0, 255, 0, 0};
    o->from_f64(16, in, x);
    o->to_u8(16, 1, 0, x, back);
    for (int i = 0; i < 16; i++) CHECK(back[i] == want[i], "to_u8 of %g: %d", in[i], back[i]);
    o->from_f64(1, (double[]){.25}, x);
    o->to_u8(1, 100, 3, x, back);
    CHECK(back[0] == 28, "to_u8 scales, then shifts");
}

/* ---- losses and optimisers ---- */

static void test_bce(const ops *o) {
    const double tolerance = o == &ops_f64 ? 1e-12 : 1e-6;
    const double logits[] = {0, 2, -3, .5, -1e3, 1e3, 40, -40}, targets[] = {0, 1, .9, .1};
    for (int t = 0; t < 4; t++) {
        double target = targets[t], z[8], dz[8], got[8], p, sum = 0, sum_p = 0;
        o->from_f64(8, logits, z);
        double loss = o->bce_logits(8, z, target, dz, &p);
        o->to_f64(8, dz, got);
        for (int i = 0; i < 8; i++) {
            /* -target*log(p) - (1-target)*log(1-p), in logarithms that don't run out. */
            double v = logits[i], log_p = v > 0 ? -log1p(exp(-v)) : v - log1p(exp(v)), log_q = log_p - v;
            sum -= target * log_p + (1 - target) * log_q;
            sum_p += exp(log_p);
            CHECK_NEAR(got[i], (exp(log_p) - target) / 8, tolerance, "gradient of the cross-entropy");
        }
        CHECK_NEAR(loss, sum / 8, 1e-9, "cross-entropy");
        CHECK_NEAR(p, sum_p / 8, 1e-9, "mean probability");
        CHECK(o->bce_logits(8, z, target, NULL, NULL) == loss, "cross-entropy without gradient");
    }
    for (int i = 0; i < 4; i++) {
        double z[1], dz[1], extreme = i & 1 ? 1000 : -1000, target = i / 2, p, got;
        o->from_f64(1, &extreme, z);
        double loss = o->bce_logits(1, z, target, dz, &p);
        o->to_f64(1, dz, &got);
        bool right = (extreme > 0) == (target > 0);
        CHECK(loss == (right ? 0 : 1000) && p == (extreme > 0) &&
                  got == (right         ? 0
                          : extreme > 0 ? 1
                                        : -1),
              "cross-entropy of +-1000");
    }
}

/* The mean, its gradient; mixtures; the penalty, and its gradient against central differences. */
static void test_wasserstein(const ops *o) {
    const double tolerance = o == &ops_f64 ? 1e-12 : 1e-6;
    double v[6] = {1, 2, 3, -4, 0, 1}, x[6], y[6], got[6], alpha[2] = {.25, 1};
    o->from_f64(6, v, x);
    CHECK_NEAR(o->mean_logits(6, x, -3, y), .5, tolerance, "mean of the logits");
    o->to_f64(6, y, got);
    for (int i = 0; i < 6; i++) CHECK_NEAR(got[i], -.5, tolerance, "its gradient");
    CHECK(o->mean_logits(6, x, 1, NULL) == o->mean_logits(6, x, -3, y), "mean of the logits alone");
    o->from_f64(6, (double[]){9, 9, 9, 9, 9, 9}, y);
    o->interpolate(2, 3, alpha, x, y, y);
    o->to_f64(6, y, got);
    const double mixed[] = {7, 7.25, 7.5, -4, 0, 1};
    for (int i = 0; i < 6; i++) CHECK_NEAR(got[i], mixed[i], tolerance, "a mixture");

    const double g[12] = {3, 0, 4, .1, -.2, .3, 0, 0, 0, .6, 0, -.8}; /* norms of 5, .374, 0 and 1 */
    double at[12], to[12], side[2] = {0};
    o->from_f64(12, g, at);
    double norm = sqrt(.14), penalty = o->gradient_penalty(4, 3, at, 10, to);
    CHECK_NEAR(penalty, 10 * (16 + (norm - 1) * (norm - 1) + 1) / 4, 10 * tolerance, "the penalty");
    double slope[12];
    o->to_f64(12, to, slope);
    for (int i = 0; i < 12; i++) {
        double moved[12], there[12];
        for (int sign = -1; sign <= 1; sign += 2) {
            memcpy(moved, g, sizeof g);
            moved[i] += sign * 1e-5;
            ops_f64.from_f64(12, moved, there);
            side[sign > 0] = ops_f64.gradient_penalty(4, 3, there, 10, there);
        }
        double want = i / 3 == 2 ? 0 : (side[1] - side[0]) / 2e-5;
        CHECK_NEAR(slope[i], want, 1e-5, "the penalty's gradient");
    }
    o->gradient_penalty(4, 3, at, 10, at);
    CHECK(!memcmp(at, to, 12 * o->real_size), "the penalty's gradient in place");
}

/* With the same gradient g at every step, m = (1-b1^t) g and v = (1-b2^t) g^2, so each step is known. */
static void test_adam(const ops *o) {
    const double gradient[] = {1, -.01, 0, 300}, start[] = {.5, .5, .5, .5};
    for (int keras = 0; keras < 2; keras++) {
        const adam_options options = {1e-2, .9, .999, .05, keras};
        double w[4], g[4], m[4] = {0}, v[4] = {0}, got[4], want[4] = {.5, .5, .5, .5};
        o->from_f64(4, start, w);
        o->from_f64(4, gradient, g);
        for (int t = 1; t <= 50; t++) {
            double root = sqrt(1 - pow(.999, t));
            o->adam(4, &options, (uint64_t)t, w, g, m, v);
            for (int i = 0; i < 4; i++) want[i] -= 1e-2 * gradient[i] / (fabs(gradient[i]) + (keras ? .05 / root : .05));
        }
        o->to_f64(4, w, got);
        for (int i = 0; i < 4; i++) {
            CHECK_NEAR(got[i], want[i], o == &ops_f64 ? 1e-12 : 1e-5, keras ? "Adam, Keras' epsilon" : "Adam, PyTorch's epsilon");
            CHECK(gradient[i] != 0 || got[i] == .5, "Adam leaves a weight without gradient alone");
        }
    }
}

static void adam_step(const op_case *k, const ops *o, void **a) {
    for (uint64_t t = 1; t <= 5; t++)
        o->adam(k->count[0], &(adam_options){1e-3, .5, .999, 1e-7, k->bias}, t, a[1], a[0], a[2], a[3]);
}

static void test_adam_fast(void) {
    for (int keras = 0; keras < 2; keras++) {
        op_case k = make("isss", (size_t[]){5003, 5003, 5003, 5003}, adam_step, forward_only, "adam, eps %d", keras);
        k.bias = keras;
        check(&k);
    }
}

/* Operands are rounded to 8 bits, to nearest and ties to even; sums and what isn't multiplied keep all of theirs. */
static void test_bf16_rounds(const ops *o) {
    const float x[2] = {1 + 0x1p-8F, 1 + 0x3p-8F}, w[4] = {1, 0, 1, 0x1.fffffep-9F}, b[2] = {0x1p-20F, 0};
    float y[2];
    const conv_shape s = {1, 1, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 0, 0, 1};
    o->conv_forward(&s, x, w, b, linear, y);
    CHECK(y[0] == 1 + 0x1p-20F, "1 + 2^-8 is a tie that becomes 1, and the bias isn't rounded: %a", (double)y[0]);
    CHECK(y[1] == 1 + (1 + 0x1p-6F) * 0x1p-8F, "1 + 3*2^-8 is a tie that becomes 1 + 2^-6: %a", (double)y[1]);
}

int main(void) {
    const ops *tables[] = {&ops_f64, &ops_f32};
    base_program = "test_ops";
    for (int i = 0; i < 2; i++) {
        test_conv_by_hand(tables[i]);
        test_batchnorm_by_hand(tables[i]);
        test_vectors(tables[i]);
        test_pixels(tables[i]);
        test_bce(tables[i]);
        test_wasserstein(tables[i]);
        test_adam(tables[i]);
    }
    test_conv();
    test_dense();
    test_act();
    test_norms();
    test_norms_second();
    test_rest_second();
    test_pool();
    test_upsample();
    test_winograd();
    test_dropout();
    test_dropout_kernels();
    test_adam_fast();
    test_gan_shapes();
    if ((fast = ops_bf16())) {
        coarse = true;
        ops_bf16_always(true);
        test_conv();
        test_gan_shapes();
        test_bf16_rounds(fast);
    }
    return check_status();
}
