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
    text *out;
    script_names *names;
} history;

void script_names_free(script_names *names) {
    for (int i = 0; i < names->count; i++) free(names->id[i]);
    free(names->id);
    *names = (script_names){0};
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

static void add_input(history *h, const step *s) {
    static const char *const operand[] = {"imgnorm", "npy2tns", "wgt2tns", "onnx2tns"}, *const nothing[] = {"drawface"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        if (!strcmp(nothing[i], s->program)) return;
    int k = 0;
    while (k < h->names->count && strcmp(h->names->id[k], s->id)) k++;
    if (k == h->names->count) {
        h->names->id = xrealloc(h->names->id, (size_t)(k + 1) * sizeof *h->names->id);
        h->names->id[h->names->count++] = xstrdup(s->id);
    }
    bool as_operand = false;
    for (size_t i = 0; i < sizeof operand / sizeof *operand; i++) as_operand |= !strcmp(operand[i], s->program);
    text_addf(h->out, as_operand ? " \"$IN%d\"" : " <\"$IN%d\"", k + 1);
}

/* The pipeline that ends in step i. */
static bool add_pipeline(history *h, int i) {
    if (h->depth == MAX_DEPTH) return false;
    /* Back to where the chain begins, or several meet. Ids refer backwards only, so this ends. */
    int length = 1, first = i;
    while (strcmp(h->steps[first].previous, "-") && !strchr(h->steps[first].previous, ',')) {
        first = find(h, h->steps[first].previous, strlen(h->steps[first].previous));
        length++;
    }
    int *chain = xarray((size_t)length, sizeof *chain);
    for (int k = length - 1, at = i; k >= 0; k--) {
        chain[k] = at;
        if (k) at = find(h, h->steps[at].previous, strlen(h->steps[at].previous));
    }
    const step *s = &h->steps[first];
    bool good = true, merged = strcmp(s->previous, "-") != 0;
    if (merged) text_add(h->out, "{\n");
    h->depth++;
    for (const char *p = s->previous; merged && good && *p;) {
        size_t n = strcspn(p, ",");
        good = add_pipeline(h, find(h, p, n)) && h->out->len <= MAX_SCRIPT;
        p += n + (p[n] == ',');
    }
    h->depth--;
    if (merged) text_add(h->out, "} |\n    ");
    for (int k = 0; good && k < length; k++) {
        if (k) text_add(h->out, " |\n    ");
        add_command(h->out, h->steps[chain[k]].command);
        if (!k && !merged) add_input(h, s);
    }
    text_add(h->out, "\n");
    free(chain);
    return good;
}

bool script_add(text *out, script_names *names, const tns_meta *header) {
    history h = {.out = out, .names = names};
    text name = {0}, value = {0};
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
        if (!h.steps[i].continued) good = add_pipeline(&h, i);
    for (int i = 0; i < h.count; i++) free(h.steps[i].id);
    free(h.steps);
    free(name.s);
    free(value.s);
    return good;
}
