/* The text of the kernels, compiled once for each width of vector: see kernels.h. LANES floats a vector, tiles of ROWS pixels by two vectors of output
 * channels: as many accumulators as the registers hold. Vectors are the compiler's own, so that the text knows no instruction set. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernels.h"

enum { COLUMNS = 2 * LANES, BLOCK_TILES = 16, L2 = 256 << 10 };

typedef float vec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int32_t ivec __attribute__((vector_size(LANES * 4)));
#define INLINE static inline __attribute__((always_inline))
#define load(p) (*(const vec *)(p))

/* What products read they read many times over. Under AddressSanitizer they are functions that aren't instrumented, but look at each stretch of memory as a whole, once: that sees as
 * much, and a GAN step there takes a quarter of the time. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define CHECKED static __attribute__((noinline, no_sanitize("address,undefined")))
static void readable(const float *p, size_t n) {
    volatile const char *bad = __asan_region_is_poisoned((void *)p, n * sizeof *p);
    if (bad) (void)*bad; /* is reported as any other */
}
#else
#define CHECKED INLINE
#define readable(p, n) (void)0
#endif

INLINE void store(float *p, vec v) {
    *(vec *)p = v;
}

INLINE vec splat(float x) {
    return x - (vec){0};
}

/* The first `count` lanes, the others 0. */
INLINE vec load_part(const float *p, int count) {
    vec v = {0};
    memcpy(&v, p, (size_t)count * sizeof *p);
    return v;
}

INLINE void store_part(float *p, vec v, int count) {
    if (count >= LANES)
        store(p, v);
    else
        memcpy(p, &v, (size_t)count * sizeof *p);
}

INLINE vec choose(ivec mask, vec a, vec b) {
    return (vec)((mask & (ivec)a) | (~mask & (ivec)b));
}

/* NaN in x stays: the instructions give their second operand then. */
#if LANES == 16 && defined __AVX512F__
#define HIGHER(a, b) __builtin_ia32_maxps512_mask(a, b, a, -1, 4)
#define LOWER(a, b) __builtin_ia32_minps512_mask(a, b, a, -1, 4)
#elif LANES == 8 && defined __AVX__
#define HIGHER(a, b) __builtin_ia32_maxps256(a, b)
#define LOWER(a, b) __builtin_ia32_minps256(a, b)
#elif LANES == 4 && defined __SSE__
#define HIGHER(a, b) __builtin_ia32_maxps(a, b)
#define LOWER(a, b) __builtin_ia32_minps(a, b)
#else
#define HIGHER(a, b) choose((a) > (b), a, b)
#define LOWER(a, b) choose((a) < (b), a, b)
#endif

INLINE vec at_least(vec x, float lo) {
    return HIGHER(splat(lo), x);
}

INLINE vec at_most(vec x, float hi) {
    return LOWER(splat(hi), x);
}

/* exp(x) to about 2 units in the last place: 2^n * exp(r), |r| <= ln 2 / 2, by a polynomial. */
INLINE vec vexp(vec x) {
    x = at_most(at_least(x, -87.f), 88.f);
    const float magic = 12582912; /* 1.5 * 2^23: adding it rounds to a whole number */
    vec n = x * 1.44269504088896341f + magic - magic;
    vec r = x - n * .693359375f + n * 2.12194440e-4f;
    vec p = splat(1.f / 5040);
    p = p * r + 1.f / 720;
    p = p * r + 1.f / 120;
    p = p * r + 1.f / 24;
    p = p * r + 1.f / 6;
    p = p * r + .5f;
    p = p * r * r + r + 1;
    ivec power = (__builtin_convertvector(n, ivec) + 127) << 23;
    return p * (vec)power;
}

INLINE vec vsigmoid(vec x) {
    return 1 / (1 + vexp(-x));
}

/* The rarer ones, a float at a time. */
static float apply_rare(activation a, float x) {
    switch (a.kind) {
    case ACT_TANH:
        return tanhf(x);
    case ACT_ELU:
        return x > 0 ? x : (float)a.alpha * expm1f(x);
    case ACT_SOFTPLUS:
        return x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x));
    case ACT_MISH:
        return x * tanhf(x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x)));
    case ACT_GELU:
        return x * .5f * (1 + erff(x * (float)M_SQRT1_2));
    case ACT_EXP:
        return expf(x);
    case ACT_SQRT:
        return sqrtf(x);
    case ACT_ABS:
        return fabsf(x);
    default:
        return x;
    }
}

/* x[0..n-1] in place. */
INLINE void apply(activation a, vec *x, int n) {
    float alpha = (float)a.alpha, beta = (float)a.beta;
    switch (a.kind) {
    case ACT_NONE:
        return;
    case ACT_RELU:
        for (int i = 0; i < n; i++) x[i] = at_least(x[i], 0);
        return;
    case ACT_LEAKY:
        for (int i = 0; i < n; i++) x[i] = choose(x[i] > 0, x[i], x[i] * alpha);
        return;
    case ACT_SIGMOID:
        for (int i = 0; i < n; i++) x[i] = vsigmoid(x[i]);
        return;
    case ACT_SILU:
        for (int i = 0; i < n; i++) x[i] *= vsigmoid(x[i]);
        return;
    case ACT_CLIP:
        for (int i = 0; i < n; i++) x[i] = at_most(at_least(x[i], alpha), beta);
        return;
    case ACT_HARDSIGMOID:
        for (int i = 0; i < n; i++) x[i] = at_most(at_least(x[i] * alpha + beta, 0), 1);
        return;
    case ACT_SCALE:
        for (int i = 0; i < n; i++) x[i] = x[i] * alpha + beta;
        return;
    case ACT_HARDSWISH:
        for (int i = 0; i < n; i++) x[i] *= at_most(at_least(x[i] + 3, 0), 6) * (1.f / 6);
        return;
    default:
        for (int i = 0; i < n; i++)
            for (int k = 0; k < LANES; k++) x[i][k] = apply_rare(a, x[i][k]);
    }
}

static void activate(activation a, size_t pixels, int c, const float *x, size_t x_stride, float *y, size_t y_stride) {
    if (x_stride == (size_t)c && y_stride == (size_t)c && pixels * (size_t)c < INT32_MAX) c *= (int)pixels, pixels = 1;
    for (size_t p = 0; p < pixels; p++) {
        const float *from = x + p * x_stride;
        float *to = y + p * y_stride;
        int i = 0;
        for (; i + 4 * LANES <= c; i += 4 * LANES) {
            vec v[4] = {load(from + i), load(from + i + LANES), load(from + i + 2 * LANES), load(from + i + 3 * LANES)};
            apply(a, v, 4);
            for (int k = 0; k < 4; k++) store(to + i + k * LANES, v[k]);
        }
        for (; i < c; i += LANES) {
            int count = c - i < LANES ? c - i : LANES;
            vec v = load_part(from + i, count);
            apply(a, &v, 1);
            store_part(to + i, v, count);
        }
    }
}

/* From sums (bias included) to memory: vector i is `count` channels from `channel` on of pixel[i]. */
INLINE void finish(const epilogue *e, vec *sum, int n, const size_t *pixel, int channel, int count, float *y, size_t y_stride) {
    apply(e->first, sum, n);
    if (e->add) {
        for (int i = 0; i < n; i++) {
            const float *add = e->add + pixel[i] * e->add_stride + channel;
            sum[i] += count == LANES ? load(add) : load_part(add, count);
        }
        apply(e->then, sum, n);
    }
    for (int i = 0; i < n; i++) store_part(y + pixel[i] * y_stride + channel, sum[i], count);
}

/* ---- panels of weights ---- */

/* Columns of the panel that begins at column j: two vectors, or one when no more are needed. */
INLINE int panel_width(int j, int columns) {
    return columns - j > LANES ? COLUMNS : LANES;
}

static size_t packed_size(int rows, int columns) {
    return (size_t)rows * (size_t)((columns + LANES - 1) / LANES * LANES);
}

static void pack(int rows, int columns, const float *from, size_t row_step, size_t column_step, float *to) {
    for (int j = 0; j < columns; j += COLUMNS) {
        int width = panel_width(j, columns);
        for (int r = 0; r < rows; r++, to += width)
            for (int k = 0; k < width; k++)
                to[k] = j + k < columns ? from[(size_t)r * row_step + (size_t)(j + k) * column_step] : 0;
    }
}

/* The heart: acc[r][v] += sum over taps and channels of a[tap][r][channel] * b[tap, channel][vector v]. taps and k are at least 1. */
CHECKED void multiply(int taps, int k, const float *const *a, const float *b, int vectors, vec acc[ROWS][2]) {
    readable(b, (size_t)taps * (size_t)k * (size_t)vectors * LANES);
    do {
        const float *p[ROWS];
        for (int r = 0; r < ROWS; r++) readable(a[r], (size_t)k);
        for (int r = 0; r < ROWS; r++) p[r] = a[r];
        a += ROWS;
        size_t i = 0;
        do {
            vec w[2];
            for (int v = 0; v < vectors; v++) w[v] = load(b + v * LANES);
            b += vectors * LANES;
            for (int r = 0; r < ROWS; r++)
                for (int v = 0; v < vectors; v++) acc[r][v] += p[r][i] * w[v];
        } while (++i < (size_t)k);
    } while (--taps);
}

/* ---- convolution by gathering ---- */

/* A tile: `rows` output pixels times `vectors` vectors of channels from `channel` on. */
INLINE void tile(const gather *g, const float *const *a, const float *b, int vectors, const epilogue *e, const size_t *pixel,
                 int rows, int channel, float *y) {
    vec acc[ROWS][2];
    for (int v = 0; v < vectors; v++) {
        vec bias = load(e->bias + channel + v * LANES);
        for (int r = 0; r < ROWS; r++) acc[r][v] = bias;
    }
    multiply(g->taps, g->k, a, b, vectors, acc);
    int count = g->oc - channel;
    if (rows == ROWS && count >= vectors * LANES && !e->add && (e->first.kind == ACT_NONE || e->first.kind == ACT_RELU)) {
        float lo = e->first.kind == ACT_RELU ? 0 : -INFINITY;
        for (int r = 0; r < ROWS; r++)
            for (int v = 0; v < vectors; v++) store(y + pixel[r] * g->out_stride + channel + v * LANES, at_least(acc[r][v], lo));
        return;
    }
    for (int v = 0; v < vectors; v++) {
        vec sums[ROWS]; /* a copy, so that acc stays in registers */
        int left = count - v * LANES;
        for (int r = 0; r < ROWS; r++) sums[r] = acc[r][v];
        if (left > 0) finish(e, sums, rows, pixel, channel + v * LANES, left < LANES ? left : LANES, y, g->out_stride);
    }
}

/* Tiles whose input stays in the second cache while all weights pass by. */
static int block_tiles(const gather *g) {
    size_t bytes = (size_t)g->k * sizeof(float) * (size_t)(g->taps > 3 ? 3 : g->taps) * ROWS;
    size_t tiles = L2 / bytes;
    return tiles < 2 ? 2 : tiles > BLOCK_TILES ? BLOCK_TILES : (int)tiles;
}

static size_t gather_scratch(const gather *g) {
    return (size_t)BLOCK_TILES * ROWS * ((size_t)g->taps * sizeof(float *) + sizeof(size_t));
}

static void gather_run(const gather *g, int n, const float *x, const epilogue *e, float *y, const float *zeros, void *scratch) {
    const float **a = scratch;
    void *behind = a + (size_t)BLOCK_TILES * ROWS * (size_t)g->taps;
    size_t *pixel = behind;
    size_t grid = (size_t)g->grid_h * (size_t)g->grid_w, total = (size_t)n * grid;
    int tiles = block_tiles(g);
    size_t step = (size_t)tiles * ROWS;
    bool plain = g->taps == 1 && g->in_step_h == 1 && g->in_step_w == 1 && g->out_step_h == 1 && g->out_step_w == 1 &&
                 !g->dy[0] && !g->dx[0] && g->grid_h == g->h && g->grid_w == g->w && g->oh == g->h && g->ow == g->w;
    int s = 0, i = 0, j = 0; /* sample, row and column of the grid: where the block begins */
    for (size_t first = 0; first < total; first += step) {
        size_t rows = total - first < step ? total - first : step;
        int used = (int)((rows + ROWS - 1) / ROWS);
        for (size_t r = 0; r < (size_t)used * ROWS; r++) {
            const float **at = a + r / ROWS * ROWS * (size_t)g->taps + r % ROWS;
            if (plain) {
                pixel[r] = first + (r < rows ? r : rows - 1);
                *at = x + pixel[r] * g->stride;
                continue;
            }
            if (r >= rows) { /* a row of its tile that nobody reads */
                pixel[r] = pixel[r - 1];
                for (int t = 0; t < g->taps; t++) at[(size_t)t * ROWS] = zeros;
                continue;
            }
            pixel[r] = ((size_t)s * (size_t)g->oh + (size_t)(g->out_y + i * g->out_step_h)) * (size_t)g->ow +
                       (size_t)(g->out_x + j * g->out_step_w);
            int row = i * g->in_step_h, column = j * g->in_step_w;
            const float *sample = x + (size_t)s * (size_t)g->h * (size_t)g->w * g->stride;
            for (int t = 0; t < g->taps; t++) {
                int u = row + g->dy[t], v = column + g->dx[t];
                bool inside = u >= 0 && u < g->h && v >= 0 && v < g->w;
                at[(size_t)t * ROWS] = inside ? sample + ((size_t)u * (size_t)g->w + (size_t)v) * g->stride : zeros;
            }
            if (++j == g->grid_w) {
                j = 0;
                if (++i == g->grid_h) i = 0, s++;
            }
        }
        const float *b = g->weights;
        for (int channel = 0; channel < g->oc; channel += COLUMNS) {
            int width = panel_width(channel, g->oc);
            for (int t = 0; t < used; t++) {
                const float *const *at = a + (size_t)t * ROWS * (size_t)g->taps;
                size_t left = rows - (size_t)t * ROWS;
                int count = left < ROWS ? (int)left : ROWS;
                if (width == COLUMNS)
                    tile(g, at, b, 2, e, pixel + (size_t)t * ROWS, count, channel, y);
                else
                    tile(g, at, b, 1, e, pixel + (size_t)t * ROWS, count, channel, y);
            }
            b += (size_t)g->taps * (size_t)g->k * (size_t)width;
        }
    }
}

#include "kernels_winograd.h"

/* ---- windows a channel: depthwise convolution, pooling ---- */

/* The taps of output index i that meet the input: [*from, *to). */
INLINE void clip(int i, int stride, int dilation, int before, int k, int size, int *from, int *to) {
    int at = i * stride - before;
    *from = at < 0 ? (-at + dilation - 1) / dilation : 0;
    *to = size - at <= 0 ? 0 : (size - at + dilation - 1) / dilation;
    if (*to > k) *to = k;
    if (*to < *from) *to = *from;
}

typedef enum { DEPTHWISE, LARGEST, MEAN } window_kind;

INLINE void windows(const window *g, int n, const float *x, const epilogue *e, float *y, window_kind kind) {
    for (int s = 0; s < n; s++)
        for (int i = 0; i < g->oh; i++) {
            int top, bottom;
            clip(i, g->stride_h, g->dil_h, g->top, g->kh, g->h, &top, &bottom);
            for (int j = 0; j < g->ow; j++) {
                int left, right;
                clip(j, g->stride_w, g->dil_w, g->left, g->kw, g->w, &left, &right);
                size_t pixel = ((size_t)s * (size_t)g->oh + (size_t)i) * (size_t)g->ow + (size_t)j;
                int cells = (bottom - top) * (right - left);
                if (g->count_pad) { /* the padding counts, what lies beyond it doesn't */
                    int high = g->h + g->bottom - (i * g->stride_h - g->top),
                        wide = g->w + g->right - (j * g->stride_w - g->left);
                    cells = (high < g->kh ? high : g->kh) * (wide < g->kw ? wide : g->kw);
                }
                for (int c = 0; c < g->c; c += LANES) {
                    int count = g->c - c < LANES ? g->c - c : LANES;
                    vec sum = kind == LARGEST ? splat(-INFINITY) : kind == DEPTHWISE ? load(e->bias + c) : (vec){0};
                    for (int u = top; u < bottom; u++)
                        for (int v = left; v < right; v++) {
                            size_t row = (size_t)(i * g->stride_h + u * g->dil_h - g->top),
                                   column = (size_t)(j * g->stride_w + v * g->dil_w - g->left);
                            const float *at = x + (((size_t)s * (size_t)g->h + row) * (size_t)g->w + column) * g->stride + c;
                            vec value = count == LANES ? load(at) : load_part(at, count);
                            if (kind == LARGEST) {
                                sum = choose((value > sum) | (value != value), value, sum);
                            } else if (kind == MEAN) {
                                sum += value;
                            } else {
                                const float *w = g->weights + (size_t)(u * g->kw + v) * (size_t)g->c + c;
                                sum += value * (count == LANES ? load(w) : load_part(w, count));
                            }
                        }
                    if (kind == MEAN) sum /= (float)cells;
                    if (kind == DEPTHWISE)
                        finish(e, &sum, 1, &pixel, c, count, y, g->out_stride);
                    else
                        store_part(y + pixel * g->out_stride + c, sum, count);
                }
            }
        }
}

static void depthwise(const window *g, int n, const float *x, const epilogue *e, float *y) {
    windows(g, n, x, e, y, DEPTHWISE);
}

static void pool(const window *g, int n, const float *x, float *y) {
    if (g->max)
        windows(g, n, x, NULL, y, LARGEST);
    else
        windows(g, n, x, NULL, y, MEAN);
}

#include "kernels_pool.h"

/* ---- dropout ---- */

typedef uint64_t wide __attribute__((vector_size(LANES * 4)));
typedef long long signed_wide __attribute__((vector_size(LANES * 4)));
enum { BLOCKS = LANES / 2, DRAWS = 4 * BLOCKS };

/* Products of the lower halves of each lane. */
#if LANES == 16 && defined __AVX512F__
#define PRODUCT(a, b) (wide) __builtin_ia32_pmuludq512_mask((ivec)(a), (ivec)(b), (signed_wide)(a), -1)
#elif LANES == 8 && defined __AVX2__
#define PRODUCT(a, b) (wide) __builtin_ia32_pmuludq256((ivec)(a), (ivec)(b))
#elif LANES == 4 && defined __SSE2__
#define PRODUCT(a, b) (wide) __builtin_ia32_pmuludq128((ivec)(a), (ivec)(b))
#else
#define PRODUCT(a, b) (((a)&UINT32_MAX) * ((b)&UINT32_MAX))
#endif

/* Philox4x32 (rng.h) of BLOCKS blocks at a time, each number in the lower half of a lane; what is in the upper halves doesn't matter until the end. */
INLINE void draw_blocks(const rng *draws, uint64_t block, uint32_t out[DRAWS]) {
    const wide zero = {0}, m0 = zero + 0xD2511F53u, m1 = zero + 0xCD9E8D57u;
    wide c0 = zero, c1, c2 = zero + draws->ctr[2], c3 = zero + draws->ctr[3];
    for (unsigned l = 0; l < BLOCKS; l++) c0[l] = block + l;
    c1 = c0 >> 32;
    uint32_t k0 = draws->key[0], k1 = draws->key[1];
    for (int round = 0; round < 10; round++) {
        wide a = PRODUCT(c0, m0), b = PRODUCT(c2, m1);
        c0 = (b >> 32) ^ c1 ^ (zero + k0);
        c1 = b;
        c2 = (a >> 32) ^ c3 ^ (zero + k1);
        c3 = a;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    wide first = (c0 & UINT32_MAX) | c1 << 32, second = (c2 & UINT32_MAX) | c3 << 32;
    for (int l = 0; l < BLOCKS; l++) {
        uint64_t pair[2] = {first[l], second[l]};
        memcpy(out + 4 * l, pair, sizeof pair); /* two numbers a lane, the first in the lower half */
    }
}

static void dropout(const rng *draws, uint64_t threshold, uint64_t block, size_t count, float scale, const float *x, float *y) {
    uint32_t draw[DRAWS];
    const ivec sign = (ivec){0} + INT32_MIN,
               least = (ivec){0} + (int32_t)((uint32_t)threshold ^ 0x80000000u); /* to compare as signed numbers */
    if (threshold > UINT32_MAX) {
        memset(y, 0, count * sizeof *y);
        return;
    }
    for (size_t i = 0; i < count; i += DRAWS, block += BLOCKS) {
        draw_blocks(draws, block, draw);
        for (int k = 0; k < DRAWS && i + (size_t)k < count; k += LANES) {
            ivec number;
            memcpy(&number, draw + k, sizeof number);
            ivec keep = (number ^ sign) >= least;
            size_t left = count - i - (size_t)k;
            vec v = left >= LANES ? load(x + i + k) : load_part(x + i + k, (int)left);
            store_part(y + i + k, (vec)((ivec)(v * scale) & keep), left >= LANES ? LANES : (int)left);
        }
    }
}

extern const kernels KERNELS;
const kernels KERNELS = {KERNELS_NAME, LANES,         COLUMNS,         packed_size,      pack,         gather_scratch,
                         gather_run,   winograd_size, winograd_pack,   winograd_scratch, winograd_run, gradient_sizes,
                         gradient_x,   gradient_dy,   gradient_sum,    depthwise,        pool,         activate,
                         pool_winners, winner_sums,   winner_gradient, dropout};
