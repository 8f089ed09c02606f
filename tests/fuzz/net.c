/* Any bytes as a network's text: parsing and shaping end in a network or a message that names the file.
 * seeds: pipelines/nets/*.net tests/golden/*.net
 * sources: lib/net.c lib/net_text.c lib/rng.c lib/tns.c lib/crc.c lib/base.c */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net.h"
#include "lib/net_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    char err[NET_ERROR] = "";
    if (n > NET_MAX_TEXT || memchr(p, 0, n)) return 0; /* refused where the file is read */
    char *s = malloc(n + 1);
    if (n) memcpy(s, p, n);
    s[n] = 0;
    const char *settings[] = {"drop=50", "classes=1"};
    char *plain = net_expand(s, "x.net", settings, (int)(n % 3), err);
    net *graph = net_parse(plain ? plain : s, "x.net", err);
    if (!graph && strncmp(err, "x.net", 5)) abort();
    if (graph) {
        int side = n % 2 ? 64 : 299;
        err[0] = 0;
        if (!net_shape(graph, graph->open ? side : 0, graph->open ? side : 0, graph->open ? 3 : 0, err) && !*err) abort();
        net_can_train(graph, err);
    }
    net_free(graph);
    free(plain);
    free(s);
    return 0;
}
