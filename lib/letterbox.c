#include "letterbox.h"

#include <math.h>
#include <string.h>

#include "bilinear.h"

static int scaled(int size, double ratio, int most) {
    double s = nearbyint(size * ratio);
    return s < 1 ? 1 : s > most ? most : (int)s;
}

static int before(int canvas, int size) {
    return (int)nearbyint((canvas - size) / 2. - .1);
}

letterbox letterbox_make(int height, int width, int canvas_height, int canvas_width) {
    double r = fmin((double)canvas_height / height, (double)canvas_width / width);
    letterbox l = {.ratio = r, .canvas_height = canvas_height, .canvas_width = canvas_width};
    l.height = scaled(height, r, canvas_height), l.width = scaled(width, r, canvas_width);
    l.top = before(canvas_height, l.height), l.left = before(canvas_width, l.width);
    return l;
}

bool letterbox_draw(const letterbox *l, const uint8_t *rgb, int height, int width, uint8_t *canvas) {
    size_t row = 3 * (size_t)l->canvas_width, begin = 3 * (size_t)l->left, end = begin + 3 * (size_t)l->width;
    for (int i = 0; i < l->canvas_height; i++) {
        bool beside = i < l->top || i >= l->top + l->height;
        uint8_t *to = canvas + (size_t)i * row;
        memset(to, LETTERBOX_GREY, beside ? row : begin);
        if (!beside) memset(to + end, LETTERBOX_GREY, row - end);
    }
    return bilinear_u8(rgb, height, width, 3, true, l->height, l->width, canvas + (size_t)l->top * row + begin, (int64_t)row);
}

double letterbox_x(const letterbox *l, double x) {
    return (x - l->left) / l->ratio;
}

double letterbox_y(const letterbox *l, double y) {
    return (y - l->top) / l->ratio;
}
