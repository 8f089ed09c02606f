#include "picture.h"

#include <stdlib.h>
#include <string.h>

#include "lib/resize.h"

picture picture_new(int width, int height, int channels) {
    picture p = {width, height, channels, NULL};
    size_t n = (size_t)width * (size_t)height;
    p.px = xarray(n ? n : 1, (size_t)channels);
    return p;
}

void picture_free(picture *p) {
    free(p->px);
    *p = (picture){0};
}

static uint8_t to_byte(double v) {
    return v > 0 ? v < 255 ? (uint8_t)(v + .5) : 255 : 0; /* NaN: 0 */
}

bool picture_from_frame(picture *p, const tns_frame *f, const char *range, char err[512]) {
    char shape[80];
    tns_shape_text(f, shape);
    uint32_t channels = f->rank == 3 ? f->shape[2] : 1;
    bool image = (f->rank == 2 || f->rank == 3) && (channels == 1 || channels == 3 || channels == 4);
    if (!image || (f->dtype != TNS_U8 && f->dtype != TNS_F32)) {
        snprintf(err, 512, "%s %s isn't an image (u8 or f32, height x width x 1, 3 or 4)", tns_dtype_name(f->dtype), shape);
        return false;
    }
    if (!f->shape[0] || !f->shape[1] || f->shape[0] > 1 << 24 || f->shape[1] > 1 << 24) {
        snprintf(err, 512, "an image of %s pixels can't be shown", shape);
        return false;
    }
    double low = 0, high = 255;
    if (f->dtype == TNS_F32) {
        if (range && !strcmp(range, "0:1"))
            high = 1;
        else if (range && !strcmp(range, "-1:1"))
            low = -1, high = 1;
        else if (!range || strcmp(range, "0:255")) {
            snprintf(err, 512, "an f32 image needs range=0:1 or -1:1 on the header, not %.80s", range ? range : "none");
            return false;
        }
    }
    *p = picture_new((int)f->shape[1], (int)f->shape[0], (int)channels);
    if (f->dtype == TNS_U8) {
        memcpy(p->px, f->data, f->data_len);
        return true;
    }
    const float *v = f->data;
    for (size_t i = 0, n = tns_frame_count(f); i < n; i++) p->px[i] = to_byte((v[i] - low) / (high - low) * 255);
    return true;
}

void picture_flatten(picture *p, colour under) {
    if (p->channels == 3) return;
    picture flat = picture_new(p->width, p->height, 3);
    const uint8_t *from = p->px, back[3] = {under.r, under.g, under.b};
    uint8_t *to = flat.px;
    for (size_t n = (size_t)p->width * (size_t)p->height; n; n--, from += p->channels, to += 3)
        for (int c = 0; c < 3; c++)
            to[c] = p->channels == 1 ? from[0] : (uint8_t)((from[c] * from[3] + back[c] * (255 - from[3]) + 127) / 255);
    picture_free(p);
    *p = flat;
}

picture picture_resized(const picture *p, int width, int height) {
    if (width < 1) width = 1;
    if (height < 1) height = 1;
    picture out = picture_new(width, height, p->channels);
    resize_source from = {p->width, p->height, p->channels, .u8 = p->px};
    resize_kernel kernel = width >= p->width && height >= p->height ? RESIZE_NEAREST : RESIZE_BICUBIC;
    if (!resize_u8(&from, NULL, kernel, width, height, out.px, (int64_t)width * p->channels))
        die(EXIT_FAILED, "no memory to scale an image");
    return out;
}

void picture_fill(picture *p, int x, int y, int width, int height, colour c) {
    int right = x + width < p->width ? x + width : p->width, bottom = y + height < p->height ? y + height : p->height;
    for (int j = y > 0 ? y : 0; j < bottom; j++)
        for (int i = x > 0 ? x : 0; i < right; i++)
            memcpy(p->px + ((size_t)j * (size_t)p->width + (size_t)i) * 3, (uint8_t[]){c.r, c.g, c.b}, 3);
}

void picture_paste(picture *p, int x, int y, const picture *from) {
    int left = x < 0 ? -x : 0, right = x + from->width > p->width ? p->width - x : from->width;
    for (int j = 0; j < from->height && left < right; j++)
        if (y + j >= 0 && y + j < p->height)
            memcpy(p->px + ((size_t)(y + j) * (size_t)p->width + (size_t)(x + left)) * 3,
                   from->px + ((size_t)j * (size_t)from->width + (size_t)left) * 3, (size_t)(right - left) * 3);
}

void picture_outline(picture *p, int x, int y, int width, int height, int thick, colour c) {
    picture_fill(p, x - thick, y - thick, width + 2 * thick, thick, c);
    picture_fill(p, x - thick, y + height, width + 2 * thick, thick, c);
    picture_fill(p, x - thick, y, thick, height, c);
    picture_fill(p, x + width, y, thick, height, c);
}

/* A letter is five rows from the top, a digit each, whose bits are the pixels from the left. */
static const char *glyph(char c) {
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.,:-_/#%=+()!? ";
    static const char rows[][6] = {
        "75557", "26227", "71747", "71317", "55711", "74717", "74757", "71244", "75757", "75717", "25755", "65656", "34443",
        "65556", "74647", "74644", "34553", "55755", "72227", "11152", "55655", "44447", "57755", "65555", "25552", "65644",
        "25573", "65655", "34216", "72222", "55557", "55552", "55775", "55255", "55222", "71247", "00002", "00024", "02020",
        "00700", "00007", "11244", "57575", "51245", "07070", "02720", "12221", "42224", "22202", "61202", "00000"};
    if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
    const char *at = c ? strchr(letters, c) : NULL;
    return rows[(at ? at : strchr(letters, '?')) - letters];
}

/* Continuation bytes of UTF-8 take no place. */
static bool takes_place(char c) {
    return ((unsigned char)c & 0xc0) != 0x80;
}

void picture_text(picture *p, int x, int y, const char *s, int size, colour c) {
    for (; *s && x < p->width; s++) {
        if (!takes_place(*s)) continue;
        const char *rows = glyph(*s);
        for (int j = 0; j < 5; j++)
            for (int i = 0; i < 3; i++)
                if ((rows[j] - '0') >> (2 - i) & 1) picture_fill(p, x + i * size, y + j * size, size, size, c);
        x += 4 * size;
    }
}

int picture_text_width(const char *s, int size) {
    int n = 0;
    for (; *s && n < 1 << 20; s++) n += takes_place(*s);
    return n ? (4 * n - 1) * size : 0;
}
