#include "script.h"

#include <stdlib.h>
#include <string.h>

#include "lineage.h"

enum { MAX_SCRIPT = 1 << 20, MAX_DEPTH = 200 };

typedef struct {
    lineage l;
    int depth;
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

static void add_input(history *h, const lineage_step *s) {
    static const char *const operand[] = {"imgnorm", "npy2tns", "wgt2tns", "onnx2tns", NULL}, *const nothing[] = {"drawface",
                                                                                                                  NULL};
    if (is_one_of(s->program, nothing) || strstr(s->command, " --random=")) return;
    text_addf(h->out, is_one_of(s->program, operand) ? " \"$IN%d\"" : " <\"$IN%d\"", variable(&h->names[0], s->id));
}

/* A training keeps its state in a file; what draws samples from a state reads that file, and no stream. */
static bool draws(const lineage_step *s) {
    return !strcmp(s->program, "ganstep") && strstr(s->command, " --sample=");
}
static bool trains(const lineage_step *s) {
    static const char *const trainers[] = {"ganstep", "clsfit", NULL};
    return is_one_of(s->program, trainers) && !draws(s);
}

static bool begins(const lineage_step *s) {
    return !strcmp(s->previous, "-") || strchr(s->previous, ',') || draws(s);
}

static bool add_pipeline(history *h, int i, bool for_state);

/* What comes before the first step of a pipeline: nothing, the streams it merged, or the training whose state it reads. */
static bool add_before(history *h, const lineage_step *s, bool merged, bool grouped) {
    bool good = true;
    if (merged || grouped) text_add(h->out, "{\n");
    h->depth++;
    for (const char *p = s->previous; strcmp(s->previous, "-") && good && *p;) {
        size_t n = strcspn(p, ",");
        good = add_pipeline(h, lineage_find(&h->l, p, n), draws(s)) && h->out->len <= MAX_SCRIPT;
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
    for (; !begins(&h->l.step[first]); length++)
        first = lineage_find(&h->l, h->l.step[first].previous, strlen(h->l.step[first].previous));
    int *chain = xarray((size_t)length, sizeof *chain);
    for (int k = length - 1, at = i; k >= 0; k--) {
        chain[k] = at;
        if (k) at = lineage_find(&h->l, h->l.step[at].previous, strlen(h->l.step[at].previous));
    }
    const lineage_step *s = &h->l.step[first];
    bool merged = strchr(s->previous, ',') && !draws(s), grouped = draws(s) && length > 1;
    bool good = add_before(h, s, merged, grouped);
    for (int k = 0; good && k < length; k++) {
        s = &h->l.step[chain[k]];
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
    text value = {0};
    const char *kind = tns_meta_get(header, "kind", &value);
    bool is_state = kind && !strcmp(kind, "state"), is_model = kind && !strcmp(kind, "model");
    bool good = lineage_read(&h.l, header);
    for (int i = 0; good && i < h.l.count; i++) {
        const lineage_step *s = &h.l.step[i];
        if (s->continued) continue;
        h.model = is_model && trains(s) ? i : -1;
        good = add_pipeline(&h, i, is_state);
        if (good && (is_state || is_model) && trains(s))
            text_addf(h.out, "cat \"$STATE%d%s\"\n", variable(&h.names[1], s->id), is_model ? ".model" : "");
    }
    lineage_free(&h.l);
    free(value.s);
    return good;
}
