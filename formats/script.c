#include "script.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_SCRIPT = 1 << 20, MAX_DEPTH = 200 };

/* A pg line: "ID PREVIOUS[,PREVIOUS...] PROGRAM VERSION COMMAND...", PREVIOUS "-" where a chain begins. */
typedef struct {
    char *id, *previous, *program, *command;
    bool continued; /* a later line names it as previous */
} step;

typedef struct {
    step *steps;
    int count, depth;
    int model; /* the training whose model (--save) is wanted, or -1 */
    text *out;
    script_names *names; /* [0]: inputs, [1]: states */
} history;

void script_free(script *s) {
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < s->names[k].count; i++) free(s->names[k].id[i]);
        free(s->names[k].id);
    }
    free(s->text.s);
    *s = (script){0};
}

static int find(const history *h, const char *id, size_t n) {
    for (int i = h->count - 1; i >= 0; i--)
        if (strlen(h->steps[i].id) == n && !memcmp(h->steps[i].id, id, n)) return i;
    return -1;
}

static bool printable(const char *s) {
    for (; *s; s++)
        if (((unsigned char)*s < 32 && *s != '\n' && *s != '\t') || *s == 127) return false;
    return true;
}

/* Splits the line in place; the step takes it over. Every previous id must have come before. */
static bool add_step(history *h, char *line) {
    step s = {.id = line};
    char **field[] = {&s.previous, &s.program, NULL, &s.command}, *p = line;
    for (int i = 0; i < 4; i++) {
        if (!(p = strchr(p, ' '))) return false;
        *p++ = 0;
        if (field[i]) *field[i] = p;
    }
    if (!*s.id || !*s.previous || !*s.command || !printable(s.command) || find(h, s.id, strlen(s.id)) >= 0) return false;
    for (p = s.previous; strcmp(s.previous, "-") && *p;) {
        size_t n = strcspn(p, ",");
        int i = find(h, p, n);
        if (i < 0) return false;
        h->steps[i].continued = true;
        p += n + (p[n] == ',');
    }
    h->steps[h->count++] = s;
    return true;
}

/* The command, with the models it names by checksum as variables. */
static void add_command(text *out, const char *s) {
    bool quoted = false;
    for (const char *p = s; *p;) {
        bool word = p == s || p[-1] == ' ' || p[-1] == '=';
        size_t n = !quoted && word && !strncmp(p, "MODEL_", 6) ? strspn(p + 6, "0123456789abcdef") : 0;
        if (n) {
            text_addf(out, "\"$%.*s\"", (int)n + 6, p);
            p += n + 6;
        } else {
            if (*p == '\\' && !quoted && p[1])
                text_addn(out, p++, 1);
            else if (*p == '\'')
                quoted = !quoted;
            text_addn(out, p++, 1);
        }
    }
}

static bool is_one_of(const char *program, const char *const *list) {
    while (*list && strcmp(*list, program)) list++;
    return *list != NULL;
}

/* The number of the variable that stands for the file a step reads, or keeps its state in. */
static int variable(script_names *names, const char *id) {
    int k = 0;
    while (k < names->count && strcmp(names->id[k], id)) k++;
    if (k == names->count) {
        names->id = xrealloc(names->id, (size_t)(k + 1) * sizeof *names->id);
        names->id[names->count++] = xstrdup(id);
    }
    return k + 1;
}

static void add_input(history *h, const step *s) {
    static const char *const operand[] = {"imgnorm", "npy2tns", "wgt2tns", "onnx2tns", NULL}, *const nothing[] = {"drawface",
                                                                                                                  NULL};
    if (is_one_of(s->program, nothing)) return;
    text_addf(h->out, is_one_of(s->program, operand) ? " \"$IN%d\"" : " <\"$IN%d\"", variable(&h->names[0], s->id));
}

/* A training keeps its state in a file; what draws samples from a state reads that file, and no stream. */
static bool draws(const step *s) {
    return !strcmp(s->program, "ganstep") && strstr(s->command, " --sample=");
}
static bool trains(const step *s) {
    static const char *const trainers[] = {"ganstep", "clsfit", NULL};
    return is_one_of(s->program, trainers) && !draws(s);
}

static bool begins(const step *s) {
    return !strcmp(s->previous, "-") || strchr(s->previous, ',') || draws(s);
}

static bool add_pipeline(history *h, int i, bool for_state);

/* What comes before the first step of a pipeline: nothing, the streams it merged, or the training whose state it reads. */
static bool add_before(history *h, const step *s, bool merged, bool grouped) {
    bool good = true;
    if (merged || grouped) text_add(h->out, "{\n");
    h->depth++;
    for (const char *p = s->previous; strcmp(s->previous, "-") && good && *p;) {
        size_t n = strcspn(p, ",");
        good = add_pipeline(h, find(h, p, n), draws(s)) && h->out->len <= MAX_SCRIPT;
        p += n + (p[n] == ',');
    }
    h->depth--;
    if (merged) text_add(h->out, "} |\n    ");
    return good;
}

/* The pipeline that ends in step i. for_state: it ends in a training, of which only the state is wanted. */
static bool add_pipeline(history *h, int i, bool for_state) {
    if (h->depth == MAX_DEPTH) return false;
    /* Back to where it begins. Ids refer backwards only, so this ends. */
    int length = 1, first = i, state = 0;
    for (; !begins(&h->steps[first]); length++) first = find(h, h->steps[first].previous, strlen(h->steps[first].previous));
    int *chain = xarray((size_t)length, sizeof *chain);
    for (int k = length - 1, at = i; k >= 0; k--) {
        chain[k] = at;
        if (k) at = find(h, h->steps[at].previous, strlen(h->steps[at].previous));
    }
    const step *s = &h->steps[first];
    bool merged = strchr(s->previous, ',') && !draws(s), grouped = draws(s) && length > 1;
    bool good = add_before(h, s, merged, grouped);
    for (int k = 0; good && k < length; k++) {
        s = &h->steps[chain[k]];
        if (k) text_add(h->out, k == 1 && grouped ? "\n} |\n    " : " |\n    ");
        add_command(h->out, s->command);
        if (trains(s))
            state = variable(&h->names[1], s->id);
        else if (draws(s))
            state = variable(&h->names[1], s->previous);
        if (trains(s) || draws(s)) text_addf(h->out, " --state=\"$STATE%d\"", state);
        if (chain[k] == h->model) text_addf(h->out, " --save=\"$STATE%d.model\"", state);
        if (!k && !strcmp(s->previous, "-") && !draws(s)) add_input(h, s);
    }
    text_add(h->out, for_state && trains(s) ? " >/dev/null\n" : "\n");
    free(chain);
    return good;
}

bool script_add(script *sc, const tns_meta *header) {
    history h = {.out = &sc->text, .names = sc->names};
    text name = {0}, value = {0};
    const char *kind = tns_meta_get(header, "kind", &value);
    bool is_state = kind && !strcmp(kind, "state"), is_model = kind && !strcmp(kind, "model");
    int lines = 0;
    bool good = true;
    for (size_t pos = 0; tns_meta_next(header, &pos, &name, &value);) lines += !strcmp(name.s, "pg");
    h.steps = xarray((size_t)lines, sizeof *h.steps);
    for (size_t pos = 0; good && tns_meta_next(header, &pos, &name, &value);) {
        if (strcmp(name.s, "pg")) continue;
        char *line = xstrdup(value.s);
        good = add_step(&h, line);
        if (!good) free(line);
    }
    good = good && lines;
    for (int i = 0; good && i < h.count; i++)
        if (!h.steps[i].continued) {
            h.model = is_model && trains(&h.steps[i]) ? i : -1;
            good = add_pipeline(&h, i, is_state);
            if (good && (is_state || is_model) && trains(&h.steps[i]))
                text_addf(h.out, "cat \"$STATE%d%s\"\n", variable(&h.names[1], h.steps[i].id), is_model ? ".model" : "");
        }
    for (int i = 0; i < h.count; i++) free(h.steps[i].id);
    free(h.steps);
    free(name.s);
    free(value.s);
    return good;
}
