/* Max pooling in training, alone or with the batch norm before it (kernels.h): part of kernels_body.h. Memory is read
 * and written in order; a channel's factors and sums come from the first cache. */

INLINE vec load_lanes(const float *p, int count) {
    return count == LANES ? load(p) : load_part(p, count);
}

INLINE ivec load_cells(const int32_t *p, int count) {
    ivec v = {0};
    memcpy(&v, p, (size_t)count * sizeof *p);
    return v;
}

INLINE vec bend(vec x, float slope) {
    return choose(x > 0, x, x * slope);
}

/* One window, from channel k on. count: LANES, or what is left of the channels. */
INLINE void winners(const window *g, int top, int bottom, int left, int right, int k, int count, const float *x,
                    const pooled_norm *f, float *y, int32_t *where) {
    vec scale = f ? load_lanes(f->scale + k, count) : (vec){0}, offset = f ? load_lanes(f->offset + k, count) : (vec){0};
    vec best = splat(-INFINITY);
    ivec winner = (ivec){0} + (top * g->w + left);
    for (int u = top; u < bottom; u++)
        for (int cell = u * g->w + left; cell < u * g->w + right; cell++) {
            vec value = load_lanes(x + (size_t)cell * (size_t)g->c + k, count);
            if (f) value = bend(value * scale + offset, f->slope);
            ivec better = value > best;
            best = choose(better, value, best);
            winner = (better & cell) | (~better & winner);
        }
    store_part(y + k, best, count);
    memcpy(where + k, &winner, (size_t)count * sizeof *where);
}

static void pool_winners(const window *g, int i, const float *x, const pooled_norm *f, float *y, int32_t *where) {
    int above = i * g->stride_h - g->top, bottom = above + g->kh < g->h ? above + g->kh : g->h, top = above < 0 ? 0 : above;
    for (int j = 0; j < g->ow; j++, y += g->c, where += g->c) {
        int before = j * g->stride_w - g->left, right = before + g->kw < g->w ? before + g->kw : g->w,
            left = before < 0 ? 0 : before;
        int k = 0;
        if (f)
            for (; k + LANES <= g->c; k += LANES) winners(g, top, bottom, left, right, k, LANES, x, f, y, where);
        else
            for (; k + LANES <= g->c; k += LANES) winners(g, top, bottom, left, right, k, LANES, x, NULL, y, where);
        if (k < g->c) winners(g, top, bottom, left, right, k, g->c - k, x, f, y, where);
    }
}

INLINE void add_to(float *sums, vec v, int count) {
    store_part(sums, load_lanes(sums, count) + v, count);
}

/* Of the window whose first cell is `first`. All of these begin at its channel k. */
INLINE void sums_of(const window *g, int first, int k, int count, const float *x, const pooled_norm *f, const float *y,
                    const int32_t *where, const float *dy, float *sums) {
    vec d = choose(load_lanes(y, count) > 0, splat(1), splat(f->slope)) * load_lanes(dy, count), met = {0};
    ivec winner = load_cells(where, count);
    for (int u = 0; u < g->kh; u++)
        for (int v = 0; v < g->kw; v++) {
            int cell = first + u * g->w + v;
            met = choose(winner == cell, load_lanes(x + (size_t)cell * (size_t)g->c, count), met);
        }
    add_to(sums, d * ((met - load_lanes(f->mean + k, count)) * load_lanes(f->istd + k, count)), count);
    add_to(sums + g->c, d, count);
}

static void winner_sums(const window *g, int i, const float *x, const pooled_norm *f, const float *y, const int32_t *where,
                        const float *dy, float *sums) {
    for (int j = 0; j < g->ow; j++, y += g->c, where += g->c, dy += g->c) {
        int k = 0, first = i * g->kh * g->w + j * g->kw;
        for (; k + LANES <= g->c; k += LANES) sums_of(g, first, k, LANES, x + k, f, y + k, where + k, dy + k, sums + k);
        if (k < g->c) sums_of(g, first, k, g->c - k, x + k, f, y + k, where + k, dy + k, sums + k);
    }
}

/* `pixels` of a row from `cell` on, all in one window, or (y NULL) in none. */
INLINE void gradient_of(const window *g, int cell, int pixels, int k, int count, const float *x, const pooled_norm *f,
                        const float *y, const int32_t *where, const float *dy, float *dz, float *sums) {
    vec mean = load_lanes(f->mean + k, count), per_x = load_lanes(f->per_x + k, count),
        constant = load_lanes(f->constant + k, count), d = {0}, sum = {0};
    ivec winner = {0};
    if (y) {
        vec scale = load_lanes(f->scale + k, count);
        d = choose(load_lanes(y + k, count) > 0, scale, scale * f->slope) * load_lanes(dy + k, count);
        winner = load_cells(where + k, count);
    }
    for (int v = 0; v < pixels; v++, x += g->c, dz += g->c) {
        vec value = load_lanes(x + k, count), won = (vec)((ivec)d & (winner == cell + v));
        vec dx = won - per_x * (value - mean) - constant;
        dx = choose(value > 0, dx, dx * f->slope_before);
        store_part(dz + k, dx, count);
        sum += dx;
    }
    add_to(sums + k, sum, count);
}

static void winner_gradient(const window *g, int h, const float *x, const pooled_norm *f, const float *y, const int32_t *where,
                            const float *dy, float *dz, float *sums) {
    size_t c = (size_t)g->c;
    int windows = h / g->kh < g->oh ? g->ow : 0, pixels;
    for (int w = 0, j = 0; w < g->w; w += pixels, j++) {
        bool in = j < windows;
        size_t out = (size_t)j * c, at = (size_t)w * c;
        int k = 0, cell = h * g->w + w;
        const float *yj = in ? y + out : NULL, *dyj = in ? dy + out : NULL;
        const int32_t *wherej = in ? where + out : NULL;
        pixels = in ? g->kw : 1;
        for (; k + LANES <= g->c; k += LANES) gradient_of(g, cell, pixels, k, LANES, x + at, f, yj, wherej, dyj, dz + at, sums);
        if (k < g->c) gradient_of(g, cell, pixels, k, g->c - k, x + at, f, yj, wherej, dyj, dz + at, sums);
    }
}
