/* tgrep: the records whose metadata match. */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "lib/prog.h"

static opt_list patterns;
static bool not ;

static const opt options[] = {{'e', "match", OPT_LIST, &patterns, "NAME=RE", 0, 0, OPT_PG | OPT_REQUIRED,
                               "records with a value of NAME in which the regular expression matches (again for more: all must)"},
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
        if (!strcmp(name.s, m->name) && !regexec(&m->re, value.s, 0, NULL, 0)) return true;
    return false;
}

int main(int argc, char **argv) {
    prog_start(&self, argc, argv);
    match *m = compile();
    prog_input *in = prog_open(prog.operand[0]);
    tns_frame f = {0};
    uint64_t seen = 0;
    while (prog_next(in, &f)) {
        if (f.type == 'H') prog_add_pg(&f.meta, NULL);
        if (f.type == 'R') {
            bool all = true;
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
    tns_frame_free(&f);
    prog_close(in);
    return prog_finish();
}
