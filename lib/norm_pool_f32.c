/* Batch norm in training and the max pooling after it, as one: of three maps to write and five to read, forward writes none of the large ones and reads one
 * twice, and backward writes one and reads one twice. Both are bound by memory, so that is what they take. */
#include "base.h"
#include "kernels.h"
#include "ops_f32.h"

/* What backward's two passes share: the whole batch. */
typedef struct {
    const kernels *k; /* chosen once, not by every row */
    window g;
    pooled_norm f;
    const float *x, *y, *dy;
    const int32_t *where;
    float *dz;
} pooled;

static window pool_window(const pool_shape *s) {
    return (window){.h = s->h,
                    .w = s->w,
                    .c = s->c,
                    .oh = s->oh,
                    .ow = s->ow,
                    .kh = s->kh,
                    .kw = s->kw,
                    .stride_h = s->stride_h,
                    .stride_w = s->stride_w,
                    .top = s->top,
                    .left = s->left};
}

void pool_rows(const pool_shape *s, const float *x, const pooled_norm *f, float *y, int32_t *where) {
    const kernels *k = kernels_get();
    const window g = pool_window(s);
    size_t oh = (size_t)s->oh, c = (size_t)s->c, image = (size_t)s->h * (size_t)s->w * c, row = (size_t)s->ow * c;
#pragma omp parallel for
    for (size_t r = 0; r < (size_t)s->n * oh; r++)
        k->pool_winners(&g, (int)(r % oh), x + r / oh * image, f, y + r * row, where + r * row);
}

void norm_pool_forward(const pool_shape *s, const void *x, const void *gamma, const void *beta, double eps, activation act,
                       void *y, int32_t *where, void *mean, void *istd, void *running_mean, void *running_var, double momentum,
                       bool unbiased) {
    pooled_norm f = {0};
    piecewise_linear(act, &f.slope);
    norm_batch_moments((size_t)s->n * (size_t)s->h * (size_t)s->w, s->c, x, gamma, beta, eps, mean, istd, running_mean,
                       running_var, momentum, unbiased, &f.scale, &f.offset);
    pool_rows(s, x, &f, y, where);
}

static void add_winners(const row_terms *terms, size_t row, int c, float *restrict sums) {
    const pooled *t = terms->more;
    size_t oh = (size_t)t->g.oh, at = row * (size_t)t->g.ow * (size_t)c;
    t->k->winner_sums(&t->g, (int)(row % oh), t->x + row / oh * (size_t)t->g.h * (size_t)t->g.w * (size_t)c, &t->f, t->y + at,
                      t->where + at, t->dy + at, sums);
}

/* A row of pixels' gradients, and what the bias gets of them. */
static void write_row(const row_terms *terms, size_t row, int c, float *restrict sums) {
    const pooled *t = terms->more;
    size_t h = row % (size_t)t->g.h, pixel = row * (size_t)t->g.w * (size_t)c,
           at = (row / (size_t)t->g.h * (size_t)t->g.oh + h / (size_t)t->g.kh) * (size_t)t->g.ow * (size_t)c;
    t->k->winner_gradient(&t->g, (int)h, t->x + pixel, &t->f, t->y + at, t->where + at, t->dy + at, t->dz + pixel, sums);
}

void norm_pool_backward(const pool_shape *s, const void *x, const void *y, const int32_t *where, const void *gammav,
                        const void *meanv, const void *istdv, activation act, activation before, const void *dy, void *dz,
                        void *dgammav, void *dbetav, void *dbiasv) {
    const float *gamma = gammav, *istd = istdv;
    float *dgamma = dgammav, *dbeta = dbetav, *dbias = dbiasv;
    int c = s->c;
    double pixels = (double)s->n * s->h * s->w, *sum = sum_totals(2 * (size_t)c);
    float *scale = norm_channel_rows(c), *per_x = scale + c, *constant = per_x + c;
    pooled t = {.k = kernels_get(),
                .g = pool_window(s),
                .f = {.scale = scale, .mean = meanv, .istd = istdv, .per_x = per_x, .constant = constant},
                .x = x,
                .y = y,
                .dy = dy,
                .where = where,
                .dz = dz};
    piecewise_linear(act, &t.f.slope);
    piecewise_linear(before, &t.f.slope_before);
    const row_terms terms = {.more = &t, .block = 1}; /* a row has enough terms */
    sum_rows((size_t)s->n * (size_t)s->oh, c, 2 * c, add_winners, &terms, sum);
    for (int k = 0; k < c; k++) {
        double factor = (double)gamma[k] * (double)istd[k];
        scale[k] = (float)factor;
        per_x[k] = (float)(factor * sum[k] * (double)istd[k] / pixels);
        constant[k] = (float)(factor * sum[c + k] / pixels);
        dgamma[k] = (float)sum[k], dbeta[k] = (float)sum[c + k];
    }
    sum_rows((size_t)s->n * (size_t)s->h, c, c, write_row, &terms, sum);
    for (int k = 0; k < c; k++) dbias[k] = (float)sum[k];
}
