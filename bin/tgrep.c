/* tgrep: the records whose metadata match, or whose data another stream has, too. */
#include <inttypes.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "lib/prog.h"

static opt_list patterns;
static const char *same_as;
static bool not ;

static const opt options[] = {
    {'e', "match", OPT_LIST, &patterns, "NAME=RE", 0, 0, OPT_PG,
     "records with a value of NAME in which the regular expression matches (again for more: all must)"},
    {0, "same", OPT_TEXT, &same_as, "FILE", 0, 0, 0, "records with the data of a record in this stream"},
    {0, "not", OPT_FLAG, &not, NULL, 0, 0, OPT_PG, "the other records instead"},
    {0}};
static const program self = {.name = "tgrep",
                             .summary = "pass the records whose metadata match",
                             .operands = "[FILE]",
                             .max_operands = 1,
                             .options = options,
                             .notes = "tgrep -e 'label=^fake$' all.tns -o fakes.tns\n"
                                      "tgrep -e 'key=/00000[0-9]$' samples.tns | tview --columns 10 -o learning.png"};

typedef struct {
    char *name;
    regex_t re;
} match;

static match *compile(void) {
    match *m = xarray((size_t)patterns.count + 1, sizeof *m);
    for (int i = 0; i < patterns.count; i++) {
        const char *p = patterns.item[i], *equals = strchr(p, '=');
        if (!equals || equals == p) prog_usage("-e %s: not NAME=RE", p);
        int wrong = regcomp(&m[i].re, equals + 1, REG_EXTENDED | REG_NOSUB);
        if (wrong == REG_ESPACE) out_of_memory(0);
        if (wrong) {
            char why[200];
            regerror(wrong, &m[i].re, why, sizeof why);
            prog_usage("-e %s: %s", p, why);
        }
        m[i].name = xstrdup(p);
        m[i].name[equals - p] = 0;
    }
    return m;
}

/* Whether a value of that name matches; a name may occur several times. */
static bool matches(const match *m, const tns_meta *meta) {
    static text name, value;
    for (size_t pos = 0; tns_meta_next(meta, &pos, &name, &value);)
        if (!strcmp(name.s, m->name) && regex_finds(&m->re, value.s, 0, NULL)) return true;
    return false;
}

/* Of type, shape and data: those of other records differ, but for one pair in 10^19. */
static uint64_t digest(const tns_frame *f) {
    uint64_t h = hash64(HASH64_START, &f->dtype, sizeof f->dtype);
    h = hash64(h, f->shape, sizeof f->shape);
    return hash64(h, f->data, f->data_len);
}

static uint64_t *digests;
static size_t n_digests;

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Fills digests, sorted; gives how the history calls the file. */
static char *read_digests(void) {
    prog_input *in = prog_open(same_as);
    tns_frame f = {0};
    size_t room = 0;
    while (prog_next(in, &f)) {
        if (f.type != 'R') continue;
        if (n_digests == room) digests = xrealloc(digests, (room = room ? 2 * room : 1024) * sizeof *digests);
        digests[n_digests++] = digest(&f);
    }
    tns_frame_free(&f);
    prog_close(in);
    if (n_digests) qsort(digests, n_digests, sizeof *digests, by_value);
    return xasprintf("--same=MODEL_%016" PRIx64, hash64(HASH64_START, digests, n_digests * sizeof *digests));
}

static bool is_same(const tns_frame *f) {
    uint64_t d = digest(f);
    return n_digests && bsearch(&d, digests, n_digests, sizeof d, by_value);
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    if (!patterns.count && !same_as) prog_usage("what to look for? -e NAME=RE, or --same FILE");
    match *m = compile();
    char *same_pg = same_as ? read_digests() : NULL;
    prog_input *in = prog_open(prog.operand[0]);
    tns_frame f = {0};
    uint64_t seen = 0;
    while (prog_next(in, &f)) {
        if (f.type == 'H') prog_add_pg(&f.meta, same_pg);
        if (f.type == 'R') {
            bool all = !same_as || is_same(&f);
            for (int i = 0; all && i < patterns.count; i++) all = matches(&m[i], &f.meta);
            prog_progress(++seen, 0, "records");
            if (all == not ) continue;
        }
        prog_write(&f);
    }
    for (int i = 0; i < patterns.count; i++) {
        free(m[i].name);
        regfree(&m[i].re);
    }
    free(m);
    free(same_pg);
    free(digests);
    tns_frame_free(&f);
    prog_close(in);
    return prog_finish();
}
