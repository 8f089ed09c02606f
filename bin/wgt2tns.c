/* wgt2tns: weights as other programs keep them, and a network's text, become a model; or just a stream of tensors. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/foreign.h"
#include "formats/sha256.h"
#include "formats/weights.h"
#include "lib/floats.h"
#include "lib/net.h"
#include "lib/net_text.h"
#include "lib/prog.h"

static const char *net_path, *prefix = "", *size, *random_seed;
static opt_list settings;
static int dtype;

static const opt options[] = {
    {0, "net", OPT_TEXT, &net_path, "NET", 0, 0, 0,
     "the network that the weights are for (default: none, the tensors are written as they are)"},
    {0, "set", OPT_LIST, &settings, "NAME=N", 0, 0, OPT_PG, "a number of the network's text (again for more): --set classes=1"},
    {0, "prefix", OPT_TEXT, &prefix, "P", 0, 0, OPT_PG, "what stands before the names in the file: module."},
    {0, "size", OPT_TEXT, &size, "HxWxC", 0, 0, OPT_PG, "the input's size, where the network leaves it to the data"},
    {0, "dtype", OPT_CHOICE, &dtype, "f32|f16", 0, 0, OPT_PG,
     "how the model's numbers are kept: f32 (default), or half as large"},
    {0, "random", OPT_TEXT, &random_seed, "SEED", 0, 0, OPT_PG, "no FILE: weights as training would begin with, drawn by SEED"},
    {0}};
static const program self = {.name = "wgt2tns",
                             .summary = "make a model of a network and weights from elsewhere",
                             .operands = "[FILE]",
                             .max_operands = 1,
                             .options = options,
                             .notes = "wgt2tns --net resnet50.net resnet50-11ad3fa6.pth -o resnet50.tns\n"
                                      "wgt2tns weights.safetensors | tls"};

static char err[1000];

/* Every tensor as it is. */
static void write_all(const weights *w) {
    tns_frame f = {.type = 'H'};
    prog_source_header(&f, "weights");
    prog_write(&f);
    for (int i = 0; i < w->count; i++) {
        if (!weights_read(w, i, &f, err)) die(EXIT_CORRUPT, "%s: %s", prog.operand[0], err);
        f.type = 'R';
        tns_meta_clear(&f.meta);
        tns_meta_add(&f.meta, "key", w->weight[i].name);
        prog_write(&f);
        prog_progress((uint64_t)i + 1, (uint64_t)w->count, "tensors");
    }
    tns_frame_free(&f);
}

/* A parameter's f32 numbers as the nearest f16. */
static void halve(const tns_frame *f, tns_frame *half, const char *key) {
    if (!tns_frame_shape(half, TNS_F16, f->rank, f->shape)) die(EXIT_FAILED, "out of memory");
    const float *from = f->data;
    uint16_t *to = half->data;
    for (size_t i = 0, count = tns_frame_count(f); i < count; i++) {
        to[i] = half_of_float(from[i]);
        if (isfinite(from[i]) && isinf(float_of_half(to[i])))
            die(EXIT_FAILED, "%s holds %g, and f16 ends at 65504; leave out --dtype f16", key, (double)from[i]);
    }
}

static net *read_net(void) {
    size_t len;
    char *s = read_file(net_path, NET_MAX_TEXT, &len), *plain;
    if (!s) die(EXIT_FAILED, "%s:", net_path);
    if (strlen(s) != len || !(plain = net_expand(s, net_path, settings.item, settings.count, err)))
        die(EXIT_USAGE, "%s", strlen(s) == len ? err : "the network is no text");
    net *n = net_parse(plain, net_path, err);
    free(s);
    free(plain);
    if (!n) die(EXIT_USAGE, "%s", err);
    int h = 0, w = 0, c = 0, end = 0;
    if (size && (sscanf(size, "%dx%dx%d%n", &h, &w, &c, &end) != 3 || size[end])) prog_usage("--size %s: not HxWxC", size);
    if (n->open && !size) prog_usage("%s leaves its input's size to the data: say --size HxWxC", net_path);
    if (!net_shape(n, h, w, c, err)) die(EXIT_USAGE, "%s", err);
    return n;
}

/* Names that nothing in the network has; the counters that PyTorch keeps beside batch norm are nobody's loss. */
static void name_extras(const weights *w, const bool *used) {
    text names = {0};
    int extra = 0;
    for (int i = 0; i < w->count; i++) {
        const char *dot = strrchr(w->weight[i].name, '.');
        if (used[i] || (dot && !strcmp(dot, ".num_batches_tracked"))) continue;
        if (extra++ < 5) text_addf(&names, " %s", w->weight[i].name);
    }
    if (extra && !prog.quiet)
        warn("%d of the file's %d tensors aren't in %s:%s%s", extra, w->count, net_path, names.s, extra > 5 ? " ..." : "");
    free(names.s);
}

static void write_model(const weights *w, const unsigned char *bytes, size_t n) {
    char digest[65];
    net *graph = read_net();
    bool *used = xarray((size_t)w->count + 1, sizeof *used);
    tns_frame h = {.type = 'H'}, f = {0}, half = {0};
    sha256_hex(bytes, n, digest);
    tns_meta_add(&h.meta, "kind", "model");
    tns_meta_add(&h.meta, "net", graph->text);
    tns_meta_add(&h.meta, "source_sha256", digest);
    char *extra = xasprintf("--net=MODEL_%016llx", (unsigned long long)hash64(HASH64_START, graph->text, strlen(graph->text)));
    prog_add_pg(&h.meta, extra);
    free(extra);
    /* Everything is looked up before anything is written. */
    int *at = xarray((size_t)graph->params + 1, sizeof *at);
    for (int i = 0; i < graph->params; i++) {
        if ((at[i] = foreign_find(w, graph, &graph->param[i], prefix, err)) < 0)
            die(EXIT_CORRUPT, "%s: %s", prog.operand[0], err);
        used[at[i]] = true;
    }
    name_extras(w, used);
    prog_write(&h);
    for (int i = 0; i < graph->params; i++) {
        if (!foreign_read(w, at[i], &graph->param[i], &f, err)) die(EXIT_CORRUPT, "%s: %s", prog.operand[0], err);
        if (dtype) halve(&f, &half, graph->param[i].key), tns_frame_swap(&f, &half);
        f.type = 'R';
        tns_meta_clear(&f.meta);
        tns_meta_add(&f.meta, "key", graph->param[i].key);
        prog_write(&f);
    }
    tns_frame_free(&h);
    tns_frame_free(&f);
    tns_frame_free(&half);
    free(used);
    free(at);
    net_free(graph);
}

/* A stand-in for weights that aren't there. */
static void write_random(void) {
    uint64_t seed;
    if (!net_path || *prefix || prog.operands) prog_usage("--random wants a --net, and neither a FILE nor --prefix");
    if (!parse_u64(random_seed, &seed)) prog_usage("--random %s: not a number from 0", random_seed);
    net *graph = read_net();
    tns_frame f = {.type = 'H'}, half = {0};
    tns_meta_add(&f.meta, "kind", "model");
    tns_meta_add(&f.meta, "net", graph->text);
    char *extra = xasprintf("--net=MODEL_%016llx", (unsigned long long)hash64(HASH64_START, graph->text, strlen(graph->text)));
    prog_add_pg(&f.meta, extra);
    free(extra);
    if (!net_alloc(graph, &ops_f32)) die(EXIT_FAILED, "out of memory");
    net_init(graph, seed, "model");
    prog_write(&f);
    for (int i = 0; i < graph->params; i++) {
        const net_param *p = &graph->param[i];
        /* The frame borrows the network's memory. */
        tns_frame r = {.type = 'R', .dtype = TNS_F32, .rank = p->rank, .data = net_param_data(graph, p)};
        memcpy(r.shape, p->shape, (size_t)r.rank * sizeof *r.shape);
        if (dtype) halve(&r, &half, p->key);
        tns_frame *out = dtype ? &half : &r;
        out->type = 'R';
        tns_meta_clear(&out->meta);
        tns_meta_add(&out->meta, "key", p->key);
        prog_write(out);
        tns_meta_free(&r.meta);
    }
    tns_frame_free(&half);
    tns_frame_free(&f);
    net_free(graph);
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    weights w;
    size_t n;
    if (!net_path && (settings.count || *prefix || size || dtype))
        prog_usage("--set, --prefix, --size and --dtype are for a --net");
    if (random_seed) {
        write_random();
        prog_write(&(tns_frame){.type = 'E'});
        return prog_finish();
    }
    if (!prog.operands) prog_usage("which FILE?");
    const char *path = strcmp(prog.operand[0], "-") ? prog.operand[0] : "/dev/stdin";
    unsigned char *bytes = (unsigned char *)read_file(path, SIZE_MAX / 4, &n);
    if (!bytes) die(EXIT_FAILED, "%s:", prog.operand[0]);
    if (!weights_open(&w, bytes, n, prog.max_record, err)) die(EXIT_CORRUPT, "%s: %s", prog.operand[0], err);
    if (net_path)
        write_model(&w, bytes, n);
    else
        write_all(&w);
    prog_write(&(tns_frame){.type = 'E'});
    weights_close(&w);
    free(bytes);
    return prog_finish();
}
