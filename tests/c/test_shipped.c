/* The networks in pipelines/nets. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lib/base.h"
#include "lib/net.h"

/* Every network that is shipped parses, with the parameters that its first lines say ("25,557,032 parameters"). */
static void test_shipped(void) {
    static const char *const names[] = {"inception", "inception-tv", "resnet50", "resnet50-keras", "yolov8n",
                                        "gen",       "critic",       "demo-gen", "demo-critic"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = xasprintf("pipelines/nets/%s.net", names[i]), err[NET_ERROR] = "";
        net *n = net_load(path, err);
        CHECK(n && net_shape(n, 0, 0, 0, err), "%s", err);
        const char *at = n ? strstr(n->text, " parameters") : NULL;
        if (at) {
            size_t said = 0, unit = 1;
            while (at > n->text && (at[-1] == ',' || (at[-1] >= '0' && at[-1] <= '9')))
                if (*--at != ',') said += (size_t)(*at - '0') * unit, unit *= 10;
            if (unit > 1) CHECK(said == net_trainable(n), "%s says %zu parameters, and has %zu", path, said, net_trainable(n));
        }
        net_free(n);
        free(path);
    }
}

int main(void) {
    test_shipped();
    return check_status();
}
