/* onnx2tns: an ONNX file becomes a model: a network's text and its weights. */
#include <stdlib.h>
#include <string.h>

#include "formats/onnx.h"
#include "formats/sha256.h"
#include "lib/net.h"
#include "lib/prog.h"

static const char *range, *size;

static const opt options[] = {
    {0, "range", OPT_TEXT, &range, "RANGE", 0, 0, OPT_PG,
     "how u8 images become its input: 0:1, -1:1, 0:255, LO:HI, imagenet or caffe (default: the program's that runs it)"},
    {0, "size", OPT_TEXT, &size, "HxW", 0, 0, OPT_PG, "the input's size, where the file leaves it open"},
    {0}};
static const program self = {.name = "onnx2tns",
                             .summary = "make a model of an ONNX file",
                             .operands = "FILE",
                             .min_operands = 1,
                             .max_operands = 1,
                             .options = options,
                             .notes = "onnx2tns --range 0:1 yolov8n-face.onnx -o face.tns\n"
                                      "imgnorm --size 640 photos | netrun -m face.tns | tls"};

/* The text must be a network, and its parameters these. */
static void check(const onnx_net *n, const char *path) {
    char err[NET_ERROR];
    net *graph = net_parse(n->text, path, err);
    if (!graph || !net_shape(graph, 0, 0, 0, err)) die(EXIT_CORRUPT, "%s", err);
    for (int i = 0; i < graph->params; i++) {
        bool there = false;
        for (int k = 0; k < n->params && !there; k++)
            there = !strcmp(n->param[k].key, graph->param[i].key) && n->param[k].count == graph->param[i].count;
        if (!there) die(EXIT_CORRUPT, "%s: %s doesn't fit the network made of it", path, graph->param[i].key);
    }
    net_free(graph);
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    char err[ONNX_ERROR], digest[65];
    int h = 0, w = 0, end = 0;
    double lo, hi;
    size_t n;
    if (size && (sscanf(size, "%dx%d%n", &h, &w, &end) != 2 || size[end] || h < 1 || w < 1))
        prog_usage("--size %s: not HxW", size);
    if (range && strcmp(range, "imagenet") && strcmp(range, "caffe") &&
        (sscanf(range, "%lf:%lf%n", &lo, &hi, &end) != 2 || range[end] || lo >= hi || strlen(range) > 60))
        prog_usage("--range %s: not LO:HI, imagenet or caffe", range);
    const char *path = prog.operand[0];
    unsigned char *bytes = (unsigned char *)read_file(strcmp(path, "-") ? path : "/dev/stdin", (size_t)1 << 34, &n);
    if (!bytes) die(EXIT_FAILED, "%s:", path);
    onnx_net net_of = {0};
    onnx *o = onnx_read(bytes, n, err);
    if (!o || !onnx_to_net(o, range, h, w, &net_of, err)) die(EXIT_CORRUPT, "%s: %s", path, err);
    check(&net_of, path);

    tns_frame f = {.type = 'H'};
    sha256_hex(bytes, n, digest);
    tns_meta_add(&f.meta, "kind", "model");
    tns_meta_add(&f.meta, "net", net_of.text);
    tns_meta_add(&f.meta, "source_sha256", digest);
    prog_add_pg(&f.meta, NULL);
    prog_write(&f);
    for (int i = 0; i < net_of.params; i++) {
        const onnx_param *p = &net_of.param[i];
        f.type = 'R';
        if (!tns_frame_shape(&f, TNS_F32, p->rank, p->shape)) die(EXIT_FAILED, "out of memory");
        memcpy(f.data, p->data, f.data_len);
        tns_meta_clear(&f.meta);
        tns_meta_add(&f.meta, "key", p->key);
        prog_write(&f);
        free(p->key);
    }
    prog_write(&(tns_frame){.type = 'E'});
    tns_frame_free(&f);
    free(net_of.text);
    free(net_of.param);
    onnx_free(o);
    free(bytes);
    return prog_finish();
}
