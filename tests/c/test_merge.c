/* merge: headers that agree, that don't, chains of provenance, counts. */
#include <stdlib.h>
#include <string.h>

#include "lib/merge.h"

static int failed;

static void expect(bool ok, const char *what) {
    if (!ok) printf("failed: %s\n", what), failed = 1;
}

static tns_frame header(const char *lines) {
    tns_frame f = {.type = 'H'};
    text_add(&f.meta.t, lines);
    return f;
}

static void check_header(const char *a, const char *b, const char *merged, const char *error) {
    tns_frame fa = header(a), fb = header(b), into = {0};
    char err[512] = "";
    expect(merge_header(&into, &fa, err), "the first header is taken");
    bool ok = merge_header(&into, &fb, err);
    expect(ok == (error == NULL), error ? error : b);
    if (ok)
        expect(!strcmp(into.meta.t.s, merged), merged);
    else {
        expect(!strcmp(err, error), err);
        expect(!strcmp(into.meta.t.s, a), "a failed merge changes nothing");
    }
    tns_frame_free(&fa);
    tns_frame_free(&fb);
    tns_frame_free(&into);
}

static void check_end(const char *a, const char *b, const char *merged) {
    tns_meta into = {0}, next = {0};
    text_add(&into.t, a);
    text_add(&next.t, b);
    merge_end(&into, &next);
    expect(!strcmp(into.t.s ? into.t.s : "", merged), merged);
    tns_meta_free(&into);
    tns_meta_free(&next);
}

int main(void) {
    check_header("kind=images\npg=1 a\n", "kind=images\npg=1 a\n", "kind=images\npg=1 a\n", NULL);
    check_header("kind=images\npg=1 a\n", "pg=2 b\npg=1 a\nkind=images\n", "kind=images\npg=1 a\npg=2 b\n", NULL);
    /* A line that is the end of another isn't the same line. */
    check_header("kind=images\nxpg=1\n", "kind=images\npg=1\n", "kind=images\nxpg=1\npg=1\n", NULL);
    check_header("kind=images\nsource=x\n", "kind=images\nsource=y\n", "kind=images\nsource=x\nsource=y\n", NULL);
    check_header("kind=images\n", "kind=features\n", NULL, "the headers differ in kind: images and features");
    check_header("kind=images\nrange=0:255\n", "kind=images\n", NULL, "the headers differ in range: 0:255 and none");
    check_header("kind=images\n", "kind=images\nspace=srgb\n", NULL, "the headers differ in space: none and srgb");
    check_header("net.gen=a%0Ab\n", "net.gen=a%0Ac\n", NULL, "the headers differ in net.gen: a\nb and a\nc");
    check_end("", "dropped=no-face:3\n", "dropped=no-face:3\n");
    check_end("dropped=no-face:31\ndropped=small:2\n", "dropped=small:40\ndropped=dark:1\nnote=x\n",
              "dropped=no-face:31\ndropped=small:42\ndropped=dark:1\nnote=x\n");
    check_end("dropped=a:b:1\n", "dropped=a:b:2\ndropped=a:1\n", "dropped=a:b:3\ndropped=a:1\n");
    check_end("dropped=odd\n", "dropped=odd\n", "dropped=odd\n");
    return failed;
}
