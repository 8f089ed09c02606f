#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

static int from_environment(const char *name, int otherwise) {
    const char *s = getenv(name);
    int64_t v;
    return s && parse_i64(s, &v) && v > 0 && v <= 10000 ? (int)v : otherwise;
}

void terminal_size(int fd, int *columns, int *lines) {
    struct winsize w;
    bool known = ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col && w.ws_row;
    *columns = known ? w.ws_col : from_environment("COLUMNS", 80);
    *lines = known ? w.ws_row : from_environment("LINES", 24);
}

int terminal_picture(text *out, const picture *p) {
    for (int y = 0; y < p->height; y += 2) {
        const uint8_t *fg = NULL, *bg = NULL; /* colours as the terminal has them now */
        for (int x = 0; x < p->width; x++) {
            const uint8_t *top = p->px + ((size_t)y * (size_t)p->width + (size_t)x) * 3;
            const uint8_t *low = y + 1 < p->height ? top + (size_t)p->width * 3 : NULL;
            if (!fg || memcmp(fg, top, 3)) text_addf(out, "\033[38;2;%d;%d;%dm", top[0], top[1], top[2]);
            if (low && (!bg || memcmp(bg, low, 3))) text_addf(out, "\033[48;2;%d;%d;%dm", low[0], low[1], low[2]);
            fg = top;
            bg = low;
            text_add(out, "▀");
        }
        text_add(out, "\033[0m\033[K\n");
    }
    return (p->height + 1) / 2;
}
