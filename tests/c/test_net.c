/* Networks: what the language takes and refuses, shapes, initial weights, and the whole graph's gradient (every op in one net) against
 * central differences in double. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "lib/base.h"
#include "lib/kernels.h"
#include "lib/net.h"
#include "lib/net_run.h"
#include "lib/rng.h"
#include "ops_f64.h"

/* ---- helpers ---- */

static net *shaped(const char *source, const ops *o) {
    char err[NET_ERROR] = "";
    net *n = net_parse(source, "test.net", err);
    if (!n || !net_shape(n, 0, 0, 0, err)) die(EXIT_FAILED, "%s", err);
    if (o && !net_alloc(n, o)) die(EXIT_FAILED, "out of memory");
    return n;
}

static const net_layer *output_of(const net *n) {
    return &n->layer[n->layers - 1];
}

static size_t sample(const net_layer *l) {
    return (size_t)l->h * (size_t)l->w * (size_t)l->c;
}

static net_run *new_run(net *n, int batch, bool train) {
    net_run *r = net_run_new(n, batch, train);
    if (!r) die(EXIT_FAILED, "out of memory");
    return r;
}

/* The same numbers, floats all, in either table; the caller frees. */
static double *random_numbers(const char *key, size_t count) {
    rng r = rng_make(4, "test_net", key, 0);
    double *v = xarray(count, sizeof *v);
    for (size_t i = 0; i < count; i++) v[i] = (float)rng_range(&r, -1, 1);
    return v;
}

static void *random_array(const char *key, size_t count, const ops *o) {
    double *v = random_numbers(key, count), *to = xarray(count, sizeof *to);
    o->from_f64(count, v, to);
    free(v);
    return to;
}

static double distance(size_t count, const double *a, const double *b) {
    double difference = 0, size = 0;
    for (size_t i = 0; i < count; i++) difference += (a[i] - b[i]) * (a[i] - b[i]), size += b[i] * b[i];
    return sqrt(difference) / fmax(sqrt(size), 1e-4 * sqrt((double)count));
}

/* ---- the language ---- */

static void refused(const char *source, const char *want) {
    char err[NET_ERROR] = "";
    net *n = net_parse(source, "x.net", err);
    bool parsed = n != NULL;
    if (n && net_shape(n, 0, 0, 0, err)) err[0] = 0;
    CHECK(!strncmp(err, want, strlen(want)), "'%.60s' (%s): '%s', not '%s'", source, parsed ? "parsed" : "not parsed", err, want);
    net_free(n);
}

static void test_refused(void) {
    refused("", "x.net:0: no layers");
    refused("# nothing\n\n", "x.net:2: no layers");
    refused("relu\n", "x.net:1: the first line must be `input`");
    refused("input 3\ninput 3\n", "x.net:2: a second input");
    refused("input 3\n\n# a comment\nfoo 3\n", "x.net:4: neither 'foo' nor '3' is an op");
    refused("input 3\nrellu\n", "x.net:2: unknown op 'rellu'");
    refused("input 3\na foo 3\n", "x.net:2: neither 'a' nor 'foo' is an op");
    refused("input 3\ndense 3\n", "x.net:2: dense has parameters, so it needs a name");
    refused("input 3\n1a dense 3\n", "x.net:2: '1a' is no name");
    refused("input 3\na/b dense 3\n", "x.net:2: 'a/b' is no name");
    refused("input 3\na dense 3\na dense 3\n", "x.net:3: the name 'a' is taken");
    refused("input 3\na dense\n", "x.net:2: dense wants an argument");
    refused("input 8x8x3\na conv 3\n", "x.net:2: conv wants channels and a kernel");
    refused("input 3\na dense 3 4\n", "x.net:2: dense: one argument too many: '4'");
    refused("input 3\na dense 3x\n", "x.net:2: size '3x' isn't a whole number");
    refused("input 3\na dense 0\n", "x.net:2: size '0' isn't a whole number from 1");
    refused("input 3\na dense -1\n", "x.net:2: size '-1' isn't");
    refused("input 3\na dense 99999999999999999999\n", "x.net:2: size '99999999999999999999' isn't");
    refused("input 3\na dense nan\n", "x.net:2: size 'nan' isn't");
    refused("input 3\na dense 3 bias=maybe\n", "x.net:2: bias is yes or no, not 'maybe'");
    refused("input 3\na dense 3 stride=2\n", "x.net:2: dense has no attribute 'stride'; it has: bias init");
    refused("input 3\nrelu x=1\n", "x.net:2: relu takes no attributes ('x=')");
    refused("input 3\nrelu =1\n", "x.net:2: relu takes no attributes ('=')");
    refused("input 3\nleaky nan\n", "x.net:2: alpha 'nan' isn't a number");
    refused("input 3\nleaky inf\n", "x.net:2: alpha 'inf' isn't a number");
    refused("input 3\nleaky -1\n", "x.net:2: alpha '-1' isn't a number");
    refused("input 3\ndropout 1\n", "x.net:2: rate '1' isn't a number from 0 to 0.999");
    refused("input 3\ndropout 100%\n", "x.net:2: rate '100' isn't a number from 0 to 99.9");
    refused("input 3\nb batchnorm momentum=101%\n", "x.net:2: momentum '101' isn't a number from 0 to 100");
    refused("input 3\ndropout %\n", "x.net:2: rate '%' isn't a number");
    refused("input 3\na dense 3 l2=-1\n", "x.net:2: l2 '-1' isn't a number");
    refused("input 3\nb batchnorm eps=0\n", "x.net:2: eps '0' isn't a number");
    refused("input 3\nb batchnorm momentum=1.5\n", "x.net:2: momentum '1.5' isn't a number from 0 to 1");
    refused("input 3\na dense 3 init=best\n", "x.net:2: init 'best' isn't glorot");
    refused("input 3\na dense 3 init=normal:1\n", "x.net:2: init 'normal:1' isn't");
    refused("input 3\na dense 3 init=normal:0,-1\n", "x.net:2: init 'normal:0,-1' isn't");
    refused("input 3\nrelu < nobody\n", "x.net:2: no line above is called 'nobody'");
    refused("input 3\na relu < a\n", "x.net:2: no line above is called 'a'");
    refused("input 3\nrelu <\n", "x.net:2: no input after '<'");
    refused("input 3 < input\n", "x.net:1: input has no inputs");
    refused("input 3\nadd < input\n", "x.net:2: add wants 2 inputs");
    refused("input 3\nadd\n", "x.net:2: add wants 2 inputs");
    refused("input 3\nrelu < input input\n", "x.net:2: relu takes 1 input");
    refused("input 0\n", "x.net:1: size '0' isn't C or HxWxC");
    refused("input 3x3\n", "x.net:1: size '3x3' isn't C or HxWxC");
    refused("input 3x3x3x3\n", "x.net:1: size '3x3x3x3' isn't");
    refused("input x3\n", "x.net:1: size 'x3' isn't");
    refused("input 65536x65536x65536\n", "x.net:1: size '65536x65536x65536' isn't");
    refused("input 3 range=1:1\n", "x.net:1: range '1:1' isn't LO:HI");
    refused("input 8x8x3\na conv 3 0\n", "x.net:2: kernel '0' isn't");
    refused("input 8x8x3\na conv 3 3x3x3\n", "x.net:2: kernel '3x3x3' isn't");
    refused("input 8x8x3\na conv 3 3 pad=-1\n", "x.net:2: pad '-1' isn't");
    refused("input 8x8x3\na conv 3 3 pad=1,2,3\n", "x.net:2: pad '1,2,3' isn't");
    refused("input 8x8x3\na convt 3 3 crop=same\n", "x.net:2: crop 'same' isn't");
    refused("input 8x8x3\na conv 3 3 stride=0\n", "x.net:2: stride '0' isn't");

    /* Shapes that don't fit. */
    refused("input\n", "x.net:1: the input's size is open, and none was given");
    refused("input 3\na conv 3 3\n", "x.net:2: wants an image, the input is a vector of 3");
    refused("input 8x8x3\nrelu\na dense 3\n", "x.net:3: dense wants a vector, the input is 8x8x3");
    refused("input 2x8x3\na conv 3 3\n", "x.net:2: the input of 2x8 is smaller than the window");
    refused("input 8x2x3\nmaxpool 3\n", "x.net:2: the input of 8x2 is smaller than the window");
    refused("input 8x8x3\navgpool 2 pad=2\n", "x.net:2: padding as wide as the window");
    refused("input 1x1x3\na convt 2 3 crop=2,2\n", "x.net:2: ");
    refused("input 8x8x3\na convt 2 3 crop=3,0\n", "x.net:2: crop=3,3,0,0 is wider than the kernel");
    refused("input 8x8x3\na conv 4 3 groups=2\n", "x.net:2: 3 and 4 channels don't divide into 2 groups");
    refused("input 8x8x3\nreshape 191\n", "x.net:2: can't reshape 8x8x3 (192) to 191");
    refused("input 8x8x3\na conv 3 3\nadd < input a\n", "x.net:3: inputs of 8x8x3 and 6x6x3 don't fit together");
    refused("input 8x8x3\na conv 4 1\nadd < input a\n", "x.net:3: inputs of 8x8x3 and 8x8x4 don't fit together");
    refused("input 3\na reshape 1x1x3\nconcat < input a\n", "x.net:3: inputs of 1x1x3 and 1x1x3 don't fit together");
    refused("input 1073741824\na dense 16777216\n", "x.net:2: ");
    refused("input 1073741824\nconcat < input input\n", "x.net:2: an output of more than 1073741824 channels");
    refused("input 32768x32768x1\nupsample 64\n", "x.net:2: an output of ");
    refused("input 60000x1x1\na convt 1 1024 stride=1024\n", "x.net:2: an output of ");

    char err[NET_ERROR] = "";
    net *n = net_parse("input 8x8x3\nflatten\n", "x.net", err);
    CHECK(n && !net_shape(n, 8, 8, 1, err) && !strcmp(err, "x.net:1: the network wants 8x8x3, the data is 8x8x1"), "%s", err);
    net_free(n);
    n = net_parse("input\nflatten\n", "x.net", err);
    CHECK(n && net_shape(n, 4, 5, 2, err) && output_of(n)->c == 40, "an open input takes the data's size: %s", err);
    net_free(n);

    /* As many layers as there may be, and one more. */
    for (int extra = 0; extra < 2; extra++) {
        text t = {0};
        text_add(&t, "input 1\n");
        for (int i = 1; i < NET_MAX_LAYERS + extra; i++) text_add(&t, "relu\n");
        n = net_parse(t.s, "x.net", err);
        CHECK((n == NULL) == (extra == 1), "%d layers", NET_MAX_LAYERS + extra);
        if (extra) CHECK(!strcmp(err, "x.net:4097: more than 4096 layers"), "%s", err);
        net_free(n);
        free(t.s);
    }
    text t = {0};
    text_add(&t, "input 1\nadd <");
    for (int i = 0; i < 200; i++) text_add(&t, " input");
    refused(t.s, "x.net:2: more than 128 words");
    free(t.s);
}

static void test_load(void) {
    char err[NET_ERROR], path[] = "/tmp/test_net.XXXXXX";
    CHECK(!net_load("/nowhere/x.net", err) && !strcmp(err, "/nowhere/x.net: No such file or directory"), "%s", err);
    int fd = mkstemp(path);
    const char with_nul[] = "input 3\n\0relu\n";
    if (fd < 0 || full_write(fd, with_nul, sizeof with_nul - 1) < 0) die(EXIT_FAILED, "%s:", path);
    CHECK(!net_load(path, err) && strstr(err, ": not a text"), "%s", err);
    char *large = xmalloc(NET_MAX_TEXT);
    memset(large, '\n', NET_MAX_TEXT);
    if (full_write(fd, large, NET_MAX_TEXT) < 0) die(EXIT_FAILED, "%s:", path);
    CHECK(!net_load(path, err) && strstr(err, path), "%s", err);
    free(large);
    close(fd);
    unlink(path);
}

static void test_shapes(void) {
    static const struct {
        const char *source;
        int h, w, c;
        size_t trainable;
        double macs;
    } nets[] = {
        {"input 7", 1, 1, 7, 0, 0},
        {"input 100\nfc dense 8192 bias=no # comment\n\tbn batchnorm\r\nrelu\n\nreshape 8x8x128\n", 8, 8, 128, 819200 + 16384,
         819200},
        {"input 8x8x128\nup convt 64 5 stride=2 crop=1,2\n", 16, 16, 64, 128 * 64 * 25 + 64, 128 * 64 * 25 * 64.},
        {"input 8x6x3\nc conv 4 3x2 stride=2 pad=1,0\n", 4, 3, 4, 3 * 4 * 6 + 4, 72. * 12},
        {"input 9x9x4\nc conv 8 3 stride=2 pad=same groups=2 bias=no\n", 5, 5, 8, 8 * 2 * 9, 144. * 25},
        {"input 9x9x4\nc conv 2 3 dilation=4\n", 1, 1, 2, 74, 72},
        {"input 9x9x4\nc conv 2 3 pad=valid\n", 7, 7, 2, 74, 72. * 49},
        {"input 9x9x4\nmaxpool 2\n", 4, 4, 4, 0, 0},
        {"input 9x9x4\nmaxpool 3 stride=2 pad=same\n", 5, 5, 4, 0, 0},
        {"input 9x9x4\navgpool 3 stride=1 pad=1\n", 9, 9, 4, 0, 0},
        {"input 9x9x4\ngap\n", 1, 1, 4, 0, 0},
        {"input 2x3x4\nflatten\nfc dense 5\n", 1, 1, 5, 125, 120},
        {"input 2x3x4\nupsample 3\nconcat < input.1 input.1\n", 0, 0, 0, 0, 0}, /* refused: no such name */
        {"input 2x3x4\na upsample 3\nconcat < a a\n", 6, 9, 8, 0, 0},
        {"input 2x3x4\nl layernorm\n", 2, 3, 4, 8, 0},
    };
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        char err[NET_ERROR] = "";
        net *n = net_parse(nets[i].source, "x.net", err);
        if (nets[i].h == 0) {
            CHECK(!n, "'%s' was taken", nets[i].source);
        } else if (!n || !net_shape(n, 0, 0, 0, err)) {
            CHECK(false, "%s", err);
        } else {
            const net_layer *l = output_of(n);
            CHECK(l->h == nets[i].h && l->w == nets[i].w && l->c == nets[i].c, "'%s' gives %dx%dx%d", nets[i].source, l->h, l->w,
                  l->c);
            CHECK(net_trainable(n) == nets[i].trainable, "'%s' has %zu parameters", nets[i].source, net_trainable(n));
            CHECK(net_macs(n) == nets[i].macs, "'%s' takes %g multiply-adds", nets[i].source, net_macs(n));
        }
        net_free(n);
    }
    /* The study's nets have the sizes that numerics.md works out for them. */
    static const struct {
        const char *path;
        size_t trainable;
        double mega_macs;
    } study[] = {{"pipelines/nets/gen.net", 1455168, 84.4}, {"pipelines/nets/critic.net", 2765568, 103.8}};
    for (int i = 0; i < 2; i++) {
        char err[NET_ERROR] = "";
        net *n = net_load(study[i].path, err);
        bool right = n && net_shape(n, 0, 0, 0, err);
        CHECK(right && net_trainable(n) == study[i].trainable, "%s: %s", study[i].path, err);
        CHECK(right && fabs(net_macs(n) / 1e6 - study[i].mega_macs) < .05, "%s: multiply-adds", study[i].path);
        net_free(n);
    }
}

static void test_parameters(void) {
    net *n = shaped("input 4x4x6\nc conv 8 3 groups=2\nt convt 5 3x2\nb batchnorm\nflatten\nd dense 3 bias=no\n", &ops_f64);
    static const struct {
        const char *key;
        int rank;
        uint32_t shape[4];
        bool trained;
    } want[] = {{"c.weight", 4, {8, 3, 3, 3}, true}, {"c.bias", 1, {8}, true},
                {"t.weight", 4, {8, 5, 3, 2}, true}, {"t.bias", 1, {5}, true},
                {"b.weight", 1, {5}, true},          {"b.bias", 1, {5}, true},
                {"b.running_mean", 1, {5}, false},   {"b.running_var", 1, {5}, false},
                {"d.weight", 2, {3, 60}, true}};
    CHECK(n->params == 9, "%d parameters", n->params);
    for (int i = 0; i < 9; i++) {
        const net_param *p = net_find(n, want[i].key);
        CHECK(p && p->rank == want[i].rank && p->trained == want[i].trained && !memcmp(p->shape, want[i].shape, sizeof p->shape),
              "%s", want[i].key);
        if (!p) continue;
        CHECK(net_param_grad(n, p) == NULL, "%s: gradient", p->key);
        double first;
        ops_f64.to_f64(1, net_param_data(n, p), &first);
        CHECK(first == !strcmp(p->key, "b.running_var"), "%s begins at %g", p->key, first);
    }
    CHECK(!net_find(n, "c.weigh") && !net_find(n, ""), "what isn't there isn't found");
    net_free(n);
}

/* ---- initial weights ---- */

static void moments(const net *n, const char *key, double *mean, double *deviation, double *largest) {
    const net_param *p = net_find(n, key);
    double *v = xarray(p->count, sizeof *v), sum = 0, squares = 0;
    n->ops->to_f64(p->count, net_param_data(n, p), v);
    *largest = 0;
    for (size_t i = 0; i < p->count; i++) sum += v[i], squares += v[i] * v[i], *largest = fmax(*largest, fabs(v[i]));
    *mean = sum / (double)p->count;
    *deviation = sqrt(squares / (double)p->count - *mean * *mean);
    free(v);
}

static void test_init(void) {
    const char *source =
        "input 8x8x16\nglorot conv 32 3\nhe conv 64 3 init=he\ntorch conv 32 3 init=torch\n"
        "up convt 48 3 init=torch\nnormal conv 16 3 init=normal:1,.02\nzeros conv 4 1 init=zeros\nones conv 4 1 init=ones\n"
        "b batchnorm\nb2 batchnorm init=normal:1,.02\n";
    net *n = shaped(source, &ops_f32);
    ops_f32.set_threads(3);
    net_init(n, 1, "gen");
    ops_f32.set_threads(2);
    static const struct {
        const char *key;
        double mean, deviation, limit; /* limit 0: none */
    } want[] = {
        {"glorot.weight", 0, .06804138, .11785113}, /* sqrt(6/(144+288)), over sqrt(3) */
        {"he.weight", 0, .08333333, 0}, /* sqrt(2/288) */
        {"torch.weight", 0, .02405626, .04166667}, /* 1/sqrt(576), over sqrt(3) */
        {"torch.bias", 0, .02405626, .04166667},
        {"up.weight", 0, .02777778, .04811252}, /* PyTorch takes a transposed convolution's out*kh*kw: 432 */
        {"normal.weight", 1, .02, 0},
    };
    double mean, deviation, largest;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        moments(n, want[i].key, &mean, &deviation, &largest);
        double count = (double)net_find(n, want[i].key)->count, sigma = want[i].deviation;
        CHECK(fabs(mean - want[i].mean) < 5 * sigma / sqrt(count), "%s: mean %g", want[i].key, mean);
        CHECK(fabs(deviation - sigma) < 5 * sigma / sqrt(count), "%s: deviation %g", want[i].key, deviation);
        if (want[i].limit > 0)
            CHECK(largest <= want[i].limit * 1.0000001 && largest > .8 * want[i].limit, "%s: up to %g", want[i].key, largest);
    }
    static const char *const constant[] = {"zeros.weight", "glorot.bias", "he.bias", "normal.bias",
                                           "b.bias",       "ones.weight", "b.weight"};
    for (int i = 0; i < 7; i++) {
        moments(n, constant[i], &mean, &deviation, &largest);
        CHECK(mean == (i < 5 ? 0 : 1) && largest == mean, "%s: mean %g, up to %g", constant[i], mean, largest);
    }
    /* Each is the next number of its parameter's own row, whichever threads draw it. */
    static const struct {
        const char *key;
        double centre, scale;
        bool normal;
    } rows[] = {
        {"glorot.weight", 0, 0.11785113019775793, false}, {"torch.weight", 0, 1. / 24, false}, {"normal.weight", 1, .02, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char key[40];
        snprintf(key, sizeof key, "gen/%s", rows[i].key);
        const net_param *p = net_find(n, rows[i].key);
        const float *v = net_param_data(n, p);
        rng r = rng_make(1, "init", key, 0);
        size_t wrong = 0;
        for (size_t k = 0; k < p->count; k++) {
            double want_v =
                rows[i].normal ? rows[i].centre + rows[i].scale * rng_normal(&r) : rng_range(&r, -rows[i].scale, rows[i].scale);
            wrong += v[k] != (float)want_v;
        }
        CHECK(wrong == 0, "%s: %zu of %zu aren't the numbers of one row", rows[i].key, wrong, p->count);
    }
    /* The same again for the same seed and name, other for others; and a layer's don't depend on what is around it. */
    net *others[4];
    for (int i = 0; i < 4; i++) {
        others[i] = shaped(i < 3 ? source : "input 8x8x16\nx conv 16 1\nglorot conv 32 3\n", &ops_f32);
        net_init(others[i], i == 1 ? 2 : 1, i == 2 ? "critic" : "gen");
        const net_param *p = net_find(n, "glorot.weight"), *q = net_find(others[i], "glorot.weight");
        bool same = !memcmp(net_param_data(n, p), net_param_data(others[i], q), p->count * sizeof(float));
        CHECK(same == (i == 0 || i == 3), "initial weights of another seed or name (%d)", i);
        net_free(others[i]);
    }
    net_free(n);
}

/* ---- running ---- */

/* Small nets worked out by hand: what is fused must not change who reads what, and each layout and side of a border is one of two. */
static void test_by_hand(void) {
    static const struct {
        const char *source;
        double weights[25], x[16], y[16];
    } nets[] = {
        {"input 2\na dense 2 bias=no\nb relu\nadd < a b\n", {1, 0, 0, 1}, {-1, 2}, {-1, 4}},
        {"input 2\na dense 2\nb relu\nc relu < a\nconcat < b c\n", {1, 2, 3, 4, 10, -20}, {1, 1}, {13, 0, 13, 0}},
        {"input 2\nrelu\nadd < input input\n", {0}, {-1, 3}, {-2, 6}},
        {"input 4x4x1\nc conv 1 3 stride=2 pad=same bias=no\n",
         {1},
         {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
         {0, 2, 8, 10}},
        {"input 4x4x1\nmaxpool 3 stride=2 pad=same\n",
         {0},
         {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
         {10, 11, 14, 15}},
        {"input 1x3x1\nc conv 1 1x2 pad=1,0 bias=no\n", {10, 1}, {1, 2, 3}, {0, 0, 0, 1, 12, 23}},
        {"input 1x3x1\navgpool 1x2 stride=1 pad=same\n", {0}, {1, 2, 3}, {1.5, 2.5, 3}},
        {"input 1x3x1\navgpool 1x2 stride=1 pad=same count_pad=yes\n", {0}, {1, 2, 3}, {1.5, 2.5, 1.5}},
        {"input 1x1x1\nt convt 1 5 stride=2 crop=1,2 bias=no\n",
         {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24},
         {1},
         {6, 7, 11, 12}},
        {"input 1x1x1\nt convt 1 5 stride=2 crop=2,1 bias=no\n",
         {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24},
         {1},
         {12, 13, 17, 18}},
        {"input 4\nreshape 1x2x2\ngap\n", {0}, {1, 2, 3, 4}, {2, 3}},
        {"input 1x2x1\nupsample 2\n", {0}, {1, 2}, {1, 1, 2, 2, 1, 1, 2, 2}},
        {"input 1x2x1\na conv 1 1 bias=no\nconcat < input a\n", {10}, {1, 2}, {1, 10, 2, 20}},
        {"input 1x1x4\nc conv 2 1 groups=2 bias=no\n", {1, 2, 3, 4}, {1, 1, 2, 2}, {3, 14}},
        {"input 3\ndropout .9\n", {0}, {1, 2, 3}, {1, 2, 3}},
    };
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        net *n = shaped(nets[i].source, &ops_f64);
        const double *from = nets[i].weights;
        for (int k = 0; k < n->params; from += n->param[k++].count)
            memcpy(net_param_data(n, &n->param[k]), from, n->param[k].count * sizeof *from);
        net_run *r = new_run(n, 1, false);
        const double *y = net_forward(r, nets[i].x, 0, 0);
        for (size_t k = 0; k < sample(output_of(n)); k++)
            CHECK(y[k] == nets[i].y[k], "'%s': output %zu is %g, not %g", nets[i].source, k, y[k], nets[i].y[k]);
        net_run_free(r);
        net_free(n);
    }
}

/* Every op, branches that meet again, an input read three times, activations fused and not, and a layer that leads nowhere. */
static const char *const every_op = "input 9x7x3\n"
                                    "a1   conv 6 3x2 stride=2 pad=2,1\n"
                                    "ra   leaky .2\n"
                                    "b1   conv 6 3 pad=same groups=3 dilation=2 bias=no < ra\n"
                                    "bb   batchnorm momentum=.8\n"
                                    "rb   relu\n"
                                    "s    add < ra rb ra\n"
                                    "ss   silu\n"
                                    "ln   layernorm\n"
                                    "sl   sigmoid\n"
                                    "mp   maxpool 2 pad=1,0 stride=1 < ss\n"
                                    "ap   avgpool 3x2 stride=1 pad=same < ss\n"
                                    "aq   avgpool 3 stride=1 pad=1 count_pad=yes < mp\n"
                                    "cc   concat < sl ap ss aq\n"
                                    "t1   convt 4 4x3 stride=2 crop=1,0\n"
                                    "et   elu .7\n"
                                    "up   upsample 2 < ss\n"
                                    "bu   batchnorm unbiased=yes\n"
                                    "g    gap < et\n"
                                    "gm   gap < mp\n"
                                    "dead dense 3 < gm\n"
                                    "f    flatten < bu\n"
                                    "d1   dense 5\n"
                                    "td   tanh\n"
                                    "dr   dropout .3\n"
                                    "gs   concat < g dr gm\n"
                                    "rs   reshape 5x1x3\n"
                                    "ri   relu\n"
                                    "fl   flatten\n"
                                    "out  dense 2\n"
                                    "     sigmoid\n";
/* Batch norms computed with the pooling after them: over a convolution whose activation goes with it, or not (read twice; curved), and over one that has none; windows that
 * leave a rest, channels that fill vectors or don't; and some that aren't, for their windows overlap, are padded, or another layer reads them. */
static const char *const pooled = "input 23x18x3\n"
                                  "a    conv 7 3 pad=same\n"
                                  "     relu\n"
                                  "an   batchnorm\n"
                                  "     maxpool 2\n"
                                  "     dropout .3\n"
                                  "b    conv 37 3 pad=same\n"
                                  "bn   batchnorm unbiased=yes momentum=.8\n"
                                  "     leaky .3\n"
                                  "bp   maxpool 3x2\n"
                                  "c    conv 16 1 bias=no\n"
                                  "cr   leaky .1\n"
                                  "cn   batchnorm\n"
                                  "cp   maxpool 1x2\n"
                                  "c2   maxpool 1x2 < cr\n"
                                  "ca   add < cp c2\n"
                                  "d    conv 5 1\n"
                                  "     tanh\n"
                                  "dn   batchnorm\n"
                                  "dp   maxpool 2x1\n"
                                  "e    conv 5 1 < dp\n"
                                  "en   batchnorm\n"
                                  "ep   maxpool 2 stride=1 pad=1 < en\n"
                                  "fn   batchnorm < ep\n"
                                  "fp   maxpool 2 < fn\n"
                                  "fg   gap < fn\n"
                                  "gg   gap < fp\n"
                                  "s    add < fg gg\n"
                                  "dead batchnorm < d\n"
                                  "     maxpool 1\n"
                                  "out  dense 2 < s\n"
                                  "     sigmoid\n";
/* And what only looks so: padding that is all below and on the right, a reshape on either side, whose buffer is the layer's before it with other channels, and a
 * convolution that is the network's output, which only a branch that leads nowhere normalises. */
static const char *const nearly_pooled[] = {
    "input 7x5x3\na conv 7 3 pad=same\nrelu\nb batchnorm\nmaxpool 2 pad=same\nflatten\nout dense 2\n",
    "input 7x5x3\na conv 7 3 pad=same\nrelu\nb batchnorm\nmaxpool 2 pad=0,0,1,1\nflatten\nout dense 2\n",
    "input 8x8x3\na conv 8 3 pad=same\nrelu\nb batchnorm\nreshape 8x4x16\nmaxpool 2\nflatten\nout dense 2\n",
    "input 8x8x3\na conv 8 3 pad=same\nrelu\nb batchnorm\nreshape 8x16x4\nmaxpool 2\nflatten\nout dense 2\n",
    "input 9\na dense 128\nrelu\nreshape 4x4x8\nb batchnorm\nmaxpool 2\nflatten\nout dense 2\n",
    "input 9\na dense 8\nrelu\nreshape 2x2x2\nb batchnorm\nmaxpool 2\nflatten\nout dense 2\n",
    "input 6x6x2\na conv 4 3\nar relu\nb batchnorm\nmaxpool 2\nfl flatten < ar\n",
    "input 6x6x2\na conv 17 3\nrelu\nb batchnorm\nmaxpool 4\n"};
enum { BATCH = 3, STEP = 5 };

static void set_parameters(net *n) {
    for (int i = 0; i < n->params; i++) {
        const net_param *p = &n->param[i];
        if (!p->trained) continue;
        double *v = random_numbers(p->key, p->count), fan = p->rank > 1 ? (double)(p->count / p->shape[0]) : 1;
        for (size_t k = 0; k < p->count; k++) v[k] = (float)(v[k] * 1.7 / sqrt(fan));
        n->ops->from_f64(p->count, v, net_param_data(n, p));
        free(v);
    }
}

/* |analytic - numeric| / |numeric| of the derivatives of sum(dout * output) to the count numbers at p. */
static double gradient_error(net_run *r, const double *x, const double *dout, size_t outputs, double *p, size_t count,
                             const double *analytic) {
    const double h = 1e-5;
    size_t stride = count > 80 ? count / 60 : 1, tried = 0;
    double *up = xarray(outputs, sizeof *up), *numeric = xarray(count, sizeof *numeric), *picked = xarray(count, sizeof *picked);
    for (size_t i = 0; i < count; i += stride) {
        double kept = p[i], sum = 0;
        p[i] = kept + h;
        memcpy(up, net_forward(r, x, 1, STEP), outputs * sizeof *up);
        p[i] = kept - h;
        const double *down = net_forward(r, x, 1, STEP);
        p[i] = kept;
        for (size_t k = 0; k < outputs; k++) sum += dout[k] * (up[k] - down[k]);
        numeric[tried] = sum / (2 * h);
        picked[tried++] = analytic[i];
    }
    double error = distance(tried, picked, numeric);
    free(up);
    free(numeric);
    free(picked);
    return error;
}

static void test_gradients(const char *source, int batch) {
    net *n = shaped(source, &ops_f64);
    set_parameters(n);
    net_run *r = new_run(n, batch, true);
    size_t inputs = (size_t)batch * sample(&n->layer[0]), outputs = (size_t)batch * sample(output_of(n));
    double *x = random_array("x", inputs, &ops_f64), *dout = random_array("dout", outputs, &ops_f64);
    net_zero_grad(n);
    net_forward(r, x, 1, STEP);
    memcpy(net_dout(r), dout, outputs * sizeof *dout);
    double *dx = xarray(inputs, sizeof *dx);
    memcpy(dx, net_backward(r, NET_PARAMS | NET_INPUT), inputs * sizeof *dx);
    double error = gradient_error(r, x, dout, outputs, x, inputs, dx);
    CHECK(error < 1e-7, "gradient to the input off by %g", error);
    for (int i = 0; i < n->params; i++) {
        const net_param *p = &n->param[i];
        if (!p->trained) continue;
        error = gradient_error(r, x, dout, outputs, net_param_data(n, p), p->count, net_param_grad(n, p));
        CHECK(error < 1e-7, "gradient to %s off by %g", p->key, error);
    }
    free(x);
    free(dout);
    free(dx);
    net_run_free(r);
    net_free(n);
}

/* In float as in double: output, gradients, running statistics. source: nothing in it comes so near to another winner, or to a bend, that they could differ there.
 * pooled_norms: how many batch norms are one with their pooling. */
static void test_tables_agree(const char *source, int pooled_norms, double tolerance) {
    const ops *tables[] = {&ops_f64, &ops_f32};
    net *n[2];
    double *out[2], *dx[2];
    size_t outputs = 0, inputs = 0;
    for (int i = 0; i < 2; i++) {
        const ops *o = tables[i];
        o->set_threads(2);
        n[i] = shaped(source, o);
        set_parameters(n[i]);
        net_run *r = new_run(n[i], BATCH, true);
        int together = 0;
        for (int k = 0; k < n[i]->layers; k++) together += r->pooled[k] > 0;
        CHECK(together == (i ? pooled_norms : 0), "%d batch norms are computed with their pooling", together);
        inputs = BATCH * sample(&n[i]->layer[0]), outputs = BATCH * sample(output_of(n[i]));
        void *x = random_array("x", inputs, o), *dout = random_array("dout", outputs, o);
        out[i] = xarray(outputs, sizeof *out[i]), dx[i] = xarray(inputs, sizeof *dx[i]);
        o->to_f64(outputs, net_forward(r, x, 1, STEP), out[i]);
        memcpy(net_dout(r), dout, outputs * o->real_size);
        o->to_f64(inputs, net_backward(r, NET_PARAMS | NET_INPUT), dx[i]);
        free(x);
        free(dout);
        net_run_free(r);
    }
    CHECK(distance(outputs, out[1], out[0]) < 1e-5, "output off by %g", distance(outputs, out[1], out[0]));
    CHECK(distance(inputs, dx[1], dx[0]) < 2e-5, "gradient to the input off by %g", distance(inputs, dx[1], dx[0]));
    for (int k = 0; k < n[0]->params; k++) {
        const net_param *p = &n[0]->param[k];
        double *v = xarray(p->count, sizeof *v);
        ops_f32.to_f64(p->count, p->trained ? net_param_grad(n[1], p) : net_param_data(n[1], p), v);
        double error = distance(p->count, v, p->trained ? net_param_grad(n[0], p) : net_param_data(n[0], p));
        CHECK(error < tolerance, "%s off by %g", p->key, error);
        free(v);
    }
    for (int i = 0; i < 2; i++) free(out[i]), free(dx[i]), net_free(n[i]);
}

/* Gradients add up until net_zero_grad; NET_INPUT alone leaves them; a backward pass can be repeated for another dout. */
static void test_accumulation(const char *source, const ops *o) {
    net *n = shaped(source, o);
    set_parameters(n);
    net_run *r = new_run(n, BATCH, true);
    size_t inputs = BATCH * sample(&n->layer[0]), outputs = BATCH * sample(output_of(n)), bytes = n->weight_count * o->real_size;
    void *x = random_array("x", inputs, o), *dout = random_array("dout", outputs, o);
    void *once = xmalloc(bytes), *twice = xmalloc(bytes), *dx = xmalloc(inputs * o->real_size);
    double a, b, unused;
    for (int pass = 0; pass < 3; pass++) {
        if (pass != 1) net_zero_grad(n);
        net_forward(r, x, 1, STEP);
        memcpy(net_dout(r), dout, outputs * o->real_size);
        const void *to_input = net_backward(r, pass == 2 ? NET_PARAMS : NET_PARAMS | NET_INPUT);
        CHECK((to_input != NULL) == (pass != 2), "the gradient to the input is there when asked for");
        if (pass == 0) memcpy(once, n->grads, bytes), memcpy(dx, to_input, inputs * o->real_size);
        if (pass == 1) memcpy(twice, n->grads, bytes);
    }
    CHECK(!memcmp(once, n->grads, bytes), "net_zero_grad begins anew");
    memcpy(net_dout(r), dout, outputs * o->real_size);
    const void *again = net_backward(r, NET_INPUT);
    CHECK(!memcmp(dx, again, inputs * o->real_size), "the gradient to the input alone is the same");
    CHECK(!memcmp(once, n->grads, bytes), "the gradient to the input alone leaves those to the parameters");
    o->axpy(n->weight_count, -2, once, twice);
    o->norms(n->weight_count, once, &unused, &a);
    o->norms(n->weight_count, twice, &unused, &b);
    CHECK(a > 0 && b <= 1e-12 * a, "two backward passes add up to twice one: %g of %g", b, a);
    free(x), free(dout), free(once), free(twice), free(dx);
    net_run_free(r);
    net_free(n);
}

/* Inference, whose layers share buffers, gives what training gives when the running statistics are this batch's (momentum 0) and nothing
 * drops; and a sample's result doesn't depend on its batch. */
static void test_inference(const ops *o) {
    text t = {0};
    text_add(&t, every_op);
    char *at = strstr(t.s, "dropout .3");
    memcpy(at, "dropout 0 ", 10);
    memcpy(strstr(t.s, "momentum=.8"), "momentum=0 ", 11);
    memcpy(strstr(t.s, "unbiased=yes"), "momentum=0  ", 12);
    net *n = shaped(t.s, o);
    free(t.s);
    set_parameters(n);
    net_run *train = new_run(n, BATCH, true), *infer = new_run(n, BATCH, false), *one = new_run(n, 1, false);
    size_t inputs = sample(&n->layer[0]), outputs = sample(output_of(n));
    char *x = random_array("x", BATCH * inputs, o);
    double want[BATCH * 2], got[BATCH * 2];
    if (outputs != 2) die(EXIT_FAILED, "the net's output has changed");
    o->to_f64(BATCH * outputs, net_forward(train, x, 1, STEP), want);
    o->to_f64(BATCH * outputs, net_forward(infer, x, 1, STEP), got);
    double tolerance = o == &ops_f64 ? 1e-12 : 1e-5;
    CHECK(distance(BATCH * outputs, got, want) < tolerance, "inference is off by %g", distance(BATCH * outputs, got, want));
    for (int i = 0; i < BATCH; i++)
        o->to_f64(outputs, net_forward(one, x + (size_t)i * inputs * o->real_size, 1, STEP), got + (size_t)i * outputs);
    CHECK(distance(BATCH * outputs, got, want) < tolerance, "one by one is off by %g", distance(BATCH * outputs, got, want));
    CHECK(net_run_bytes(infer) < net_run_bytes(train) / 2, "inference shares buffers: %zu bytes of %zu", net_run_bytes(infer),
          net_run_bytes(train));
    free(x);
    net_run_free(train);
    net_run_free(infer);
    net_run_free(one);
    net_free(n);
}

/* A net that is only its input. */
static void test_identity(void) {
    for (int train = 0; train < 2; train++) {
        net *n = shaped("input 2x2x1\n", &ops_f64);
        net_run *r = new_run(n, 2, train);
        double x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
        CHECK(!memcmp(net_forward(r, x, 0, 0), x, sizeof x), "a net without layers gives its input");
        if (train) {
            memcpy(net_dout(r), x, sizeof x);
            CHECK(!memcmp(net_backward(r, NET_PARAMS | NET_INPUT), x, sizeof x), "and its gradient");
        }
        net_run_free(r);
        net_free(n);
    }
}

/* ---- what nobody would write ---- */

static int between(rng *r, int lo, int hi) {
    return lo + (int)rng_below(r, (uint64_t)(hi - lo + 1));
}

/* Words of the language in any order, and texts with bytes changed: a message that names file and line, or a net that runs. */
static void test_fuzz(void) {
    static const char *const words[] = {"input",
                                        "dense",
                                        "conv",
                                        "convt",
                                        "batchnorm",
                                        "layernorm",
                                        "relu",
                                        "leaky",
                                        "elu",
                                        "tanh",
                                        "silu",
                                        "maxpool",
                                        "avgpool",
                                        "gap",
                                        "dropout",
                                        "reshape",
                                        "flatten",
                                        "upsample",
                                        "add",
                                        "concat",
                                        "<",
                                        "a",
                                        "b",
                                        "c",
                                        "0",
                                        "1",
                                        "2",
                                        "3",
                                        "5",
                                        ".5",
                                        "1x2",
                                        "2x2x2",
                                        "4x3x2",
                                        "1024",
                                        "65536",
                                        "1073741824",
                                        "stride=2",
                                        "stride=1024",
                                        "pad=same",
                                        "pad=1",
                                        "pad=1023",
                                        "pad=0,2",
                                        "crop=1,0",
                                        "crop=1",
                                        "dilation=2",
                                        "groups=2",
                                        "bias=no",
                                        "init=he",
                                        "init=torch",
                                        "eps=.1",
                                        "momentum=0",
                                        "unbiased=yes",
                                        "count_pad=yes",
                                        "=",
                                        "x=",
                                        "range=0:1",
                                        "#",
                                        "\n",
                                        "\n",
                                        "\n",
                                        "\n",
                                        "-1",
                                        "1e9",
                                        "99999999999"};
    static const char *const lines[] = {"conv 2 2",
                                        "dense 3",
                                        "batchnorm",
                                        "relu",
                                        "flatten",
                                        "maxpool 2",
                                        "gap",
                                        "upsample 2",
                                        "layernorm",
                                        "convt 3 2 stride=2",
                                        "dropout .5",
                                        "reshape 2x2x2",
                                        "silu",
                                        "avgpool 2 stride=1 pad=1",
                                        "conv 2 3 pad=same stride=2",
                                        "conv 2 1 pad=3",
                                        "tanh",
                                        "maxpool 3 pad=same",
                                        "conv 4 2 dilation=2 pad=1,2 groups=2"};
    rng r = rng_make(1, "test_net", "fuzz", 0);
    ops_f32.set_threads(1);
    int ran = 0;
    for (int round = 0; round < 9000; round++) {
        text t = {0};
        switch (round % 3) {
        case 0: /* words */
            for (int i = 0, n = between(&r, 1, 30); i < n; i++)
                text_addf(&t, "%s%s", words[rng_below(&r, sizeof words / sizeof *words)], rng_below(&r, 9) ? " " : "");
            break;
        case 1: /* lines */
            text_add(&t, rng_below(&r, 4) ? "input 5x4x2\n" : "input 8\n");
            for (int i = 0, n = between(&r, 1, 7); i < n; i++) {
                /* a line of its own input, or of one above, or of two */
                const char *line = rng_below(&r, 5)   ? lines[rng_below(&r, sizeof lines / sizeof *lines)]
                                   : rng_below(&r, 2) ? "add"
                                                      : "concat";
                bool two = line[0] == 'a' ? line[1] == 'd' : !strcmp(line, "concat");
                text_addf(&t, "l%d %s", i, line);
                if (i > 0 && (two || rng_below(&r, 5) == 0)) text_addf(&t, " < l%d", between(&r, 0, i - 1));
                if (i > 0 && two) text_addf(&t, " l%d", between(&r, 0, i - 1));
                if (rng_below(&r, 15) == 0) text_addf(&t, " %s", words[rng_below(&r, sizeof words / sizeof *words)]);
                text_add(&t, "\n");
            }
            break;
        default: /* bytes */
            text_add(&t, every_op);
            for (int i = 0, n = between(&r, 1, 3); i < n; i++) {
                char byte = (char)rng_below(&r, 256);
                t.s[rng_below(&r, t.len)] = byte ? byte : '\n';
            }
        }
        char err[NET_ERROR] = "";
        net *n = net_parse(t.s, "fuzz.net", err);
        bool good = n && (n->open ? net_shape(n, 3, 4, 2, err) : net_shape(n, 0, 0, 0, err));
        int line = 0;
        if (!good)
            CHECK(sscanf(err, "fuzz.net:%d: ", &line) == 1 && strlen(err) > 12, "no proper message: '%s' for: %s", err, t.s);
        double elements = 0;
        for (int i = 0; good && i < n->layers; i++) elements += (double)sample(&n->layer[i]);
        const ops *o = round % 2 ? &ops_f32 : &ops_f64;
        if (good && net_can_train(n, err) && elements < 1e4 && net_macs(n) < 1e5 && net_trainable(n) < 1e5 && net_alloc(n, o)) {
            ran++;
            set_parameters(n);
            net_run *run = new_run(n, 2, true), *infer = new_run(n, 2, false);
            size_t outputs = 2 * sample(output_of(n));
            void *x = random_array("x", 2 * sample(&n->layer[0]), o);
            bool finite = o->finite(outputs, net_forward(run, x, 1, 1));
            memset(net_dout(run), 0, outputs * o->real_size);
            finite &= o->finite(2 * sample(&n->layer[0]), net_backward(run, NET_PARAMS | NET_INPUT));
            net_forward(infer, x, 1, 1);
            CHECK(finite, "not finite: %s", t.s);
            free(x);
            net_run_free(run);
            net_run_free(infer);
        }
        net_free(n);
        free(t.s);
    }
    CHECK(ran > 500, "only %d of the nets ran", ran);
}

int main(void) {
    base_program = "test_net";
    test_refused();
    test_load();
    test_shapes();
    test_parameters();
    test_init();
    test_by_hand();
    test_gradients(every_op, BATCH);
    test_gradients(every_op, 1);
    test_gradients("input 5\na dense 4\nb dense 4 < input\nadd < a b\nc layernorm\nleaky .1\nconcat < a b c\nd dense 3\nsilu\n",
                   4);
    test_gradients(pooled, BATCH);
    test_tables_agree(every_op, 0, 2e-5);
    static const char *const names[] = {"generic", "avx2", "avx512"};
    for (int k = 0; k < 3; k++)
        if (kernels_named(names[k])) {
            setenv("FACADE_KERNELS", names[k], 1);
            test_tables_agree(pooled, 5, 2e-4); /* a bias before a batch norm has a gradient of 0, but for rounding */
            test_accumulation(pooled, &ops_f32);
            for (size_t i = 0; i < sizeof nearly_pooled / sizeof *nearly_pooled; i++) {
                test_tables_agree(nearly_pooled[i], i < 4 ? 0 : 1, 2e-4);
                test_accumulation(nearly_pooled[i], &ops_f32);
            }
        }
    unsetenv("FACADE_KERNELS");
    test_accumulation(every_op, &ops_f64);
    test_accumulation(every_op, &ops_f32);
    test_inference(&ops_f64);
    test_inference(&ops_f32);
    test_identity();
    test_fuzz();
    return check_status();
}
