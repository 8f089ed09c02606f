/* Any bytes as weights: listing and reading every tensor never crash, leak or take memory without bound.
 * seeds: tests/golden/weights/*
 * sources: formats/weights.c formats/zip.c formats/npy.c formats/safetensors.c formats/pickle.c lib/tns.c lib/crc.c lib/base.c */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "formats/pickle.h"
#include "formats/weights.h"

static void read_all(const uint8_t *p, size_t n) {
    char err[WEIGHTS_ERROR];
    weights w;
    if (!weights_open(&w, p, n, 1 << 20, err)) return;
    tns_frame f = {0};
    for (int i = 0; i < w.count && i < 64; i++)
        if (weights_read(&w, i, &f, err) && f.data_len && ((unsigned char *)f.data)[f.data_len - 1] == 1)
            err[0] = 0; /* looked at */
    tns_frame_free(&f);
    weights_close(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    char err[PICKLE_ERROR];
    size_t used;
    if (n && *p == 0x80) { /* a pickle without its archive */
        pickle *k = pickle_read(p, n, &used, err);
        if (k) pickle_get(pickle_root(k), "state_dict");
        pickle_free(k);
    }
    /* Bytes that no checksum or archive stands before: the first eight are the length, as in a safetensors file. */
    read_all(p, n);
    return 0;
}
