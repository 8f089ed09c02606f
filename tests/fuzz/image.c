/* Any bytes as a picture: never more pixels than the limit, and every byte of what comes out is there.
 * seeds: tests/data/images/*.jpg tests/data/images/*.png tests/data/images/*.gif tests/data/images/*.webp tests/data/images/*.tif
 * sources: formats/image_read.c formats/jpeg_read.c formats/icc.c lib/base.c lib/planes.c lib/resizer.c lib/resize.c lib/resize_taps.c
 * packages: vips lcms2 libjpeg */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/image_read.h"

enum { MOST = 1 << 16 }; /* decoding more finds nothing more, and takes longer */

/* Line by line, as imgnorm --size reads. */
enum { SIDE = 16 };
static planes *lines_of;
static uint8_t scaled[SIDE * SIDE * 3];

static bool begin(const image *im, void *shared) {
    if (!lines_of) lines_of = planes_new();
    return shared && planes_begin(lines_of, im->plane, &im->box, &im->box, RESIZE_BICUBIC, SIDE, SIDE, scaled, NULL, 3 * SIDE);
}

static uint8_t *room(int plane, int ahead, void *shared) {
    return shared ? planes_room(lines_of, plane, ahead) : NULL;
}

static void lines(int plane, int n, void *shared) {
    if (shared) planes_lines(lines_of, plane, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    static int fd = -1;
    static volatile uint32_t seen;
    char why[IMAGE_WHY] = "", path[40];
    image im;
    if (fd < 0) fd = memfd_create("image", 0);
    if (ftruncate(fd, 0) || pwrite(fd, p, n, 0) != (ssize_t)n) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    image_want want = {.max_pixels = MOST, .target_width = n % 2 ? SIDE : 0, .target_height = n % 2 ? SIDE : 0};
    if (n % 4 == 1) want.begin = begin, want.room = room, want.lines = lines, want.shared = path;
    if (image_read(path, &want, &im, why) == IMAGE_DONE) {
        if ((uint64_t)im.width * (uint64_t)im.height > MOST || im.width < 1 || im.height < 1) abort();
        if (!im.rgb && (n % 4 != 1 || !planes_end(lines_of))) abort();
        for (size_t i = 0; i < sizeof scaled; i++) seen += scaled[i];
        for (size_t i = 0; im.rgb && i < (size_t)im.width * (size_t)im.height * 3; i++) seen += im.rgb[i];
    } else if (!*why || im.rgb) {
        abort();
    }
    free(im.rgb);
    return 0;
}
