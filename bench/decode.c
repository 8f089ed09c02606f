/* decode: what libjpeg-turbo takes for JPEG files, and nothing else: the floor for imgnorm (decode.sh).
 * usage: decode TARGET [THREADS] <NAMES
 * Every file is read and decoded to RGB (accurate DCT, smooth chroma), at the smallest of 1, 1/2, 1/4 and 1/8 that is at least twice TARGET on
 * both sides, row by row into one buffer a thread that is used again. Prints how many files there were. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "lib/base.h"

static char **names;
static size_t count;
static atomic_size_t next;
static unsigned target;

static void decode(struct jpeg_decompress_struct *j, const unsigned char *data, size_t len, JSAMPROW *row, size_t *room) {
    jpeg_mem_src(j, data, len);
    jpeg_read_header(j, TRUE);
    j->scale_num = 1;
    j->scale_denom = 8;
    while (j->scale_denom > 1 && (j->image_width < 2 * target * j->scale_denom || j->image_height < 2 * target * j->scale_denom))
        j->scale_denom /= 2;
    j->out_color_space = JCS_RGB;
    j->dct_method = JDCT_ISLOW;
    j->do_block_smoothing = FALSE;
    jpeg_start_decompress(j);
    size_t width = (size_t)j->output_width * 3, size = width * j->output_height;
    if (size > *room) *row = xrealloc(*row, *room = size);
    while (j->output_scanline < j->output_height) {
        JSAMPROW rows[8];
        for (unsigned i = 0; i < 8; i++) rows[i] = *row + (j->output_scanline + i) * width;
        JDIMENSION left = j->output_height - j->output_scanline;
        jpeg_read_scanlines(j, rows, left < 8 ? left : 8);
    }
    jpeg_finish_decompress(j);
}

static void *work(void *unused) {
    struct jpeg_decompress_struct j;
    struct jpeg_error_mgr errors;
    JSAMPROW pixels = NULL;
    size_t room = 0, i;
    j.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&j);
    while ((i = next++) < count) {
        size_t len;
        char *data = read_file(names[i], 1 << 30, &len);
        if (!data) die(EXIT_FAILED, "%s: %s", names[i], strerror(errno));
        decode(&j, (unsigned char *)data, len, &pixels, &room);
        free(data);
    }
    jpeg_destroy_decompress(&j);
    free(pixels);
    return unused;
}

int main(int argc, char **argv) {
    int threads = argc > 2 ? atoi(argv[2]) : 1;
    if (argc < 2 || atoi(argv[1]) < 1 || threads < 1 || threads > 1024)
        return fprintf(stderr, "usage: decode TARGET [THREADS] <NAMES\n"), 2;
    target = (unsigned)atoi(argv[1]);
    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) > 0; count++) {
        if (line[n - 1] == '\n') line[n - 1] = 0;
        names = xrealloc(names, (count + 1) * sizeof *names);
        names[count] = xstrdup(line);
    }
    free(line);
    pthread_t t[1024];
    for (int i = 0; i < threads; i++)
        if (pthread_create(&t[i], NULL, work, NULL)) die(EXIT_FAILED, "can't start %d threads", threads);
    for (int i = 0; i < threads; i++) pthread_join(t[i], NULL);
    printf("%zu\n", count);
    while (count) free(names[--count]);
    free(names);
    return 0;
}
