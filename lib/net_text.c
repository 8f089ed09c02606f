#include "net_text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

enum { MAX_NAMES = 64, MAX_NAME = 32 };

typedef struct {
    char name[MAX_NAME];
    int64_t value;
} variable;

typedef struct {
    const char *file;
    char *err;
    int line;
    const char *const *settings;
    int setting_count;
    variable var[MAX_NAMES];
    int vars;
} expansion;

static bool bad(expansion *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool bad(expansion *x, const char *fmt, ...) {
    int k = snprintf(x->err, NET_ERROR, x->line ? "%.150s:%d: " : "%.150s: ", x->file, x->line);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(x->err + k, NET_ERROR - (size_t)k, fmt, ap);
    va_end(ap);
    return false;
}

static bool blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

/* Bytes of the name that s begins with; 0 when it doesn't begin with one. */
static size_t name_length(const char *s) {
    size_t n = 0;
    if (isalpha((unsigned char)*s))
        while (isalnum((unsigned char)s[n]) || s[n] == '_') n++;
    return n;
}

static variable *find(expansion *x, const char *name, size_t len) {
    for (int i = 0; i < x->vars; i++)
        if (strlen(x->var[i].name) == len && !memcmp(x->var[i].name, name, len)) return &x->var[i];
    return NULL;
}

static bool whole(const char *s, size_t len, int64_t *value) {
    char digits[16];
    if (len == 0 || len >= sizeof digits) return false;
    memcpy(digits, s, len);
    digits[len] = 0;
    return isdigit((unsigned char)*s) && parse_i64(digits, value) && *value <= INT32_MAX;
}

/* ---- $name, in a line without its comment ---- */

/* A name after '$', or digits; moves *s behind it. */
static bool factor(expansion *x, const char **s, int64_t *value) {
    if (**s != '$') {
        size_t len = strspn(*s, "0123456789");
        if (!whole(*s, len, value)) return bad(x, "'*' wants a whole number or $NAME after it, not '%.40s'", *s);
        *s += len;
        return true;
    }
    bool brace = (*s)[1] == '{';
    const char *name = *s + 1 + brace;
    size_t len = name_length(name);
    if (!len || (brace && name[len] != '}')) return bad(x, "'%.40s' isn't $NAME or ${NAME}", *s);
    const variable *v = find(x, name, len);
    if (!v) return bad(x, "no `set` above gives '%.*s' a value", len < 60 ? (int)len : 60, name);
    *value = v->value;
    *s = name + len + brace;
    return true;
}

static bool substitute(expansion *x, const char *s, text *out) {
    while (*s) {
        size_t plain = strcspn(s, "$");
        text_addn(out, s, plain);
        s += plain;
        if (!*s) return true;
        int64_t product, more;
        if (!factor(x, &s, &product)) return false;
        while (*s == '*') {
            s++;
            if (!factor(x, &s, &more)) return false;
            product *= more; /* both below 2^31 */
            if (product > INT32_MAX) return bad(x, "a product is more than %d", INT32_MAX);
        }
        text_addf(out, "%lld", (long long)product);
    }
    return true;
}

/* ---- set ---- */

/* "80", "max(64,80)" or "min(64,80)" */
static bool set_value(const char *s, int64_t *value) {
    size_t len = strlen(s);
    bool max = !strncmp(s, "max(", 4), min = !strncmp(s, "min(", 4);
    if (!max && !min) return whole(s, len, value);
    const char *comma = strchr(s, ',');
    int64_t a, b;
    if (!comma || s[len - 1] != ')') return false;
    if (!whole(s + 4, (size_t)(comma - s) - 4, &a) || !whole(comma + 1, (size_t)(s + len - comma) - 2, &b)) return false;
    *value = max == (a > b) ? a : b;
    return true;
}

/* Whether a setting names it; then *value is that one's. */
static bool overridden(const expansion *x, const char *name, int64_t *value) {
    size_t len = strlen(name);
    for (int i = x->setting_count - 1; i >= 0; i--) {
        const char *s = x->settings[i];
        if (!strncmp(s, name, len) && s[len] == '=') return whole(s + len + 1, strlen(s + len + 1), value);
    }
    return false;
}

/* The words after `set`; what counted goes to out. words is written to. */
static bool set(expansion *x, char *words, text *out) {
    char *save;
    int given = 0;
    text_add(out, "# set ");
    for (char *w = strtok_r(words, " \t\r", &save); w; w = strtok_r(NULL, " \t\r", &save), given++) {
        size_t len = name_length(w);
        variable v = {.value = 0};
        if (!len || len >= MAX_NAME || w[len] != '=') return bad(x, "set: '%.60s' isn't NAME=N", w);
        memcpy(v.name, w, len);
        if (!set_value(w + len + 1, &v.value))
            return bad(x, "'%.60s' isn't a whole number up to %d, nor max(A,B) or min(A,B) of two", w + len + 1, INT32_MAX);
        if (find(x, v.name, len)) return bad(x, "'%s' is set twice", v.name);
        if (x->vars == MAX_NAMES) return bad(x, "more than %d names", MAX_NAMES);
        overridden(x, v.name, &v.value);
        x->var[x->vars++] = v;
        text_addf(out, "%s=%lld ", v.name, (long long)v.value);
    }
    return given || bad(x, "`set` wants NAME=N");
}

/* ---- lines ---- */

/* Whether *s begins with the word; then *s moves to the next one. */
static bool take_word(char **s, const char *word) {
    size_t len = strlen(word);
    if (strncmp(*s, word, len) || ((*s)[len] && !blank((*s)[len]))) return false;
    *s += len;
    while (blank(**s)) (*s)++;
    return true;
}

/* One line without its comment, which names something; false on error. */
static bool expand_line(expansion *x, char *s, text *out) {
    char *start = s;
    while (blank(*s)) s++;
    bool conditional = false;
    for (;;) {
        bool want = take_word(&s, "if");
        if (!want && !take_word(&s, "unless")) break;
        conditional = true;
        size_t len = name_length(s);
        if (!len || !blank(s[len])) return bad(x, "`%s` wants a name and a line, not '%.60s'", want ? "if" : "unless", s);
        const variable *v = find(x, s, len);
        if (!v) return bad(x, "no `set` above gives '%.*s' a value", len < 60 ? (int)len : 60, s);
        s += len;
        while (blank(*s)) s++;
        if (!*s) return bad(x, "no line after `%s %s`", want ? "if" : "unless", v->name);
        if ((v->value != 0) != want) return true;
    }
    text line = {0};
    text_add(&line, "");
    bool is_set = take_word(&s, "set"), good = substitute(x, is_set || conditional ? s : start, &line);
    if (good && is_set) good = set(x, line.s, out);
    if (good && !is_set) text_addn(out, line.s, line.len);
    free(line.s);
    return good;
}

static bool known_settings(expansion *x) {
    x->line = 0;
    for (int i = 0; i < x->setting_count; i++) {
        const char *s = x->settings[i];
        size_t len = name_length(s);
        int64_t value;
        if (!len || s[len] != '=' || !whole(s + len + 1, strlen(s + len + 1), &value))
            return bad(x, "the setting '%.60s' isn't NAME=N", s);
        if (find(x, s, len)) continue;
        text there = {0};
        text_add(&there, "");
        for (int k = 0; k < x->vars; k++) text_addf(&there, " %s", x->var[k].name);
        bad(x, "nothing here is called '%.*s'; there is:%.200s", len < 60 ? (int)len : 60, s, x->vars ? there.s : " nothing");
        free(there.s);
        return false;
    }
    return true;
}

char *net_expand(const char *source, const char *file, const char *const *settings, int count, char err[NET_ERROR]) {
    expansion x = {.file = file, .err = err, .settings = settings, .setting_count = count};
    text out = {0};
    text_add(&out, "");
    bool good = strlen(source) <= NET_MAX_TEXT || bad(&x, "over 1 MiB");
    for (const char *s = source; *s && good;) {
        size_t len = strcspn(s, "\n"), code = strcspn(s, "#\n");
        char *line = xmalloc(code + 1);
        memcpy(line, s, code);
        line[code] = 0;
        x.line++;
        good = expand_line(&x, line, &out);
        free(line);
        text_addn(&out, s + code, len - code); /* the comment */
        s += len;
        if (*s == '\n') text_addn(&out, s++, 1);
        if (good && out.len > NET_MAX_TEXT) good = bad(&x, "over 1 MiB with all names replaced");
    }
    if (good) good = known_settings(&x);
    if (good) return out.s;
    free(out.s);
    return NULL;
}
