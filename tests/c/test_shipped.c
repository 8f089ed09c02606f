/* The networks in pipelines/nets. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lib/base.h"
#include "lib/net.h"
#include "lib/net_text.h"

/* The number before the first `unit` of a text ("25,557,032 parameters"); 0 when there is none. */
static double said(const char *source, const char *unit) {
    const char *end = strstr(source, unit), *at = end;
    char digits[40] = "";
    while (at && at > source && strchr("0123456789,.", at[-1])) at--;
    for (size_t n = 0; at && at < end && n < sizeof digits - 1; at++)
        if (*at != ',') digits[n++] = *at;
    return atof(digits);
}

/* The input that a text without one says its counts are for: "At 224x224x3:" or "At 2048:". */
static void size_said(const net *n, int *h, int *w, int *c) {
    *h = *w = *c = 0;
    if (!n->open) return;
    const char *at = strstr(n->text, "At ");
    int got = at ? sscanf(at, "At %dx%dx%d:", h, w, c) : 0;
    if (got == 1) *c = *h, *h = 0;
}

static bool near(double a, double b, double tolerance) {
    return fabs(a - b) <= tolerance * b;
}

/* Every network that is shipped parses, with the parameters and multiply-adds that its first lines say. */
static void test_shipped(void) {
    glob_t found;
    if (glob("pipelines/nets/*.net", 0, NULL, &found)) die(EXIT_FAILED, "no networks: run me from the top of the repository");
    CHECK(found.gl_pathc >= 15, "%zu networks", found.gl_pathc);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        char err[NET_ERROR] = "";
        net *n = net_load(path, err);
        int h = 0, w = 0, c = 0;
        if (n) size_said(n, &h, &w, &c);
        if (!n || !net_shape(n, h, w, c, err)) {
            CHECK(false, "%s", err);
        } else {
            double parameters = said(n->text, " parameters"), macs = said(n->text, " GMAC") * 1e9 + said(n->text, " MMAC") * 1e6;
            if (!parameters) parameters = said(n->text, " trainable parameters");
            bool demo = strstr(path, "/demo-"), yolo = strstr(path, "yolo");
            CHECK(demo || parameters == (double)net_trainable(n), "%s says %.0f parameters, and has %zu", path, parameters,
                  net_trainable(n));
            CHECK(yolo || near(net_macs(n), macs, demo ? .03 : .001), "%s says %g multiply-adds, and takes %g", path, macs,
                  net_macs(n));
        }
        net_free(n);
    }
    globfree(&found);
}

/* YOLOv8n's settings; the counts are ultralytics' (landmarks: those of its face variant), and of the last one face-train.py's in PyTorch. */
static void test_yolo(void) {
    static const struct {
        const char *setting[7]; /* the first of them, up to NULL */
        size_t parameters;
        int rows, columns;
        double macs; /* 0: not known from elsewhere */
    } want[] = {
        {{"classes=80", "landmarks=0", "cells=20"}, 3157200, 8400, 84, 0},
        {{"classes=1", "landmarks=0", "cells=20"}, 3011043, 8400, 5, 4.04e9},
        {{"classes=1", "landmarks=5", "cells=20"}, 3083424, 8400, 20, 0},
        {{"classes=3", "landmarks=7", "cells=10"}, 3109650, 2100, 28, 0},
        {{"classes=120", "landmarks=0", "cells=3"}, 3352200, 189, 124, 0},
        {{"classes=1", "landmarks=5", "cells=10", "width=8", "deep=32", "boxed=32", "hidden=16"}, 459880, 2100, 20, .21873e9},
    };
    char *source = read_file("pipelines/nets/yolov8n.net", NET_MAX_TEXT, NULL);
    if (!source) die(EXIT_FAILED, "pipelines/nets/yolov8n.net:");
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        char err[NET_ERROR] = "";
        int settings = 0;
        while (settings < 7 && want[i].setting[settings]) settings++;
        char *plain = net_expand(source, "yolov8n.net", want[i].setting, settings, err);
        net *n = plain ? net_parse(plain, "yolov8n.net", err) : NULL;
        if (!n || !net_shape(n, 0, 0, 0, err)) {
            CHECK(false, "%s", err);
        } else {
            const net_layer *out = &n->layer[n->layers - 1];
            CHECK(net_trainable(n) == want[i].parameters, "%s %s: %zu parameters", want[i].setting[0], want[i].setting[1],
                  net_trainable(n));
            CHECK(out->h == want[i].rows && out->w == 1 && out->c == want[i].columns, "%s: %dx%dx%d", want[i].setting[0], out->h,
                  out->w, out->c);
            CHECK(!want[i].macs || near(net_macs(n), want[i].macs, .002), "%s: %g multiply-adds", want[i].setting[0],
                  net_macs(n));
        }
        net_free(n);
        free(plain);
    }
    free(source);
}

int main(void) {
    test_shipped();
    test_yolo();
    return check_status();
}
