#include "gan_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

static void list(gan_training *t, state *s) {
    state_add_net(s, "gen", t->a.gen);
    state_add_net(s, "critic", t->a.critic);
    if (t->a.ema) state_add_net(s, "ema", t->a.ema);
    state_add_optimiser(s, "gen", &t->a.opt_gen);
    state_add_optimiser(s, "critic", &t->a.opt_critic);
}

static void describe(const gan_training *t, tns_meta *h) {
    tns_meta_add(h, "kind", "state");
    tns_meta_add(h, "net.gen", t->a.gen->text);
    tns_meta_add(h, "net.critic", t->a.critic->text);
    if (t->a.ema) tns_meta_add(h, "net.ema", t->a.ema->text);
    tns_meta_addf(h, "cursor", "%" PRIu64 ":%" PRIu64, t->epoch, t->consumed);
    tns_meta_addf(h, "step", "%" PRIu64, t->step);
    tns_meta_addf(h, "adam", "%" PRIu64 ":%" PRIu64, t->a.opt_gen.t, t->a.opt_critic.t);
    tns_meta_add(h, "options", t->options);
    tns_meta_add(h, "data", t->data);
    tns_meta_addf(h, "threads", "%" PRId64, t->threads);
    text name = {0}, value = {0};
    for (size_t pos = 0; tns_meta_next(&t->history, &pos, &name, &value);)
        if (!strcmp(name.s, "pg")) tns_meta_add(h, "pg", value.s);
    free(name.s);
    free(value.s);
}

static void write_state(gan_training *t, const char *path) {
    tns_meta h = {0};
    state s = {0};
    describe(t, &h);
    list(t, &s);
    if (path)
        checkpoint_export(path, &s, &h);
    else
        checkpoint_write(&t->file, &s, &h);
    state_free(&s);
    tns_meta_free(&h);
}

void gan_training_save(gan_training *t) {
    write_state(t, NULL);
}

void gan_training_export(gan_training *t, const char *path) {
    write_state(t, path);
}

bool gan_training_resume(gan_training *t, const char *path, bool quiet) {
    checkpoint *c = &t->file;
    if (!checkpoint_open(c, path)) return false;
    checkpoint_must_match(c, "kind", "state", "kind");
    checkpoint_must_match(c, "net.gen", t->a.gen->text, "another generator");
    checkpoint_must_match(c, "net.critic", t->a.critic->text, "another critic");
    checkpoint_must_match(c, "options", t->options, "other options");
    checkpoint_must_match(c, "data", t->data, "other data (checksum of the input's header)");
    t->step = checkpoint_whole(c, "step", 0);
    t->epoch = checkpoint_whole(c, "cursor", 0), t->consumed = checkpoint_whole(c, "cursor", 1);
    t->a.opt_gen.t = checkpoint_whole(c, "adam", 0), t->a.opt_critic.t = checkpoint_whole(c, "adam", 1);
    uint64_t threads = checkpoint_whole(c, "threads", 0);
    if (threads != (uint64_t)t->threads && !quiet)
        warn("%s was trained with -j %" PRIu64 ", now it is %" PRId64 ": results will differ in the last digits", path, threads,
             t->threads);
    state s = {0};
    list(t, &s);
    checkpoint_fill(c, &s);
    state_free(&s);
    return true;
}

void gan_training_free(gan_training *t) {
    checkpoint_free(&t->file);
    tns_meta_free(&t->history);
    free(t->options);
    free(t->data);
}
