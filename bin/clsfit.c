/* clsfit: trains a classifier of two classes on a stream of labelled images or features. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/checkpoint.h"
#include "lib/cls.h"
#include "lib/evaluate.h"
#include "lib/facts.h"
#include "lib/history.h"
#include "lib/net_text.h"
#include "lib/ops_bf16.h"
#include "lib/preprocess.h"
#include "lib/prog.h"
#include "lib/schedule.h"

static const char *net_path, *state_path, *save_path, *log_path, *positive = "fake", *decay_text = "none";
static int64_t batch = 64, save_every = 100, patience;
static double lr = 1e-3, momentum, l2;
static int optimizer, class_weight;
static opt_list validation, settings;
static bool facts_only, bf16;
static const ops *table; /* of all arithmetic */

static const opt options[] = {
    {0, "net", OPT_TEXT, &net_path, "NET", 0, 0, 0, "the classifier's network text; its last line is sigmoid"},
    {0, "set", OPT_LIST, &settings, "NAME=N", 0, 0, OPT_PG, "a number of the network's text (again for more): --set drop=50"},
    {0, "state", OPT_TEXT, &state_path, "FILE", 0, 0, 0, "checkpoint: continued from when it exists, written as training goes"},
    {'b', "batch", OPT_INT, &batch, "N", 1, 65536, OPT_PG, "records a step (default 64)"},
    {0, "positive", OPT_TEXT, &positive, "LABEL", 0, 0, OPT_PG,
     "the class whose probability the network gives; every other label is the negative class (default fake)"},
    {0, "optimizer", OPT_CHOICE, &optimizer, "adam|sgd", 0, 0, OPT_PG, "adam (default; betas .9, .999, epsilon 1e-7) or sgd"},
    {0, "lr", OPT_FLOAT, &lr, "LR", 0, 100, OPT_PG, "learning rate (default 1e-3)"},
    {0, "lr-decay", OPT_TEXT, &decay_text, "none|exp:RATE,STEPS|plateau:FACTOR,PATIENCE|cosine:STEPS", 0, 0, OPT_PG,
     "how the learning rate falls (default none); plateau: by the validation's loss, in epochs"},
    {0, "momentum", OPT_FLOAT, &momentum, "M", 0, .999999, OPT_PG, "of sgd (default 0)"},
    {0, "l2", OPT_FLOAT, &l2, "L", 0, 1e6, OPT_PG,
     "penalty L * sum of weight^2 of every layer whose line has no l2= (default 0)"},
    {0, "class-weight", OPT_CHOICE, &class_weight, "none|auto", 0, 0, OPT_PG,
     "auto: both classes weigh the same, whatever their counts (default none)"},
    {0, "val", OPT_LIST, &validation, "FILE", 0, 0, 0, "score this stream after every epoch (again for more: val, val2...)"},
    {0, "early-stop", OPT_INT, &patience, "N", 0, 1e9, OPT_PG,
     "stop when the validation's loss hasn't fallen for N epochs, and save the best epoch (default 0: don't)"},
    {0, "facts", OPT_FLAG, &facts_only, NULL, 0, 0, OPT_PG,
     "train a linear model on file facts and mean colour instead: the shortcut floor"},
    {0, "bf16", OPT_FLAG, &bf16, NULL, 0, 0, OPT_PG,
     "multiply in bfloat16, on processors with AMX; weights and sums stay in float"},
    {0, "save", OPT_TEXT, &save_path, "FILE", 0, 0, 0, "the model, put in place when training is over"},
    {0, "save-every", OPT_INT, &save_every, "N", 1, 1e15, 0,
     "steps between checkpoints (default 100); one also after each epoch"},
    {0, "log", OPT_TEXT, &log_path, "FILE", 0, 0, 0, "a row of metrics a split and epoch, tab-separated"},
    {0}};

static const program self = {.name = "clsfit",
                             .summary = "train a classifier on a stream of labelled images or features",
                             .operands = "[FILE]",
                             .max_operands = 1,
                             .options = options,
                             .uses = PROG_SEED | PROG_PG_THREADS | PROG_TEXT,
                             .notes = "Train; killed and started again, it goes on from the checkpoint:\n"
                                      "  tshuf --epochs 10 --from c.state train.tns |\n"
                                      "    clsfit --net model3.net --state c.state --val val.tns --log log.tsv --save c.tns\n"
                                      "Score what it hasn't seen, and see what file facts alone would give:\n"
                                      "  netrun -m c.tns test.tns | tscore\n"
                                      "  clsfit --facts --val test.tns train.tns"};

/* ---- the training's place in the data, and all that a checkpoint holds ---- */

typedef struct {
    cls c;
    net *n, *best; /* best: the weights of the best epoch, with --early-stop */
    char *text; /* the network's, with its input's size and its sigmoid */
    checkpoint file;
    prog_input *in;
    tns_frame f;
    bool ahead, over, stopped; /* ahead: f is a record not yet used; stopped: early */
    uint64_t skip; /* records of a stream without epochs that were used before the checkpoint */
    uint64_t step, epoch, consumed; /* records of that epoch */
    uint64_t logged; /* the step of the last rows in the log */
    uint64_t seen[2]; /* records of the negative, of the positive class */
    float *scores; /* of the epoch so far: logit and target of each */
    size_t score_count, score_room;
    decay decay;
    watch plateau, early;
    double factor; /* of the learning rate, by plateau */
    double started; /* the epoch, in this run */
    char *options, *data; /* what must not change between runs of one training */
    tns_meta history; /* the pg chain, with this program's line */
    history_log *log;
    fact_list facts; /* of the first records that this run sees, until they were looked at */
    fact_values values;
    bool warned[FACT_KINDS], looked;
} training;

static const char *const columns = "epoch\tstep\tsplit\tloss\tpenalty\taccuracy\tprecision\trecall\tauc\tseconds\n";

/* ---- checkpoints and the model ---- */

static net_param score_shape(const training *t) {
    return (net_param){.rank = 2, .shape = {(uint32_t)t->score_count, 2}, .count = 2 * t->score_count};
}

static void list_state(training *t, state *s, const net_param *scores) {
    state_add_net(s, "net", t->n);
    state_add_optimiser(s, "net", &t->c.opt);
    if (t->best) state_add_net(s, "best", t->best);
    state_add_array(s, "scores", t->scores, &ops_f32, scores);
}

static void add_history(const training *t, tns_meta *h) {
    text name = {0}, value = {0};
    for (size_t pos = 0; tns_meta_next(&t->history, &pos, &name, &value);)
        if (!strcmp(name.s, "pg")) tns_meta_add(h, "pg", value.s);
    free(name.s);
    free(value.s);
}

static void save_state(training *t) {
    tns_meta h = {0};
    tns_meta_add(&h, "kind", "state");
    tns_meta_add(&h, "net.net", t->text);
    tns_meta_add(&h, "positive", positive);
    tns_meta_addf(&h, "cursor", "%" PRIu64 ":%" PRIu64, t->epoch, t->consumed);
    tns_meta_addf(&h, "step", "%" PRIu64 ":%" PRIu64, t->step, t->logged);
    tns_meta_addf(&h, "seen", "%" PRIu64 ":%" PRIu64 ":%zu", t->seen[0], t->seen[1], t->score_count);
    tns_meta_addf(&h, "plateau", "%a:%" PRIu64 ":%a", t->plateau.best, t->plateau.wait, t->factor);
    tns_meta_addf(&h, "early", "%a:%" PRIu64 ":%d", t->early.best, t->early.wait, t->stopped);
    tns_meta_add(&h, "options", t->options);
    tns_meta_add(&h, "data", t->data);
    tns_meta_addf(&h, "threads", "%" PRId64, prog.threads);
    add_history(t, &h);
    state s = {0};
    net_param scores = score_shape(t);
    list_state(t, &s, &scores);
    checkpoint_write(&t->file, &s, &h);
    state_free(&s);
    tns_meta_free(&h);
}

static void save_model(training *t) {
    tns_meta h = {0};
    tns_meta_add(&h, "kind", "model");
    tns_meta_add(&h, "net", t->text);
    tns_meta_add(&h, "positive", positive);
    add_history(t, &h);
    state s = {0};
    state_add_net(&s, NULL, t->best && t->early.best < INFINITY ? t->best : t->n);
    outfile *o = outfile_open(save_path);
    tns_writer *w = tns_writer_open(outfile_fd(o));
    if (state_write(&s, &h, w) < 0) die(EXIT_FAILED, "%s:", save_path);
    tns_writer_close(w);
    outfile_commit(o, true);
    state_free(&s);
    tns_meta_free(&h);
}

/* Puts the training where the state left it. */
static void resume(training *t) {
    const checkpoint *c = &t->file;
    checkpoint_must_match(c, "net.net", t->text, "another network");
    checkpoint_must_match(c, "options", t->options, "other options");
    checkpoint_must_match(c, "data", t->data, "other data (checksum of the input's header)");
    t->epoch = checkpoint_whole(c, "cursor", 0), t->consumed = checkpoint_whole(c, "cursor", 1);
    t->step = checkpoint_whole(c, "step", 0), t->logged = checkpoint_whole(c, "step", 1);
    t->seen[0] = checkpoint_whole(c, "seen", 0), t->seen[1] = checkpoint_whole(c, "seen", 1);
    t->plateau = (watch){checkpoint_real(c, "plateau", 0), checkpoint_whole(c, "plateau", 1)};
    t->factor = checkpoint_real(c, "plateau", 2);
    t->early = (watch){checkpoint_real(c, "early", 0), checkpoint_whole(c, "early", 1)};
    t->stopped = checkpoint_whole(c, "early", 2);
    t->c.opt.t = t->step;
    uint64_t threads = checkpoint_whole(c, "threads", 0), count = checkpoint_whole(c, "seen", 2);
    if (threads != (uint64_t)prog.threads && !prog.quiet)
        warn("%s was trained with -j %" PRIu64 ", now it is %" PRId64 ": results will differ in the last digits", state_path,
             threads, prog.threads);
    if (count > UINT32_MAX) die(EXIT_CORRUPT, "%s: seen=: %" PRIu64 " records of an epoch", state_path, count);
    t->score_count = t->score_room = count;
    t->scores = xarray(2 * count + 1, sizeof *t->scores);
    state s = {0};
    net_param scores = score_shape(t);
    list_state(t, &s, &scores);
    checkpoint_fill(&t->file, &s);
    state_free(&s);
    t->skip = t->consumed;
}

/* ---- facts that give the classes away ---- */

enum { LOOK_AFTER = 1000 }; /* records: a first look, so that nobody waits for an epoch */

static void look_at_facts(training *t, bool last) {
    for (int k = 0; k < FACT_KINDS; k++) {
        const char *value = NULL;
        double share[2], d = facts_difference(&t->facts, &t->values, k, &value, share);
        if (d < .1 || t->warned[k] || (k == FACT_EXTENT && t->warned[FACT_SIZE])) continue;
        t->warned[k] = true;
        if (prog.quiet) continue;
        warn("the classes differ in %s: '%s' is %.0f%% of %s and %.0f%% of the others. That alone tells %.0f%% of as many of "
             "each apart, and a "
             "network may learn nothing else; clsfit --facts gives the floor to hold it against",
             fact_name(k), value, 100 * share[0], positive, 100 * share[1], 50 + 50 * d);
    }
    t->looked = last;
    if (last) facts_free(&t->facts);
}

/* ---- the end of an epoch ---- */

/* A row of the log; the scores become sorted. */
static char *row_of(uint64_t epoch, uint64_t step, const char *split, double loss, double penalty, scored *s, size_t count,
                    double seconds) {
    metrics_sort(s, count);
    metrics m = metrics_of(s, count, .5);
    return xasprintf("%" PRIu64 "\t%" PRIu64 "\t%s\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.4f\n", epoch, step, split, loss,
                     penalty, m.accuracy, m.precision, m.recall, m.auc, seconds);
}

static void log_row(training *t, const char *split, double loss, scored *s, size_t count, double since) {
    if (!t->log) return;
    char *row = row_of(t->epoch, t->step, split, loss, cls_penalty(&t->c), s, count, monotonic_seconds() - since);
    history_log_row(t->log, row);
    free(row);
}

static void split_name(char out[24], int i) {
    snprintf(out, 24, i ? "val%d" : "val", i + 1);
}

/* The training's own row: each record as it was scored before the step that learnt from it, dropout and all. Gives the loss. */
static double training_row(training *t) {
    scored *s = xarray(t->score_count, sizeof *s);
    double loss = 0;
    for (size_t i = 0; i < t->score_count; i++) {
        float z = t->scores[2 * i], target = t->scores[2 * i + 1];
        s[i] = (scored){cls_p(z), target > 0, 1};
        loss += cls_loss(z, target);
    }
    loss /= (double)t->score_count;
    log_row(t, "train", loss, s, t->score_count, t->started);
    free(s);
    return loss;
}

/* Scores the files of --val in inference; the first one's loss, or `otherwise` where there is none. */
static double validation_rows(training *t, double otherwise) {
    double first = otherwise;
    for (int i = 0; i < validation.count; i++) {
        char split[24];
        double start = monotonic_seconds();
        split_name(split, i);
        evaluation e = evaluate(t->n, validation.item[i], positive, (int)prog.threads);
        if (!i) first = e.loss;
        log_row(t, split, e.loss, e.s, e.count, start);
        free(e.s);
    }
    return first;
}

static void end_epoch(training *t) {
    if (!t->seen[0] || !t->seen[1])
        die(EXIT_FAILED,
            "all records of epoch %" PRIu64 " are labelled %s '%s': one class can't be told from nothing; see --positive",
            t->epoch, t->seen[1] ? "" : "otherwise than", positive);
    if (!t->looked) look_at_facts(t, true);
    double loss = validation_rows(t, training_row(t));
    if (t->decay.kind == DECAY_PLATEAU && watch_epoch(&t->plateau, loss, 1e-4, t->decay.steps) == WATCH_OUT)
        t->factor *= t->decay.rate;
    if (patience) {
        watch_verdict v = watch_epoch(&t->early, loss, 0, (uint64_t)patience);
        if (v == WATCH_BETTER) {
            memcpy(t->best->weights, t->n->weights, t->n->weight_count * sizeof(float));
            memcpy(t->best->stats, t->n->stats, t->n->stat_count * sizeof(float));
        }
        t->stopped = v == WATCH_OUT;
    }
    t->score_count = 0;
    t->logged = t->step;
    t->started = monotonic_seconds();
    save_state(t);
}

/* ---- reading batches ---- */

static bool next_record(training *t) {
    while (!t->ahead && !t->over) {
        if (!prog_next(t->in, &t->f))
            t->over = true;
        else if (t->f.type == 'R')
            t->ahead = true;
    }
    return t->ahead;
}

static uint64_t epoch_of(const tns_frame *f, bool *has) {
    text buf = {0};
    uint64_t epoch = 0;
    const char *v = tns_meta_get(&f->meta, "epoch", &buf);
    *has = v && parse_u64(v, &epoch);
    free(buf.s);
    return epoch;
}

/* Fills a batch with records of the epoch; fewer (0, too) where it ends. */
static int next_batch(training *t, float *x, double *target) {
    const net_layer *in = &t->n->layer[0];
    size_t each = (size_t)in->h * (size_t)in->w * (size_t)in->c;
    char err[NET_ERROR];
    int have = 0;
    while (have < batch && next_record(t)) {
        bool has_epoch;
        uint64_t epoch = epoch_of(&t->f, &has_epoch);
        if (!has_epoch && t->skip) {
            t->skip--;
            t->ahead = false;
            continue;
        }
        t->skip = 0;
        if (epoch < t->epoch)
            prog_bad_record(t->in, &t->f, "is of epoch %" PRIu64 ", the training is at %" PRIu64 "; use tshuf --from %s", epoch,
                            t->epoch, state_path);
        if (epoch > t->epoch) return have;
        if (!preprocess_accepts(t->n, &t->f, err)) prog_bad_record(t->in, &t->f, "%s", err);
        preprocess(t->n, &t->f, 0, 1, x + (size_t)have * each);
        bool is = label_is(t->in, &t->f, positive);
        t->seen[is]++;
        if (!t->looked) facts_add(&t->facts, &t->values, &t->f, is, false);
        if (t->facts.count == LOOK_AFTER) look_at_facts(t, false);
        target[have++] = is;
        t->consumed++;
        t->ahead = false;
    }
    return have;
}

/* ---- training ---- */

static void take_step(training *t, int count, const float *x, const double *target, double *weight, double *logits) {
    for (int i = 0; i < count; i++)
        weight[i] = class_weight ? (double)(t->seen[0] + t->seen[1]) / (2 * (double)t->seen[target[i] > 0]) : 1;
    if (!cls_gradient(&t->c, count, x, target, weight, prog.seed, t->step, logits))
        die(EXIT_FAILED, "not enough memory for a batch of %d; try a smaller -b", count);
    bool finite = ops_f32.finite(t->n->weight_count, t->n->grads);
    for (int i = 0; i < count; i++) finite &= isfinite(logits[i]) != 0;
    if (!finite)
        die(EXIT_FAILED, "step %" PRIu64 ": a loss or gradient isn't finite. Look at the data and the learning rate; %s",
            t->step + 1, t->file.known.st_ino ? "the state holds the last good checkpoint" : "there is no checkpoint yet");
    cls_move(&t->c, lr * t->factor * decay_factor(&t->decay, t->step));
    if (t->score_count + (size_t)count > t->score_room)
        t->scores = xrealloc(t->scores, 2 * (t->score_room = 2 * t->score_room + (size_t)count) * sizeof *t->scores);
    for (int i = 0; i < count; i++, t->score_count++) {
        t->scores[2 * t->score_count] = (float)logits[i];
        t->scores[2 * t->score_count + 1] = (float)target[i];
    }
    t->step++;
}

static void train(training *t) {
    const net_layer *in = &t->n->layer[0];
    float *x = xarray((size_t)batch * (size_t)in->h * (size_t)in->w * (size_t)in->c, sizeof *x);
    double *each = xarray(3 * (size_t)batch, sizeof *each), *target = each, *weight = each + batch, *logits = each + 2 * batch;
    t->started = monotonic_seconds();
    while (!t->stopped) {
        int count = next_batch(t, x, target);
        if (count) {
            take_step(t, count, x, target, weight, logits);
            if (t->step % (uint64_t)save_every == 0) save_state(t);
            prog_progress(t->step, 0, "steps");
        }
        if (count == batch) continue;
        if (t->score_count) end_epoch(t);
        if (t->stopped || !next_record(t)) break;
        bool has_epoch;
        t->epoch = epoch_of(&t->f, &has_epoch), t->consumed = 0;
    }
    free(x);
    free(each);
}

/* ---- opening ---- */

static char *canonical_options(void) {
    return xasprintf("seed=%" PRIu64 " batch=%" PRId64 " positive=%s optimizer=%d lr=%.17g decay=%s momentum=%.17g l2=%.17g"
                     " class_weight=%d early_stop=%" PRId64 "%s",
                     prog.seed, batch, positive, optimizer, lr, decay_text, momentum, l2, class_weight, patience,
                     bf16 ? " bf16" : "");
}

/* The size of the data: the first record's, or the state's where no record is left. */
static void find_size(training *t, const net *parsed, bool resumed, int *h, int *w, int *c) {
    char err[NET_ERROR];
    *h = *w = *c = 0;
    if (next_record(t)) {
        if (!preprocess_accepts(parsed, &t->f, err)) prog_bad_record(t->in, &t->f, "%s", err);
        bool image = t->f.rank == 3;
        *h = image ? (int)t->f.shape[0] : 0, *w = image ? (int)t->f.shape[1] : 0, *c = (int)t->f.shape[image ? 2 : 0];
    } else if (resumed) {
        net *was = state_net(&t->file.header, "net", state_path, table, err);
        if (!was) die(EXIT_CORRUPT, "%s", err);
        const net_layer *in = &was->layer[0];
        *h = in->flat ? 0 : in->h, *w = in->flat ? 0 : in->w, *c = in->c;
        net_free(was);
    } else {
        die(EXIT_FAILED, "no records in %s", prog_input_name(t->in));
    }
}

/* The network of --net, with the numbers of --set; its text goes into the history by checksum. */
static net *parse_net(training *t) {
    char err[NET_ERROR];
    size_t len;
    char *s = read_file(net_path, NET_MAX_TEXT, &len), *plain;
    if (!s) die(EXIT_FAILED, "%s:", net_path);
    if (strlen(s) != len) die(EXIT_USAGE, "%s: not a text", net_path);
    if (!(plain = net_expand(s, net_path, settings.item, settings.count, err))) die(EXIT_USAGE, "%s", err);
    char *extra = xasprintf("--net=MODEL_%016" PRIx64, hash64(HASH64_START, s, len));
    prog_add_pg(&t->history, extra);
    net *n = net_parse(plain, net_path, err);
    if (!n) die(EXIT_USAGE, "%s", err);
    free(extra);
    free(plain);
    free(s);
    return n;
}

static void open_net(training *t, bool resumed) {
    char err[NET_ERROR], *again;
    int h, w, c;
    net *parsed = parse_net(t);
    find_size(t, parsed, resumed, &h, &w, &c);
    if (!(t->n = cls_net(parsed, h, w, c, table, &t->text, err))) die(EXIT_USAGE, "%s", err);
    net_init(t->n, prog.seed, "net");
    if (patience) {
        if (!(t->best = cls_net(parsed, h, w, c, table, &again, err))) die(EXIT_FAILED, "%s", err);
        free(again);
    }
    net_free(parsed);
    cls_options o = {.batch = (int)batch,
                     .kind = (cls_optimiser)optimizer,
                     .adam = {lr, .9, .999, 1e-7, true},
                     .momentum = momentum,
                     .l2 = l2};
    if (!cls_open(&t->c, t->n, &o)) die(EXIT_FAILED, "not enough memory for the optimiser");
}

static void training_open(training *t) {
    if (!decay_parse(decay_text, &t->decay))
        prog_usage("--lr-decay %s: none, exp:RATE,STEPS, plateau:FACTOR,PATIENCE or cosine:STEPS, as exp:.96,1000", decay_text);
    if (patience && !validation.count) prog_usage("--early-stop goes by the loss of --val FILE, which isn't given");
    t->plateau.best = t->early.best = INFINITY;
    t->factor = 1;
    t->options = canonical_options();
    t->in = prog_open(prog.operand[0]);
    if (!prog_next(t->in, &t->f)) die(EXIT_CORRUPT, "no header");
    const tns_meta *h = &t->f.meta;
    t->data = xasprintf("%016" PRIx64, hash64(HASH64_START, h->t.s ? h->t.s : "", h->t.len));
    tns_meta_copy(&t->history, h);
    bool resumed = checkpoint_open(&t->file, state_path);
    if (resumed) checkpoint_must_match(&t->file, "kind", "state", "kind");
    open_net(t, resumed);
    bool has_epoch;
    if (resumed)
        resume(t);
    else
        t->epoch = epoch_of(&t->f, &has_epoch);
    if (log_path) t->log = history_log_open(log_path, columns, t->logged);
}

static void training_close(training *t) {
    history_log_close(t->log);
    facts_free(&t->facts);
    fact_values_free(&t->values);
    cls_close(&t->c);
    net_free(t->n);
    net_free(t->best);
    checkpoint_free(&t->file);
    tns_frame_free(&t->f);
    tns_meta_free(&t->history);
    free(t->text);
    free(t->scores);
    free(t->options);
    free(t->data);
    prog_close(t->in);
}

/* ---- --facts ---- */

/* The facts of a stream; of its first epoch where it has several. */
static fact_list read_facts(const char *path, fact_values *v) {
    prog_input *in = prog_open(path);
    tns_frame f = {0};
    fact_list l = {0};
    uint64_t first = 0;
    bool has_epoch;
    while (prog_next(in, &f)) {
        if (f.type != 'R') continue;
        uint64_t epoch = epoch_of(&f, &has_epoch);
        if (!l.count) first = epoch;
        if (epoch != first) break;
        facts_add(&l, v, &f, label_is(in, &f, positive), true);
        prog_progress(l.count, 0, "records");
    }
    if (!l.count) die(EXIT_FAILED, "no records in %s", prog_input_name(in));
    tns_frame_free(&f);
    prog_close(in);
    return l;
}

/* What the model makes of a split, as a row of the log. */
static void facts_row(const fact_model *m, const fact_list *l, const char *split, double since, text *out) {
    scored *s = xarray(l->count, sizeof *s);
    double loss = 0;
    for (size_t i = 0; i < l->count; i++) {
        double z = fact_model_logit(m, &l->record[i]);
        s[i] = (scored){cls_p(z), l->record[i].positive, 1};
        loss += cls_loss(z, l->record[i].positive);
    }
    char *row =
        row_of(0, (uint64_t)m->steps, split, loss / (double)l->count, m->penalty, s, l->count, monotonic_seconds() - since);
    text_add(out, row);
    free(row);
    free(s);
}

static int fit_facts(void) {
    if (net_path || state_path || save_path)
        prog_usage("--facts has a model of its own: no --net, --state or --save goes with it");
    fact_values values = {0};
    fact_model m;
    double start = monotonic_seconds();
    fact_list l = read_facts(prog.operand[0], &values);
    size_t positives = 0;
    for (size_t i = 0; i < l.count; i++) positives += l.record[i].positive;
    if (!positives || positives == l.count)
        die(EXIT_FAILED, "all %zu records are labelled %s '%s': there must be two classes; see --positive", l.count,
            positives ? "" : "otherwise than", positive);
    if (!fact_model_fit(&m, &l, &values)) die(EXIT_FAILED, "not enough memory for the linear model");
    text out = {0};
    text_add(&out, columns);
    facts_row(&m, &l, "train", start, &out);
    facts_free(&l);
    for (int i = 0; i < validation.count; i++) {
        char split[24];
        split_name(split, i);
        start = monotonic_seconds();
        l = read_facts(validation.item[i], &values);
        facts_row(&m, &l, split, start, &out);
        facts_free(&l);
    }
    if (log_path) {
        outfile *o = outfile_open(log_path);
        if (full_write(outfile_fd(o), out.s, out.len) < 0) die(EXIT_FAILED, "%s:", log_path);
        outfile_commit(o, false);
    } else {
        prog_print(out.s, out.len);
    }
    free(out.s);
    fact_model_free(&m);
    fact_values_free(&values);
    return prog_finish();
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    prog_text(); /* -o FILE: an empty file, good as a stamp for make */
    if (facts_only) return fit_facts();
    table = ops_choose(bf16);
    table->set_threads((int)prog.threads);
    if (!net_path || !state_path) prog_usage("--net NET and --state FILE are needed (or --facts)");
    training t = {0};
    training_open(&t);
    train(&t);
    if (save_path) save_model(&t);
    training_close(&t);
    return prog_finish();
}
