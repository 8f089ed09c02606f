/* Any bytes as an ONNX file: reading, folding and lowering never crash, and what comes out is a network that parses and has those parameters.
 * seeds: tests/golden/onnx/*.onnx
 * sources: formats/onnx.c formats/onnx_fold.c formats/onnx_net.c lib/floats.c lib/tns.c lib/crc.c lib/base.c lib/net.c lib/net_text.c lib/rng.c */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "formats/onnx.h"
#include "lib/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    char err[ONNX_ERROR];
    onnx_net to = {0};
    onnx *o = onnx_read(p, n, err);
    if (o && onnx_to_net(o, "0:1", n % 3 ? 0 : 24, n % 3 ? 0 : 24, &to, err)) {
        char why[NET_ERROR];
        net *graph = net_parse(to.text, "x", why);
        if (graph && net_shape(graph, 0, 0, 0, why))
            for (int i = 0; i < graph->params; i++) {
                bool there = false;
                for (int k = 0; k < to.params && !there; k++)
                    there = !strcmp(to.param[k].key, graph->param[i].key) && to.param[k].count == graph->param[i].count;
                if (!there) abort();
            }
        net_free(graph);
        for (int i = 0; i < to.params; i++) free(to.param[i].key);
    }
    free(to.text);
    free(to.param);
    onnx_free(o);
    return 0;
}
