#include "gan_log.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base.h"

static void add_layers(const net *n, const char *name, text *row, bool values) {
    for (int i = 0; i < n->layers; i++) {
        if (n->layer[i].weight < 0) continue;
        if (values)
            text_addf(row, "\t%.9g", gan_layer_gradient(n, i));
        else
            text_addf(row, "\tgrad_%s:%s", name, n->layer[i].name);
    }
}

static void end_row(const gan *a, bool layers, text *row, bool values) {
    if (layers) {
        add_layers(a->gen, "g", row, values);
        add_layers(a->critic, "d", row, values);
    }
    text_add(row, "\n");
}

history_log *gan_log_open(const char *path, const gan *a, bool layers, uint64_t step) {
    text row = {0};
    text_add(&row, "step\tepoch\tloss_d\tloss_g\td_real\td_fake\tpenalty\tgrad_g_mean\tgrad_g_norm\tgrad_d_norm\tseconds");
    end_row(a, layers, &row, false);
    history_log *l = history_log_open(path, row.s, step);
    free(row.s);
    return l;
}

void gan_log_row(history_log *l, const gan *a, bool layers, uint64_t step, uint64_t epoch, const gan_metrics *m, double seconds) {
    text row = {0};
    text_addf(&row, "%" PRIu64 "\t%" PRIu64 "\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.4f", step, epoch, m->loss_d,
              m->loss_g, m->d_real, m->d_fake, m->penalty, m->grad_g_mean, m->grad_g_norm, m->grad_d_norm, seconds);
    end_row(a, layers, &row, true);
    history_log_row(l, row.s);
    free(row.s);
}
