#include "dnn.h"

#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t desc; /* a pointer, to be destroyed */
typedef const_dnnl_memory_desc_t desc_ref;
#define REF(d) (d)
#else
typedef dnnl_memory_desc_t desc; /* a plain struct */
typedef const dnnl_memory_desc_t *desc_ref;
#define REF(d) (&(d))
#endif

typedef enum { FORWARD, BACKWARD_DATA, BACKWARD_WEIGHTS } pass;

typedef struct {
    pass kind;
    conv_shape s;
    activation act;
    int has_bias;
} cache_key;

/* A primitive of one shape: its arguments' memories, and the reorder between plain and the kernel's weights (NULL when they are
 * the same). */
typedef struct entry {
    cache_key key;
    dnnl_primitive_t conv, reorder;
    dnnl_memory_t x, y, bias, plain, packed;
    void *packed_data;
    struct entry *next;
} entry;

static dnnl_engine_t engine;
static dnnl_stream_t stream;
static entry *cache;

static void check(dnnl_status_t status, const char *what) {
    if (status != dnnl_success)
        die(EXIT_FAILED, "oneDNN: %s failed (status %d)%s", what, (int)status,
            status == dnnl_out_of_memory ? ": out of memory; try a smaller -b" : "");
}

const char *dnn_version(void) {
    static char name[40];
    const dnnl_version_t *v = dnnl_version();
    snprintf(name, sizeof name, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
    return name;
}

static desc make_desc(int rank, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
    desc d;
#if DNNL_VERSION_MAJOR >= 3
    check(dnnl_memory_desc_create_with_tag(&d, rank, dims, dnnl_f32, tag), "describing a tensor");
#else
    check(dnnl_memory_desc_init_by_tag(&d, rank, dims, dnnl_f32, tag), "describing a tensor");
#endif
    return d;
}

static void free_desc(desc *d) {
#if DNNL_VERSION_MAJOR >= 3
    dnnl_memory_desc_destroy(*d);
#else
    (void)d;
#endif
}

static dnnl_primitive_attr_t attributes(activation act) {
    static const dnnl_alg_kind_t kinds[] = {
        [ACT_RELU] = dnnl_eltwise_relu, [ACT_LEAKY] = dnnl_eltwise_relu,       [ACT_ELU] = dnnl_eltwise_elu,
        [ACT_TANH] = dnnl_eltwise_tanh, [ACT_SIGMOID] = dnnl_eltwise_logistic, [ACT_SILU] = dnnl_eltwise_swish};
    dnnl_primitive_attr_t attr;
    check(dnnl_primitive_attr_create(&attr), "attributes");
    if (act.kind == ACT_NONE) return attr;
    float alpha = act.kind == ACT_SILU ? 1 : act.kind == ACT_LEAKY || act.kind == ACT_ELU ? (float)act.alpha : 0;
    dnnl_post_ops_t post;
    check(dnnl_post_ops_create(&post), "post operations");
#if DNNL_VERSION_MAJOR >= 3
    check(dnnl_post_ops_append_eltwise(post, kinds[act.kind], alpha, 0), "an activation");
#else
    check(dnnl_post_ops_append_eltwise(post, 1, kinds[act.kind], alpha, 0), "an activation");
#endif
    check(dnnl_primitive_attr_set_post_ops(attr, post), "post operations");
    dnnl_post_ops_destroy(post);
    return attr;
}

/* The primitive descriptor; `hint` is the forward one that 2.x and 3.x want for backward passes. */
static dnnl_primitive_desc_t describe(pass kind, const conv_shape *s, const desc *x, const desc *w, const desc *b, const desc *y,
                                      dnnl_primitive_attr_t attr, dnnl_primitive_desc_t hint) {
    dnnl_dims_t strides = {s->stride_h, s->stride_w}, dilates = {s->dil_h - 1, s->dil_w - 1}, before = {s->top, s->left};
    /* What the output's size implies below and on the right; none when the last rows are never met. */
    dnnl_dims_t after = {(s->oh - 1) * s->stride_h + (s->kh - 1) * s->dil_h + 1 - s->h - s->top,
                         (s->ow - 1) * s->stride_w + (s->kw - 1) * s->dil_w + 1 - s->w - s->left};
    for (int i = 0; i < 2; i++)
        if (after[i] < 0) after[i] = 0;
    dnnl_primitive_desc_t pd;
#if DNNL_VERSION_MAJOR >= 3
    dnnl_status_t status;
    if (kind == FORWARD)
        status = dnnl_convolution_forward_primitive_desc_create(&pd, engine, dnnl_forward_training, dnnl_convolution_direct, *x,
                                                                *w, b ? *b : NULL, *y, strides, dilates, before, after, attr);
    else if (kind == BACKWARD_DATA)
        status = dnnl_convolution_backward_data_primitive_desc_create(&pd, engine, dnnl_convolution_direct, *x, *w, *y, strides,
                                                                      dilates, before, after, hint, attr);
    else
        status = dnnl_convolution_backward_weights_primitive_desc_create(&pd, engine, dnnl_convolution_direct, *x, *w, NULL, *y,
                                                                         strides, dilates, before, after, hint, attr);
    check(status, "choosing a convolution");
#else
    dnnl_convolution_desc_t d;
    if (kind == FORWARD)
        check(dnnl_dilated_convolution_forward_desc_init(&d, dnnl_forward_training, dnnl_convolution_direct, x, w, b, y, strides,
                                                         dilates, before, after),
              "describing a convolution");
    else if (kind == BACKWARD_DATA)
        check(dnnl_dilated_convolution_backward_data_desc_init(&d, dnnl_convolution_direct, x, w, y, strides, dilates, before,
                                                               after),
              "describing a convolution's gradient");
    else
        check(dnnl_dilated_convolution_backward_weights_desc_init(&d, dnnl_convolution_direct, x, w, NULL, y, strides, dilates,
                                                                  before, after),
              "describing a convolution's gradient");
    check(dnnl_primitive_desc_create(&pd, &d, attr, engine, hint), "choosing a convolution");
#endif
    return pd;
}

static dnnl_memory_t memory_of(desc_ref d, void *data) {
    dnnl_memory_t m;
    check(dnnl_memory_create(&m, d, engine, data), "a tensor");
    return m;
}

/* The reorder between the two weight layouts, in the direction the pass needs. */
static void make_reorder(entry *e, desc_ref plain, desc_ref packed) {
    e->packed_data = aligned_alloc64(dnnl_memory_desc_get_size(packed));
    if (!e->packed_data) die(EXIT_FAILED, "out of memory for a convolution's weights");
    e->packed = memory_of(packed, e->packed_data);
    desc_ref from = e->key.kind == BACKWARD_WEIGHTS ? packed : plain, to = e->key.kind == BACKWARD_WEIGHTS ? plain : packed;
    dnnl_primitive_desc_t pd;
    check(dnnl_reorder_primitive_desc_create(&pd, from, engine, to, engine, NULL), "reordering weights");
    check(dnnl_primitive_create(&e->reorder, pd), "reordering weights");
    dnnl_primitive_desc_destroy(pd);
}

static entry *make_entry(const cache_key *key) {
    const conv_shape *s = &key->s;
    if (!engine) {
        check(dnnl_engine_create(&engine, dnnl_cpu, 0), "starting");
        check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "starting");
    }
    entry *e = xarray(1, sizeof *e);
    e->key = *key;
    dnnl_dims_t xd = {s->n, s->c, s->h, s->w}, yd = {s->n, s->oc, s->oh, s->ow}, bd = {s->oc};
    dnnl_dims_t wd = {s->oc, s->c, s->kh, s->kw}, gd = {s->groups, s->oc / s->groups, s->c / s->groups, s->kh, s->kw};
    bool grouped = s->groups > 1;
    desc x = make_desc(4, xd, dnnl_nhwc), y = make_desc(4, yd, dnnl_nhwc), b = make_desc(1, bd, dnnl_a);
    desc plain = grouped ? make_desc(5, gd, dnnl_goihw) : make_desc(4, wd, dnnl_oihw);
    desc any = grouped ? make_desc(5, gd, dnnl_format_tag_any) : make_desc(4, wd, dnnl_format_tag_any);

    dnnl_primitive_attr_t attr = attributes(key->act);
    dnnl_primitive_desc_t forward = describe(FORWARD, s, &x, &any, key->has_bias ? &b : NULL, &y, attr, NULL), pd = forward;
    if (key->kind != FORWARD) pd = describe(key->kind, s, &x, &any, NULL, &y, attr, forward);
    check(dnnl_primitive_create(&e->conv, pd), "making a convolution");
    e->x = memory_of(REF(x), NULL);
    e->y = memory_of(REF(y), NULL);
    if (key->has_bias) e->bias = memory_of(REF(b), NULL);
    e->plain = memory_of(REF(plain), NULL);
    desc_ref packed =
        dnnl_primitive_desc_query_md(pd, key->kind == BACKWARD_WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md, 0);
    if (!dnnl_memory_desc_equal(REF(plain), packed)) make_reorder(e, REF(plain), packed);

    if (pd != forward) dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_desc_destroy(forward);
    dnnl_primitive_attr_destroy(attr);
    free_desc(&x), free_desc(&y), free_desc(&b), free_desc(&plain), free_desc(&any);
    e->next = cache;
    return cache = e;
}

static void execute(pass kind, const conv_shape *s, const float *x, const float *w, const float *bias, activation act,
                    const float *y) {
    cache_key key;
    memset(&key, 0, sizeof key); /* padding too: keys are compared as bytes */
    key.kind = kind, key.s = *s, key.act.kind = act.kind, key.act.alpha = act.alpha, key.has_bias = bias != NULL;
    entry *e = cache;
    while (e && memcmp(&e->key, &key, sizeof key)) e = e->next;
    if (!e) e = make_entry(&key);

    check(dnnl_memory_set_data_handle(e->x, (void *)x), "a tensor");
    check(dnnl_memory_set_data_handle(e->y, (void *)y), "a tensor");
    check(dnnl_memory_set_data_handle(e->plain, (void *)w), "a tensor");
    if (bias) check(dnnl_memory_set_data_handle(e->bias, (void *)bias), "a tensor");
    dnnl_exec_arg_t reorder[2] = {{DNNL_ARG_FROM, e->plain}, {DNNL_ARG_TO, e->packed}};
    dnnl_memory_t weights = e->reorder ? e->packed : e->plain;
    dnnl_exec_arg_t args[4] = {{kind == BACKWARD_DATA ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, e->x},
                               {kind == BACKWARD_WEIGHTS ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, weights},
                               {kind == FORWARD ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, e->y},
                               {DNNL_ARG_BIAS, e->bias}};
    if (e->reorder && kind != BACKWARD_WEIGHTS)
        check(dnnl_primitive_execute(e->reorder, stream, 2, reorder), "reordering weights");
    check(dnnl_primitive_execute(e->conv, stream, bias ? 4 : 3, args), "a convolution");
    if (e->reorder && kind == BACKWARD_WEIGHTS) {
        reorder[0].memory = e->packed, reorder[1].memory = e->plain;
        check(dnnl_primitive_execute(e->reorder, stream, 2, reorder), "reordering weights");
    }
    check(dnnl_stream_wait(stream), "waiting");
}

void dnn_conv_forward(const conv_shape *s, const float *x, const float *w, const float *bias, activation act, float *y) {
    execute(FORWARD, s, x, w, bias, act, y);
}

void dnn_conv_backward_data(const conv_shape *s, const float *dy, const float *w, float *dx) {
    execute(BACKWARD_DATA, s, dx, w, NULL, (activation){ACT_NONE, 0}, dy);
}

void dnn_conv_backward_weights(const conv_shape *s, const float *x, const float *dy, float *dw) {
    execute(BACKWARD_WEIGHTS, s, x, dw, NULL, (activation){ACT_NONE, 0}, dy);
}

void dnn_product(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, const float *b, float *c) {
    check(dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, 1, a, transpose_a ? m : k, b, transpose_b ? k : n,
                     0, c, n),
          "a product of matrices");
}
