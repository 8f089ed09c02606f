#include "evaluate.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cls.h"
#include "infer.h"
#include "par.h"
#include "preprocess.h"

enum { MOST = 16 };

/* Records on their way through the network. */
typedef struct {
    tns_frame in[MOST];
    int count;
    float *x, z[MOST];
} item;

typedef struct {
    const net *n;
    infer *plan;
    infer_run **idle; /* runs that no thread is using */
    int idle_count;
    pthread_mutex_t lock;
    prog_input *input;
    const char *positive;
    evaluation result;
    size_t room, x_size;
    int at_once;
} job;

bool label_is(const prog_input *in, const tns_frame *f, const char *positive) {
    text buf = {0};
    const char *label = tns_meta_get(&f->meta, "label", &buf);
    if (!label) prog_bad_record(in, f, "has no label=; imgnorm --label or --label-from-dir gives it one");
    bool is = !strcmp(label, positive);
    free(buf.s);
    return is;
}

static infer_run *take_run(job *j) {
    pthread_mutex_lock(&j->lock);
    infer_run *r = j->idle_count ? j->idle[--j->idle_count] : NULL;
    pthread_mutex_unlock(&j->lock);
    if (!r && !(r = infer_run_new(j->plan))) die(EXIT_FAILED, "not enough memory to run the network; try a smaller -j");
    return r;
}

static void work(void *slot, void *shared) {
    item *it = slot;
    job *j = shared;
    if (!it->x) it->x = xarray((size_t)j->at_once * j->x_size, sizeof *it->x);
    for (int i = 0; i < it->count; i++) preprocess(j->n, &it->in[i], 0, 1, it->x + (size_t)i * j->x_size);
    infer_run *r = take_run(j);
    infer_forward(r, it->x, it->count);
    for (int i = 0; i < it->count; i++) infer_read(r, 0, i, &it->z[i]);
    pthread_mutex_lock(&j->lock);
    j->idle[j->idle_count++] = r;
    pthread_mutex_unlock(&j->lock);
}

static void done(void *slot, void *shared) {
    item *it = slot;
    job *j = shared;
    evaluation *e = &j->result;
    for (int i = 0; i < it->count; i++) {
        if (!isfinite(it->z[i])) prog_bad_record(j->input, &it->in[i], "makes the network give a value that isn't finite");
        if (e->count == j->room) e->s = xrealloc(e->s, (j->room = j->room ? 2 * j->room : 1024) * sizeof *e->s);
        bool positive = label_is(j->input, &it->in[i], j->positive);
        e->s[e->count++] = (scored){cls_p(it->z[i]), positive, 1};
        e->loss += cls_loss(it->z[i], positive);
    }
}

static void item_free(void *slot) {
    item *it = slot;
    for (int i = 0; i < MOST; i++) tns_frame_free(&it->in[i]);
    free(it->x);
}

evaluation evaluate(const net *n, const char *path, const char *positive, int threads) {
    char err[NET_ERROR];
    const net_layer *in = &n->layer[0];
    job j = {.n = n, .positive = positive, .x_size = (size_t)in->h * (size_t)in->w * (size_t)in->c};
    pthread_mutex_init(&j.lock, NULL);
    if (!(j.plan = infer_new(n, NULL, 0, err))) die(EXIT_FAILED, "%s", err);
    j.at_once = infer_batch(j.plan) < MOST ? infer_batch(j.plan) : MOST;
    j.idle = xarray((size_t)threads + 1, sizeof *j.idle);
    j.input = prog_open(path);
    par *p = par_start(threads, sizeof(item), work, done, &j);
    tns_frame f = {0};
    item *it = NULL;
    while (prog_next(j.input, &f)) {
        if (f.type != 'R') continue;
        if (!preprocess_accepts(n, &f, err)) prog_bad_record(j.input, &f, "%s", err);
        if (!it) it = par_item(p), it->count = 0;
        tns_frame_swap(&it->in[it->count++], &f);
        if (it->count == j.at_once) par_put(p), it = NULL;
    }
    if (it) par_put(p);
    par_drain(p);
    par_stop(p, item_free);
    if (!j.result.count) die(EXIT_CORRUPT, "%s: no records", path);
    j.result.loss /= (double)j.result.count;
    prog_close(j.input);
    tns_frame_free(&f);
    for (int i = 0; i < j.idle_count; i++) infer_run_free(j.idle[i]);
    free(j.idle);
    infer_free(j.plan);
    pthread_mutex_destroy(&j.lock);
    return j.result;
}
