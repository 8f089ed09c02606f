/* fidcalc: how far a set of fakes is from a set of reals: the Fréchet distance of their features, and what else is known of it. */
#include <cblas.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "formats/feature_set.h"
#include "formats/statistics.h"
#include "lib/frechet_sets.h"
#include "lib/kid.h"
#include "lib/manifold.h"
#include "lib/names.h"
#include "lib/score_table.h"

static const char *model_path, *layer, *stats_out, *features_out, *by;
static int mode;
static bool kid, pr, inf, json;
static int64_t batches, batch = 128, ci, subsets = 100, subset_size = 1000, nearest = 3, sizes = 15;

static const opt options[] = {
    {'m', "model", OPT_TEXT, &model_path, "MODEL", 0, 0, 0,
     "the network that images are seen through: a .tns, or FILE:NAME of a state"},
    {0, "layer", OPT_TEXT, &layer, "NAME", 0, 0, OPT_PG, "that layer's output as features (default: the network's)"},
    {0, "mode", OPT_CHOICE, &mode, "pytorch|tf1|clean", 0, 0, 0, "how images become the network's input (default pytorch)"},
    {0, "batches", OPT_INT, &batches, "N", 1, 1e6, 0, "also the mean over N pairs of small batches, and between reals"},
    {0, "batch", OPT_INT, &batch, "N", 2, 1e6, 0, "vectors of each set in such a batch (default 128)"},
    {0, "kid", OPT_FLAG, &kid, NULL, 0, 0, 0, "also the kernel distance"},
    {0, "subsets", OPT_INT, &subsets, "N", 1, 1e6, 0, "of --kid (default 100)"},
    {0, "subset-size", OPT_INT, &subset_size, "N", 2, 1e5, 0, "of --kid: at most N vectors in a subset (default 1000)"},
    {0, "pr", OPT_FLAG, &pr, NULL, 0, 0, 0, "also precision and recall"},
    {0, "nearest", OPT_INT, &nearest, "K", 1, 100, 0, "of --pr: balls reach to the K-th nearest neighbour (default 3)"},
    {0, "inf", OPT_FLAG, &inf, NULL, 0, 0, 0, "also the distance extrapolated to infinitely many samples"},
    {0, "sizes", OPT_INT, &sizes, "N", 2, 1000, 0, "of --inf: sample sizes that the line is fitted to (default 15)"},
    {0, "ci", OPT_INT, &ci, "N", 10, 1e6, 0, "95% intervals from N bootstrap replicates"},
    {0, "by", OPT_TEXT, &by, "NAME", 0, 0, 0, "a score for each value of the fakes' metadata NAME="},
    {0, "json", OPT_FLAG, &json, NULL, 0, 0, 0, "JSON instead of tab-separated lines"},
    {0, "stats-out", OPT_TEXT, &stats_out, "FILE", 0, 0, 0,
     "no score: write the mean and covariance of the only SET, as .npz or .tns (-: standard output)"},
    {0, "features-out", OPT_TEXT, &features_out, "FILE", 0, 0, 0,
     "no score: write the features of the only SET as a stream (-: standard output)"},
    {0}};
static const program self = {.name = "fidcalc",
                             .summary = "score fakes against reals by the distance of their features (FID)",
                             .operands = "REAL FAKE | SET",
                             .min_operands = 1,
                             .max_operands = 2,
                             .options = options,
                             .uses = PROG_SEED | PROG_TEXT,
                             .notes = "fidcalc -m inception.tns real.tns fake.tns\n"
                                      "fidcalc -m inception.tns --features-out real-features.tns real.tns\n"
                                      "fidcalc --kid --pr --batches 100 real-features.tns fake-features.tns"};

static feature_set real, fake;
static score_table table;
static char err[MODEL_ERROR], name[100]; /* name: the metric's, fid or fd[MODEL] */
static const char *model_name, *group = ""; /* --by: whose score is being made */
static double *replicate; /* [ci] */

/* ---- sets to files ---- */

typedef struct {
    outfile *file;
    tns_writer *writer;
    tns_frame f;
} writing;

static void write_frame(writing *w, const tns_frame *f, const char *path) {
    if (tns_write(w->writer, f) < 0) die(EXIT_FAILED, "%s:", path);
}

static const extractor *used;

/* The set comes on standard input when the history is run again, and what is made goes to standard output. */
static void add_pg(tns_meta *header, const char *option) {
    static const char *const modes[] = {[FID_PYTORCH] = "pytorch", [FID_TF1] = "tf1", [FID_CLEAN] = "clean"};
    char *by_model = used->plan ? xasprintf(" --mode=%s --model=MODEL_%016" PRIx64, modes[mode], used->m.checksum) : xstrdup(""),
         *extra = xasprintf("%s=-%s -", option, by_model);
    prog_add_pg(header, extra);
    free(by_model);
    free(extra);
}

static void begin_features(const feature_set *s, void *to) {
    writing *w = to;
    tns_frame h = {.type = 'H'};
    feature_set_header(s, "features", &h.meta);
    add_pg(&h.meta, "--features-out");
    write_frame(w, &h, features_out);
    tns_frame_free(&h);
}

static void each_feature(const float *x, const tns_frame *from, void *to) {
    writing *w = to;
    tns_frame *f = &w->f;
    uint32_t shape[1] = {from->rank == 3 ? (uint32_t)used->d : from->shape[0]};
    f->type = 'R';
    if (!tns_frame_shape(f, TNS_F32, 1, shape)) die(EXIT_FAILED, "out of memory");
    memcpy(f->data, x, f->data_len);
    tns_meta_copy(&f->meta, &from->meta);
    write_frame(w, f, features_out);
}

static writing open_file(const char *path) {
    writing w = {.file = outfile_open(path)};
    w.writer = tns_writer_open(outfile_fd(w.file));
    return w;
}

static void close_file(writing *w, const char *path) {
    write_frame(w, &(tns_frame){.type = 'E'}, path);
    tns_writer_close(w->writer);
    tns_frame_free(&w->f);
    outfile_commit(w->file, false);
}

static void write_stats(const feature_set *s) {
    size_t n = strlen(stats_out);
    if (n > 4 && !strcmp(stats_out + n - 4, ".npz")) {
        outfile *o = outfile_open(stats_out);
        if (!statistics_write_npz(outfile_fd(o), &s->f.m)) die(EXIT_FAILED, "%s:", stats_out);
        outfile_commit(o, false);
        return;
    }
    writing w = open_file(stats_out);
    tns_frame h = {.type = 'H'}, *f = &w.f;
    feature_set_header(s, "stats", &h.meta);
    add_pg(&h.meta, "--stats-out");
    write_frame(&w, &h, stats_out);
    uint32_t shape[2] = {(uint32_t)s->f.d, (uint32_t)s->f.d};
    for (int i = 0; i < 2; i++) {
        f->type = 'R';
        if (!tns_frame_shape(f, TNS_F64, i + 1, shape)) die(EXIT_FAILED, "out of memory");
        memcpy(f->data, i ? s->f.m.cov : s->f.m.mean, f->data_len);
        tns_meta_clear(&f->meta);
        tns_meta_add(&f->meta, "key", i ? "sigma" : "mu");
        if (!i && s->f.m.n) tns_meta_addf(&f->meta, "n", "%" PRIu64, s->f.m.n);
        write_frame(&w, f, stats_out);
    }
    close_file(&w, stats_out);
    tns_frame_free(&h);
}

/* ---- scores ---- */

static void failed(void) {
    die(EXIT_FAILED, "%s and %s: %s", real.path, fake.path, err);
}

__attribute__((format(printf, 5, 6))) static score *add(const char *metric, double value, uint64_t n_real, uint64_t n_fake,
                                                        const char *note, ...) {
    score *s = score_table_add(&table, metric);
    va_list ap;
    snprintf(s->group, sizeof s->group, "%s", group);
    s->value = value, s->n_real = n_real, s->n_fake = n_fake;
    va_start(ap, note);
    vsnprintf(s->note, sizeof s->note, note, ap);
    va_end(ap);
    return s;
}

static const char *named(const char *what) {
    static char full[140];
    snprintf(full, sizeof full, "%s%s", name, what);
    return full;
}

/* The middle 95% of the replicates, about the value instead of about their own mean, which the drawing shifts. */
static void interval(score *s) {
    double mean = score_mean(replicate, (int)ci);
    s->low = s->value + score_quantile(replicate, (int)ci, .025) - mean;
    s->high = s->value + score_quantile(replicate, (int)ci, .975) - mean;
}

static void whole(void) {
    double d2;
    if (!frechet_sets_distance(&real.f, &fake.f, &d2, err)) failed();
    const char *m = real.mode ? real.mode : fake.mode, *unknown = !real.model_id   ? !fake.model_id ? "both sets" : "the reals"
                                                                  : !fake.model_id ? "the fakes"
                                                                                   : NULL;
    score *s = add(name, d2, real.f.n, fake.f.n, "%s%s", m ? "mode " : "no images seen", m ? m : "");
    size_t len = strlen(s->note);
    if (unknown) snprintf(s->note + len, sizeof s->note - len, "; what made the features of %s isn't known", unknown);
    if (!ci) return;
    if (!frechet_sets_bootstrap(&real.f, &fake.f, (int)ci, prog.seed, replicate, err)) failed();
    interval(s);
}

static double batch_mean(const double *d2) {
    for (int64_t i = 0; i < ci; i++) {
        rng r = features_rng(prog.seed, "mean", (int)i);
        double sum = 0;
        for (int64_t k = 0; k < batches; k++) sum += d2[rng_below(&r, (uint64_t)batches)];
        replicate[i] = sum / (double)batches;
    }
    return score_mean(d2, (int)batches);
}

static void in_batches(void) {
    double *d2 = xarray((size_t)batches, sizeof *d2);
    uint64_t n = (uint64_t)batch;
    if (!frechet_sets_batches(&real.f, &fake.f, (int)batch, (int)batches, prog.seed, (int)prog.threads, d2, err)) failed();
    score *s = add(named("_avg"), batch_mean(d2), n, n,
                   "mean of %" PRId64 " batches; each draws anew, without repetition within it, from all %" PRIu64
                   " reals and %" PRIu64 " fakes",
                   batches, real.f.n, fake.f.n);
    if (ci) interval(s);
    add(named("_avg_sd"), score_deviation(d2, (int)batches), n, n, "deviation of one batch from another");
    if (real.f.n >= 2 * n) {
        if (!frechet_sets_batches(&real.f, NULL, (int)batch, (int)batches, prog.seed, (int)prog.threads, d2, err)) failed();
        s = add(named("_avg_floor"), batch_mean(d2), n, n,
                "the same of reals against other reals: what %" PRId64 " samples alone make of no difference", batch);
        if (ci) interval(s);
    } else {
        add(named("_avg_floor"), NAN, n, n, "reals against other reals would take %" PRIu64 " of them", 2 * n);
    }
    free(d2);
}

static void extrapolated(void) {
    double d2, slope;
    uint64_t most = real.f.n < fake.f.n ? real.f.n : fake.f.n;
    if (!frechet_sets_extrapolated(&real.f, &fake.f, (int)sizes, prog.seed, &d2, &slope, err)) failed();
    add(named("_inf"), d2, real.f.n, fake.f.n,
        "a line through %" PRId64 " sizes from %" PRIu64 " to %" PRIu64 " of each, at 1/N = 0; its slope is %.6g%s", sizes,
        most / 2, most, slope, most / 2 < (uint64_t)real.f.d ? "; N is below the features' dimensions, where it is no line" : "");
}

static void kernel(void) {
    uint64_t least = real.f.n < fake.f.n ? real.f.n : fake.f.n;
    int size = (int)((uint64_t)subset_size < least ? (uint64_t)subset_size : least);
    double *value = xarray((size_t)subsets, sizeof *value);
    int count = kid_subsets(&real.f, &fake.f, size, (int)subsets, prog.seed, value);
    const char *metric = !strcmp(name, "fid") ? "kid" : NULL;
    char own[120], own_sd[130];
    snprintf(own, sizeof own, "k%s", name + 1);
    if (!metric) metric = own;
    snprintf(own_sd, sizeof own_sd, "%s_sd", metric);
    score *s = add(metric, score_mean(value, count), real.f.n, fake.f.n, "unbiased; mean of %d subset%s of %d", count,
                   count == 1 ? "" : "s", size);
    if (ci) {
        kid_bootstrap(&real.f, &fake.f, (int)ci, prog.seed, replicate);
        interval(s);
    }
    add(own_sd, count > 1 ? score_deviation(value, count) : NAN, real.f.n, fake.f.n,
        count > 1 ? "deviation of one subset from another"
                  : "all vectors are in the only subset; --ci N or a smaller --subset-size shows the spread");
    free(value);
}

static void manifold(const char *what, const feature_set *a, const feature_set *b) {
    bool *inside = xarray((size_t)b->f.n, sizeof *inside);
    char metric[140];
    uint64_t count = 0;
    manifold_holds(&a->f, &b->f, (int)nearest, inside);
    for (uint64_t i = 0; i < b->f.n; i++) count += inside[i];
    snprintf(metric, sizeof metric, "%s[%.100s]", what, model_name);
    score *s = add(metric, (double)count / (double)b->f.n, real.f.n, fake.f.n,
                   "share of %s within reach of the %s' %" PRId64 ". nearest neighbours", b == &fake ? "fakes" : "reals",
                   b == &fake ? "reals" : "fakes", nearest);
    for (int64_t i = 0; i < ci; i++) {
        rng r = features_rng(prog.seed, what, (int)i);
        uint64_t hits = 0;
        for (uint64_t k = 0; k < b->f.n; k++) hits += inside[rng_below(&r, b->f.n)];
        replicate[i] = (double)hits / (double)b->f.n;
    }
    if (ci) interval(s);
    free(inside);
}

/* ---- what was asked for ---- */

/* The fakes of --by, each vector with the number of its value. */
static names values;
static size_t *value_of;

static void note_value(const float *x, const tns_frame *f, void *to) {
    static size_t room, count;
    (void)x, (void)to;
    text buf = {0};
    const char *v = tns_meta_get(&f->meta, by, &buf);
    if (count == room) value_of = xrealloc(value_of, (room = room ? 2 * room : 1024) * sizeof *value_of);
    value_of[count++] = names_number(&values, v ? v : "-");
    free(buf.s);
}

static void check_vectors(const feature_set *s) {
    if (batches && s->f.n < (uint64_t)batch)
        die(EXIT_FAILED, "%s: %" PRIu64 " vectors%s%s, too few for a --batch of %" PRId64, s->path, s->f.n, *group ? " of " : "",
            group, batch);
    if (pr && s->f.n <= (uint64_t)nearest)
        die(EXIT_FAILED, "%s: %" PRIu64 " vectors%s%s, too few for --nearest %" PRId64, s->path, s->f.n, *group ? " of " : "",
            group, nearest);
    if (inf && s->f.n < 8)
        die(EXIT_FAILED, "%s: %" PRIu64 " vectors%s%s, too few for --inf", s->path, s->f.n, *group ? " of " : "", group);
}

static void score_sets(void) {
    check_vectors(&real);
    check_vectors(&fake);
    whole();
    if (batches) in_batches();
    if (inf) extrapolated();
    if (kid) kernel();
    if (pr) manifold("precision", &real, &fake), manifold("recall", &fake, &real);
}

/* Each value's vectors in the place of all. */
static void score_groups(void) {
    features all = fake.f;
    for (size_t g = 0; g < values.count; g++) {
        group = values.name[g];
        features_begin(&fake.f, all.d, true);
        for (uint64_t i = 0; i < all.n; i++)
            if (value_of[i] == g) features_add(&fake.f, all.x + (size_t)i * (size_t)all.d);
        if (fake.f.n < 2) die(EXIT_FAILED, "%s: has 1 record with %s=%s; a distribution needs 2 at least", fake.path, by, group);
        features_end(&fake.f);
        score_sets();
        features_free(&fake.f);
    }
    fake.f = all;
    names_free(&values);
    free(value_of);
}

static void check_options(void) {
    bool extras = batches || kid || pr || inf || ci || by || json;
    if (stats_out && features_out) prog_usage("--stats-out and --features-out are two runs (or the statistics of the features)");
    if ((stats_out || features_out) && prog.operands != 1)
        prog_usage("%s takes one SET", stats_out ? "--stats-out" : "--features-out");
    if ((stats_out || features_out) && extras) prog_usage("%s makes no score", stats_out ? "--stats-out" : "--features-out");
    if (!stats_out && !features_out && prog.operands != 2) prog_usage("two sets, REAL and FAKE, make a score");
    if (!model_path && (layer || prog_given("mode"))) prog_usage("--layer and --mode are for images, which want -m MODEL");
    if (prog.operands == 2 && !strcmp(prog.operand[0], "-") && !strcmp(prog.operand[1], "-"))
        prog_usage("standard input is one set, not two");
}

static void check_sets(void) {
    bool vectors = batches || kid || pr || inf || ci || by;
    const feature_set *set[] = {&real, &fake};
    if (!feature_sets_agree(&real, &fake, err)) die(EXIT_FAILED, "%s and %s can't be compared: %s", real.path, fake.path, err);
    for (int i = 0; i < 2; i++) {
        if (vectors && !set[i]->f.x)
            die(EXIT_FAILED, "%s: --batches, --kid, --pr, --inf, --ci and --by need features or images, and these are statistics",
                set[i]->path);
    }
    model_name = real.model ? real.model : fake.model ? fake.model : "features";
    if (feature_sets_official(&real, &fake))
        snprintf(name, sizeof name, "fid");
    else
        snprintf(name, sizeof name, "fd[%.80s]", model_name);
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    check_options();
    openblas_set_num_threads((int)prog.threads);
    extractor e = {0};
    bool corrupt;
    if (model_path && !extractor_open(&e, model_path, layer, (fid_mode)mode, err, &corrupt))
        die(corrupt ? EXIT_CORRUPT : EXIT_FAILED, "%s", err);
    used = &e;
    const extractor *seen = model_path ? &e : NULL;
    if (stats_out) {
        feature_set_read(&real, prog.operand[0], seen, false, NULL, NULL, NULL);
        write_stats(&real);
    } else if (features_out) {
        writing w = open_file(features_out);
        feature_set_read(&real, prog.operand[0], seen, false, begin_features, each_feature, &w);
        if (!real.f.x && !real.f.n) die(EXIT_FAILED, "%s: holds statistics, no features", real.path);
        close_file(&w, features_out);
    } else {
        bool all = batches || kid || pr || inf || ci || by;
        feature_set_read(&real, prog.operand[0], seen, all, NULL, NULL, NULL);
        feature_set_read(&fake, prog.operand[1], seen, all, NULL, by ? note_value : NULL, NULL);
        check_sets();
        replicate = xarray((size_t)ci + 1, sizeof *replicate);
        table.by = by;
        if (by)
            score_groups();
        else
            score_sets();
        text out = {0};
        (json ? score_table_json : score_table_tsv)(&table, &out);
        prog_print(out.s, out.len);
        free(out.s);
        free(replicate);
        score_table_free(&table);
    }
    feature_set_free(&real);
    feature_set_free(&fake);
    extractor_close(&e);
    return prog_finish();
}
