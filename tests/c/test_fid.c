/* Scores of sets against NumPy, SciPy and Pillow (tests/golden/fid.tns, see fid.py there), and what the headers promise besides: distances of equal, constant, tiny and
 * repeated sets, draws, intervals, the same for any number of threads. */
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "golden.h"
#include "lib/fid_input.h"
#include "lib/frechet_sets.h"
#include "lib/kid.h"
#include "lib/manifold.h"
#include "lib/score_table.h"

enum { D = 24 };
#define IS(condition) CHECK(condition, "isn't so")
static char err[FRECHET_ERROR];

static const tns_frame *golden_frame(const char *key) {
    const char *is;
    const tns_frame *f;
    for (int i = 0; (f = golden_at(i, &is)); i++)
        if (!strcmp(is, key)) return f;
    die(EXIT_FAILED, "%s isn't in the golden file", key);
}

static features of_rows(const float *x, int n, int d, bool all) {
    features s;
    features_begin(&s, d, all);
    for (int i = 0; i < n; i++) features_add(&s, x + (size_t)i * (size_t)d);
    features_end(&s);
    return s;
}

static features of_golden(const char *key, bool all) {
    const tns_frame *f = golden_frame(key);
    return of_rows(f->data, (int)f->shape[0], (int)f->shape[1], all);
}

static bool near(double a, double b, double relative) {
    return fabs(a - b) <= relative * fmax(1, fabs(b));
}

static double distance(const features *a, const features *b) {
    double d2 = NAN;
    IS(frechet_sets_distance(a, b, &d2, err));
    return d2;
}

static void test_goldens(void) {
    features real = of_golden("real", true), fake = of_golden("fake", true), few_real = of_golden("few_real", true),
             few_fake = of_golden("few_fake", true);
    IS(near(distance(&real, &fake), *golden_find("fid", 1), 1e-9));
    IS(near(distance(&fake, &real), *golden_find("fid", 1), 1e-9));
    IS(near(distance(&few_real, &few_fake), *golden_find("fid_few", 1), 1e-12));
    IS(near(distance(&real, &few_fake), *golden_find("fid_mixed", 1),
            1e-6)); /* sqrtm's own rounding: one covariance is singular */
    /* The same by covariances, where vectors weren't kept. */
    features few_stats = {.d = D, .n = few_fake.n, .m = few_fake.m, .fd = -1};
    IS(near(distance(&few_real, &few_stats), *golden_find("fid_few", 1), 1e-9));
    double value[100];
    IS(kid_subsets(&real, &real, 160, 3, 0, value) == 1);
    IS(kid_subsets(&real, &fake, 120, 3, 0, value) == 3); /* all fakes, some reals */
    IS(value[0] != value[1]);
    IS(kid_subsets(&real, &fake, 60, 100, 0, value) == 100);
    IS(fabs(score_mean(value, 100) - *golden_find("kid", 1)) < .5 * score_deviation(value, 100));
    features same = of_rows(real.x, 120, D, true);
    IS(kid_subsets(&same, &fake, 120, 3, 0, value) == 1);
    bool inside[160];
    int count = 0;
    manifold_holds(&real, &fake, 3, inside);
    for (int i = 0; i < 120; i++) count += inside[i];
    IS(near(count / 120., *golden_find("precision", 1), 1e-12));
    manifold_holds(&fake, &real, 3, inside);
    count = 0;
    for (int i = 0; i < 160; i++) count += inside[i];
    IS(near(count / 160., *golden_find("recall", 1), 1e-12));
    features_free(&real), features_free(&fake), features_free(&few_real), features_free(&few_fake), features_free(&same);
}

/* Sum of kernels of x[m] and y[n], as the formula stands; of one set, pairs of one vector with itself left out. */
static double kernels(const float *x, uint64_t m, const float *y, uint64_t n) {
    double sum = 0;
    for (uint64_t i = 0; i < m; i++)
        for (uint64_t j = 0; j < n; j++) {
            double dot = 0;
            for (uint64_t k = 0; k < D; k++) dot += (double)x[i * D + k] * y[j * D + k];
            if (x != y || i != j) sum += pow(dot / D + 1, 3);
        }
    return sum;
}

static void test_kid_formula(void) {
    features real = of_golden("real", true), fake = of_golden("fake", true), part = of_rows(real.x, 120, D, true);
    double m = 160, n = 120, subset;
    IS(near(kernels(real.x, 160, real.x, 160) / (m * (m - 1)) + kernels(fake.x, 120, fake.x, 120) / (n * (n - 1)) -
                2 * kernels(real.x, 160, fake.x, 120) / (m * n),
            *golden_find("kid", 1), 1e-9));
    /* Of equally many, all of them. */
    IS(kid_subsets(&part, &fake, 120, 5, 0, &subset) == 1);
    IS(near(subset,
            (kernels(part.x, 120, part.x, 120) + kernels(fake.x, 120, fake.x, 120)) / (n * (n - 1)) -
                2 * kernels(part.x, 120, fake.x, 120) / (n * n),
            1e-10));
    double replicate[200];
    kid_bootstrap(&real, &fake, 200, 7, replicate);
    double mean = score_mean(replicate, 200), sd = score_deviation(replicate, 200);
    IS(fabs(mean - *golden_find("kid", 1)) < 4 * sd / sqrt(200) + .1);
    IS(sd > 1 && sd < 20);
    features_free(&real), features_free(&fake), features_free(&part);
}

static void test_inputs(void) {
    const tns_frame *image = golden_frame("image");
    static const char *const names[] = {"pytorch", "tf1", "clean"};
    static const int sizes[][2] = {{16, 12}, {29, 61}, {37, 20}};
    for (int m = 0; m < 3; m++)
        for (int s = 0; s < 3; s++) {
            int h = sizes[s][0], w = sizes[s][1];
            char key[40];
            size_t count = (size_t)(h * w * 3);
            snprintf(key, sizeof key, "%s_%dx%d", names[m], h, w);
            const double *want = golden_find(key, count);
            float *x = xarray(count, sizeof *x);
            IS(fid_resize((fid_mode)m, image->data, 37, 50, 3, h, w, x));
            double worst = 0;
            for (size_t i = 0; i < count; i++) worst = fmax(worst, fabs(x[i] - want[i]));
            if (worst > 1e-3) printf("%s: %g\n", key, worst);
            IS(worst <= 1e-3);
            free(x);
        }
    /* An image of the right size is left alone, in every mode. */
    float same[37 * 50 * 3];
    for (int m = 0; m < 3; m++) {
        IS(fid_resize((fid_mode)m, image->data, 37, 50, 3, 37, 50, same));
        bool equal = true;
        for (int i = 0; i < 37 * 50 * 3; i++) equal &= same[i] == ((const uint8_t *)image->data)[i];
        IS(equal);
    }
    float x[] = {0, 128, 255}, y[] = {0, 128, 255};
    fid_scale(FID_PYTORCH, x, 3), fid_scale(FID_CLEAN, y, 3);
    IS(x[0] == -1 && x[2] == 1 && near(x[1], 2 * 128 / 255. - 1, 1e-7));
    IS(y[0] == -1 && y[1] == 0 && y[2] == 127 / 128.f);
}

/* Sets that peers get wrong. */
static void test_edges(void) {
    features real = of_golden("real", false), again = of_golden("real", false), few = of_golden("few_fake", false);
    IS(!real.x && few.x); /* more than D vectors aren't kept when they needn't be */
    IS(distance(&real, &again) < 1e-6);
    IS(distance(&few, &few) < 1e-12);
    /* Constant: the squared distance of the two means, exactly. */
    float flat[2][40 * D];
    for (int i = 0; i < 40 * D; i++) flat[0][i] = .3f, flat[1][i] = .3f + (i % D == 5) * 2;
    features a = of_rows(flat[0], 40, D, false), b = of_rows(flat[1], 40, D, false), two = of_rows(flat[1], 2, D, false);
    IS(distance(&a, &a) == 0 && near(distance(&a, &b), 4, 1e-6) && near(distance(&a, &two), 4, 1e-6));
    for (int i = 0; i < D * D; i++) IS(a.m.cov[i] == 0);
    /* Two vectors. */
    features pair = of_rows(golden_frame("few_real")->data, 2, D, false);
    double own = 0;
    for (int k = 0; k < D; k++) own += pair.m.cov[k * D + k];
    double apart = 0;
    for (int k = 0; k < D; k++) apart += (pair.m.mean[k] - (double).3f) * (pair.m.mean[k] - (double).3f);
    IS(near(distance(&pair, &a), own + apart, 1e-9));
    IS(distance(&pair, &pair) < 1e-12);
    /* Different lengths, and a matrix that is no covariance. */
    float shorter[6] = {1, 2, 3, 4, 5, 7};
    features other = of_rows(shorter, 2, 3, false);
    double d2;
    IS(!frechet_sets_distance(&other, &pair, &d2, err) && strstr(err, "3 and of 24"));
    moments bad;
    IS(moments_alloc(&bad, 2));
    bad.cov[0] = bad.cov[3] = 1, bad.cov[1] = bad.cov[2] = 3;
    frechet_factor f;
    IS(!frechet_of_moments(&f, &bad, err) && strstr(err, "negative"));
    /* Huge numbers are an answer or an error, never NaN. */
    float huge[4] = {3e38f, -3e38f, 1, 2};
    features h = of_rows(huge, 2, 2, false), calm = of_rows(shorter, 3, 2, false);
    IS(!frechet_sets_distance(&h, &calm, &d2, err) || d2 > 1e70);
    moments_free(&bad);
    features_free(&real), features_free(&again), features_free(&few), features_free(&a), features_free(&b), features_free(&two);
    features_free(&pair), features_free(&other), features_free(&h), features_free(&calm);
}

/* Mean and covariance against two passes in long double, far from 0. */
static void test_moments(void) {
    enum { N = 700, K = 5 };
    static float x[N * K];
    rng r = rng_make(3, "test", "moments", 0);
    for (int i = 0; i < N * K; i++) x[i] = (float)(1000 + i % K + rng_normal(&r) * (1 + i % K));
    features s = of_rows(x, N, K, false);
    for (int i = 0; i < K; i++) {
        long double mean = 0;
        for (int n = 0; n < N; n++) mean += x[n * K + i];
        mean /= N;
        IS(fabsl(s.m.mean[i] - mean) < 1e-11);
        for (int j = 0; j < K; j++) {
            long double other = 0, sum = 0;
            for (int n = 0; n < N; n++) other += x[n * K + j];
            other /= N;
            for (int n = 0; n < N; n++) sum += (x[n * K + i] - mean) * (x[n * K + j] - other);
            IS(fabsl(s.m.cov[i * K + j] - sum / (N - 1)) < 1e-9);
            IS(s.m.cov[i * K + j] == s.m.cov[j * K + i]);
        }
    }
    IS(s.m.n == N && s.n == N);
    features_free(&s);
}

static void test_choose(void) {
    uint32_t index[10];
    int times[10] = {0};
    for (int t = 0; t < 20000; t++) {
        rng r = features_rng(1, "choose", t);
        features_choose(&r, 10, 3, index);
        IS(index[0] < index[1] && index[1] < index[2] && index[2] < 10);
        for (int i = 0; i < 3; i++) times[index[i]]++;
    }
    for (int i = 0; i < 10; i++) IS(abs(times[i] - 6000) < 300); /* over 4 deviations */
    rng r = features_rng(1, "all", 0);
    features_choose(&r, 10, 10, index);
    for (uint32_t i = 0; i < 10; i++) IS(index[i] == i);
}

/* Batches, extrapolation and the bootstrap, where the truth is known: the two sources are the same Gaussian, or a shifted one. */
static void test_draws(void) {
    enum { N = 2000, K = 12 };
    static float x[N * K], y[N * K], z[N * K];
    rng r = rng_make(5, "test", "draws", 0);
    for (int i = 0; i < N * K; i++)
        x[i] = (float)rng_normal(&r), y[i] = (float)rng_normal(&r), z[i] = (float)rng_normal(&r) + .5f;
    features a = of_rows(x, N, K, true), b = of_rows(y, N, K, true), c = of_rows(z, N, K, true);
    double d2[40], other[40], slope;
    IS(frechet_sets_batches(&a, &b, 64, 40, 9, 1, d2, err));
    IS(frechet_sets_batches(&a, &b, 64, 40, 9, 2, other, err));
    IS(!memcmp(d2, other, sizeof d2)); /* the same bytes for any number of threads */
    double between = score_mean(d2, 40), spread = score_deviation(d2, 40);
    IS(frechet_sets_batches(&a, NULL, 64, 40, 9, 2, other, err));
    IS(fabs(score_mean(other, 40) - between) < 4 * spread / sqrt(20)); /* of one source: nothing but the floor */
    IS(between > 20 * distance(&a, &b)); /* which the whole sets haven't */
    /* Two halves of 2*64 leave nothing: they are drawn without repetition. */
    features small = of_rows(x, 128, K, true);
    IS(frechet_sets_batches(&small, NULL, 64, 40, 9, 2, other, err));
    for (int i = 0; i < 40; i++) {
        /* The halves' means lie symmetrically about the whole's, so their distance is 4 times a half's from it; equal halves would give 0. */
        IS(other[i] > .1);
    }
    /* At infinity there is no floor, and the shift is what it is: K * .25. */
    double whole = distance(&a, &c), limit;
    IS(frechet_sets_extrapolated(&a, &c, 15, 1, &limit, &slope, err));
    IS(fabs(limit - K * .25) < .25);
    double equal;
    IS(frechet_sets_extrapolated(&a, &b, 15, 1, &equal, &slope, err));
    IS(fabs(equal) < distance(&a, &b) && slope > 0);
    double replicate[40];
    IS(frechet_sets_bootstrap(&a, &c, 40, 1, replicate, err));
    spread = score_deviation(replicate, 40);
    IS(spread > .02 && spread < .3 && fabs(score_mean(replicate, 40) - whole) < 3 * spread);
    /* Few vectors, of which a replicate has some twice: the same by weights as by repeating them. */
    const float *row[6];
    int weight[3] = {2, 1, 3};
    for (int i = 0, k = 0; i < 3; i++)
        for (int t = 0; t < weight[i]; t++) row[k++] = x + i * K;
    frechet_factor f, g, h;
    const float *once[3] = {x, x + K, x + 2 * K};
    double by_weight, repeated;
    IS(frechet_of_rows(&f, once, weight, 3, K, err) && frechet_of_rows(&g, row, NULL, 6, K, err) &&
       frechet_of_moments(&h, &c.m, err));
    IS(frechet_distance(&f, &h, &by_weight, err) && frechet_distance(&g, &h, &repeated, err));
    IS(near(by_weight, repeated, 1e-12));
    frechet_free(&f), frechet_free(&g), frechet_free(&h);
    features_free(&a), features_free(&b), features_free(&c), features_free(&small);
}

/* A set is in its own manifold, copies included, and nothing far away is. */
static void test_manifold(void) {
    features real = of_golden("real", true);
    static float copies[160 * D], far[160 * D];
    for (int i = 0; i < 160 * D; i++) copies[i] = real.x[i % (40 * D)], far[i] = real.x[i] + 100;
    features same = of_rows(copies, 160, D, true),
             away = of_rows(far, 160, D, true); /* each of 40 four times: balls of radius 0 */
    bool inside[160];
    manifold_holds(&same, &same, 3, inside);
    for (int i = 0; i < 160; i++) IS(inside[i]);
    manifold_holds(&same, &real, 3, inside);
    for (int i = 0; i < 160; i++) IS(inside[i] == (i < 40));
    manifold_holds(&real, &away, 3, inside);
    for (int i = 0; i < 160; i++) IS(!inside[i]);
    features_free(&real), features_free(&same), features_free(&away);
}

static void test_table(void) {
    score_table t = {0};
    text out = {0};
    score *s = score_table_add(&t, "fd[a \"b\"]");
    s->value = 1.5, s->n_real = 10;
    snprintf(s->note, sizeof s->note, "line\n\\ caf\xc3\xa9 \xff");
    score_table_add(&t, "kid")->value = -1.25e-5;
    score_table_tsv(&t, &out);
    IS(strstr(out.s, "\nfd[a \"b\"]\t1.500000\t-\t-\t10\t-\t") && strstr(out.s, "\nkid\t-1.25e-05\t-"));
    out.len = 0;
    score_table_json(&t, &out);
    IS(strstr(
        out.s,
        "{\"metric\": \"fd[a \\\"b\\\"]\", \"value\": 1.500000, \"low\": null, \"high\": null, \"n_real\": 10, \"n_fake\": null, "
        "\"note\": \"line\\u000a\\\\ caf\xc3\xa9 \\ufffd\"}"));
    double x[] = {5, 1, 3, 2, 4};
    IS(score_quantile(x, 5, .5) == 3 && score_quantile(x, 5, 0) == 1 && score_quantile(x, 5, 1) == 5 &&
       score_quantile(x, 5, .125) == 1.5);
    IS(score_mean(x, 5) == 3 && near(score_deviation(x, 5), sqrt(2.5), 1e-12));
    free(out.s);
    score_table_free(&t);
}

int main(void) {
    golden_read("tests/golden/fid.tns");
    openblas_set_num_threads(2);
    test_goldens();
    test_kid_formula();
    test_inputs();
    test_edges();
    test_moments();
    test_choose();
    test_draws();
    test_manifold();
    test_table();
    golden_free();
    return check_status();
}
