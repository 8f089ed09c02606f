/* tview: shows a stream of images, as a contact sheet or in the terminal. */
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/image_write.h"
#include "formats/sheet.h"
#include "formats/terminal.h"
#include "lib/prog.h"

static int64_t columns, first, gap = 2;
static double scale;
static bool boxes, labels, tty;

static const opt options[] = {
    {'n', "count", OPT_INT, &first, "N", 1, 1e18, 0, "show the first N images (default: all)"},
    {0, "columns", OPT_INT, &columns, "N", 1, 10000, 0, "images in a row (default: a square sheet, or what fits)"},
    {0, "scale", OPT_FLOAT, &scale, "F", .001, 100, 0, "size of the images (default: 1, or less to keep the sheet small)"},
    {0, "gap", OPT_INT, &gap, "PIXELS", 0, 1000, 0, "space between the images (default 2; 1 with --tty)"},
    {0, "boxes", OPT_FLAG, &boxes, NULL, 0, 0, 0, "draw the boxes of face= and how sure they are"},
    {0, "labels", OPT_FLAG, &labels, NULL, 0, 0, 0, "write the label, or else the key, below each image"},
    {0, "tty", OPT_FLAG, &tty, NULL, 0, 0, 0, "draw as text in 24-bit colours, as images come"},
    {0}};
static const program self = {.name = "tview",
                             .summary = "show images as a contact sheet or in the terminal",
                             .operands = "[FILE]",
                             .max_operands = 1,
                             .options = options,
                             .uses = PROG_TEXT,
                             .notes = "drawface -n 64 | tview --tty\n"
                                      "ganstep ... | tview --tty\n"
                                      "tview -o sheet.png faces.tns"};

/* ---- one PNG of all ---- */

static void write_png(const sheet *s) {
    picture p;
    text file = {0};
    char err[512];
    int across = columns ? (int)columns : sheet_square_columns(s, s->count);
    if (!sheet_draw(s, s->count, across, scale > 0 ? scale : s->kept, (int)gap, &p, err) || !image_write_png(&p, &file, err))
        die(EXIT_FAILED, "%s", err);
    prog_print(file.s, file.len);
    picture_free(&p);
    free(file.s);
}

/* ---- text, drawn over what was drawn before ---- */

enum { LEGIBLE = 16 }; /* pixels that a face needs to be one */

static struct {
    bool live; /* somebody is looking at a terminal */
    int lines; /* how many the sheet on the screen takes */
    size_t expected; /* images on the sheet before: the next one will have as many, so lay it out for them at once */
    double drawn; /* when */
    bool stale; /* there is something new to draw */
    char step[64]; /* step= of the sheet's images, "" without */
} screen;

/* Lays the sheet out for the screen; returns how many images are shown. */
static size_t lay_out(const sheet *s, int *across, double *size) {
    int width, height, space = (int)gap;
    terminal_size(prog.output ? -1 : 1, &width, &height);
    width = width - 2 * space > 1 ? width - 2 * space : 1;
    height = 2 * (height - 2) - 2 * space > 2 ? 2 * (height - 2) - 2 * space : 2;
    double most = scale > 0 ? scale : 1, legible = fmin(most, (double)LEGIBLE / (s->width < s->height ? s->width : s->height));
    size_t n = s->count > screen.expected ? s->count : screen.expected;
    *across = (int)columns;
    *size = sheet_fit(s, n, width, height, space, most, across);
    if (*size >= legible || n == 1) return s->count;
    /* Too small to see anything: legible ones, as many as fit. */
    double cell_w = ceil(s->width * legible - 1e-9), cell_h = ceil(s->height * legible - 1e-9);
    if (!columns) *across = (int)((width + space) / (cell_w + space));
    if (*across < 1) *across = 1;
    double narrow = floor((width - (*across - 1.0) * space) / *across);
    *size = fmin(legible, fmin(narrow < 1 ? 1 : narrow, s->width) / s->width);
    *size = fmin(*size, fmin(height, s->height) / s->height);
    cell_h = ceil(s->height * *size - 1e-9);
    size_t rows = (size_t)((height + space) / (cell_h + space)), fit = (rows ? rows : 1) * (size_t)*across;
    return fit < s->count ? fit : s->count;
}

static void draw(const sheet *s) {
    picture p;
    text out = {0};
    char err[512];
    int across;
    double size;
    size_t n = lay_out(s, &across, &size);
    if (!sheet_draw(s, n, across, size, (int)gap, &p, err)) die(EXIT_FAILED, "%s", err);
    if (screen.lines) text_addf(&out, "\033[%dA\r\033[J", screen.lines);
    screen.lines = terminal_picture(&out, &p);
    if (*screen.step) {
        text_addf(&out, "step %s", screen.step);
        if (n < s->count) text_addf(&out, ": %zu of %zu", n, s->count);
        text_add(&out, "\n");
        screen.lines++;
    }
    prog_print(out.s, out.len);
    screen.drawn = monotonic_seconds();
    screen.stale = false;
    picture_free(&p);
    free(out.s);
}

/* The sheet is complete. */
static void end_sheet(sheet *s) {
    if (screen.stale && (!screen.live || !*screen.step)) draw(s);
    screen.expected = s->count;
    if (!*screen.step) screen.lines = 0; /* it stays; only sheets of a step are drawn over */
    sheet_clear(s);
}

/* step= as far as it can be printed, "" when there is none. */
static void step_of(const tns_meta *meta, char out[sizeof screen.step]) {
    text step = {0};
    size_t n = 0;
    if (tns_meta_get(meta, "step", &step))
        while (n + 1 < sizeof screen.step && step.s[n] > ' ' && step.s[n] <= '~') n++;
    memcpy(out, n ? step.s : "", n);
    out[n] = 0;
    free(step.s);
}

/* Adds an image to the sheet on the screen; begins a new one when it is of another step or, without steps, when there is no room. */
static void add_to_screen(sheet *s, picture *p, const tns_meta *meta) {
    char step[sizeof screen.step];
    step_of(meta, step);
    bool same = !strcmp(step, screen.step);
    sheet with = *s; /* as it will be, for laying out */
    with.count++;
    if (p->width > with.width) with.width = p->width;
    if (p->height > with.height) with.height = p->height;
    int across;
    double size;
    if (s->count && (!same || (!*step && lay_out(&with, &across, &size) < with.count))) end_sheet(s);
    if (!*step != !*screen.step) screen.expected = 0;
    strcpy(screen.step, step);
    sheet_add(s, p, meta, boxes, false);
    screen.stale = true;
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    screen.live = !prog.output && isatty(1);
    screen.drawn = monotonic_seconds();
    tty = tty || screen.live;
    if (tty && !prog_given("gap")) gap = 1;
    setvbuf(prog_text(), NULL, _IONBF, 0); /* a sheet is one write */
    prog_input *in = prog_open(prog.operand[0]);
    /* A sheet of 4096x4096, or what a terminal can show. */
    sheet s = {.most_pixels = tty ? 1 << 20 : scale > 0 ? 0 : 1 << 24, .paper = {255, 255, 255}};
    if (tty) s.paper = (colour){0, 0, 0};

    tns_frame f = {0};
    text range = {0};
    bool has_range = false;
    char err[512];
    int64_t shown = 0;
    while (!first || shown < first) {
        /* Draw when nothing more comes for a moment, or it has been a while. */
        if (screen.live && screen.stale &&
            (monotonic_seconds() - screen.drawn > .25 || !poll(&(struct pollfd){prog_fd(in), POLLIN, 0}, 1, 40)))
            draw(&s);
        if (!prog_next(in, &f)) break;
        if (f.type == 'H') has_range = tns_meta_get(&f.meta, "range", &range);
        if (f.type != 'R') continue;
        picture p;
        if (!picture_from_frame(&p, &f, has_range ? range.s : NULL, err)) prog_bad_record(in, &f, "%s", err);
        if (tty)
            add_to_screen(&s, &p, &f.meta);
        else
            sheet_add(&s, &p, &f.meta, boxes, labels);
        shown++;
    }
    if (!shown) die(EXIT_FAILED, "no images came");
    if (!tty)
        write_png(&s);
    else if (screen.stale)
        draw(&s);

    sheet_clear(&s);
    free(range.s);
    tns_frame_free(&f);
    prog_close(in);
    return prog_finish();
}
