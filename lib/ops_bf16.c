#include "ops_bf16.h"

#include <omp.h>
#include <string.h>

#include "base.h"
#include "kernels.h"
#include "kernels_amx.h"
#include "ops_f32.h"

#ifdef __x86_64__

/* Every pass is a product of matrices, by blocks that a core's second-level cache holds. The left matrix of the first two has a row for each pixel of the result, the inputs
 * that its taps meet one after the other; it is written out block by block ("im2col"), which costs little beside the product. */
enum {
    TAPS = 64, /* of a kernel, at most */
    PIXELS = 2 * AMX_ROWS, /* rows of one product */
    PANEL = 512 * 1024, /* numbers of the left matrix at a time */
    CHUNK = 16 * AMX_DEPTH, /* pixels of a weight gradient at a time */
    BLOCK = 8, /* its columns at a time, in tiles */
    PARTS = 8, /* its pixels are summed in so many parts, at most */
    SUMS = 2 << 20 /* numbers in all parts, where there is more than one */
};

/* A gather (kernels.h), and where its weights are: of column q of tap t and output o at w[o*o_step + q*q_step + at[t]]. */
typedef struct {
    gather g;
    int dy[TAPS], dx[TAPS], at[TAPS];
    int run[TAPS]; /* taps from here on whose inputs follow each other in memory */
    size_t o_step, q_step;
} product;

static size_t round_up(size_t n, size_t to) {
    return (n + to - 1) / to * to;
}

static bool always;

void ops_bf16_always(bool yes) {
    always = yes;
}

/* What it can do, and where it gains: weights that meet few pixels (a dense layer's, which meet one a sample) cost more to pack than they save, and neither few columns nor
 * few sums fill a tile. to_x: the gradient to x, or a transposed convolution. */
static bool fits(const conv_shape *s, bool to_x) {
    if (s->groups != 1 || s->kh * s->kw > TAPS || s->oc == 1) return false;
    return always || ((size_t)s->n * (size_t)s->oh * (size_t)s->ow >= 512 &&
                      (to_x ? s->c >= AMX_ROWS / 2 : s->c * s->kh * s->kw >= AMX_DEPTH));
}

/* Finishes a product whose taps are listed. */
static void link_taps(product *p) {
    gather *g = &p->g;
    for (int t = g->taps - 1; t >= 0; t--) {
        bool next = t + 1 < g->taps && p->dy[t + 1] == p->dy[t] && p->dx[t + 1] == p->dx[t] + 1;
        p->run[t] = next ? p->run[t + 1] + 1 : 1;
    }
    g->k = g->taps * (int)g->stride;
}

static void forward_of(const conv_shape *s, product *p) {
    *p = (product){.o_step = (size_t)s->c * (size_t)(s->kh * s->kw), .q_step = (size_t)(s->kh * s->kw)};
    p->g = (gather){.h = s->h,
                    .w = s->w,
                    .stride = (size_t)s->c,
                    .oh = s->oh,
                    .ow = s->ow,
                    .oc = s->oc,
                    .grid_h = s->oh,
                    .grid_w = s->ow,
                    .out_step_h = 1,
                    .out_step_w = 1,
                    .in_step_h = s->stride_h,
                    .in_step_w = s->stride_w,
                    .taps = s->kh * s->kw};
    for (int t = 0; t < p->g.taps; t++) {
        p->at[t] = t;
        p->dy[t] = t / s->kw * s->dil_h - s->top;
        p->dx[t] = t % s->kw * s->dil_w - s->left;
    }
    link_taps(p);
}

/* From dy to the pixels of dx with these parities: pixel i = stride*m + parity has met tap u of output (i + top - u*dil)/stride, where that is whole. */
static void backward_of(const conv_shape *s, int row, int column, product *p) {
    *p = (product){.o_step = (size_t)(s->kh * s->kw), .q_step = (size_t)s->c * (size_t)(s->kh * s->kw)};
    p->g = (gather){.h = s->oh,
                    .w = s->ow,
                    .stride = (size_t)s->oc,
                    .oh = s->h,
                    .ow = s->w,
                    .oc = s->c,
                    .grid_h = (s->h - row + s->stride_h - 1) / s->stride_h,
                    .grid_w = (s->w - column + s->stride_w - 1) / s->stride_w,
                    .out_y = row,
                    .out_x = column,
                    .out_step_h = s->stride_h,
                    .out_step_w = s->stride_w,
                    .in_step_h = 1,
                    .in_step_w = 1};
    for (int u = s->kh - 1; u >= 0; u--)
        for (int v = s->kw - 1; v >= 0; v--) {
            int y = row + s->top - u * s->dil_h, x = column + s->left - v * s->dil_w, t = p->g.taps;
            if (y % s->stride_h || x % s->stride_w) continue;
            p->dy[t] = y / s->stride_h;
            p->dx[t] = x / s->stride_w;
            p->at[t] = u * s->kw + v;
            p->g.taps++;
        }
    link_taps(p);
}

/* Columns from..to-1 of the left matrix's row for grid pixel `pixel` (of the whole batch), zeros up to a multiple of AMX_DEPTH. */
static void write_row(const product *p, const float *x, size_t pixel, size_t from, size_t to, uint16_t *row) {
    const gather *g = &p->g;
    const size_t c = g->stride, grid = (size_t)g->grid_h * (size_t)g->grid_w, width = round_up(to - from, AMX_DEPTH);
    const float *image = x + pixel / grid * (size_t)g->h * (size_t)g->w * c;
    int y0 = (int)(pixel % grid) / g->grid_w * g->in_step_h, x0 = (int)(pixel % grid) % g->grid_w * g->in_step_w;
    memset(row + (to - from), 0, (width - (to - from)) * sizeof *row);
    for (int t = (int)(from / c); t < g->taps && (size_t)t * c < to;) {
        int run = p->run[t], i = y0 + p->dy[t], j = x0 + p->dx[t];
        bool inside = i >= 0 && i < g->h;
        if (inside && (j < 0 || j + run > g->w)) run = 1, inside = j >= 0 && j < g->w;
        size_t begin = (size_t)t * c, end = (size_t)(t + run) * c, skip = begin < from ? from - begin : 0;
        if (end > to) end = to;
        uint16_t *out = row + (begin + skip - from);
        if (inside)
            amx_round(end - begin - skip, image + ((size_t)i * (size_t)g->w + (size_t)j) * c + skip, out);
        else
            memset(out, 0, (end - begin - skip) * sizeof *out);
        t += run;
    }
}

/* ---- results of pixels ---- */

/* As amx_round, of a number. */
static inline uint16_t rounded(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* Block `block` of AMX_ROWS outputs of the right matrix. */
static void pack_weights(const product *p, const float *w, int block, uint16_t *tiles) {
    const gather *g = &p->g;
    const size_t c = g->stride, depth = round_up((size_t)g->k, AMX_DEPTH);
    int first = block * AMX_ROWS, outputs = g->oc - first < AMX_ROWS ? g->oc - first : AMX_ROWS;
    if (depth > 0)
        memset(tiles, 0, depth * AMX_ROWS * sizeof *tiles); /* a phase of a wide stride may have no taps, and no memory */
    /* As the weights lie in memory, whichever side is outermost there. */
    bool inputs_apart = p->q_step > p->o_step;
    size_t outer = inputs_apart ? c : (size_t)outputs, inner = inputs_apart ? (size_t)outputs : c;
    for (size_t i = 0; i < outer; i++)
        for (size_t j = 0; j < inner; j++) {
            size_t q = inputs_apart ? i : j, o = inputs_apart ? j : i;
            const float *from = w + ((size_t)first + o) * p->o_step + q * p->q_step;
            for (int t = 0; t < g->taps; t++) {
                size_t k = (size_t)t * c + q;
                tiles[k / 2 * 2 * AMX_ROWS + o * 2 + k % 2] = rounded(from[p->at[t]]);
            }
        }
}

/* Where grid pixel `pixel` of the batch is in y. */
static float *pixel_at(const gather *g, size_t pixel, float *y) {
    size_t grid = (size_t)g->grid_h * (size_t)g->grid_w, sample = pixel / grid, i = pixel % grid / (size_t)g->grid_w,
           j = pixel % grid % (size_t)g->grid_w;
    size_t row = sample * (size_t)g->oh + (size_t)g->out_y + i * (size_t)g->out_step_h;
    return y + (row * (size_t)g->ow + (size_t)g->out_x + j * (size_t)g->out_step_w) * (size_t)g->oc;
}

/* y = what p says of x [n, ...], a piecewise linear activation. */
static void run(const product *p, int n, const float *x, const float *w, const float *bias, float slope, float *y) {
    static room kept_weights, kept_panels;
    const gather *g = &p->g;
    const size_t depth = round_up((size_t)g->k, AMX_DEPTH) / AMX_DEPTH, stride = (depth + 1) * AMX_DEPTH;
    const size_t pixels = (size_t)n * (size_t)g->grid_h * (size_t)g->grid_w;
    const int blocks = (g->oc + AMX_ROWS - 1) / AMX_ROWS;
    size_t rows = PANEL / stride / PIXELS * PIXELS;
    rows = rows < PIXELS ? PIXELS : rows > 512 ? 512 : rows;
    const size_t panels = (pixels + rows - 1) / rows, block_size = depth * AMX_TILE;
    uint16_t *weights = room_take(&kept_weights, (size_t)blocks * block_size * sizeof *weights),
             *all = room_take(&kept_panels, (size_t)omp_get_max_threads() * rows * stride * sizeof *all);
#pragma omp parallel
    {
        _Alignas(64) float sums[PIXELS * 2 * AMX_ROWS];
        uint16_t *panel = all + (size_t)omp_get_thread_num() * rows * stride;
        amx_configure();
#pragma omp for
        for (int b = 0; b < blocks; b++) pack_weights(p, w, b, weights + (size_t)b * block_size);
#pragma omp for
        for (size_t at = 0; at < panels; at++) {
            size_t first = at * rows, used = pixels - first < rows ? pixels - first : rows;
            for (size_t r = 0; r < used; r++) write_row(p, x, first + r, 0, (size_t)g->k, panel + r * stride);
            for (int b = 0; b < blocks; b += 2)
                for (size_t r = 0; r < used; r += PIXELS) {
                    int wide = b + 1 < blocks ? 2 : 1, from = b * AMX_ROWS,
                        outputs = g->oc - from < wide * AMX_ROWS ? g->oc - from : wide * AMX_ROWS;
                    amx_left left = {.at = panel + r * stride, .row = stride, .depth = AMX_DEPTH, .block = AMX_ROWS * stride};
                    amx_product(&left, weights + (size_t)b * block_size, block_size, AMX_TILE, wide, (int)depth, sums,
                                2 * AMX_ROWS, false);
                    for (size_t k = 0; k < PIXELS && r + k < used; k++)
                        amx_finish((size_t)outputs, sums + k * 2 * AMX_ROWS, bias ? bias + from : NULL, slope,
                                   pixel_at(g, first + r + k, y) + from);
                }
        }
        amx_release();
    }
}

static void conv_forward(const conv_shape *s, const void *x, const void *w, const void *bias, activation act, void *y) {
    product p;
    float slope;
    if (!fits(s, false)) {
        ops_f32.conv_forward(s, x, w, bias, act, y);
        return;
    }
    bool linear = piecewise_linear(act, &slope);
    forward_of(s, &p);
    run(&p, s->n, x, w, bias, linear ? slope : 1, y);
    if (!linear) ops_f32.act_forward(act, (size_t)s->n * (size_t)s->oh * (size_t)s->ow * (size_t)s->oc, y, y);
}

static void conv_backward_data(const conv_shape *s, const void *dy, const void *w, const void *bias, activation act, void *dx) {
    product p;
    float slope;
    if (!fits(s, true)) {
        ops_f32.conv_backward_data(s, dy, w, bias, act, dx);
        return;
    }
    bool linear = piecewise_linear(act, &slope);
    for (int row = 0; row < s->stride_h && row < s->h; row++)
        for (int column = 0; column < s->stride_w && column < s->w; column++) {
            backward_of(s, row, column, &p);
            run(&p, s->n, dy, w, bias, linear ? slope : 1, dx);
        }
    if (!linear) ops_f32.act_forward(act, (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c, dx, dx);
}

/* ---- gradients of weights ---- */

/* dw[o,k] = sum over pixels of dy[pixel,o] * (the input that column k meets there): the left matrix is dy transposed, the right one the inputs. */
static void conv_backward_weights(const conv_shape *s, const void *x, const void *dyv, void *dwv) {
    static room kept_left, kept_rows, kept_right, kept_sums;
    if (!fits(s, false)) {
        ops_f32.conv_backward_weights(s, x, dyv, dwv);
        return;
    }
    product p;
    forward_of(s, &p);
    const gather *g = &p.g;
    const float *dy = dyv;
    float *dw = dwv;
    const size_t pixels = (size_t)s->n * (size_t)s->oh * (size_t)s->ow, depths = (pixels + AMX_DEPTH - 1) / AMX_DEPTH;
    const size_t outputs = round_up((size_t)s->oc, PIXELS), columns = round_up((size_t)g->k, AMX_ROWS), width = BLOCK * AMX_ROWS;
    const size_t blocks = (columns + width - 1) / width, chunks = (pixels + CHUNK - 1) / CHUNK;
    size_t parts = SUMS / (outputs * blocks * width);
    parts = parts < 1 ? 1 : parts > PARTS ? PARTS : parts;
    if (parts > chunks) parts = chunks;
    const size_t threads = (size_t)omp_get_max_threads(), left_depth = outputs * AMX_DEPTH;
    uint16_t *left = room_take(&kept_left, depths * left_depth * sizeof *left), *all_rows, *all_right;
    const size_t rows_size = AMX_DEPTH * (outputs > width ? outputs : width), right_size = CHUNK * width;
    all_rows = room_take(&kept_rows, threads * rows_size * sizeof *all_rows);
    all_right = room_take(&kept_right, threads * right_size * sizeof *all_right);
    float *sums = room_take(&kept_sums, parts * blocks * outputs * width * sizeof *sums);
#pragma omp parallel
    {
        size_t thread = (size_t)omp_get_thread_num();
        uint16_t *rows = all_rows + thread * rows_size, *right = all_right + thread * right_size;
        amx_configure();
#pragma omp for
        for (size_t d = 0; d < depths; d++) {
            memset(rows, 0, AMX_DEPTH * outputs * sizeof *rows);
            for (size_t r = 0; r < AMX_DEPTH && d * AMX_DEPTH + r < pixels; r++)
                amx_round((size_t)s->oc, dy + (d * AMX_DEPTH + r) * (size_t)s->oc, rows + r * outputs);
            amx_left_transposed(rows, outputs, (int)outputs, left + d * left_depth, AMX_TILE);
        }
#pragma omp for schedule(dynamic)
        for (size_t item = 0; item < parts * blocks; item++) {
            size_t part = item / blocks, from = item % blocks * width,
                   to = from + width < (size_t)g->k ? from + width : (size_t)g->k;
            size_t tiles = (to - from + AMX_ROWS - 1) / AMX_ROWS, first = chunks * part / parts,
                   end = chunks * (part + 1) / parts;
            float *c = sums + item * outputs * width;
            for (size_t chunk = first; chunk < end; chunk++) {
                size_t start = chunk * CHUNK / AMX_DEPTH,
                       depth = depths - start < CHUNK / AMX_DEPTH ? depths - start : CHUNK / AMX_DEPTH;
                for (size_t d = 0; d < depth; d++) {
                    for (size_t r = 0; r < AMX_DEPTH; r++) {
                        size_t pixel = (start + d) * AMX_DEPTH + r;
                        if (pixel < pixels)
                            write_row(&p, x, pixel, from, to, rows + r * width);
                        else
                            memset(rows + r * width, 0, width * sizeof *rows);
                    }
                    amx_right(rows, width, (int)(tiles * AMX_ROWS), right + d * AMX_TILE, CHUNK / AMX_DEPTH * AMX_TILE);
                }
                for (size_t o = 0; o < outputs; o += PIXELS)
                    for (size_t t = 0; t < tiles; t += 2) {
                        amx_left l = {.at = left + start * left_depth + o / AMX_ROWS * AMX_TILE,
                                      .row = AMX_DEPTH,
                                      .depth = left_depth,
                                      .block = AMX_TILE};
                        amx_product(&l, right + t * (CHUNK / AMX_DEPTH) * AMX_TILE, CHUNK / AMX_DEPTH * AMX_TILE, AMX_TILE,
                                    t + 1 < tiles ? 2 : 1, (int)depth, c + o * width + t * AMX_ROWS, width, chunk > first);
                    }
            }
        }
#pragma omp for
        for (int o = 0; o < s->oc; o++)
            for (size_t k = 0; k < (size_t)g->k; k++) {
                const float *c = sums + (k / width * outputs + (size_t)o) * width + k % width;
                float sum = 0;
                for (size_t part = 0; part < parts; part++) sum += c[part * blocks * outputs * width];
                dw[(size_t)o * p.o_step + k % g->stride * p.q_step + (size_t)p.at[k / g->stride]] = sum;
            }
        amx_release();
    }
}

const ops *ops_bf16(void) {
    static ops table;
    if (!amx_available()) return NULL;
    if (!table.name) {
        table = ops_f32;
        table.name = "bf16";
        table.conv_forward = conv_forward;
        table.conv_backward_data = conv_backward_data;
        table.conv_backward_weights = conv_backward_weights;
    }
    return &table;
}

#else

void ops_bf16_always(bool yes) {
    (void)yes;
}

const ops *ops_bf16(void) {
    return NULL;
}

#endif

const ops *ops_choose(bool bf16) {
    const ops *table = bf16 ? ops_bf16() : &ops_f32;
    if (!table) die(EXIT_FAILED, "--bf16 needs a processor and a system with AMX (amx_bf16), and here is none; leave it out");
    return table;
}
