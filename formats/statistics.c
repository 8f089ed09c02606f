#include "statistics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "npy.h"
#include "weights.h"
#include "zip.h"

static bool fail(char err[STATISTICS_ERROR], const char *why) {
    snprintf(err, STATISTICS_ERROR, "%s", why);
    return false;
}

/* The numbers of a frame of f32 or f64 as double. */
static bool numbers(const tns_frame *f, double *to) {
    size_t n = tns_frame_count(f);
    const float *x = f->data;
    if (f->dtype == TNS_F64)
        memcpy(to, f->data, n * sizeof *to);
    else if (f->dtype == TNS_F32)
        for (size_t i = 0; i < n; i++) to[i] = x[i];
    else
        return false;
    return true;
}

bool statistics_take(moments *m, const char *key, const tns_frame *f, char err[STATISTICS_ERROR]) {
    bool mu = !strcmp(key, "mu");
    if (!mu && strcmp(key, "sigma") != 0) return fail(err, "is neither mu nor sigma, of which statistics consist");
    if (mu ? m->mean != NULL : m->cov != NULL) return fail(err, "is there twice");
    if (f->rank != (mu ? 1 : 2) || !f->shape[0] || f->shape[0] > 1 << 15 || (!mu && f->shape[1] != f->shape[0]))
        return fail(err, mu ? "must be a vector" : "must be a square matrix");
    if (m->d && (uint32_t)m->d != f->shape[0]) return fail(err, "mu and sigma must have the same size");
    m->d = (int)f->shape[0];
    double **to = mu ? &m->mean : &m->cov;
    *to = xarray(tns_frame_count(f), sizeof **to);
    if (!numbers(f, *to)) return fail(err, "must be of f64 or f32");
    return true;
}

bool statistics_check(const moments *m, char err[STATISTICS_ERROR]) {
    if (!m->mean || !m->cov) return fail(err, m->mean ? "sigma is missing" : "mu is missing");
    size_t d = (size_t)m->d;
    double largest = 0;
    for (size_t i = 0; i < d; i++)
        if (!isfinite(m->mean[i])) return fail(err, "mu has a number that isn't finite");
    for (size_t i = 0; i < d * d; i++) {
        if (!isfinite(m->cov[i])) return fail(err, "sigma has a number that isn't finite");
        if (fabs(m->cov[i]) > largest) largest = fabs(m->cov[i]);
    }
    for (size_t i = 0; i < d; i++) {
        if (m->cov[i * d + i] < 0) return fail(err, "sigma has a negative variance");
        for (size_t k = 0; k < i; k++)
            if (fabs(m->cov[i * d + k] - m->cov[k * d + i]) > 1e-6 * largest) return fail(err, "sigma isn't symmetric");
    }
    return true;
}

bool statistics_read_npz(const unsigned char *p, size_t bytes, uint64_t max_data, moments *m, char err[STATISTICS_ERROR]) {
    weights w;
    tns_frame f = {0};
    if (!weights_open(&w, p, bytes, max_data, err)) return false;
    bool good = true;
    for (int i = 0; good && i < w.count; i++) {
        const char *name = w.weight[i].name;
        if (strcmp(name, "mu") != 0 && strcmp(name, "sigma") != 0 && strcmp(name, "n") != 0) continue;
        good = weights_read(&w, i, &f, err);
        if (good && !strcmp(name, "n")) {
            if (f.dtype == TNS_I64 && tns_frame_count(&f) == 1) memcpy(&m->n, f.data, sizeof m->n);
        } else if (good && !statistics_take(m, name, &f, err)) {
            char *why = xasprintf("%s %s", name, err);
            good = fail(err, why);
            free(why);
        }
    }
    tns_frame_free(&f);
    weights_close(&w);
    return good && statistics_check(m, err);
}

bool statistics_write_npz(int fd, const moments *m) {
    uint64_t d = (uint64_t)m->d, n = m->n;
    struct {
        const char *name;
        npy_header h;
        const void *data;
        size_t size;
    } arrays[] = {{"mu.npy", {.dtype = TNS_F64, .rank = 1, .shape = {d}}, m->mean, d * sizeof(double)},
                  {"sigma.npy", {.dtype = TNS_F64, .rank = 2, .shape = {d, d}}, m->cov, d * d * sizeof(double)},
                  {"n.npy", {.dtype = TNS_I64, .rank = 0}, &n, sizeof n}};
    zip_writer z = zip_write_begin(fd);
    bool good = true;
    for (int i = 0; good && i < (n ? 3 : 2); i++) {
        unsigned char header[NPY_MAX_HEADER];
        zip_piece pieces[] = {{header, npy_header_bytes(&arrays[i].h, header)}, {arrays[i].data, arrays[i].size}};
        good = zip_write_member(&z, arrays[i].name, pieces, 2);
    }
    return zip_write_end(&z) && good;
}
