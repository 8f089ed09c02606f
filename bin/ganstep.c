/* ganstep: trains a generator against a critic on a stream of images, or draws images from a trained one. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/batches.h"
#include "lib/gan_feed.h"
#include "lib/gan_log.h"
#include "lib/gan_state.h"
#include "lib/history.h"
#include "lib/ops_bf16.h"
#include "lib/painter.h"
#include "lib/prog.h"

static const char *gen_path, *critic_path, *state_path, *save_path, *samples_path, *log_path;
static int64_t sample = -1, batch = 128, steps, save_every = 100, sample_every = 100, sample_count = 64, n_critic = 1;
static double lr_g = 1e-4, lr_d = 1e-4, beta1 = .9, beta2 = .999, eps = 1e-7, lambda = 10, ema;
static const char *smooth = "1,0";
static int loss, update, adam_form, weights;
static bool log_layers, reuse_batch, bf16;
static const ops *table; /* of all arithmetic */

static const opt options[] = {
    {0, "gen", OPT_TEXT, &gen_path, "NET", 0, 0, 0, "the generator's network text"},
    {0, "critic", OPT_TEXT, &critic_path, "NET", 0, 0, 0, "the critic's (discriminator's) network text"},
    {0, "state", OPT_TEXT, &state_path, "FILE", 0, 0, OPT_REQUIRED,
     "checkpoint: continued from when it exists, written as training goes"},
    {0, "sample", OPT_INT, &sample, "N", 1, 1e9, OPT_PG, "don't train: write N images drawn by the state's generator"},
    {0, "weights", OPT_CHOICE, &weights, "ema|gen", 0, 0, OPT_PG,
     "with --sample: of the average, where the state has one, or of the last step"},
    {0, "loss", OPT_CHOICE, &loss, "bce|wgan-gp", 0, 0, OPT_PG,
     "cross-entropy, or Wasserstein with gradient penalty (default bce)"},
    {'b', "batch", OPT_INT, &batch, "N", 2, 65536, OPT_PG, "images a step (default 128)"},
    {0, "steps", OPT_INT, &steps, "N", 0, 1e15, OPT_PG,
     "stop after N generator steps, counted over all runs (default 0: when the data ends)"},
    {0, "lr-g", OPT_FLOAT, &lr_g, "LR", 0, 10, OPT_PG, "the generator's learning rate (default 1e-4)"},
    {0, "lr-d", OPT_FLOAT, &lr_d, "LR", 0, 10, OPT_PG, "the critic's learning rate (default 1e-4)"},
    {0, "beta1", OPT_FLOAT, &beta1, "B", 0, .999999, OPT_PG, "Adam's decay of the mean gradient (default .9, wgan-gp 0)"},
    {0, "beta2", OPT_FLOAT, &beta2, "B", 0, .999999, OPT_PG, "Adam's decay of the squared gradient (default .999, wgan-gp .9)"},
    {0, "eps", OPT_FLOAT, &eps, "E", 1e-30, 1, OPT_PG, "Adam's epsilon (default 1e-7)"},
    {0, "adam", OPT_CHOICE, &adam_form, "keras|pytorch", 0, 0, OPT_PG, "where Adam's epsilon stands (default keras)"},
    {0, "smooth", OPT_TEXT, &smooth, "REAL,FAKE", 0, 0, OPT_PG,
     "bce: targets of the critic's loss; label smoothing (default 1,0)"},
    {0, "n-critic", OPT_INT, &n_critic, "N", 1, 1000, OPT_PG, "critic steps a generator step (default 1, wgan-gp 5)"},
    {0, "reuse-batch", OPT_FLAG, &reuse_batch, NULL, 0, 0, OPT_PG,
     "all critic steps of a step on the same images (default: each on fresh ones)"},
    {0, "lambda", OPT_FLOAT, &lambda, "L", 0, 1e6, OPT_PG, "wgan-gp: the penalty's weight (default 10)"},
    {0, "update", OPT_CHOICE, &update, "simultaneous|alternate", 0, 0, OPT_PG,
     "both losses from one D(fake) (bce's default), or the generator after the critic's step (wgan-gp's)"},
    {0, "ema", OPT_FLOAT, &ema, "D", 0, .999999999, OPT_PG,
     "keep an average of the generator's weights, of which D stays at a step, .999 for one (default 0: none)"},
    {0, "bf16", OPT_FLAG, &bf16, NULL, 0, 0, OPT_PG,
     "multiply in bfloat16, on processors with AMX; weights and sums stay in float"},
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

/* ---- --sample: draw from a state ---- */

static void to_stdout(const tns_frame *f, void *unused) {
    (void)unused;
    prog_write(f);
}

static int draw(void) {
    char err[NET_ERROR];
    checkpoint c;
    if (!checkpoint_open(&c, state_path)) die(EXIT_FAILED, "%s:", state_path);
    text unused = {0};
    const char *name = !weights && tns_meta_get(&c.header, "net.ema", &unused) ? "ema" : "gen";
    free(unused.s);
    net *gen = state_net(&c.header, name, state_path, table, err);
    if (!gen) die(EXIT_CORRUPT, "%s", err);
    state s = {0};
    state_add_net(&s, name, gen);
    checkpoint_fill(&c, &s);

    tns_frame h = {0};
    painter_header(&h, &c.header);
    prog_add_pg(&h.meta, NULL);
    prog_write(&h);
    painter p = painter_open(gen, "ganstep", prog.seed);
    painter_paint(&p, sample, "sample", NULL, to_stdout, NULL);
    prog_write(&(tns_frame){.type = 'E'});
    painter_close(&p);
    tns_frame_free(&h);
    state_free(&s);
    checkpoint_free(&c);
    net_free(gen);
    return prog_finish();
}

/* ---- samples of a training: to stdout (unless that is a terminal and there is a file) and to --samples ---- */

typedef struct {
    painter p;
    history_stream *kept;
    bool show;
} gallery;

/* When nobody looks any more, training ends; but with --save it is done for that file, and goes on unseen. */
static void show(gallery *g, const tns_frame *f) {
    if (!g->show) return;
    if (save_path)
        g->show = prog_offer(f);
    else
        prog_write(f);
}

static void to_gallery(const tns_frame *f, void *to) {
    gallery *g = to;
    if (g->kept) history_stream_add(g->kept, f);
    show(g, f);
}

static void exhibit(gallery *g, const gan_training *t) {
    char prefix[48], step[24];
    snprintf(step, sizeof step, "%" PRIu64, t->step);
    snprintf(prefix, sizeof prefix, "step%08" PRIu64, t->step);
    painter_paint(&g->p, sample_count, prefix, step, to_gallery, g);
    if (g->kept) history_stream_flush(g->kept);
}

static gallery gallery_open(const gan_training *t, bool resumed) {
    gallery g = {.p = painter_open(t->a.ema ? t->a.ema : t->a.gen, "ganstep", prog.seed), .show = !(samples_path && isatty(1))};
    tns_frame h = {0};
    painter_header(&h, &t->history);
    if (samples_path) g.kept = history_stream_open(samples_path, &h.meta, t->step, !resumed);
    show(&g, &h);
    tns_frame_free(&h);
    return g;
}

static void gallery_close(gallery *g) {
    show(g, &(tns_frame){.type = 'E'});
    history_stream_close(g->kept);
    painter_close(&g->p);
}

/* ---- training ---- */

static net *load_net(const char *path) {
    char err[NET_ERROR];
    net *n = net_load(path, err);
    if (!n && errno) die(EXIT_FAILED, "%s", err);
    if (!n || !net_shape(n, 0, 0, 0, err) || !net_can_train(n, err)) die(EXIT_USAGE, "%s", err);
    if (!net_alloc(n, table)) die(EXIT_FAILED, "%s: not enough memory for its weights", path);
    return n;
}

/* What depends on the loss, where it wasn't given. */
static void resolve_defaults(void) {
    bool wgan = loss == GAN_WGAN_GP;
    if (wgan && strcmp(smooth, "1,0")) prog_usage("--smooth sets targets of bce; wgan-gp has none");
    if (!wgan && fabs(lambda - 10) > 0) prog_usage("--lambda is the weight of wgan-gp's penalty; bce has none");
    if (!wgan) return;
    if (!prog_given("beta1")) beta1 = 0;
    if (!prog_given("beta2")) beta2 = .9;
    if (!prog_given("n-critic")) n_critic = 5;
    if (!prog_given("update")) update = GAN_ALTERNATE;
}

static gan_options gan_options_of(void) {
    gan_options o = {.batch = (int)batch,
                     .update = (gan_update)update,
                     .target_real = 1,
                     .loss = (gan_loss)loss,
                     .lambda = lambda,
                     .n_critic = (int)n_critic,
                     .ema = ema};
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
    return xasprintf("seed=%" PRIu64 " loss=%d batch=%" PRId64 " lr_g=%.17g lr_d=%.17g beta1=%.17g beta2=%.17g eps=%.17g adam=%d"
                     " smooth=%s n_critic=%" PRId64 " reuse=%d lambda=%.17g update=%d ema=%.17g%s",
                     prog.seed, loss, batch, lr_g, lr_d, beta1, beta2, eps, adam_form, smooth, n_critic, reuse_batch, lambda,
                     update, ema, bf16 ? " bf16" : "");
}

static bool train_open(gan_training *t, batches *b) {
    char err[NET_ERROR];
    net *gen = load_net(gen_path), *critic = load_net(critic_path);
    gan_options o = gan_options_of();
    net_init(gen, prog.seed, "gen");
    net_init(critic, prog.seed, "critic");
    if (!gan_open(&t->a, gen, critic, &o, err)) die(EXIT_USAGE, "%s", err);

    tns_frame h = {0};
    prog_input *in = prog_open(prog.operand[0]);
    if (!prog_next(in, &h)) die(EXIT_CORRUPT, "no header");
    t->data = xasprintf("%016" PRIx64, hash64(HASH64_START, h.meta.t.s ? h.meta.t.s : "", h.meta.t.len));
    tns_meta_copy(&t->history, &h.meta);
    tns_frame_free(&h);
    char *nets =
        xasprintf("--gen=MODEL_%016" PRIx64 " --critic=MODEL_%016" PRIx64, hash64(HASH64_START, gen->text, strlen(gen->text)),
                  hash64(HASH64_START, critic->text, strlen(critic->text)));
    prog_add_pg(&t->history, nets);
    free(nets);
    t->options = canonical_options();
    t->threads = prog.threads;
    bool resumed = gan_training_resume(t, state_path, prog.quiet);
    const net_layer *image = &critic->layer[0];
    batches_open(b, in, image->h, image->w, image->c, state_path, t->epoch, t->consumed);
    return resumed;
}

static void train_close(gan_training *t, batches *b) {
    net *gen = t->a.gen, *critic = t->a.critic;
    batches_close(b);
    prog_close(b->in);
    gan_close(&t->a);
    net_free(gen);
    net_free(critic);
    gan_training_free(t);
}

static _Noreturn void not_finite(const gan_training *t, const gan_metrics *m, uint64_t saved) {
    char where[40] = "there is no checkpoint yet";
    if (saved != UINT64_MAX) snprintf(where, sizeof where, "holds step %" PRIu64, saved);
    die(EXIT_FAILED,
        "step %" PRIu64
        ": a loss or gradient isn't finite (loss_d %g, loss_g %g). Look at the data and the learning rates; %s%s%s",
        t->step + 1, m->loss_d, m->loss_g, saved != UINT64_MAX ? state_path : "", saved != UINT64_MAX ? " " : "", where);
}

static int train(void) {
    gan_training t = {0};
    batches b;
    bool resumed = train_open(&t, &b);
    uint64_t first = t.step, saved = resumed ? t.step : UINT64_MAX;
    history_log *log = log_path ? gan_log_open(log_path, &t.a, log_layers, t.step) : NULL;
    gallery g = gallery_open(&t, resumed);
    if (!resumed) exhibit(&g, &t);

    gan_feed d = gan_feed_open(&t.a, reuse_batch, "ganstep", prog.seed);
    double start = monotonic_seconds();
    while ((!steps || t.step < (uint64_t)steps) && gan_feed_read(&d, &b)) {
        gan_draw x = gan_feed_draw(&d, t.step);
        gan_metrics m;
        if (!gan_step(&t.a, &x, prog.seed, t.step, &m)) not_finite(&t, &m, saved);
        t.step++, t.epoch = b.epoch, t.consumed = b.consumed;
        double now = monotonic_seconds();
        if (log) gan_log_row(log, &t.a, log_layers, t.step, t.epoch, &m, now - start);
        start = now;
        if (t.step % (uint64_t)sample_every == 0) exhibit(&g, &t);
        if (t.step % (uint64_t)save_every == 0) gan_training_save(&t), saved = t.step;
        prog_progress(t.step, (uint64_t)steps, "steps");
    }
    if (t.step == first && !resumed)
        die(EXIT_FAILED, "not one full step of %zu in the data; try a smaller -b", d.batches * (size_t)batch);
    if (t.step % (uint64_t)sample_every && t.step != first) exhibit(&g, &t);
    if (saved != t.step) gan_training_save(&t);
    if (save_path) gan_training_export(&t, save_path);
    gallery_close(&g);
    history_log_close(log);
    gan_feed_close(&d);
    train_close(&t, &b);
    return prog_finish();
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    table = ops_choose(bf16);
    table->set_threads((int)prog.threads);
    if (sample > 0) {
        if (gen_path || critic_path) prog_usage("--sample takes its generator from --state, not from --gen");
        return draw();
    }
    if (weights) prog_usage("--weights is for --sample");
    resolve_defaults();
    if (!gen_path || !critic_path) prog_usage("--gen NET and --critic NET are needed for training (or --sample N)");
    return train();
}
