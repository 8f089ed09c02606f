#include "schedule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

bool decay_parse(const char *s, decay *d) {
    static const char *const name[] = {"none", "exp:", "plateau:", "cosine:"};
    *d = (decay){.kind = DECAY_NONE, .rate = 1};
    if (!strcmp(s, "none")) return true;
    for (int k = DECAY_EXP; k <= DECAY_COSINE; k++) {
        if (strncmp(s, name[k], strlen(name[k]))) continue;
        d->kind = (decay_kind)k;
        s += strlen(name[k]);
        if (k != DECAY_COSINE) {
            char *copy = xstrdup(s), *comma = strchr(copy, ',');
            if (comma) *comma = 0;
            bool good = comma && parse_f64(copy, &d->rate) && d->rate > 0 && d->rate <= 1;
            s += comma ? comma - copy + 1 : 0;
            free(copy);
            if (!good) return false;
        }
        return parse_u64(s, &d->steps) && d->steps > 0;
    }
    return false;
}

double decay_factor(const decay *d, uint64_t step) {
    double part = d->steps ? (double)step / (double)d->steps : 0;
    if (d->kind == DECAY_EXP) return pow(d->rate, part);
    if (d->kind == DECAY_COSINE) return part >= 1 ? 0 : (1 + cos(M_PI * part)) / 2;
    return 1;
}

watch_verdict watch_epoch(watch *w, double value, double margin, uint64_t patience) {
    if (value < w->best - margin) {
        w->best = value;
        w->wait = 0;
        return WATCH_BETTER;
    }
    if (++w->wait < patience) return WATCH_WAITS;
    w->wait = 0;
    return WATCH_OUT;
}
