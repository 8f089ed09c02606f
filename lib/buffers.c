#include "buffers.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base.h"

static int by_start(const void *a, const void *b) {
    const buffer *x = a, *y = b;
    return x->start != y->start ? (x->start < y->start ? -1 : 1) : x->id - y->id;
}

int buffers_share(buffer *b, int n, size_t *size) {
    if (n) qsort(b, (size_t)n, sizeof *b, by_start);
    int *busy_until = xarray((size_t)n + 1, sizeof *busy_until), slots = 0;
    for (int i = 0; i < n; i++) {
        int best = -1;
        for (int s = 0; s < slots; s++) {
            if (busy_until[s] >= b[i].start) continue;
            bool fits = size[s] >= b[i].count, best_fits = best >= 0 && size[best] >= b[i].count;
            if (best < 0 || (fits && (!best_fits || size[s] < size[best])) || (!fits && !best_fits && size[s] > size[best]))
                best = s;
        }
        if (best < 0) size[best = slots++] = 0;
        if (size[best] < b[i].count) size[best] = b[i].count;
        busy_until[best] = b[i].end;
        b[i].slot = best;
    }
    free(busy_until);
    return slots;
}
