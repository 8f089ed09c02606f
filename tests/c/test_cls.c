/* Ten training steps of narrow versions of models 3 and 5 against PyTorch's (tests/golden/cls.tns, see cls.py there): in double, every loss, parameter and
 * running statistic within 1e-7; in float, the first step's gradients within 1e-5. And what cls.h and schedule.h promise besides. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "golden.h"
#include "lib/base.h"
#include "lib/cls.h"
#include "lib/gradcam.h"
#include "lib/heat.h"
#include "lib/net_text.h"
#include "lib/schedule.h"
#include "ops_f64.h"

enum { STEPS = 10, BATCH = 6, SIDE = 32, PIXELS = BATCH * SIDE * SIDE * 3 };

static const struct form {
    const char *name;
    cls_options o;
    double lr;
    const char *decay;
    double weight[2]; /* of the negative, of the positive class */
} forms[] = {
    {"model3", {.batch = BATCH, .kind = CLS_ADAM, .adam = {0, .9, .999, 1e-7, true}}, 3e-3, "exp:.9,3", {1, 1}},
    {"model5",
     {.batch = BATCH, .kind = CLS_SGD, .momentum = .9, .l2 = 7 /* each line has its own */},
     3e-2,
     "cosine:8",
     {.8, 1.5}},
};

/* ---- what goes in, as in cls.py ---- */

static void initialise(const net *n, const char *name) {
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

static net *open_net(const char *name, const ops *o) {
    static const char *const settings[] = {"width=4", "dense=12", "dense2=8", "conv_drop=0", "drop=0"};
    char err[NET_ERROR], *path = xasprintf("pipelines/nets/%s.net", name), *whole;
    char *source = read_file(path, NET_MAX_TEXT, NULL);
    char *plain = source ? net_expand(source, path, settings, 5, err) : NULL;
    net *parsed = plain ? net_parse(plain, path, err) : NULL;
    net *n = parsed ? cls_net(parsed, SIDE, SIDE, 3, o, &whole, err) : NULL;
    if (!n) die(EXIT_FAILED, "%s: %s", path, err);
    free(whole);
    net_free(parsed);
    free(plain);
    free(source);
    free(path);
    initialise(n, name);
    return n;
}

static void photos(const ops *o, int t, void *x) {
    static uint8_t pixels[PIXELS];
    char key[20];
    snprintf(key, sizeof key, "photo %d", t);
    for (int i = 0; i < PIXELS; i++) pixels[i] = (uint8_t)(golden_number(key, (size_t)i) >> 24);
    o->from_u8(PIXELS, 1 / 255., 0, pixels, x);
}

/* The gradient of golden step t; the loss as the log has it. */
static double gradient(cls *c, const struct form *f, int t) {
    static double x[PIXELS];
    double target[BATCH], weight[BATCH], logits[BATCH], loss = 0;
    photos(c->n->ops, t, x);
    for (int i = 0; i < BATCH; i++) target[i] = i % 3 == t % 3, weight[i] = f->weight[i % 3 == t % 3];
    CHECK(cls_gradient(c, BATCH, x, target, weight, 1, (uint64_t)t, logits), "memory");
    for (int i = 0; i < BATCH; i++) loss += cls_loss(logits[i], target[i]) / BATCH;
    return loss;
}

/* ---- comparisons ---- */

static double norm(size_t count, const double *v) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += v[i] * v[i];
    return sqrt(sum);
}

static void compare(const char *form, const char *what, const ops *o, const net_param *p, const void *data, double tolerance) {
    char *key = xasprintf("%s/%s/%s", form, what, p->key);
    const double *want = golden_find(key, p->count);
    double *v = xarray(p->count, sizeof *v);
    o->to_f64(p->count, data, v);
    for (size_t i = 0; want && i < p->count; i++) v[i] -= want[i];
    double error = want ? norm(p->count, v) / norm(p->count, want) : 1;
    CHECK(error < tolerance, "%s (%s): off by %g", key, o->name, error);
    free(v);
    free(key);
}

static void compare_gradients(const cls *c, const char *form, double tolerance) {
    for (int i = 0; i < c->n->params; i++) {
        const net_param *p = &c->n->param[i];
        if (p->trained) compare(form, "grad", c->n->ops, p, net_param_grad(c->n, p), tolerance);
    }
}

/* ---- against PyTorch ---- */

static void test_golden(const struct form *f, const ops *o, double losses, double gradients) {
    cls c;
    decay d;
    net *n = open_net(f->name, o);
    CHECK(cls_open(&c, n, &f->o) && decay_parse(f->decay, &d), "opening");
    char *key = xasprintf("%s/losses", f->name);
    const double *want = golden_find(key, 2 * STEPS);
    for (int t = 0; t < STEPS; t++) {
        double penalty = cls_penalty(&c), loss = gradient(&c, f, t), tolerance = t ? losses : losses < 1e-5 ? losses : 1e-5;
        CHECK_NEAR(loss, want[2 * t], tolerance, key);
        CHECK_NEAR(penalty, want[2 * t + 1], tolerance, key);
        if (t == 0) compare_gradients(&c, f->name, gradients);
        cls_move(&c, f->lr * decay_factor(&d, (uint64_t)t));
    }
    for (int i = 0; i < n->params && o == &ops_f64; i++)
        compare(f->name, "end", o, &n->param[i], net_param_data(n, &n->param[i]), 1e-7);
    free(key);
    cls_close(&c);
    net_free(n);
}

/* ---- Grad-CAM ---- */

static void test_gradcam(const ops *o, double tolerance) {
    static double x[PIXELS];
    char err[NET_ERROR];
    net *n = open_net("model3", o);
    photos(o, 0, x);
    for (int i = 0; i < n->params; i++) {
        const net_param *p = &n->param[i];
        char *key = xasprintf("cam/%s", p->key);
        double v[64];
        for (size_t k = 0; k < p->count && !p->trained; k++) v[k] = golden_centred(key, k) + (strstr(key, "var") ? 1 : 0);
        if (!p->trained) o->from_f64(p->count, v, net_param_data(n, p));
        free(key);
    }
    const double *z = golden_find("cam/z", 2);
    static const char *const layer[] = {"c2", "bn3"};
    for (int k = 0; k < 2; k++) {
        gradcam g;
        if (!gradcam_open(&g, n, layer[k], err)) die(EXIT_FAILED, "%s", err);
        size_t cells = (size_t)g.h * (size_t)g.w;
        char *key = xasprintf("cam/%s", layer[k]);
        const double *want = golden_find(key, 2 * cells);
        double *map = xarray(cells, sizeof *map), most = norm(2 * cells, want);
        CHECK(most > 0, "%s: nothing to compare", key);
        for (int photo = 0; photo < 2; photo++) {
            size_t at = (size_t)photo * SIDE * SIDE * 3;
            CHECK_NEAR(gradcam_map(&g, (char *)x + at * o->real_size, map), z[photo], tolerance, "z");
            for (size_t i = 0; i < cells; i++) CHECK_NEAR(map[i], want[(size_t)photo * cells + i], tolerance * most, key);
        }
        free(map);
        free(key);
        gradcam_close(&g);
    }
    gradcam g;
    CHECK(!gradcam_open(&g, n, "fc1", err) && strstr(err, "fc1 gives a vector"), "%s", err);
    CHECK(!gradcam_open(&g, n, "c9", err) && strstr(err, "no layer is called 'c9'; the last maps are: bn3 c3 bn2"), "%s", err);
    net_free(n);
}

/* Of several outputs the largest, before a softmax; a branch that the layer isn't on has no say. */
static void test_gradcam_outputs(void) {
    char err[NET_ERROR];
    gradcam g;
    net *n = net_parse("input 2x2x1\nb conv 1 1\ngelu\nc conv 2 1\ngap\nsoftmax\n", "x.net", err);
    if (!n || !net_shape(n, 0, 0, 0, err) || !net_alloc(n, &ops_f64)) die(EXIT_FAILED, "%s", err);
    CHECK(!gradcam_open(&g, n, "b", err) && strstr(err, "x.net:3: this line is for inference only"), "%s", err);
    net_free(n);
    n = net_parse("input 2x2x1\nb conv 1 1\ntanh\nc conv 2 1 bias=no\nidle conv 1 1 < b\ng gap < c\nsoftmax\n", "x.net", err);
    if (!n || !net_shape(n, 0, 0, 0, err) || !net_alloc(n, &ops_f64)) die(EXIT_FAILED, "%s", err);
    double w[2] = {-3, 5}, one = 1, x[4] = {0, 1, 2, -1}, map[4];
    memcpy(net_param_data(n, net_find(n, "c.weight")), w, sizeof w);
    memcpy(net_param_data(n, net_find(n, "b.weight")), &one, sizeof one);
    memcpy(net_param_data(n, net_find(n, "idle.weight")), &one, sizeof one);
    if (!gradcam_open(&g, n, "b", err)) die(EXIT_FAILED, "%s", err);
    double z = gradcam_map(&g, x, map);
    CHECK_NEAR(z, 5 * (tanh(1) + tanh(2) + tanh(-1)) / 4, 1e-12, "the larger one's logit");
    /* two lines read b, so its tanh stays apart: the map is of what the convolution gives */
    double weight = 0;
    for (int i = 0; i < 4; i++) weight += 5 * (1 - tanh(x[i]) * tanh(x[i])) / 16;
    for (int i = 0; i < 4; i++) CHECK_NEAR(map[i], fmax(0, weight * x[i]), 1e-12, "map");
    gradcam_close(&g);
    if (!gradcam_open(&g, n, "idle", err)) die(EXIT_FAILED, "%s", err);
    gradcam_map(&g, x, map);
    CHECK(map[0] == 0 && map[1] == 0 && map[2] == 0, "idle");
    gradcam_close(&g);
    net_free(n);
}

static void test_heat(void) {
    uint8_t image[4 * 4 * 3], out[4 * 4 * 3];
    for (int i = 0; i < 48; i++) image[i] = (uint8_t)(5 * i);
    CHECK(heat_draw((double[]){0, 0, 0, 0}, 2, 2, image, 4, 4, 3, out) && !memcmp(image, out, sizeof out), "no heat: the image");
    CHECK(heat_draw((double[]){0, 0, 0, 7}, 2, 2, image, 4, 4, 3, out), "memory");
    CHECK(!memcmp(image, out, 6), "cold in its corner");
    CHECK(out[45] > 150 && out[46] < 90 && out[47] < 90, "red in the other: %d %d %d", out[45], out[46], out[47]);
    uint8_t grey[16] = {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9};
    CHECK(heat_draw((double[]){0}, 1, 1, grey, 4, 4, 1, out) && out[0] == 9 && out[47] == 9, "grey becomes RGB");
}

/* ---- against central differences ---- */

static void test_differences(void) {
    cls c;
    char err[NET_ERROR], *whole;
    net *parsed = net_parse("input 5\na dense 4 l2=.3\ntanh\nb dense 3\ntanh\nd dense 1 l2=0\nsigmoid\n", "x.net", err);
    net *n = cls_net(parsed, 0, 0, 5, &ops_f64, &whole, err);
    initialise(n, "differences");
    cls_options o = {.batch = 4, .l2 = .7};
    double x[20], target[4] = {1, 0, 0, 1}, weight[4] = {1, .5, 2, 3}, logits[4];
    for (int i = 0; i < 20; i++) x[i] = golden_centred("x", (size_t)i);
    CHECK(cls_open(&c, n, &o), "opening");
    CHECK(cls_gradient(&c, 4, x, target, weight, 1, 1, logits), "memory");
    double *g = xarray(n->weight_count, sizeof *g), *w = n->weights, h = 1e-5;
    memcpy(g, n->grads, n->weight_count * sizeof *g);
    for (int k = 0; k < n->params; k++)
        for (size_t e = 0; e < n->param[k].count; e++) {
            size_t i = n->param[k].offset + e;
            double value = w[i], loss[2];
            for (int s = 0; s < 2; s++) {
                w[i] = value + (s ? h : -h);
                cls_gradient(&c, 4, x, target, weight, 1, 1, logits);
                loss[s] = cls_penalty(&c);
                for (int m = 0; m < 4; m++) loss[s] += weight[m] * cls_loss(logits[m], target[m]) / 4;
            }
            w[i] = value;
            CHECK_NEAR(g[i], (loss[1] - loss[0]) / (2 * h), 1e-8, n->param[k].key);
        }
    /* a smaller batch, and no weights: the mean over those samples alone */
    cls_gradient(&c, 2, x, target, (double[]){1, 1}, 1, 1, logits);
    memcpy(g, n->grads, n->weight_count * sizeof *g);
    cls_gradient(&c, 2, x, target, NULL, 1, 1, logits);
    CHECK(!memcmp(g, n->grads, n->weight_count * sizeof *g), "weights of 1 and none");
    free(g);
    cls_close(&c);
    net_free(n);
    net_free(parsed);
    free(whole);
}

/* ---- texts ---- */

static void test_text(const char *source, int h, int w, int c, const char *want) {
    char err[NET_ERROR] = "", *whole = NULL;
    net *parsed = net_parse(source, "x.net", err), *n = parsed ? cls_net(parsed, h, w, c, &ops_f64, &whole, err) : NULL;
    const char *got = n ? whole : err;
    CHECK(!strcmp(got, want), "'%s' instead of '%s'", got, want);
    CHECK(!n == !whole, "both or none");
    CHECK(!n || n->layer[n->layers - 1].act.kind != ACT_SIGMOID, "the sigmoid is gone");
    net_free(n);
    net_free(parsed);
    free(whole);
}

static void test_texts(void) {
    test_text("# input\n  input # open\nflatten\nd dense 1\nsigmoid # P\n", 4, 5, 3,
              "# input\n  input 4x5x3 # open\nflatten\nd dense 1\nsigmoid # P\n");
    test_text("input range=-1:1\nd dense 1\nsigmoid", 0, 0, 7, "input 7 range=-1:1\nd dense 1\nsigmoid");
    test_text("input 7\nd dense 1\np sigmoid\n\n# end", 0, 0, 7, "input 7\nd dense 1\np sigmoid\n\n# end");
    test_text("input\nc conv 1 4\nsigmoid\n", 4, 4, 1, "input 4x4x1\nc conv 1 4\nsigmoid\n");
    test_text("input\nc conv 1 4\nsigmoid\n", 5, 4, 1, "x.net:3: a classifier gives one number a sample, this gives 2x1x1");
    test_text("input\nd dense 1\n", 0, 0, 7, "x.net:2: a classifier's last line is `sigmoid`, of the line before it");
    test_text("input\nd dense 1\nrelu\nsigmoid < d\n", 0, 0, 7,
              "x.net:4: a classifier's last line is `sigmoid`, of the line before it");
    test_text("input\nd dense 1\nrelu\n", 0, 0, 7, "x.net:3: a classifier's last line is `sigmoid`, of the line before it");
    test_text("input\ngelu\nd dense 1\nsigmoid\n", 0, 0, 7,
              "x.net:2: this line is for inference only, nothing trains through it");
}

/* ---- numbers ---- */

static void test_numbers(void) {
    CHECK_NEAR(cls_p(0), .5, 0, "p");
    CHECK_NEAR(cls_p(2), 1 / (1 + exp(-2)), 1e-15, "p");
    CHECK(cls_p(-2000) == 0 && cls_p(2000) == 1, "far out");
    CHECK_NEAR(cls_loss(2, 1), -log(cls_p(2)), 1e-15, "loss");
    CHECK_NEAR(cls_loss(2, 0), -log(1 - cls_p(2)), 1e-14, "loss");
    CHECK_NEAR(cls_loss(-800, 1), 800, 0, "loss far out");
}

static void test_schedule(void) {
    decay d;
    static const char *const bad[] = {"",         "exp",       "exp:.9",     "exp:.9,0",    "exp:0,5", "exp:1.1,5", "exp:.9,5x",
                                      "cosine:0", "cosine:-1", "plateau:.1", "plateau:x,1", "none:1",  "steps:3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(!decay_parse(bad[i], &d), "'%s' was taken", bad[i]);
    CHECK(decay_parse("none", &d) && decay_factor(&d, 99) == 1, "none");
    CHECK(decay_parse("plateau:.1,10", &d) && d.kind == DECAY_PLATEAU && d.rate == .1 && d.steps == 10, "plateau");
    CHECK(decay_factor(&d, 99) == 1, "plateau doesn't go by steps");
    CHECK(decay_parse("exp:.96,1000", &d), "exp");
    CHECK_NEAR(decay_factor(&d, 0), 1, 0, "exp");
    CHECK_NEAR(decay_factor(&d, 2000), .9216, 1e-15, "exp");
    CHECK_NEAR(decay_factor(&d, 500), sqrt(.96), 1e-15, "exp");
    CHECK(decay_parse("cosine:8", &d), "cosine");
    CHECK_NEAR(decay_factor(&d, 0), 1, 0, "cosine");
    CHECK_NEAR(decay_factor(&d, 4), .5, 1e-15, "cosine");
    CHECK(decay_factor(&d, 8) == 0 && decay_factor(&d, 9) == 0, "cosine's end");

    /* as Keras' ReduceLROnPlateau, patience 2 */
    static const double loss[] = {5, 4, 4 - 5e-5, 4 + 1, 3, 3, 3, 3, 3, NAN, 2};
    static const watch_verdict want[] = {WATCH_BETTER, WATCH_BETTER, WATCH_WAITS, WATCH_OUT,   WATCH_BETTER, WATCH_WAITS,
                                         WATCH_OUT,    WATCH_WAITS,  WATCH_OUT,   WATCH_WAITS, WATCH_BETTER};
    watch w = {.best = INFINITY};
    for (int i = 0; i < 11; i++) {
        watch_verdict v = watch_epoch(&w, loss[i], 1e-4, 2);
        CHECK(v == want[i], "epoch %d: %d", i, (int)v);
    }
}

int main(void) {
    base_program = "test_cls";
    golden_read("tests/golden/cls.tns");
    for (int i = 0; i < 2; i++) {
        test_golden(&forms[i], &ops_f64, 1e-7, 1e-9);
        for (int threads = 1; threads <= 2; threads++) {
            ops_f32.set_threads(threads);
            test_golden(&forms[i], &ops_f32, 2e-2, 1e-5); /* rounding grows from step to step */
        }
    }
    test_gradcam(&ops_f64, 1e-9);
    test_gradcam(&ops_f32, 1e-5);
    test_gradcam_outputs();
    test_heat();
    test_differences();
    test_texts();
    test_numbers();
    test_schedule();
    golden_free();
    return check_status();
}
