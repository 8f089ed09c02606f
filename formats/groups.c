#include "formats/groups.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base.h"
#include "lib/prog.h"

typedef struct {
    char *key, *group;
} pair;

struct groups {
    regex_t regex;
    pair *table; /* sorted by key; NULL: the regex counts */
    size_t n;
    uint64_t digest;
};

groups *groups_from_regex(const char *regex) {
    groups *g = xarray(1, sizeof *g);
    int failed = regcomp(&g->regex, regex, REG_EXTENDED);
    if (failed == REG_ESPACE) out_of_memory(0);
    if (failed) {
        char why[256];
        regerror(failed, &g->regex, why, sizeof why);
        prog_usage("--group-re %s: %s", regex, why);
    }
    return g;
}

static int by_key(const void *a, const void *b) {
    return strcmp(((const pair *)a)->key, ((const pair *)b)->key);
}

/* As the stream's metadata is read. */
static char *unescaped(const char *s) {
    tns_meta m = {0};
    text value = {0};
    text_addf(&m.t, "key=%s\n", s);
    char *plain = xstrdup(tns_meta_get(&m, "key", &value));
    free(value.s);
    tns_meta_free(&m);
    return plain;
}

groups *groups_from_table(const char *path) {
    groups *g = xarray(1, sizeof *g);
    size_t len, cap = 16;
    char *data = read_file(path, (size_t)1 << 30, &len);
    if (!data) die(EXIT_FAILED, "--group-from %s:", path);
    if (strlen(data) != len) die(EXIT_FAILED, "--group-from %s: has NUL bytes; a text file is wanted", path);
    g->digest = hash64(HASH64_START, data, len);
    g->table = xarray(cap, sizeof *g->table);
    size_t line = 0;
    for (char *s = data, *next; *s; s = next) {
        size_t n = strcspn(s, "\n");
        next = s + n + (s[n] == '\n');
        s[n] = 0;
        if (n && s[n - 1] == '\r') s[--n] = 0;
        if (line++ == 0 && !strcmp(s, "key\tgroup")) continue;
        if (!n) continue;
        char *tab = strchr(s, '\t');
        if (!tab || tab == s || !tab[1] || strchr(tab + 1, '\t'))
            die(EXIT_FAILED, "--group-from %s: line %zu isn't a key, a tab and a group", path, line);
        *tab = 0;
        if (g->n == cap) g->table = xrealloc(g->table, (cap *= 2) * sizeof *g->table);
        g->table[g->n++] = (pair){unescaped(s), unescaped(tab + 1)};
    }
    free(data);
    qsort(g->table, g->n, sizeof *g->table, by_key);
    for (size_t i = 1; i < g->n; i++)
        if (!strcmp(g->table[i - 1].key, g->table[i].key) && strcmp(g->table[i - 1].group, g->table[i].group))
            die(EXIT_FAILED, "--group-from %s: key %s has two groups, %s and %s", path, g->table[i].key, g->table[i - 1].group,
                g->table[i].group);
    return g;
}

uint64_t groups_digest(const groups *g) {
    return g->digest;
}

char *groups_find(const groups *g, const char *key) {
    if (g->table) {
        const pair wanted = {.key = (char *)key};
        const pair *found = bsearch(&wanted, g->table, g->n, sizeof *g->table, by_key);
        return found ? xstrdup(found->group) : NULL;
    }
    regmatch_t m[2];
    if (!regex_finds(&g->regex, key, 2, m)) return NULL;
    int which = g->regex.re_nsub && m[1].rm_so >= 0 ? 1 : 0;
    if (m[which].rm_eo == m[which].rm_so) return NULL;
    return xasprintf("%.*s", (int)(m[which].rm_eo - m[which].rm_so), key + m[which].rm_so);
}

void groups_free(groups *g) {
    if (!g) return;
    if (!g->table) regfree(&g->regex);
    for (size_t i = 0; i < g->n; i++) {
        free(g->table[i].key);
        free(g->table[i].group);
    }
    free(g->table);
    free(g);
}
