/* The Winograd kernels: a part of kernels_body.h, see kernels.h. */

enum { POINTS = 36, MOST_SIDE = 6, CHUNK = 64 > COLUMNS ? 64 : COLUMNS, GRADIENT_BLOCK = ROWS * LANES };

/* For r = 3 and 5 the points 0, A, -A, B, -B and infinity. With 5/8 and 3/2 the rounding error is half of what the usual 1 and 2 give, and their squares are exact.
 * For r = 2 the points 0, C, -C, D and infinity: two and a half times the direct sum's rounding error. */
static const float A = .625f, B = 1.5f, AA = .390625f, BB = 2.25f, C = .75f, D = 1.5f, CC = .5625f, DD = 2.25f;

INLINE int tile_side(int r) { /* of a tile's inputs */
    return r == 2 ? 5 : 6;
}

/* B^T d; elements `step` apart, in place. */
INLINE void input_transform(vec *d, int step, int r) {
    if (r == 2) {
        vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
        vec a = d3 - D * d2, b = C * (d2 - D * d1), c = d3 - CC * d1;
        d[0] = a - CC * (d1 - D * d0);
        d[step] = a + b;
        d[2 * step] = a - b;
        d[3 * step] = c;
        d[4 * step] = d4 - CC * d2 - D * c;
        return;
    }
    vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    vec a = d4 - BB * d2, b = A * (d3 - BB * d1), c = d4 - AA * d2, f = B * (d3 - AA * d1);
    d[0] = AA * BB * d0 - (AA + BB) * d2 + d4;
    d[step] = a + b;
    d[2 * step] = a - b;
    d[3 * step] = c + f;
    d[4 * step] = c - f;
    d[5 * step] = AA * BB * d1 - (AA + BB) * d3 + d5;
}

/* A^T m: 4 outputs of a kernel of 2 or 3, 2 of a kernel of 5; in place. */
INLINE void output_transform(vec *m, int step, int r) {
    if (r == 2) {
        vec a = m[step] + m[2 * step], b = C * (m[step] - m[2 * step]), c = m[3 * step], e = D * c;
        m[0] = m[0] + a + c;
        m[step] = b + e;
        m[2 * step] = CC * a + D * e;
        m[3 * step] = CC * b + DD * e + m[4 * step];
        return;
    }
    vec m0 = m[0], m5 = m[5 * step];
    vec a = m[step] + m[2 * step], b = m[step] - m[2 * step], c = m[3 * step] + m[4 * step], d = m[3 * step] - m[4 * step];
    m[0] = m0 + a + c;
    if (r == 5) {
        m[step] = A * b + B * d + m5;
        return;
    }
    m[step] = A * b + B * d;
    m[2 * step] = AA * a + BB * c;
    m[3 * step] = AA * A * b + BB * B * d + m5;
}

/* A m, the transpose of that, for r = 2 and 3: from 4 to tile_side(r) elements, in place. */
INLINE void output_transposed(vec *m, int step, int r) {
    vec m0 = m[0], m1 = m[step], m2 = m[2 * step], m3 = m[3 * step];
    if (r == 2) {
        vec even = m0 + CC * m2, odd = C * (m1 + CC * m3);
        m[step] = even + odd;
        m[2 * step] = even - odd;
        m[3 * step] = m0 + D * (m1 + D * (m2 + D * m3));
        m[4 * step] = m3;
        return;
    }
    vec even = m0 + AA * m2, odd = A * (m1 + AA * m3), even2 = m0 + BB * m2, odd2 = B * (m1 + BB * m3);
    m[step] = even + odd;
    m[2 * step] = even - odd;
    m[3 * step] = even2 + odd2;
    m[4 * step] = even2 - odd2;
    m[5 * step] = m3;
}

/* G [side][r], the weights' transform. */
static void weight_matrix(int r, double g[6][5]) {
    const double near = 1. / (2 * AA * (AA - BB)), far = 1. / (2 * BB * (BB - AA));
    const double six[5] = {0, A, -A, B, -B}, six_scale[5] = {1. / (AA * BB), near, near, far, far};
    const double five[4] = {0, C, -C, D},
                 five_scale[4] = {1. / (CC * D), 1 / (2. * CC * (C - D)), -1 / (2. * CC * (C + D)), 1 / (D * (DD - CC))};
    int side = tile_side(r);
    memset(g, 0, 30 * sizeof **g);
    for (int p = 0; p < side - 1; p++)
        for (int u = 0; u < r; u++)
            g[p][u] = (r == 2 ? five_scale[p] : six_scale[p]) * (u ? pow(r == 2 ? five[p] : six[p], u) : 1);
    g[side - 1][r - 1] = 1;
}

static size_t winograd_size(int r, int c, int oc) {
    return (size_t)(tile_side(r) * tile_side(r)) * packed_size(c, oc);
}

/* G w G^T for a vector of output channels. */
INLINE void weight_transform(int r, float g[6][5], const vec *w, vec *u) {
    int side = tile_side(r);
    vec half[6 * 5];
    for (int p = 0; p < side; p++)
        for (int v = 0; v < r; v++) {
            vec sum = g[p][0] * w[v];
            for (int t = 1; t < r; t++) sum += g[p][t] * w[t * r + v];
            half[p * r + v] = sum;
        }
    for (int p = 0; p < side; p++)
        for (int q = 0; q < side; q++) {
            vec sum = g[q][0] * half[p * r];
            for (int t = 1; t < r; t++) sum += g[q][t] * half[p * r + t];
            u[p * side + q] = sum;
        }
}

INLINE void pack_panel(const winograd_weights *l, int r, float g[6][5], const float *w, int j, int width, size_t plane,
                       float *to) {
    int phases = l->in_step * l->in_step, side = tile_side(r), left = l->oc - j < width ? l->oc - j : width;
    for (int q = 0; q < phases * l->c; q++)
        for (int k = 0; k < width; k += LANES) {
            const int(*tap)[5] = l->tap[q / l->c];
            vec taps[25] = {{0}}, u[POINTS];
            const float *from = w + (size_t)(j + k) * l->o_step + (size_t)(q % l->c) * l->q_step;
            for (int o = 0; o < LANES && k + o < left; o++, from += l->o_step)
                for (int t = 0; t < r * r; t++)
                    if (tap[t / r][t % r] >= 0) taps[t][o] = from[tap[t / r][t % r]];
            weight_transform(r, g, taps, u);
            for (int p = 0; p < side * side; p++) store(to + (size_t)p * plane + (size_t)q * (size_t)width + k, u[p]);
        }
}

static void winograd_pack(const winograd_weights *l, const float *w, int from, int to, float *packed) {
    double exact[6][5];
    float g[6][5];
    int c = l->in_step * l->in_step * l->c;
    size_t plane = packed_size(c, l->oc);
    weight_matrix(l->r, exact);
    for (int p = 0; p < 30; p++) (&g[0][0])[p] = (float)(&exact[0][0])[p];
    for (int j = from; j < to; j += COLUMNS) {
        float *at = packed + (size_t)j * (size_t)c;
        if (l->r == 2)
            pack_panel(l, 2, g, w, j, panel_width(j, l->oc), plane, at);
        else if (l->r == 3)
            pack_panel(l, 3, g, w, j, panel_width(j, l->oc), plane, at);
        else
            pack_panel(l, 5, g, w, j, panel_width(j, l->oc), plane, at);
    }
}

typedef struct {
    int tiles_h, tiles_w, m, side, points; /* a sample's tiles; outputs and inputs a side of a tile */
    size_t total;
    int block; /* tiles at a time */
    int c; /* channels of a tile */
    size_t channels; /* of a transformed tile, whole vectors */
    size_t v_plane, m_plane; /* floats; a line more than needed, so that the planes don't fall on the same cache sets */
} winograd_split;

/* n 0: as large as any n makes it */
static winograd_split split_of(const winograd *g, int n) {
    winograd_split s = {.side = tile_side(g->r)};
    s.m = s.side + 1 - g->r;
    s.points = s.side * s.side;
    s.tiles_h = (g->oh + s.m - 1) / s.m;
    s.tiles_w = (g->ow + s.m - 1) / s.m;
    s.total = (size_t)n * (size_t)s.tiles_h * (size_t)s.tiles_w;
    s.c = g->c * g->in_step * g->in_step;
    s.channels = (size_t)(s.c + LANES - 1) / LANES * LANES;
    size_t chunk = g->oc < CHUNK ? (size_t)g->oc : CHUNK;
    size_t most = (384 << 10) / ((size_t)s.points * sizeof(float) * (s.channels + chunk));
    if (most < 8 * ROWS) most = 8 * ROWS;
    if (most > 16 * ROWS) most = 16 * ROWS;
    size_t blocks = (s.total + most - 1) / most, each = n ? (s.total + blocks - 1) / blocks : most;
    s.block = (int)((each + ROWS - 1) / ROWS * ROWS);
    s.v_plane = (size_t)s.block * s.channels + 16;
    s.m_plane = (size_t)s.block * CHUNK + 16;
    return s;
}

static size_t winograd_scratch(const winograd *g) {
    winograd_split s = split_of(g, 0);
    return (POINTS * (s.v_plane + s.m_plane + s.channels) + 64) * sizeof(float);
}

/* Where tile t of the batch is: its sample, and the row and column of its first output. */
INLINE void place_tile(const winograd_split *s, size_t t, size_t *sample, int *i, int *j) {
    size_t per_sample = (size_t)s->tiles_h * (size_t)s->tiles_w, at = t % per_sample;
    *sample = t / per_sample;
    *i = (int)(at / (size_t)s->tiles_w) * s->m;
    *j = (int)(at % (size_t)s->tiles_w) * s->m;
}

/* One tile's transformed values of every channel. Channel c of point p goes to v + p*plane + c / block * block_step + c % block, whole vectors. */
INLINE void transform_tile(const winograd *g, const winograd_split *s, int r, const float *sample, int i, int j, float *patch,
                           float *v, size_t plane, size_t block, size_t block_step) {
    int side = tile_side(r), step = g->in_step;
    size_t row = (size_t)g->w * g->stride, c_end = step == 1 ? s->channels : (size_t)g->c;
    for (int phase = 0; phase < step * step; phase++) {
        int top = i * step + phase / step - g->top, left = j * step + phase % step - g->left;
        size_t row_step = (size_t)step * row, column_step = (size_t)step * g->stride;
        const float *from = patch;
        if (top >= 0 && left >= 0 && top + (side - 1) * step < g->h && left + (side - 1) * step < g->w && g->c % LANES == 0) {
            from = sample + (size_t)top * row + (size_t)left * g->stride;
        } else { /* a copy with its border of zeros */
            for (int a = 0; a < side; a++)
                for (int b = 0; b < side; b++) {
                    float *to = patch + (size_t)(a * side + b) * c_end;
                    int y = top + a * step, x = left + b * step;
                    bool inside = y >= 0 && y < g->h && x >= 0 && x < g->w;
                    if (!inside || c_end > (size_t)g->c) memset(to, 0, c_end * sizeof *to);
                    if (inside) memcpy(to, sample + (size_t)y * row + (size_t)x * g->stride, (size_t)g->c * sizeof *to);
                }
            row_step = (size_t)side * c_end, column_step = c_end;
        }
        size_t channel = (size_t)phase * (size_t)g->c;
        for (size_t c = 0; c < c_end; c += LANES, channel += LANES) {
            vec d[POINTS];
            for (int a = 0; a < side; a++)
                for (int b = 0; b < side; b++) d[a * side + b] = load(from + (size_t)a * row_step + (size_t)b * column_step + c);
            for (int a = 0; a < side; a++) input_transform(d + a * side, 1, r);
            for (int b = 0; b < side; b++) input_transform(d + b, side, r);
            float *to = v + channel / block * block_step + channel % block;
            for (int p = 0; p < side * side; p++) store(to + (size_t)p * plane, d[p]);
        }
    }
}

/* m[point][tile][CHUNK] = v[point][tile][c] * weights[point], for the channels of a chunk. */
static void winograd_multiply(const winograd *g, const winograd_split *s, int tiles, int chunk, const float *v, float *m) {
    size_t plane = packed_size(s->c, g->oc);
    int end = chunk + CHUNK < g->oc ? chunk + CHUNK : g->oc;
    for (int p = 0; p < s->points; p++) {
        const float *b = g->weights + (size_t)p * plane + (size_t)chunk * (size_t)s->c;
        for (int channel = chunk; channel < end; channel += COLUMNS) {
            int vectors = panel_width(channel, g->oc) / LANES;
            for (int t = 0; t < tiles; t += ROWS) {
                const float *a[ROWS];
                for (int r = 0; r < ROWS; r++) a[r] = v + (size_t)p * s->v_plane + (size_t)(t + r) * s->channels;
                float *to = m + (size_t)p * s->m_plane + (size_t)t * CHUNK + (size_t)(channel - chunk);
                vec acc[ROWS][2] = {{{0}}};
                if (vectors == 2) {
                    multiply(1, s->c, a, b, 2, acc);
                    for (int r = 0; r < ROWS; r++) store(to + r * CHUNK, acc[r][0]), store(to + r * CHUNK + LANES, acc[r][1]);
                } else {
                    multiply(1, s->c, a, b, 1, acc);
                    for (int r = 0; r < ROWS; r++) store(to + r * CHUNK, acc[r][0]);
                }
            }
            b += (size_t)s->c * (size_t)vectors * LANES;
        }
    }
}

/* A tile's outputs of a chunk of channels. */
INLINE void untransform_tile(const winograd *g, const winograd_split *s, int r, size_t sample, int top, int left, int chunk,
                             const float *m, const epilogue *e, float *y) {
    int end = g->oc - chunk < CHUNK ? g->oc - chunk : CHUNK, inputs = tile_side(r), side = inputs + 1 - r;
    int high = g->oh - top < side ? g->oh - top : side, wide = g->ow - left < side ? g->ow - left : side;
    size_t first = g->out_first + sample * g->out_sample + (size_t)top * g->out_row + (size_t)left * g->out_step;
    for (int c = 0; c < end; c += LANES) {
        vec d[POINTS];
        for (int p = 0; p < inputs * inputs; p++) d[p] = load(m + (size_t)p * s->m_plane + c);
        for (int j = 0; j < inputs; j++) output_transform(d + j, inputs, r);
        for (int i = 0; i < side; i++) output_transform(d + i * inputs, 1, r);
        vec bias = load(e->bias + chunk + c);
        vec sums[16];
        size_t pixel[16];
        int used = 0;
        for (int i = 0; i < high; i++)
            for (int j = 0; j < wide; j++, used++) {
                pixel[used] = first + (size_t)i * g->out_row + (size_t)j * g->out_step;
                sums[used] = d[i * inputs + j] + bias;
            }
        finish(e, sums, used, pixel, chunk + c, end - c < LANES ? end - c : LANES, y, g->out_stride);
    }
}

INLINE void winograd_of(const winograd *g, int r, int n, const float *x, const epilogue *e, float *y, void *scratch) {
    winograd_split s = split_of(g, n);
    float *v = scratch, *m = v + (size_t)s.points * s.v_plane, *patch = m + (size_t)s.points * s.m_plane;
    size_t sample;
    int i, j;
    for (size_t first = 0; first < s.total; first += (size_t)s.block) {
        int tiles = (int)(s.total - first < (size_t)s.block ? s.total - first : (size_t)s.block);
        for (int t = 0; t < tiles; t++) {
            place_tile(&s, first + (size_t)t, &sample, &i, &j);
            transform_tile(g, &s, r, x + sample * (size_t)g->h * (size_t)g->w * g->stride, i, j, patch,
                           v + (size_t)t * s.channels, s.v_plane, s.channels, 0);
        }
        for (int chunk = 0; chunk < g->oc; chunk += CHUNK) {
            winograd_multiply(g, &s, tiles, chunk, v, m);
            for (int t = 0; t < tiles; t++) {
                place_tile(&s, first + (size_t)t, &sample, &i, &j);
                untransform_tile(g, &s, r, sample, i, j, chunk, m + (size_t)t * CHUNK, e, y);
            }
        }
    }
}

static void winograd_run(const winograd *g, int n, const float *x, const epilogue *e, float *y, void *scratch) {
    if (g->r == 2)
        winograd_of(g, 2, n, x, e, y, scratch);
    else if (g->r == 3)
        winograd_of(g, 3, n, x, e, y, scratch);
    else
        winograd_of(g, 5, n, x, e, y, scratch);
}

/* ---- the gradient of its weights ----
 * v [point][block of GRADIENT_BLOCK input channels][row][channel], m [point][panel of COLUMNS output channels][row][channel], du [point][panel][input
 * channel of the block][output channel]: what the inner loop reads of each is one stretch of memory. */

static struct winograd_room gradient_sizes(const winograd *g, size_t tiles) {
    winograd_split s = split_of(g, 1);
    struct winograd_room room = {.tiles_h = s.tiles_h, .tiles_w = s.tiles_w};
    size_t panels = (size_t)(g->oc + COLUMNS - 1) / COLUMNS;
    room.blocks = (s.c + GRADIENT_BLOCK - 1) / GRADIENT_BLOCK;
    room.v = (size_t)s.points * (size_t)room.blocks * tiles * GRADIENT_BLOCK;
    room.m = (size_t)s.points * panels * tiles * COLUMNS;
    room.du = (size_t)s.points * panels * GRADIENT_BLOCK * COLUMNS;
    return room;
}

static void gradient_x(const winograd *g, const float *x, size_t first, int count, size_t rows, size_t row, float *v,
                       void *scratch) {
    winograd_split s = split_of(g, 1);
    size_t sample, blocks = (size_t)(s.c + GRADIENT_BLOCK - 1) / GRADIENT_BLOCK, plane = blocks * rows * GRADIENT_BLOCK;
    int i, j;
    for (int t = 0; t < count; t++) {
        place_tile(&s, first + (size_t)t, &sample, &i, &j);
        const float *from = x + sample * (size_t)g->h * (size_t)g->w * g->stride;
        float *to = v + (row + (size_t)t) * GRADIENT_BLOCK;
        if (g->r == 2)
            transform_tile(g, &s, 2, from, i, j, scratch, to, plane, GRADIENT_BLOCK, rows * GRADIENT_BLOCK);
        else
            transform_tile(g, &s, 3, from, i, j, scratch, to, plane, GRADIENT_BLOCK, rows * GRADIENT_BLOCK);
        /* The inner loop reads whole groups of ROWS channels. */
        for (size_t c = s.channels; c < ((size_t)s.c + ROWS - 1) / ROWS * ROWS; c += LANES)
            for (int p = 0; p < s.points; p++)
                store(to + (size_t)p * plane + c / GRADIENT_BLOCK * rows * GRADIENT_BLOCK + c % GRADIENT_BLOCK, (vec){0});
    }
}

INLINE void transpose_tile(const winograd *g, int r, const float *dy, size_t first, int high, int wide, size_t panel_step,
                           size_t plane, float *m) {
    int side = tile_side(r);
    for (int c = 0; c < g->oc; c += LANES) {
        int count = g->oc - c < LANES ? g->oc - c : LANES;
        vec d[POINTS];
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) {
                const float *at = dy + (first + (size_t)i * g->out_row + (size_t)j * g->out_step) * g->out_stride + c;
                d[i * side + j] = (vec){0};
                if (i < high && j < wide) d[i * side + j] = count == LANES ? load(at) : load_part(at, count);
            }
        for (int i = 0; i < 4; i++) output_transposed(d + i * side, 1, r);
        for (int j = 0; j < side; j++) output_transposed(d + j, side, r);
        float *to = m + (size_t)(c / COLUMNS) * panel_step + c % COLUMNS;
        for (int p = 0; p < side * side; p++) store(to + (size_t)p * plane, d[p]);
        if (c % COLUMNS == 0 && g->oc - c <= LANES) /* the panel's other half */
            for (int p = 0; p < side * side; p++) store(to + (size_t)p * plane + LANES, (vec){0});
    }
}

static void gradient_dy(const winograd *g, const float *dy, size_t first, int count, size_t rows, size_t row, float *m) {
    winograd_split s = split_of(g, 1);
    size_t sample, panels = (size_t)(g->oc + COLUMNS - 1) / COLUMNS, step = rows * COLUMNS, plane = panels * step;
    int i, j;
    for (int t = 0; t < count; t++) {
        place_tile(&s, first + (size_t)t, &sample, &i, &j);
        size_t pixel = g->out_first + sample * g->out_sample + (size_t)i * g->out_row + (size_t)j * g->out_step;
        float *to = m + (row + (size_t)t) * COLUMNS;
        if (g->r == 2)
            transpose_tile(g, 2, dy, pixel, g->oh - i, g->ow - j, step, plane, to);
        else
            transpose_tile(g, 3, dy, pixel, g->oh - i, g->ow - j, step, plane, to);
    }
}

/* acc[r][] += v[row][r] * m[row][], over rows. */
CHECKED void multiply_transposed(size_t rows, const float *v, const float *m, vec acc[ROWS][2]) {
    readable(v, (rows - 1) * GRADIENT_BLOCK + ROWS);
    readable(m, rows * COLUMNS);
    do {
        vec w0 = load(m), w1 = load(m + LANES);
        for (int r = 0; r < ROWS; r++) acc[r][0] += v[r] * w0, acc[r][1] += v[r] * w1;
        v += GRADIENT_BLOCK, m += COLUMNS;
    } while (--rows);
}

/* G^T u G of a vector of output channels to r x r taps. */
INLINE void weight_transposed(int r, float g[6][5], const vec *u, vec *w) {
    int side = tile_side(r);
    vec half[3 * 6];
    for (int t = 0; t < r; t++)
        for (int q = 0; q < side; q++) {
            vec sum = g[0][t] * u[q];
            for (int p = 1; p < side; p++) sum += g[p][t] * u[p * side + q];
            half[t * side + q] = sum;
        }
    for (int t = 0; t < r; t++)
        for (int v = 0; v < r; v++) {
            vec sum = g[0][v] * half[t * side];
            for (int q = 1; q < side; q++) sum += g[q][v] * half[t * side + q];
            w[t * r + v] = sum;
        }
}

INLINE void unpack_gradient(const winograd_weights *l, int r, int from, int to, const float *du, float *dw) {
    double exact[6][5];
    float g[6][5];
    int points = tile_side(r) * tile_side(r);
    size_t panels = (size_t)(l->oc + COLUMNS - 1) / COLUMNS;
    weight_matrix(r, exact);
    for (int p = 0; p < 30; p++) (&g[0][0])[p] = (float)(&exact[0][0])[p];
    for (int o = 0; o < l->oc; o += LANES)
        for (int q = from; q < to; q++) {
            const int(*tap)[5] = l->tap[q / l->c];
            vec u[POINTS], w[9];
            for (int p = 0; p < points; p++)
                u[p] = load(du + (((size_t)p * panels + (size_t)(o / COLUMNS)) * GRADIENT_BLOCK + (size_t)(q - from)) * COLUMNS +
                            o % COLUMNS);
            weight_transposed(r, g, u, w);
            float *at = dw + (size_t)o * l->o_step + (size_t)(q % l->c) * l->q_step;
            for (int k = 0; k < LANES && o + k < l->oc; k++, at += l->o_step)
                for (int t = 0; t < r * r; t++)
                    if (tap[t / r][t % r] >= 0) at[tap[t / r][t % r]] = w[t][k];
        }
}

static void gradient_sum(const winograd *g, const winograd_weights *l, int block, size_t rows, size_t used, const float *v,
                         const float *m, bool begin, float *du, float *dw) {
    winograd_split s = split_of(g, 1);
    size_t panels = (size_t)(g->oc + COLUMNS - 1) / COLUMNS, blocks = (size_t)(s.c + GRADIENT_BLOCK - 1) / GRADIENT_BLOCK;
    int from = block * GRADIENT_BLOCK, to = from + GRADIENT_BLOCK < s.c ? from + GRADIENT_BLOCK : s.c;
    for (size_t p = 0; p < (size_t)s.points; p++)
        for (size_t panel = 0; panel < panels; panel++) {
            const float *mp = m + (p * panels + panel) * rows * COLUMNS,
                        *vp = v + (p * blocks + (size_t)block) * rows * GRADIENT_BLOCK;
            float *out = du + (p * panels + panel) * GRADIENT_BLOCK * COLUMNS;
            for (int q = 0; q < to - from; q += ROWS, out += ROWS * COLUMNS) {
                vec acc[ROWS][2] = {{{0}}};
                multiply_transposed(used, vp + q, mp, acc);
                for (int r = 0; r < ROWS; r++)
                    for (int k = 0; k < 2; k++) {
                        float *at = out + r * COLUMNS + k * LANES;
                        if (!begin) acc[r][k] += load(at);
                        store(at, acc[r][k]);
                    }
            }
        }
    if (!dw) return;
    if (g->r == 2)
        unpack_gradient(l, 2, from, to, du, dw);
    else
        unpack_gradient(l, 3, from, to, du, dw);
}
