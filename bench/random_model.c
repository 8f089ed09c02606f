/* random_model: a network's text with random weights, as a model on standard output: random_model FILE.net. Only its speed counts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "lib/net.h"
#include "lib/state.h"
#include "lib/tns.h"

int main(int argc, char **argv) {
    char err[NET_ERROR];
    if (argc != 2) die(EXIT_USAGE, "usage: random_model FILE.net >MODEL");
    net *n = net_load(argv[1], err);
    if (!n || !net_shape(n, 0, 0, 0, err)) die(EXIT_FAILED, "%s", err);
    if (!net_alloc(n, &ops_f32)) die(EXIT_FAILED, "out of memory");
    net_init(n, 1, "model");
    tns_meta header = {0};
    tns_meta_add(&header, "kind", "model");
    tns_meta_add(&header, "net.random", n->text);
    state s = {0};
    state_add_net(&s, "random", n);
    tns_writer *w = tns_writer_open(1);
    if (state_write(&s, &header, w)) die(EXIT_FAILED, "writing the model:");
    tns_writer_close(w);
    fprintf(stderr, "%.0f\n", net_macs(n));
    return 0;
}
