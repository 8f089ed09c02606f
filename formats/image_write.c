#include "image_write.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>
#include <zlib.h>

/* ---- PNG: a signature, then chunks of length, type, data, checksum ---- */

static void big_endian(unsigned char *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (unsigned char)(v >> (24 - 8 * i));
}

static void add_chunk(text *out, const char type[4], const void *data, size_t n) {
    unsigned char number[4];
    big_endian(number, (uint32_t)n);
    text_addn(out, (char *)number, 4);
    text_addn(out, type, 4);
    if (n) text_addn(out, data, n);
    uLong crc = crc32_z(0, (const unsigned char *)type, 4);
    big_endian(number, (uint32_t)(n ? crc32_z(crc, data, n) : crc));
    text_addn(out, (char *)number, 4);
}

static int paeth(int a, int b, int c) {
    int pa = abs(b - c), pb = abs(a - c), pc = abs(a + b - 2 * c);
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/* Filters a row in each of the five ways (out: 5 rows of 1 + n bytes) and returns the way that promises to compress best: the one with the smallest
 * sum of absolute differences, as the PNG specification recommends. */
static int filter_row(const uint8_t *row, const uint8_t *above, size_t n, size_t channels, uint8_t *out) {
    int best = 0;
    uint64_t least = UINT64_MAX;
    for (int way = 0; way < 5; way++) {
        uint8_t *to = out + (size_t)way * (n + 1);
        uint64_t sum = 0;
        *to++ = (uint8_t)way;
        for (size_t i = 0; i < n; i++) {
            int a = i >= channels ? row[i - channels] : 0, b = above[i], c = i >= channels ? above[i - channels] : 0;
            int guess = way == 0 ? 0 : way == 1 ? a : way == 2 ? b : way == 3 ? (a + b) / 2 : paeth(a, b, c);
            to[i] = (uint8_t)(row[i] - guess);
            sum += to[i] < 128 ? to[i] : 256u - to[i];
        }
        if (sum < least) least = sum, best = way;
    }
    return best;
}

bool image_write_png(const picture *p, text *out, char err[512]) {
    enum { PIECE = 1 << 16 };
    out->len = 0;
    z_stream z = {0};
    (void)err; /* no picture is too large for the format */
    if (deflateInit(&z, Z_DEFAULT_COMPRESSION) != Z_OK) out_of_memory(0);
    unsigned char header[13] = {[8] = 8, [9] = p->channels == 1 ? 0 : p->channels == 3 ? 2 : 6}; /* 8 bits; grey, RGB, RGBA */
    big_endian(header, (uint32_t)p->width);
    big_endian(header + 4, (uint32_t)p->height);
    text_addn(out, "\x89PNG\r\n\x1a\n", 8);
    add_chunk(out, "IHDR", header, sizeof header);
    add_chunk(out, "sRGB", "", 1); /* rendering intent 0: perceptual */

    size_t n = (size_t)p->width * (size_t)p->channels;
    uint8_t *filtered = xarray(5, n + 1), *nothing = xarray(n, 1), *piece = xmalloc(PIECE);
    for (int y = 0; y < p->height; y++) {
        const uint8_t *row = p->px + (size_t)y * n;
        int way = filter_row(row, y ? row - n : nothing, n, (size_t)p->channels, filtered);
        z.next_in = filtered + (size_t)way * (n + 1);
        z.avail_in = (uInt)(n + 1);
        do {
            z.next_out = piece;
            z.avail_out = PIECE;
            deflate(&z, y == p->height - 1 ? Z_FINISH : Z_NO_FLUSH);
            if (z.avail_out < PIECE) add_chunk(out, "IDAT", piece, PIECE - z.avail_out);
        } while (!z.avail_out);
    }
    add_chunk(out, "IEND", NULL, 0);
    deflateEnd(&z);
    free(piece);
    free(nothing);
    free(filtered);
    return true;
}

/* ---- JPEG ---- */

typedef struct {
    struct jpeg_error_mgr base; /* first: libjpeg hands us a pointer to it */
    jmp_buf back;
    char *err;
} jpeg_failure;

static void on_jpeg_error(j_common_ptr c) {
    jpeg_failure *f = (jpeg_failure *)c->err;
    char message[JMSG_LENGTH_MAX];
    if (c->err->msg_code == JERR_OUT_OF_MEMORY) out_of_memory(0);
    c->err->format_message(c, message);
    snprintf(f->err, 512, "%s", message);
    longjmp(f->back, 1);
}

/* Written apart from what jumps: nothing here changes between setjmp and longjmp but what libjpeg holds. */
static bool compress_jpeg(const picture *p, int quality, unsigned char **bytes, unsigned long *n, char err[512]) {
    struct jpeg_compress_struct c;
    jpeg_failure failure = {.err = err};
    c.err = jpeg_std_error(&failure.base);
    failure.base.error_exit = on_jpeg_error;
    jpeg_create_compress(&c);
    if (setjmp(failure.back)) {
        jpeg_destroy_compress(&c);
        return false;
    }
    jpeg_mem_dest(&c, bytes, n);
    c.image_width = (JDIMENSION)p->width;
    c.image_height = (JDIMENSION)p->height;
    c.input_components = p->channels;
    c.in_color_space = p->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, quality, TRUE);
    if (p->channels == 3 && quality >= 90) c.comp_info[0].h_samp_factor = c.comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(&c, TRUE);
    while (c.next_scanline < c.image_height) {
        JSAMPROW row = p->px + (size_t)c.next_scanline * (size_t)p->width * (size_t)p->channels;
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return true;
}

bool image_write_jpeg(const picture *p, int quality, text *out, char err[512]) {
    picture flat = {0};
    if (p->channels == 4) {
        flat = picture_resized(p, p->width, p->height);
        picture_flatten(&flat, (colour){255, 255, 255});
        p = &flat;
    }
    unsigned char *bytes = NULL;
    unsigned long n = 0;
    bool ok = compress_jpeg(p, quality, &bytes, &n, err);
    out->len = 0;
    if (ok) text_addn(out, (char *)bytes, n);
    free(bytes);
    picture_free(&flat);
    return ok;
}
