/* ganstep: trains a generator against a critic on a stream of images, or draws images from a trained one. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/gan.h"
#include "lib/history.h"
#include "lib/prog.h"
#include "lib/rng.h"
#include "lib/state.h"

static const char *gen_path, *critic_path, *state_path, *save_path, *samples_path, *log_path;
static int64_t sample = -1, batch = 128, steps, save_every = 100, sample_every = 100, sample_count = 64;
static double lr_g = 1e-4, lr_d = 1e-4, beta1 = .9, beta2 = .999, eps = 1e-7;
static const char *smooth = "1,0";
static int update, adam_form;
static bool log_layers;

static const opt options[] = {
    {0, "gen", OPT_TEXT, &gen_path, "NET", 0, 0, 0, "the generator's network text"},
    {0, "critic", OPT_TEXT, &critic_path, "NET", 0, 0, 0, "the critic's (discriminator's) network text"},
    {0, "state", OPT_TEXT, &state_path, "FILE", 0, 0, OPT_REQUIRED,
     "checkpoint: continued from when it exists, written as training goes"},
    {0, "sample", OPT_INT, &sample, "N", 1, 1e9, OPT_PG, "don't train: write N images drawn by the state's generator"},
    {'b', "batch", OPT_INT, &batch, "N", 2, 65536, OPT_PG, "images a step (default 128)"},
    {0, "steps", OPT_INT, &steps, "N", 0, 1e15, OPT_PG,
     "stop after N generator steps, counted over all runs (default 0: when the data ends)"},
    {0, "lr-g", OPT_FLOAT, &lr_g, "LR", 0, 10, OPT_PG, "the generator's learning rate (default 1e-4)"},
    {0, "lr-d", OPT_FLOAT, &lr_d, "LR", 0, 10, OPT_PG, "the critic's learning rate (default 1e-4)"},
    {0, "beta1", OPT_FLOAT, &beta1, "B", 0, .999999, OPT_PG, "Adam's decay of the mean gradient (default .9)"},
    {0, "beta2", OPT_FLOAT, &beta2, "B", 0, .999999, OPT_PG, "Adam's decay of the squared gradient (default .999)"},
    {0, "eps", OPT_FLOAT, &eps, "E", 1e-30, 1, OPT_PG, "Adam's epsilon (default 1e-7)"},
    {0, "adam", OPT_CHOICE, &adam_form, "keras|pytorch", 0, 0, OPT_PG, "where Adam's epsilon stands (default keras)"},
    {0, "smooth", OPT_TEXT, &smooth, "REAL,FAKE", 0, 0, OPT_PG, "targets of the critic's loss; label smoothing (default 1,0)"},
    {0, "update", OPT_CHOICE, &update, "simultaneous|alternate", 0, 0, OPT_PG,
     "both losses from one D(fake), or the generator after the critic's step (default simultaneous)"},
    {0, "save", OPT_TEXT, &save_path, "FILE", 0, 0, 0, "the final state, put in place when training is over"},
    {0, "save-every", OPT_INT, &save_every, "N", 1, 1e15, 0, "steps between checkpoints (default 100)"},
    {0, "samples", OPT_TEXT, &samples_path, "FILE", 0, 0, 0, "keep the sampled images in a stream of their own"},
    {0, "sample-every", OPT_INT, &sample_every, "N", 1, 1e15, OPT_PG, "steps between samples from the fixed noise (default 100)"},
    {0, "sample-count", OPT_INT, &sample_count, "N", 1, 65536, OPT_PG, "images a sample (default 64)"},
    {0, "log", OPT_TEXT, &log_path, "FILE", 0, 0, 0, "a row of losses and gradients a step, tab-separated"},
    {0, "log-layers", OPT_FLAG, &log_layers, NULL, 0, 0, 0, "a column more a layer: its mean absolute gradient"},
    {0}};

static const program self = {.name = "ganstep",
                             .summary = "train a generative adversarial network on a stream of images",
                             .operands = "[FILE]",
                             .max_operands = 1,
                             .options = options,
                             .uses = PROG_SEED | PROG_PG_THREADS,
                             .notes = "Train, watching it learn; killed and started again, it goes on from the checkpoint:\n"
                                      "  tshuf --epochs 20 --from s.tns faces.tns |\n"
                                      "    ganstep --gen gen.net --critic critic.net --state s.tns --log log.tsv | tview --tty\n"
                                      "Draw 64 images from it:\n"
                                      "  ganstep --state s.tns --sample 64 | tview -o sheet.png"};

/* ---- the training's place in the data, and all that a checkpoint holds ---- */

typedef struct {
    gan a;
    net *gen, *critic;
    uint64_t step, epoch, consumed; /* records of that epoch */
    char *options, *data; /* what must not change between runs of one training */
    tns_meta history; /* of the input's H: its pg chain goes into state and samples */
} training;

/* ---- drawing images ---- */

enum { DRAW_BATCH = 16 }; /* fixed, so that an image doesn't depend on how many are drawn with it */

typedef struct {
    net *gen;
    net_run *run;
    void *z;
} painter;

static painter painter_open(net *gen) {
    painter p = {gen, net_run_new(gen, DRAW_BATCH, false), xarray((size_t)gen->layer[0].c * DRAW_BATCH, sizeof(float))};
    if (!p.run) die(EXIT_FAILED, "not enough memory to draw images");
    return p;
}

static void painter_close(painter *p) {
    net_run_free(p->run);
    free(p->z);
}

/* Hands images first..first+count-1 of the fixed noise, as u8, to `put`. */
static void paint(painter *p, int64_t count, const char *prefix, const char *step, void (*put)(const tns_frame *f, void *to),
                  void *to) {
    const net_layer *out = &p->gen->layer[p->gen->layers - 1];
    uint32_t shape[3] = {(uint32_t)out->h, (uint32_t)out->w, (uint32_t)out->c};
    size_t z = (size_t)p->gen->layer[0].c;
    tns_frame f = {.type = 'R'};
    if (!tns_frame_shape(&f, TNS_U8, 3, shape)) die(EXIT_FAILED, "out of memory");
    for (int64_t first = 0; first < count; first += DRAW_BATCH) {
        for (int i = 0; i < DRAW_BATCH; i++) {
            char key[40];
            snprintf(key, sizeof key, "sample/%06" PRId64, first + i);
            rng r = rng_make(prog.seed, "ganstep", key, 0);
            rng_fill_normal(&r, (float *)p->z + (size_t)i * z, z);
        }
        const float *images = net_forward(p->run, p->z, 0, 0);
        for (int i = 0; i < DRAW_BATCH && first + i < count; i++) {
            p->gen->ops->to_u8(f.data_len, 127.5, 127.5, images + (size_t)i * f.data_len, f.data);
            tns_meta_clear(&f.meta);
            tns_meta_addf(&f.meta, "key", "%s/%06" PRId64, prefix, first + i);
            tns_meta_add(&f.meta, "label", "fake");
            if (step) tns_meta_add(&f.meta, "step", step);
            put(&f, to);
        }
    }
    tns_frame_free(&f);
}

static void image_header(tns_frame *h, const tns_meta *history) {
    static const char *const fields[][2] = {{"kind", "images"}, {"axes", "hwc"}, {"range", "0:255"}, {"space", "srgb"}};
    h->type = 'H';
    for (int i = 0; i < 4; i++) tns_meta_add(&h->meta, fields[i][0], fields[i][1]);
    text name = {0}, value = {0};
    for (size_t pos = 0; history && tns_meta_next(history, &pos, &name, &value);)
        if (!strcmp(name.s, "pg")) tns_meta_add(&h->meta, "pg", value.s);
    free(name.s);
    free(value.s);
}

static void to_stdout(const tns_frame *f, void *unused) {
    (void)unused;
    prog_write(f);
}

/* ---- --sample: draw from a state ---- */

static tns_reader *open_state(const char *path, tns_meta *header) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) die(EXIT_FAILED, "%s:", path);
    tns_reader *r = tns_reader_open(fd, path, prog.max_record);
    tns_frame h = {0};
    int got = tns_read(r, &h);
    if (got < 0) die(tns_reader_errno(r) ? EXIT_FAILED : EXIT_CORRUPT, "%s", tns_reader_error(r));
    tns_meta_copy(header, &h.meta);
    tns_frame_free(&h);
    return r; /* its descriptor lives as long as the program */
}

static void read_state(state *s, tns_reader *r, const char *path) {
    char err[STATE_ERROR];
    bool corrupt;
    if (!state_read(s, r, err, &corrupt)) die(corrupt ? EXIT_CORRUPT : EXIT_FAILED, "%s: %s", path, err);
    tns_reader_close(r);
    state_free(s);
}

static int draw(void) {
    char err[NET_ERROR];
    tns_meta header = {0};
    tns_reader *r = open_state(state_path, &header);
    net *gen = state_net(&header, "gen", state_path, &ops_f32, err);
    if (!gen) die(EXIT_CORRUPT, "%s", err);
    state s = {0};
    state_add_net(&s, "gen", gen);
    read_state(&s, r, state_path);

    tns_frame h = {0};
    image_header(&h, &header);
    prog_add_pg(&h.meta, NULL);
    prog_write(&h);
    painter p = painter_open(gen);
    paint(&p, sample, "sample", NULL, to_stdout, NULL);
    prog_write(&(tns_frame){.type = 'E'});
    painter_close(&p);
    tns_frame_free(&h);
    tns_meta_free(&header);
    net_free(gen);
    return prog_finish();
}

/* ---- checkpoints ---- */

static void list_state(training *t, state *s) {
    state_add_net(s, "gen", t->gen);
    state_add_net(s, "critic", t->critic);
    state_add_optimiser(s, "gen", &t->a.opt_gen);
    state_add_optimiser(s, "critic", &t->a.opt_critic);
}

/* The state as this run knows it. Two runs on one state would take turns at spoiling it: the second to write finds out. */
static struct stat known;

static void guard_state(void) {
    struct stat now;
    bool there = stat(state_path, &now) == 0;
    if (there && S_ISREG(now.st_mode) && (now.st_ino != known.st_ino || now.st_dev != known.st_dev))
        die(EXIT_FAILED, "%s: another run has written it; two can't share a state", state_path);
}

static void know_state(void) {
    if (stat(state_path, &known) < 0) die(EXIT_FAILED, "%s:", state_path);
}

static void save_state(training *t, const char *path) {
    tns_meta h = {0};
    tns_meta_add(&h, "kind", "state");
    tns_meta_add(&h, "net.gen", t->gen->text);
    tns_meta_add(&h, "net.critic", t->critic->text);
    tns_meta_addf(&h, "cursor", "%" PRIu64 ":%" PRIu64, t->epoch, t->consumed);
    tns_meta_addf(&h, "step", "%" PRIu64, t->step);
    tns_meta_addf(&h, "adam", "gen:%" PRIu64 ",critic:%" PRIu64, t->a.opt_gen.t, t->a.opt_critic.t);
    tns_meta_add(&h, "options", t->options);
    tns_meta_add(&h, "data", t->data);
    tns_meta_addf(&h, "threads", "%" PRId64, prog.threads);
    text name = {0}, value = {0};
    for (size_t pos = 0; tns_meta_next(&t->history, &pos, &name, &value);)
        if (!strcmp(name.s, "pg")) tns_meta_add(&h, "pg", value.s);
    state s = {0};
    list_state(t, &s);
    if (path == state_path) guard_state();
    outfile *o = outfile_open(path);
    tns_writer *w = tns_writer_open(outfile_fd(o));
    if (state_write(&s, &h, w) < 0) die(EXIT_FAILED, "%s:", path);
    tns_writer_close(w);
    outfile_commit(o, true);
    if (path == state_path) know_state();
    state_free(&s);
    tns_meta_free(&h);
    free(name.s);
    free(value.s);
}

static void must_match(const tns_meta *h, const char *field, const char *now, const char *what) {
    text was = {0};
    const char *v = tns_meta_get(h, field, &was);
    if (!v || strcmp(v, now))
        die(EXIT_FAILED, "%s: was trained with %s: '%.200s', now it is '%.200s'. Use the same, or another --state to begin anew",
            state_path, what, v ? v : "none", now);
    free(was.s);
}

static uint64_t number_after(const tns_meta *h, const char *field, const char *mark) {
    text buf = {0};
    const char *v = tns_meta_get(h, field, &buf), *at = v ? strstr(v, mark) : NULL;
    uint64_t number = 0;
    char digits[32] = "";
    if (at) snprintf(digits, sizeof digits, "%.*s", (int)strspn(at + strlen(mark), "0123456789"), at + strlen(mark));
    if (!parse_u64(digits, &number)) die(EXIT_CORRUPT, "%s: no %s=%s... in the header", state_path, field, mark);
    free(buf.s);
    return number;
}

/* Puts the training where the state left it. */
static void resume(training *t) {
    tns_meta h = {0};
    know_state();
    tns_reader *r = open_state(state_path, &h);
    must_match(&h, "kind", "state", "kind");
    must_match(&h, "net.gen", t->gen->text, "another generator");
    must_match(&h, "net.critic", t->critic->text, "another critic");
    must_match(&h, "options", t->options, "other options");
    must_match(&h, "data", t->data, "other data (checksum of the input's header)");
    t->step = number_after(&h, "step", "");
    t->epoch = number_after(&h, "cursor", "");
    t->consumed = number_after(&h, "cursor", ":");
    t->a.opt_gen.t = number_after(&h, "adam", "gen:");
    t->a.opt_critic.t = number_after(&h, "adam", "critic:");
    uint64_t threads = number_after(&h, "threads", "");
    if (threads != (uint64_t)prog.threads && !prog.quiet)
        warn("%s was trained with -j %" PRIu64 ", now it is %" PRId64 ": results will differ in the last digits", state_path,
             threads, prog.threads);
    state s = {0};
    list_state(t, &s);
    read_state(&s, r, state_path);
    tns_meta_free(&h);
}

/* ---- the log ---- */

static void add_layer_columns(const net *n, const char *name, text *row, bool values) {
    for (int i = 0; i < n->layers; i++) {
        if (n->layer[i].weight < 0) continue;
        if (values)
            text_addf(row, "\t%.9g", gan_layer_gradient(n, i));
        else
            text_addf(row, "\tgrad_%s:%s", name, n->layer[i].name);
    }
}

static void log_header(const training *t, text *row) {
    text_add(row, "step\tepoch\tloss_d\tloss_g\td_real\td_fake\tpenalty\tgrad_g_mean\tgrad_g_norm\tgrad_d_norm\tseconds");
    if (log_layers) {
        add_layer_columns(t->gen, "g", row, false);
        add_layer_columns(t->critic, "d", row, false);
    }
    text_add(row, "\n");
}

static void log_row(history_log *l, const training *t, const gan_metrics *m, double seconds) {
    text row = {0};
    text_addf(&row, "%" PRIu64 "\t%" PRIu64 "\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.4f", t->step, t->epoch,
              m->loss_d, m->loss_g, m->d_real, m->d_fake, m->penalty, m->grad_g_mean, m->grad_g_norm, m->grad_d_norm, seconds);
    if (log_layers) {
        add_layer_columns(t->gen, "g", &row, true);
        add_layer_columns(t->critic, "d", &row, true);
    }
    text_add(&row, "\n");
    history_log_row(l, row.s);
    free(row.s);
}

/* ---- samples: to stdout (unless that is a terminal and there is a file) and to --samples ---- */

typedef struct {
    history_stream *kept;
    bool show;
} gallery;

static void to_gallery(const tns_frame *f, void *to) {
    gallery *g = to;
    if (g->kept) history_stream_add(g->kept, f);
    if (g->show) prog_write(f);
}

static void exhibit(painter *p, const training *t, gallery *g) {
    char prefix[48], step[24];
    snprintf(step, sizeof step, "%" PRIu64, t->step);
    snprintf(prefix, sizeof prefix, "step%08" PRIu64, t->step);
    paint(p, sample_count, prefix, step, to_gallery, g);
    if (g->kept) history_stream_flush(g->kept);
}

/* ---- reading batches ---- */

typedef struct {
    prog_input *in;
    tns_frame f;
    bool ahead; /* f is a record not yet used */
    bool over;
    uint64_t skip; /* records of a stream without epochs that were used before the checkpoint */
} source;

static uint64_t epoch_of(const tns_frame *f, bool *has) {
    text buf = {0};
    uint64_t epoch = 0;
    const char *v = tns_meta_get(&f->meta, "epoch", &buf);
    *has = v && parse_u64(v, &epoch);
    free(buf.s);
    return epoch;
}

static bool next_record(source *s) {
    while (!s->ahead && !s->over) {
        if (!prog_next(s->in, &s->f))
            s->over = true;
        else if (s->f.type == 'R')
            s->ahead = true;
    }
    return s->ahead;
}

/* Pixels into one place of the batch, scaled to [-1,1]. */
static void take_image(const training *t, const source *s, float *to) {
    const tns_frame *f = &s->f;
    const net_layer *want = &t->critic->layer[0];
    if (f->rank != 3 || f->shape[0] != (uint32_t)want->h || f->shape[1] != (uint32_t)want->w ||
        f->shape[2] != (uint32_t)want->c) {
        char have[80];
        tns_shape_text(f, have);
        prog_bad_record(s->in, f, "an image of %s, the nets want %dx%dx%d; imgnorm --size %dx%d before it would make it so", have,
                        want->h, want->w, want->c, want->w, want->h);
    }
    if (f->dtype == TNS_U8)
        ops_f32.from_u8(f->data_len, 2 / 255., -1, f->data, to);
    else if (f->dtype == TNS_F32)
        memcpy(to, f->data, f->data_len);
    else
        prog_bad_record(s->in, f, "pixels of %s; u8 (0:255) or f32 (-1:1) are wanted", tns_dtype_name(f->dtype));
}

/* Fills a batch with records of one epoch; what is left of an epoch at its end is dropped. False at the end of the data. */
static bool next_batch(training *t, source *s, float *images) {
    const net_layer *in = &t->critic->layer[0];
    size_t pixels = (size_t)in->h * (size_t)in->w * (size_t)in->c;
    int64_t have = 0;
    while (have < batch && next_record(s)) {
        bool has_epoch;
        uint64_t epoch = epoch_of(&s->f, &has_epoch);
        if (!has_epoch && s->skip) {
            s->skip--;
            s->ahead = false;
            continue;
        }
        s->skip = 0;
        if (epoch < t->epoch)
            prog_bad_record(s->in, &s->f, "is of epoch %" PRIu64 ", the training is at %" PRIu64 "; use tshuf --from %s", epoch,
                            t->epoch, state_path);
        if (epoch > t->epoch) t->epoch = epoch, t->consumed = 0, have = 0;
        take_image(t, s, images + (size_t)have++ * pixels);
        t->consumed++;
        s->ahead = false;
    }
    return have == batch;
}

/* ---- training ---- */

static net *load_net(const char *path) {
    char err[NET_ERROR];
    net *n = net_load(path, err);
    if (!n || !net_shape(n, 0, 0, 0, err) || !net_can_train(n, err)) die(EXIT_USAGE, "%s", err);
    if (!net_alloc(n, &ops_f32)) die(EXIT_FAILED, "%s: not enough memory for its weights", path);
    return n;
}

static gan_options gan_options_of(void) {
    gan_options o = {.batch = (int)batch, .update = (gan_update)update, .target_real = 1};
    o.gen = (adam_options){lr_g, beta1, beta2, eps, adam_form == 0};
    o.critic = (adam_options){lr_d, beta1, beta2, eps, adam_form == 0};
    char *copy = xstrdup(smooth), *comma = strchr(copy, ',');
    if (comma) *comma = 0;
    if (!comma || !parse_f64(copy, &o.target_real) || !parse_f64(comma + 1, &o.target_fake) || o.target_real < 0 ||
        o.target_real > 1 || o.target_fake < 0 || o.target_fake > 1)
        prog_usage("--smooth %s: two targets from 0 to 1, as .9,0", smooth);
    free(copy);
    return o;
}

static char *canonical_options(void) {
    return xasprintf("seed=%" PRIu64 " batch=%" PRId64
                     " lr_g=%.17g lr_d=%.17g beta1=%.17g beta2=%.17g eps=%.17g adam=%d smooth=%s update=%d",
                     prog.seed, batch, lr_g, lr_d, beta1, beta2, eps, adam_form, smooth, update);
}

static void train_open(training *t, source *s) {
    char err[NET_ERROR];
    t->gen = load_net(gen_path);
    t->critic = load_net(critic_path);
    gan_options o = gan_options_of();
    net_init(t->gen, prog.seed, "gen");
    net_init(t->critic, prog.seed, "critic");
    if (!gan_open(&t->a, t->gen, t->critic, &o, err)) die(EXIT_USAGE, "%s", err);

    s->in = prog_open(prog.operand[0]);
    if (!prog_next(s->in, &s->f)) die(EXIT_CORRUPT, "no header");
    const tns_meta *h = &s->f.meta;
    t->data = xasprintf("%016" PRIx64, hash64(HASH64_START, h->t.s ? h->t.s : "", h->t.len));
    tns_meta_copy(&t->history, h);
    char *nets = xasprintf("--gen=MODEL_%016" PRIx64 " --critic=MODEL_%016" PRIx64,
                           hash64(HASH64_START, t->gen->text, strlen(t->gen->text)),
                           hash64(HASH64_START, t->critic->text, strlen(t->critic->text)));
    prog_add_pg(&t->history, nets);
    free(nets);
    t->options = canonical_options();
}

static void train_close(training *t) {
    gan_close(&t->a);
    net_free(t->gen);
    net_free(t->critic);
    free(t->options);
    free(t->data);
    tns_meta_free(&t->history);
}

static _Noreturn void not_finite(const training *t, const gan_metrics *m, uint64_t saved) {
    char where[40] = "there is no checkpoint yet";
    if (saved != UINT64_MAX) snprintf(where, sizeof where, "holds step %" PRIu64, saved);
    die(EXIT_FAILED,
        "step %" PRIu64
        ": a loss or gradient isn't finite (loss_d %g, loss_g %g). Look at the data and the learning rates; %s%s%s",
        t->step + 1, m->loss_d, m->loss_g, saved != UINT64_MAX ? state_path : "", saved != UINT64_MAX ? " " : "", where);
}

static int train(void) {
    training t = {0};
    source s = {0};
    train_open(&t, &s);
    bool resumed = access(state_path, F_OK) == 0;
    if (resumed) resume(&t);
    s.skip = t.consumed;
    uint64_t first = t.step;

    text row = {0};
    log_header(&t, &row);
    history_log *log = log_path ? history_log_open(log_path, row.s, t.step) : NULL;
    free(row.s);
    tns_frame h = {0};
    image_header(&h, &t.history);
    gallery g = {.show = !(samples_path && isatty(1))};
    if (samples_path) g.kept = history_stream_open(samples_path, &h.meta, t.step, !resumed);
    if (g.show) prog_write(&h);
    tns_frame_free(&h);

    const net_layer *in = &t.critic->layer[0];
    size_t pixels = (size_t)in->h * (size_t)in->w * (size_t)in->c, z_count = (size_t)t.gen->layer[0].c * (size_t)batch;
    float *images = xarray((size_t)batch * pixels, sizeof *images), *z = xarray(z_count, sizeof *z);
    painter p = painter_open(t.gen);
    if (!resumed) exhibit(&p, &t, &g);
    uint64_t saved = resumed ? t.step : UINT64_MAX;
    double start = monotonic_seconds();
    while ((!steps || t.step < (uint64_t)steps) && next_batch(&t, &s, images)) {
        rng r = rng_make(prog.seed, "ganstep", "z", t.step);
        rng_fill_normal(&r, z, z_count);
        gan_metrics m;
        if (!gan_step(&t.a, images, z, prog.seed, t.step, &m)) not_finite(&t, &m, saved);
        t.step++;
        double now = monotonic_seconds();
        if (log) log_row(log, &t, &m, now - start);
        start = now;
        if (t.step % (uint64_t)sample_every == 0) exhibit(&p, &t, &g);
        if (t.step % (uint64_t)save_every == 0) save_state(&t, state_path), saved = t.step;
        prog_progress(t.step, (uint64_t)steps, "steps");
    }
    if (t.step == first && !resumed) die(EXIT_FAILED, "not one full batch of %" PRId64 " in the data; try a smaller -b", batch);
    if (t.step % (uint64_t)sample_every && t.step != first) exhibit(&p, &t, &g);
    if (saved != t.step) save_state(&t, state_path);
    if (save_path) save_state(&t, save_path);
    if (g.show) prog_write(&(tns_frame){.type = 'E'});
    history_log_close(log);
    history_stream_close(g.kept);
    painter_close(&p);
    free(images);
    free(z);
    tns_frame_free(&s.f);
    prog_close(s.in);
    train_close(&t);
    return prog_finish();
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    ops_f32.set_threads((int)prog.threads);
    if (sample > 0) {
        if (gen_path || critic_path) prog_usage("--sample takes its generator from --state, not from --gen");
        return draw();
    }
    if (!gen_path || !critic_path) prog_usage("--gen NET and --critic NET are needed for training (or --sample N)");
    return train();
}
