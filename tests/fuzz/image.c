/* Any bytes as a picture: never more pixels than the limit, and every byte of what comes out is there.
 * seeds: tests/data/images/*.jpg tests/data/images/*.png tests/data/images/*.gif tests/data/images/*.webp tests/data/images/*.tif
 * sources: formats/image_read.c formats/jpeg_read.c formats/icc.c lib/base.c
 * packages: vips libjpeg */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/image_read.h"

enum { MOST = 1 << 16 }; /* decoding more finds nothing more, and takes longer */

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    static int fd = -1;
    static volatile uint32_t seen;
    char why[IMAGE_WHY] = "", path[40];
    image im;
    if (fd < 0) fd = memfd_create("image", 0);
    if (ftruncate(fd, 0) || pwrite(fd, p, n, 0) != (ssize_t)n) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    image_want want = {.max_pixels = MOST, .target_width = n % 2 ? 16 : 0, .target_height = n % 2 ? 16 : 0};
    if (image_read(path, &want, &im, why) == IMAGE_DONE) {
        if ((uint64_t)im.width * (uint64_t)im.height > MOST || im.width < 1 || im.height < 1) abort();
        for (size_t i = 0; i < (size_t)im.width * (size_t)im.height * 3; i++) seen += im.rgb[i];
    } else if (!*why || im.rgb) {
        abort();
    }
    free(im.rgb);
    return 0;
}
