/* Inference (lib/infer.h) against the plain loops in double of net_ref.h: every op alone in many shapes, random networks with all their layers as outputs and
 * with only the last, on all kernels this processor has; and that a sample's bytes don't depend on the batch around it. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lib/base.h"
#include "lib/infer.h"
#include "lib/rng.h"
#include "net_ref.h"

enum { SAMPLES = 3 };

static const char *const kernel_names[] = {"avx512", "avx2", "generic"};
static rng draws;

static int below(int n) {
    return (int)rng_below(&draws, (uint64_t)n);
}

static int between(int low, int high) {
    return low + below(high - low + 1);
}

static size_t count_of(const net_layer *l) {
    return (size_t)l->h * (size_t)l->w * (size_t)l->c;
}

/* Weights that keep numbers near 1. */
static void fill(const net *n) {
    for (int i = 0; i < n->params; i++) {
        const net_param *p = &n->param[i];
        const net_layer *l = &n->layer[p->layer];
        bool scale = p->rank == 1 && i == l->weight, var = i == l->var;
        double fan = p->rank < 2 ? 4 : (double)p->count / (l->op == OP_CONVT ? p->shape[1] : p->shape[0]);
        if (l->op == OP_CONVT) fan = fmax(1, fan / l->stride_h / l->stride_w);
        float *v = net_param_data(n, p);
        for (size_t k = 0; k < p->count; k++)
            v[k] = (float)(var ? rng_range(&draws, .5, 2) : rng_range(&draws, -1.7, 1.7) / sqrt(fan) + (scale ? .8 : 0));
    }
}

/* A network with weights, or NULL with a message. */
static net *open_text(const char *source, char err[NET_ERROR]) {
    net *n = net_parse(source, "test.net", err);
    if (n && net_shape(n, 0, 0, 0, err)) return n;
    net_free(n);
    return NULL;
}

static net *made(const char *source) {
    char err[NET_ERROR];
    net *n = open_text(source, err);
    if (!n || !net_alloc(n, &ops_f32)) die(EXIT_FAILED, "%s in:\n%s", n ? "out of memory" : err, source);
    fill(n);
    return n;
}

/* How far got is from want, relative to the largest wanted number (or .1: what is all but nothing is noise of larger numbers). NaN when got isn't finite. */
static double difference(size_t count, const float *got, const double *want) {
    double most = .1, far = 0;
    for (size_t i = 0; i < count; i++) most = fmax(most, fabs(want[i]));
    for (size_t i = 0; i < count; i++) {
        double d = fabs(got[i] - want[i]);
        if (!(d <= far)) far = d;
    }
    return far / most;
}

/* One plan: its outputs against want, for the first sample; all samples' bytes alone and together. */
static void compare_plan(const net *n, const char *const *names, int count, const float *x, double *const *want,
                         double tolerance) {
    char err[NET_ERROR] = "";
    infer *p = infer_new(n, names, count, err);
    infer_run *r = p ? infer_run_new(p) : NULL, *other = p ? infer_run_new(p) : NULL;
    if (!r || !other) {
        CHECK(false, "no plan: %s for\n%s", err, n->text);
        return;
    }
    size_t in = count_of(&n->layer[0]);
    int samples = infer_batch(p) < SAMPLES ? infer_batch(p) : SAMPLES;
    const net_layer *last = &n->layer[n->layers - 1];
    int outputs = count ? count : last->op == OP_OUTPUT ? last->inputs : 1;
    CHECK(infer_outputs(p) == outputs, "%d outputs, not %d", infer_outputs(p), outputs);
    infer_forward(r, x, samples);
    for (int s = samples - 1; s >= 0; s--) {
        infer_forward(other, x + (size_t)s * in, 1);
        for (int k = 0; k < infer_outputs(p); k++) {
            const infer_output *o = infer_out(p, k);
            int at = count ? 0 : last->op == OP_OUTPUT ? last->input[k] : n->layers - 1;
            while (count && strcmp(n->layer[at].name, names[k])) at++;
            const net_layer *l = &n->layer[at];
            CHECK(o->h == l->h && o->w == l->w && o->c == l->c && o->flat == l->flat && !strcmp(o->name, l->name),
                  "output %d is '%s' %dx%dx%d", k, o->name, o->h, o->w, o->c);
            float *together = xarray(count_of(l), sizeof *together), *alone = xarray(count_of(l), sizeof *alone);
            infer_read(r, k, s, together);
            infer_read(other, k, 0, alone);
            CHECK(!memcmp(together, alone, count_of(l) * sizeof *alone),
                  "sample %d of %d isn't what it is alone: %s, line %d of\n%s", s, samples, infer_kernels(), l->line, n->text);
            if (s == 0) {
                double d = difference(count_of(l), together, want[at]);
                CHECK(d <= tolerance, "%s: off by %.2g, line %d of\n%s", infer_kernels(), d, l->line, n->text);
            }
            free(together);
            free(alone);
        }
    }
    infer_run_free(r);
    infer_run_free(other);
    infer_free(p);
}

/* Every way to ask for a network's results. */
static void compare(const char *source, double tolerance) {
    net *n = made(source);
    size_t in = count_of(&n->layer[0]);
    float *x = xarray(in * SAMPLES, sizeof *x);
    double *first = xarray(in, sizeof *first);
    for (size_t i = 0; i < in * SAMPLES; i++) x[i] = (float)rng_range(&draws, -1.5, 1.5);
    for (size_t i = 0; i < in; i++) first[i] = x[i];
    double **want = net_ref_forward(n, first);
    const char **names = xarray((size_t)n->layers, sizeof *names);
    int count = 0;
    for (int i = 0; i < n->layers; i++)
        if (*n->layer[i].name && n->layer[i].op != OP_OUTPUT) names[count++] = n->layer[i].name;
    const char *one = names[below(count)];
    for (size_t k = 0; k < sizeof kernel_names / sizeof *kernel_names; k++) {
        setenv("FACADE_KERNELS", kernel_names[k], 1);
        if (strcmp(infer_kernels(), kernel_names[k])) continue; /* not on this processor */
        compare_plan(n, NULL, 0, x, want, tolerance);
        compare_plan(n, &one, 1, x, want, tolerance);
        if (count > 2) compare_plan(n, names, count, x, want, tolerance);
    }
    unsetenv("FACADE_KERNELS");
    net_ref_free(n, want);
    free(names);
    free(first);
    free(x);
    net_free(n);
}

/* ---- one op ---- */

static const char *const activations[] = {
    "relu", "leaky .2",  "elu .7", "tanh",        "sigmoid",           "silu",        "softplus",  "mish",
    "gelu", "hardswish", "abs",    "clip -.3 .6", "hardsigmoid .2 .5", "scale 2 -.5", "scale -1.5"};
enum { ACTIVATIONS = sizeof activations / sizeof *activations };

static const char *an_activation(void) {
    return activations[below(ACTIVATIONS)];
}

static void test_ops(void) {
    static const char *const rest[] = {
        "prelu",
        "affine",
        "affine bias=no",
        "batchnorm eps=.1",
        "layernorm",
        "softmax",
        "gap",
        "gmp",
        "mean h",
        "mean w",
        "mean c",
        "mean hw",
        "mean hc",
        "mean wc",
        "mean hwc",
        "dropout .5",
        "flatten",
        "slice h=1:3",
        "slice w=0:4:2 h=1:3",
        "slice c=1:2",
        "slice c=0:3:2 w=1:2",
        "transpose hwc",
        "transpose hcw",
        "transpose whc",
        "transpose wch",
        "transpose chw",
        "transpose cwh",
        "pad 1",
        "pad 1,2 value=.5",
        "pad 0,3,2,1 mode=edge",
        "pad 2,1,1,2 mode=reflect",
        "upsample 1",
        "upsample 3",
        "grid",
        "resize 7x9",
        "resize 2x3",
        "resize 7x9 mode=bilinear",
        "resize 3x3 mode=bilinear",
        "resize 9x10 mode=corners",
        "resize 1x2 mode=corners",
        "add < input input",
        "sub < input input",
        "constant 5",
        "constant 2x3x1",
        "constant 1x1x1",
    };
    static const int channels[] = {1, 3, 8, 16, 17, 33};
    for (size_t i = 0; i < sizeof rest / sizeof *rest + ACTIVATIONS; i++)
        for (size_t k = 0; k < sizeof channels / sizeof *channels; k++) {
            const char *op = i < ACTIVATIONS ? activations[i] : rest[i - ACTIVATIONS];
            if (strstr(op, "c=") && channels[k] < 3) continue;
            char source[200];
            snprintf(source, sizeof source, "input %dx%dx%d\nx %s\n", between(3, 5), between(4, 6), channels[k], op);
            compare(source, 1e-6);
        }
    /* Where the argument must be positive, or the result grows. */
    compare("input 3x4x17\nabs\na sqrt\nb exp < input\nc clip .3 9 < input\nd power -.5\ne power 3 < input\nf power .5 < c\ng "
            "div < input d\n",
            2e-6);
    /* Extremes: nothing overflows on the way to a finite result. */
    for (int i = 0; i < ACTIVATIONS; i++) {
        char source[200];
        snprintf(source, sizeof source, "input 2x2x9\na scale 200\nb %s\n", activations[i]);
        compare(source, 1e-6);
    }
    compare("input 2x2x9\na scale 200\nb softmax\n", 1e-5);
}

/* Windows: kernels, strides, dilations, borders and groups of all kinds. */
static void window_text(char *s, size_t size, int max_k, bool dilated) {
    static const char *const named[] = {" pad=same", " pad=valid"};
    int kh = between(1, max_k), kw = below(2) ? kh : between(1, max_k), sh = between(1, 3), sw = below(2) ? sh : between(1, 3);
    int dh = dilated && below(3) == 0 ? between(1, 3) : 1, dw = below(2) || !dilated ? dh : between(1, 3);
    if (below(2)) sh = sw = 1;
    int k = snprintf(s, size, "%dx%d stride=%dx%d", kh, kw, sh, sw);
    if (dh > 1 || dw > 1) k += snprintf(s + k, size - (size_t)k, " dilation=%dx%d", dh, dw);
    if (below(4) == 0)
        snprintf(s + k, size - (size_t)k, "%s", named[below(2)]);
    else if (below(3))
        snprintf(s + k, size - (size_t)k, " pad=%d,%d,%d,%d", below(kh), below(kw), below(kh), below(kw));
}

/* Lines of what may follow a convolution and be fused into it; `now` is named last. */
static void add_followers(text *t, const char *now) {
    char last[40];
    snprintf(last, sizeof last, "%s", now);
    if (below(2))
        text_addf(t, "%s.bn %s < %s\n", now, below(3) ? "batchnorm" : "affine", last), snprintf(last, sizeof last, "%s.bn", now);
    if (below(4) == 0) text_addf(t, "%s.drop dropout .3 < %s\n", now, last), snprintf(last, sizeof last, "%s.drop", now);
    if (below(3)) text_addf(t, "%s.act %s < %s\n", now, an_activation(), last), snprintf(last, sizeof last, "%s.act", now);
    if (below(3) == 0) {
        text_addf(t, "%s.other %s < %s\n", now, below(2) ? "slice h=0:1 w=0:1" : "scale .5", now);
        bool turned = below(2);
        text_addf(t, "%s.sum add < %s%s %s%s\n", now, turned ? now : last, turned ? ".other" : "", turned ? last : now,
                  turned ? "" : ".other");
        if (below(2)) text_addf(t, "%s.after %s\n", now, an_activation());
    }
}

static void test_conv(void) {
    for (int i = 0; i < 500; i++) {
        char window[120], err[NET_ERROR];
        bool transposed = i % 5 == 4, pool = i % 5 == 3;
        int c = i % 7 ? between(1, 24) : between(24, 70), oc = i % 6 ? between(1, 24) : between(24, 70), groups = 1;
        if (below(3) == 0) {
            groups = between(2, 5), c = groups * between(1, 6), oc = groups * between(1, 6);
            if (below(2)) groups = c, oc = c * (below(3) ? 1 : 2);
        }
        text t = {0};
        /* In 3 pixels every window has a tap on the image. */
        text_addf(&t, "input %dx%dx%d\n", between(pool ? 3 : 1, 12), between(pool ? 3 : 1, 12), c);
        window_text(window, sizeof window, i % 4 ? 3 : 6, !transposed);
        if (transposed) {
            int kh = between(1, 6), kw = between(1, 6);
            text_addf(&t, "a convt %d %dx%d stride=%dx%d crop=%d,%d,%d,%d groups=%d", oc, kh, kw, between(1, 4), between(1, 4),
                      below(kh), below(kw), below(kh), below(kw), groups);
        } else if (pool) {
            text_addf(&t, "a %s %s", below(2) ? "maxpool" : "avgpool", window);
            bool average = strstr(t.s, "avgpool");
            if (average && strstr(t.s, "dilation")) {
                free(t.s);
                continue;
            }
            if (average && below(2)) text_add(&t, " count_pad=yes");
        } else {
            text_addf(&t, "a conv %d %s groups=%d", oc, window, groups);
        }
        if (!pool && below(2)) text_add(&t, " bias=no");
        text_add(&t, "\n");
        add_followers(&t, "a");
        net *n = open_text(t.s, err);
        if (n) compare(t.s, 1e-5);
        net_free(n); /* the others' windows don't fit their images */
        free(t.s);
    }
    /* Winograd's shapes: 3x3 and 5x5, stride 1, at least 16 channels, sides that its tiles don't divide. */
    for (int i = 0; i < 24; i++) {
        text t = {0};
        text_addf(&t, "input %dx%dx%d\na conv %d %d pad=%d,%d,%d,%d\n", between(5, 17), between(5, 17), between(16, 40),
                  between(16, 40), i % 3 ? 3 : 5, below(3), below(3), below(3), below(3));
        add_followers(&t, "a");
        compare(t.s, 2e-5); /* clip leaves small numbers of larger sums */
        free(t.s);
    }
    for (int i = 0; i < 12; i++) {
        text t = {0};
        text_addf(&t, "input %d\na dense %d%s\n", between(1, 300), between(1, 100), below(2) ? "" : " bias=no");
        text_addf(&t, "b %s\nc %s\n", below(2) ? "batchnorm" : "affine", an_activation());
        compare(t.s, 3e-6);
        free(t.s);
    }
}

/* ---- random networks ---- */

/* An earlier layer: mostly the last. */
static int earlier(int number) {
    return below(5) < 3 ? number - 1 : below(number);
}

/* One line, which may not fit what is there. */
static void add_line(text *t, int number) {
    static const char *const plain[] = {"batchnorm",
                                        "layernorm",
                                        "affine",
                                        "prelu",
                                        "softmax",
                                        "dropout .2",
                                        "mean h",
                                        "mean w",
                                        "mean c",
                                        "upsample 2",
                                        "grid",
                                        "transpose whc",
                                        "transpose hcw",
                                        "transpose chw",
                                        "gap",
                                        "gmp",
                                        "flatten",
                                        "resize 5x7",
                                        "resize 6x4 mode=bilinear",
                                        "resize 4x9 mode=corners",
                                        "pad 1,0,2,1",
                                        "pad 1 mode=reflect",
                                        "pad 0,1 mode=edge value=3",
                                        "power 2",
                                        "affine bias=no"};
    static const char *const pairs[] = {"add", "add", "add", "sub", "mul", "min", "max"};
    char window[120];
    text_addf(t, "l%d ", number);
    int from = earlier(number);
    switch (below(14)) {
    case 0:
    case 1:
    case 2:
        window_text(window, sizeof window, 3, true);
        text_addf(t, "conv %d %s", between(1, 24), window);
        break;
    case 3:
        text_addf(t, "conv %d 3 pad=1", below(2) ? 16 : between(16, 32));
        break;
    case 4:
        window_text(window, sizeof window, 3, false);
        text_addf(t, "%s %s", below(2) ? "maxpool" : "avgpool", window);
        break;
    case 5:
        text_addf(t, "convt %d %d stride=%d crop=1,0", between(1, 16), between(2, 4), between(1, 2));
        break;
    case 6:
    case 7:
        text_add(t, an_activation());
        break;
    case 8:
    case 9:
        text_add(t, plain[below(sizeof plain / sizeof *plain)]);
        break;
    case 10: {
        int c = below(10);
        if (below(4))
            text_addf(t, "slice c=%d:%d", c, c + between(1, 9));
        else
            text_addf(t, "slice h=%d:%d w=0:%d:%d", below(2), between(3, 5), between(2, 6), between(1, 2));
        break;
    }
    case 11:
    case 12: /* of any layers; most pairs of shapes don't fit */
        text_addf(t, "%s < l%d l%d", pairs[below(sizeof pairs / sizeof *pairs)], below(3) ? from : below(number), below(number));
        if (below(4) == 0 && !strstr(t->s, "sub <")) text_addf(t, " l%d", below(number));
        text_add(t, "\n");
        return;
    case 13:
        text_addf(t, "concat axis=%c <", "ccchw"[below(5)]);
        for (int k = between(2, 4); k > 0; k--) text_addf(t, " l%d", earlier(number));
        text_add(t, "\n");
        return;
    }
    text_addf(t, " < l%d\n", from);
}

/* Reshapes of the last layer: its pixels in one column, or its channels in two halves. */
static void add_reshape(text *t, int number, const net *n) {
    const net_layer *l = &n->layer[n->layers - 1];
    if (l->c % 2 == 0 && below(2))
        text_addf(t, "l%d reshape %dx%dx%d\n", number, l->h, l->w * 2, l->c / 2);
    else if (below(3))
        text_addf(t, "l%d reshape %dx1x%d\n", number, l->h * l->w, l->c);
    else
        text_addf(t, "l%d reshape %dx%dx%d\n", number, l->h, 1, l->w * l->c);
}

static void random_net(int lines) {
    char err[NET_ERROR];
    text t = {0};
    text_addf(&t, "input %dx%dx%d\nl0 scale 1\n", between(4, 11), between(4, 11), between(1, 20));
    for (int number = 1, tries = 0; number <= lines && tries < 60 * lines; tries++) {
        size_t before = t.len;
        net *n = open_text(t.s, err);
        if (below(14) == 0)
            add_reshape(&t, number, n);
        else
            add_line(&t, number);
        net_free(n);
        n = open_text(t.s, err);
        const net_layer *l = n ? &n->layer[n->layers - 1] : NULL;
        if (n && count_of(l) < 3000 && net_macs(n) < 2e6)
            number++;
        else
            t.s[t.len = before] = 0;
        net_free(n);
    }
    if (below(4) == 0) text_addf(&t, "output < l%d l%d l0\n", lines, below(lines));
    compare(t.s, 5e-5);
    free(t.s);
}

static void test_random(void) {
    for (int i = 0; i < 250; i++) random_net(between(3, 16));
}

/* ---- shapes that networks have, which random ones rarely find ---- */

static void test_blocks(void) {
    static const char *const nets[] = {
        /* a residual block, its shortcut a convolution, before and after */
        "input 9x7x16\nd conv 24 1 stride=2\na conv 8 1 < input\nabn batchnorm\nrelu\nb conv 8 3 stride=2 pad=1\nbbn "
        "batchnorm\nrelu\nc conv 24 1\ncbn batchnorm\n"
        "s add < cbn d\ns2 relu\ne conv 24 3 pad=1\nadd < e s2\nf relu\n",
        /* both sides of a sum could take it */
        "input 6x6x8\na conv 16 1\nb conv 16 3 pad=1 < input\nadd < a b\nc relu\nd add < c a\n",
        "input 6x6x8\na conv 8 1\nadd < a a\nb relu\n",
        "input 6x6x8\na conv 8 3 pad=1\nadd < input a\nb silu\n",
        /* YOLO's block: halves, one of them processed, all joined */
        "input 8x8x16\na conv 32 1 bias=no\nabn batchnorm\ns silu\nh slice c=16:32\nb conv 16 3 pad=1\nbs silu\nc conv 16 3 "
        "pad=1\ncs silu\nr add < h cs\n"
        "j concat < s r\no conv 24 1\nt silu\n",
        "input 8x8x16\na conv 32 1\np slice c=0:16 < a\nq slice c=16:32 < a\nr slice c=8:16 < q\nj concat < p q r\nk concat < q "
        "p\nl concat < j k input a\n",
        /* what is joined twice, or read besides, or an output of its own */
        "input 5x5x4\na conv 8 3 pad=1\nb relu\nj concat < b a b\nk concat < a input\nl concat < k j\nmaxpool 3 stride=1 pad=1 < "
        "a\nn concat < a l\n",
        "input 4x4x6\na conv 6 1\nb reshape 16x1x6\nc conv 4 1 < input\nd reshape 16x1x4\nj concat < b d\ne reshape 4x4x10\nf "
        "conv 3 3\n",
        "input 4x6x6\na conv 8 1\nb reshape 4x12x4\nc slice c=1:3\nd reshape 8x6x2\ne flatten\nf dense 5\n",
        "input 4x4x8\na slice c=2:6\nb reshape 4x4x4\nc reshape 2x2x16\nd flatten < a\nj concat < d d\n",
        "input 4x4x8\na conv 8 1\nb dropout .5\nc dropout .5\nd slice c=0:4\ne concat < d b c\nf relu < b\n",
        "input 4x4x3\nconcat < input input input\n",
        "input 4x4x3\nj concat axis=h < input input\nk concat axis=w < j j\nl conv 4 3\n",
        /* the input itself, in part or in another shape, as the output */
        "input 4x4x3\nb slice c=1:2\nreshape 16\noutput < input b\n",
        "input 4x4x3\ndropout .3\n",
        "input 12\nreshape 2x2x3\n",
        "input 7\n",
        /* a constant on either side, and of every shape that is repeated */
        "input 3x4x5\nk constant 1x1x5\nl constant 3x4x1\nm constant 3x1x1\na add < k input\nb mul < a l\nc sub < m b\nd max < c "
        "k l\nabs\nd2 scale 1 .5\ne div < input d2\nf min < e m\n",
        "input 3x4x5\ng gap\nh reshape 1x1x5\ni sigmoid\nj mul < input i\n", /* squeeze and excitation */
        "input 6\na dense 6\nb relu\nc add < a input\nd concat < c b\ne softmax\n",
        "input 9x9x3\na conv 20 3 stride=2 pad=same groups=1\nb conv 20 3 groups=20 pad=same\nc hardswish\nd add < c a\n",
        "input 11x13x3\na conv 32 7 stride=2 pad=3\nb batchnorm\nc relu\nd maxpool 3 stride=2 pad=1\n",
        "input 20x20x1\na conv 5 5 stride=3 dilation=2 pad=4\nb tanh\n",
        "input 5x5x4\na conv 40 1x7 pad=0,3,0,3\nb conv 40 7x1 pad=3,0,3,0\nc relu\n",
    };
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) compare(nets[i], 1e-5);
}

/* ---- the interface ---- */

static void test_interface(void) {
    net *n = made("input 3x3x2\nfirst conv 4 1\nsecond relu\n");
    char err[NET_ERROR] = "";
    const char *wrong = "frist", *input = "input";
    CHECK(!infer_new(n, &wrong, 1, err) && strstr(err, "'frist'") && strstr(err, "first"), "%s", err);
    infer *p = infer_new(n, &input, 1, err);
    CHECK(p, "%s", err);
    infer_run *r = infer_run_new(p);
    float x[18], y[18];
    for (int i = 0; i < 18; i++) x[i] = (float)i;
    infer_forward(r, x, 1);
    memset(x, 0, sizeof x); /* read during the call only */
    infer_read(r, 0, 0, y);
    for (int i = 0; i < 18; i++) CHECK(y[i] == (float)i, "the input, %g", (double)y[i]);
    CHECK(infer_batch(p) >= 1 && infer_run_bytes(r) >= sizeof x, "a batch of %d, %zu bytes", infer_batch(p), infer_run_bytes(r));
    infer_run_free(r);
    infer_free(p);

    /* The plan has copies of all it needs. */
    p = infer_new(n, NULL, 0, err);
    r = infer_run_new(p);
    float before[36], after[36];
    for (int i = 0; i < 18; i++) x[i] = (float)i;
    infer_forward(r, x, 1);
    infer_read(r, 0, 0, before);
    net_free(n);
    infer_forward(r, x, 1);
    infer_read(r, 0, 0, after);
    CHECK(!memcmp(before, after, sizeof before), "after the network has gone");
    infer_run_free(r);
    infer_free(p);
}

int main(void) {
    const char *seed = getenv("SEED"); /* for more, by hand */
    draws = rng_make(seed ? strtoull(seed, NULL, 10) : 11, "test_infer", "", 0);
    test_ops();
    test_blocks();
    test_conv();
    test_random();
    test_interface();
    return check_status();
}
