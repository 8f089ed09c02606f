#include "lineage.h"

#include <stdlib.h>
#include <string.h>

int lineage_find(const lineage *l, const char *id, size_t n) {
    for (int i = l->count - 1; i >= 0; i--)
        if (strlen(l->step[i].id) == n && !memcmp(l->step[i].id, id, n)) return i;
    return -1;
}

static bool printable(const char *s) {
    for (; *s; s++)
        if (((unsigned char)*s < 32 && *s != '\n' && *s != '\t') || *s == 127) return false;
    return true;
}

/* Splits the line in place; the step takes it over. */
static bool add_step(lineage *l, char *line) {
    lineage_step s = {.id = line};
    char **field[] = {&s.previous, &s.program, &s.version, &s.command}, *p = line;
    for (int i = 0; i < 4; i++) {
        if (!(p = strchr(p, ' '))) return false;
        *p++ = 0;
        *field[i] = p;
    }
    if (!*s.id || !*s.previous || !*s.command || !printable(s.command) || lineage_find(l, s.id, strlen(s.id)) >= 0) return false;
    for (p = s.previous; strcmp(s.previous, "-") && *p;) {
        size_t n = strcspn(p, ",");
        int i = lineage_find(l, p, n);
        if (i < 0) return false;
        l->step[i].continued = true;
        p += n + (p[n] == ',');
    }
    l->step[l->count++] = s;
    return true;
}

bool lineage_read(lineage *l, const tns_meta *header) {
    text name = {0}, value = {0};
    int lines = 0;
    for (size_t pos = 0; tns_meta_next(header, &pos, &name, &value);) lines += !strcmp(name.s, "pg");
    l->step = xarray((size_t)lines, sizeof *l->step);
    bool good = lines > 0;
    for (size_t pos = 0; good && tns_meta_next(header, &pos, &name, &value);) {
        if (strcmp(name.s, "pg")) continue;
        char *line = xstrdup(value.s);
        good = add_step(l, line);
        if (!good) free(line);
    }
    free(name.s);
    free(value.s);
    return good;
}

void lineage_free(lineage *l) {
    for (int i = 0; i < l->count; i++) free(l->step[i].id);
    free(l->step);
    *l = (lineage){0};
}

/* ---- two steps beside each other ---- */

/* Bytes of the word that the command goes on with: up to a blank outside of quotes. */
static size_t word_length(const char *s) {
    bool quoted = false;
    const char *p = s;
    for (; *p && (quoted || *p != ' '); p++)
        if (*p == '\'')
            quoted = !quoted;
        else if (*p == '\\' && !quoted && p[1])
            p++;
    return (size_t)(p - s);
}

/* Of "--size=64x64" the length of "--size"; of an operand 0. */
static size_t name_length(const char *word, size_t n) {
    if (n < 1 || *word != '-') return 0;
    const char *equals = memchr(word, '=', n);
    return equals ? (size_t)(equals - word) : n;
}

static bool has_option(const char *command, const char *name, size_t n) {
    for (const char *p = command; *p; p += *p == ' ') {
        size_t length = word_length(p);
        if (name_length(p, length) == n && !memcmp(p, name, n)) return true;
        p += length;
    }
    return false;
}

static void add_value(text *out, const char *word, size_t n, size_t name, const char *stream) {
    if (!n)
        text_addf(out, "not in %s", stream);
    else if (name == n)
        text_addf(out, "given in %s", stream);
    else
        text_addf(out, "%.*s in %s", (int)(n - name - (name > 0)), word + name + (name > 0), stream);
}

/* The words that differ first. Options stand in the same order in both, so what one lacks is passed over in the other. */
static void add_words(text *out, const char *p, const char *a, const char *q, const char *b) {
    size_t n, m;
    for (;; p += n, q += m, p += *p == ' ', q += *q == ' ') {
        n = word_length(p), m = word_length(q);
        if (n != m || memcmp(p, q, n) != 0) break;
        if (!n) return;
    }
    size_t name = name_length(p, n), other = name_length(q, m);
    if (name != other || memcmp(p, q, name) != 0) {
        if (name && !has_option(q, p, name))
            m = 0;
        else if (other && !has_option(p, q, other))
            n = 0;
    }
    const char *word = n ? p : q;
    size_t length = n ? name : other;
    bool model = strstr(word, "MODEL_") && (size_t)(strstr(word, "MODEL_") - word) < word_length(word);
    text_add(out, model ? "model " : length == 6 && !memcmp(word, "--seed", 6) ? "seed " : length ? "option " : "operand ");
    if (length) text_addf(out, "%.*s: ", (int)length, word);
    add_value(out, p, n, n ? name : 0, a);
    text_add(out, ", ");
    add_value(out, q, m, m ? other : 0, b);
}

bool lineage_differ(text *out, const lineage_step *s, const char *a, const lineage_step *t, const char *b) {
    if (strcmp(s->program, t->program) != 0)
        text_addf(out, "stage: %s in %s, %s in %s", s->program, a, t->program, b);
    else if (strcmp(s->command, t->command) != 0)
        add_words(out, s->command, a, t->command, b);
    else if (strcmp(s->version, t->version) != 0)
        text_addf(out, "version: %s in %s, %s in %s", s->version, a, t->version, b);
    else
        return false;
    return true;
}
