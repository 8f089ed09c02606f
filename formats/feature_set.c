#include "feature_set.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "statistics.h"

static const char *const mode_names[] = {"pytorch", "tf1", "clean"};
static const char official[] = "6726825d"; /* pt_inception-2015-12-05-6726825d.pth */

static char *field(const tns_meta *m, const char *name) {
    text buf = {0};
    const char *v = tns_meta_get(m, name, &buf);
    char *copy = v ? xstrdup(v) : NULL;
    free(buf.s);
    return copy;
}

/* What the stream is, once its first record is there. */
typedef struct {
    feature_set *s;
    prog_input *in;
    const extractor *e;
    bool all;
    feature_set_each *each;
    void *to;
} reading;

static void take_vector(const float *x, const tns_frame *f, void *to) {
    reading *r = to;
    for (int k = 0; k < r->s->f.d; k++)
        if (!isfinite(x[k]))
            prog_bad_record(r->in, f,
                            r->e && f->rank == 3 ? "makes the network give a value that isn't finite"
                                                 : "has a value that isn't finite");
    features_add(&r->s->f, x);
    if (r->each) r->each(x, f, r->to);
    prog_progress(r->s->f.n, 0, f->rank == 3 ? "images" : "vectors");
}

/* Statistics become the set's moments at once. */
static void read_npz(feature_set *s, const char *path) {
    size_t n;
    char err[STATISTICS_ERROR], *bytes = read_file(path, SIZE_MAX / 4, &n);
    if (!bytes) die(EXIT_FAILED, "%s:", path);
    if (!statistics_read_npz((unsigned char *)bytes, n, prog.max_record, &s->f.m, err)) die(EXIT_CORRUPT, "%s: %s", path, err);
    s->f.d = s->f.m.d, s->f.n = s->f.m.n;
    free(bytes);
}

static bool is_zip(const char *operand) {
    char mark[4] = "";
    if (!operand || !strcmp(operand, "-")) return false;
    FILE *f = fopen(operand, "rb");
    if (!f) die(EXIT_FAILED, "%s:", operand);
    bool zip = fread(mark, 1, 4, f) == 4 && !memcmp(mark, "PK", 2);
    fclose(f);
    return zip;
}

static void take_origin(feature_set *s) {
    free(s->model), free(s->model_id), free(s->sha256);
    s->model = field(&s->header, "model"), s->model_id = field(&s->header, "model_id"),
    s->sha256 = field(&s->header, "source_sha256");
}

static void take_header(feature_set *s, prog_input *in, const tns_frame *f) {
    tns_meta_copy(&s->header, &f->meta);
    take_origin(s);
    s->mode = field(&f->meta, "mode");
    char *kind = field(&f->meta, "kind");
    if (kind && !strcmp(kind, "model"))
        die(EXIT_CORRUPT, "%s: is a model; it goes after -m, and sets of images or features are the operands",
            prog_input_name(in));
    free(kind);
}

/* The statistics' n is in the metadata of mu. */
static void take_statistics(feature_set *s, prog_input *in, const tns_frame *f) {
    char err[STATISTICS_ERROR];
    text key = {0}, n = {0};
    const char *k = tns_meta_get(&f->meta, "key", &key), *count = tns_meta_get(&f->meta, "n", &n);
    if (!statistics_take(&s->f.m, k ? k : "", f, err)) prog_bad_record(in, f, "%s", err);
    if (count && !parse_u64(count, &s->f.m.n)) prog_bad_record(in, f, "its n= is no number");
    free(key.s), free(n.s);
}

static bool says_statistics(const feature_set *s) {
    text buf = {0};
    const char *kind = tns_meta_get(&s->header, "kind", &buf);
    bool is = kind && !strcmp(kind, "stats");
    free(buf.s);
    return is;
}

static void first_record(reading *r, const tns_frame *f) {
    feature_set *s = r->s;
    if (f->rank == 3 && f->dtype == TNS_U8) {
        if (!r->e) prog_bad_record(r->in, f, "is an image; say -m MODEL, the network whose features count (wgt2tns makes one)");
        model_sign(&r->e->m, r->e->name, &s->header);
        take_origin(s);
        s->mode = xstrdup(mode_names[r->e->mode]);
        features_begin(&s->f, r->e->d, r->all);
    } else if (f->rank == 1 && f->dtype == TNS_F32 && f->shape[0] && f->shape[0] <= 1 << 15) {
        features_begin(&s->f, (int)f->shape[0], r->all);
    } else {
        prog_bad_record(r->in, f, "is neither an image of u8 nor a vector of f32 with 1 to 32768 numbers");
    }
}

void feature_set_read(feature_set *s, const char *operand, const extractor *e, bool all,
                      void (*begin)(const feature_set *s, void *to), feature_set_each *each, void *to) {
    *s = (feature_set){.f.fd = -1, .path = operand && strcmp(operand, "-") != 0 ? operand : "standard input"};
    if (is_zip(operand)) {
        read_npz(s, operand);
        return;
    }
    reading r = {s, prog_open(operand), e, all, each, to};
    extract *work = NULL;
    tns_frame f = {0};
    int rank = 0;
    while (prog_next(r.in, &f)) {
        if (f.type == 'H' && !s->header.t.len) take_header(s, r.in, &f);
        if (f.type != 'R') continue;
        if (says_statistics(s)) {
            take_statistics(s, r.in, &f);
            continue;
        }
        if (!rank) {
            first_record(&r, &f);
            rank = f.rank;
            if (begin) begin(s, to);
            if (rank == 3) work = extract_start(e, (int)prog.threads, take_vector, &r);
        }
        const char *wrong = rank == 3 ? extractor_refuses(e, &f)
                            : f.rank != 1 || f.dtype != TNS_F32 || f.shape[0] != (uint32_t)s->f.d
                                ? "isn't of the same length and type as the vectors before it"
                                : NULL;
        if (wrong) prog_bad_record(r.in, &f, "%s", wrong);
        if (work)
            extract_put(work, &f);
        else
            take_vector(f.data, &f, &r);
    }
    if (work) extract_end(work);
    tns_frame_free(&f);
    if (says_statistics(s)) {
        char err[STATISTICS_ERROR];
        if (!statistics_check(&s->f.m, err)) die(EXIT_CORRUPT, "%s: %s", s->path, err);
        s->f.d = s->f.m.d, s->f.n = s->f.m.n;
    } else {
        if (s->f.n < 2) die(EXIT_FAILED, "%s: has %" PRIu64 " records; a distribution needs 2 at least", s->path, s->f.n);
        features_end(&s->f);
    }
    prog_close(r.in);
}

void feature_set_free(feature_set *s) {
    features_free(&s->f);
    tns_meta_free(&s->header);
    free(s->model), free(s->model_id), free(s->sha256), free(s->mode);
    *s = (feature_set){0};
}

bool feature_sets_agree(const feature_set *a, const feature_set *b, char err[300]) {
    if (a->f.d != b->f.d)
        snprintf(err, 300, "the vectors have %d numbers in one and %d in the other: different networks made them", a->f.d,
                 b->f.d);
    else if (a->model_id && b->model_id && strcmp(a->model_id, b->model_id) != 0)
        snprintf(err, 300, "features of one model (%.80s) and of another (%.80s)", a->model ? a->model : "?",
                 b->model ? b->model : "?");
    else if (a->mode && b->mode && strcmp(a->mode, b->mode) != 0)
        snprintf(err, 300, "features of mode %.20s and of mode %.20s", a->mode, b->mode);
    else
        return true;
    return false;
}

bool feature_sets_official(const feature_set *a, const feature_set *b) {
    const feature_set *set[] = {a, b};
    int known = 0;
    for (int i = 0; i < 2; i++) {
        if (!set[i]->sha256 && !set[i]->model_id) continue; /* of unknown origin */
        if (!set[i]->sha256 || strncmp(set[i]->sha256, official, sizeof official - 1) != 0) return false;
        known++;
    }
    return known > 0;
}

void feature_set_header(const feature_set *s, const char *kind, tns_meta *to) {
    tns_meta_copy(to, &s->header);
    for (const char *const *name = (const char *const[]){"axes", "range", "space", NULL}; *name; name++) tns_meta_drop(to, *name);
    tns_meta_set(to, "kind", kind);
    if (s->mode) tns_meta_set(to, "mode", s->mode);
}
