#include "split.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"

uint64_t split_draw(uint64_t seed, const tns_frame *record) {
    text buf = {0};
    const char *group = tns_meta_get(&record->meta, "group", &buf);
    if (!group) group = tns_meta_get(&record->meta, "key", &buf);
    rng r = rng_make(seed, "tsplit", group, 0);
    free(buf.s);
    return rng_u64(&r);
}

int split_by_share(uint64_t draw, const double *share, int parts) {
    double sum = 0, upto = 0, u = (double)(draw >> 11) * 0x1p-53;
    for (int p = 0; p < parts; p++) sum += share[p];
    for (int p = 0; p < parts - 1; p++)
        if (u < (upto += share[p]) / sum) return p;
    return parts - 1;
}

void split_add(split_index *x, uint64_t draw, const char *label) {
    if (x->count == x->cap) {
        x->cap = x->cap ? x->cap * 2 : 1024;
        x->record = xrealloc(x->record, x->cap * sizeof *x->record);
    }
    size_t number = names_number(&x->labels, label ? label : "");
    x->record[x->count] = (struct split_record){draw, x->count, number};
    x->count++;
}

static int compare(const void *a, const void *b) {
    const struct split_record *x = a, *y = b;
    if (x->draw != y->draw) return x->draw < y->draw ? -1 : 1;
    return x->record < y->record ? -1 : x->record > y->record;
}

bool split_by_count(split_index *x, const uint64_t *want, int parts, int rest, char err[512]) {
    size_t labels = x->labels.count, n;
    uint64_t total = 0, *left = xarray((size_t)parts * (labels + 1), sizeof *left); /* [part][label]: how many it still wants */
    size_t *has = xarray(labels + 1, sizeof *has);
    bool ok = true;
    for (size_t i = 0; i < x->count; i++) has[x->record[i].label]++;
    for (int p = 0; p < parts; p++) {
        if (__builtin_add_overflow(total, want[p], &total)) total = UINT64_MAX;
        for (size_t l = 0; l < labels; l++) left[(size_t)p * labels + l] = want[p];
    }
    for (size_t l = 0; l < labels && ok; l++)
        if (!(ok = has[l] >= total))
            snprintf(err, 512, "%" PRIu64 " records%s%.100s are wanted, and there are %zu", total,
                     *x->labels.name[l] ? " of label " : "", x->labels.name[l], has[l]);
    free(has);
    if (!x->count) {
        snprintf(err, 512, "%" PRIu64 " records are wanted, and there are none", total);
        ok = false;
    }
    if (!ok) {
        free(left);
        return false;
    }
    x->part = xarray(x->count + 1, 1);
    bool used[SPLIT_MAX_PARTS + 1] = {0};
    qsort(x->record, x->count, sizeof *x->record, compare);
    for (size_t i = 0; i < x->count; i += n) {
        for (n = 1; i + n < x->count && x->record[i + n].draw == x->record[i].draw;) n++;
        int part = rest;
        for (int p = 0; p < parts && part == rest; p++)
            for (size_t k = i; k < i + n && part == rest; k++)
                if (left[(size_t)p * labels + x->record[k].label]) part = p;
        for (size_t k = i; k < i + n; k++) {
            x->part[x->record[k].record] = (uint8_t)part;
            uint64_t *wanted = part == rest ? NULL : &left[(size_t)part * labels + x->record[k].label];
            if (wanted && *wanted) --*wanted;
        }
        if (part < parts) used[part] = true;
    }
    free(left);
    for (int p = 0; p < parts && ok; p++)
        if (!(ok = used[p])) snprintf(err, 512, "the groups are too large: none is left for part %d", p + 1);
    return ok;
}

void split_free(split_index *x) {
    names_free(&x->labels);
    free(x->record);
    free(x->part);
    *x = (split_index){0};
}
