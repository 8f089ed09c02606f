#include "formats/file_list.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base.h"

typedef struct {
    char **name;
    size_t n, at, len; /* len: of its path */
    dev_t dev;
    ino_t ino;
} folder;

struct file_list {
    char *const *operand;
    int delimiter;
    char *line; /* a name from standard input */
    size_t line_cap;
    folder *in; /* the directories that we are in */
    size_t depth;
    text path;
    const char *top; /* the first of them, as it was named */
    const char *root;
    char *prefix; /* last component of the root or of the directory we are in */
    text key, dir;
};

/* "wiki" for "data/wiki/"; the real name for "." and "..", "" for "/". */
static char *last_component(const char *dir) {
    char real[PATH_MAX];
    char *copy = xstrdup(dir);
    for (int tries = 0; tries < 2; tries++) {
        size_t n = strlen(copy);
        while (n && copy[n - 1] == '/') copy[--n] = 0;
        const char *slash = strrchr(copy, '/'), *last = slash ? slash + 1 : copy;
        if (*last && strcmp(last, ".") && strcmp(last, "..")) {
            char *found = xstrdup(last);
            free(copy);
            return found;
        }
        free(copy);
        copy = xstrdup(realpath(dir, real) ? real : "/");
    }
    free(copy);
    return xstrdup("");
}

/* Absolute, without "//", "/./" and a slash at the end; ".." stays: what it means depends on links. */
static char *absolute(const char *path) {
    char cwd[PATH_MAX] = "";
    text t = {0};
    if (*path != '/' && getcwd(cwd, sizeof cwd) && strcmp(cwd, "/")) text_add(&t, cwd);
    while (*path) {
        size_t n = strcspn(path, "/");
        if (n && !(n == 1 && *path == '.')) {
            text_add(&t, "/");
            text_addn(&t, path, n);
        }
        path += n + (path[n] == '/');
    }
    text_add(&t, "");
    return t.s;
}

/* What follows `dir` in `path`, or NULL when it isn't below. */
static const char *below(const char *path, const char *dir) {
    size_t n = strlen(dir);
    return !strncmp(path, dir, n) && path[n] == '/' ? path + n + 1 : NULL;
}

/* The path below the root: by the text of both, else by where they really are. The caller frees. */
static char *below_root(const char *path, const char *root) {
    char *p = absolute(path), *r = absolute(root), real_root[PATH_MAX], real_dir[PATH_MAX], *found = NULL;
    const char *rest = below(p, r);
    if (rest) {
        found = xstrdup(rest);
    } else {
        char *slash = strrchr(p, '/');
        *slash = 0;
        if (realpath(root, real_root) && realpath(*p ? p : "/", real_dir)) {
            char *real = xasprintf("%s/%s", strcmp(real_dir, "/") ? real_dir : "", slash + 1);
            rest = below(real, strcmp(real_root, "/") ? real_root : "");
            if (rest) found = xstrdup(rest);
            free(real);
        }
    }
    free(p);
    free(r);
    if (!found) die(EXIT_FAILED, "%s: not below --root %s", path, root);
    return found;
}

file_list *file_list_open(char *const *operands, int delimiter, const char *root) {
    file_list *l = xarray(1, sizeof *l);
    struct stat st;
    l->operand = operands;
    l->delimiter = delimiter;
    l->root = root;
    if (root) {
        if (stat(root, &st) < 0) die(EXIT_FAILED, "%s:", root);
        if (!S_ISDIR(st.st_mode)) die(EXIT_FAILED, "%s: not a directory", root);
        l->prefix = last_component(root);
    }
    /* A list may be older than the files; what someone typed should be there. */
    for (int i = 0; delimiter < 0 && operands[i]; i++)
        if (stat(operands[i], &st) < 0) die(EXIT_FAILED, "%s:", operands[i]);
    return l;
}

static const char *next_name(file_list *l) {
    if (l->delimiter < 0) return *l->operand ? *l->operand++ : NULL;
    ssize_t n;
    errno = 0;
    while ((n = getdelim(&l->line, &l->line_cap, l->delimiter, stdin)) > 0) {
        if (l->line[n - 1] == l->delimiter) l->line[--n] = 0;
        if (strlen(l->line) != (size_t)n) die(EXIT_FAILED, "a name on standard input has a NUL byte: did you mean -0?");
        if (n) return l->line;
    }
    if (ferror(stdin)) die(EXIT_FAILED, "names on standard input:");
    return NULL;
}

/* Key and first directory of a file: rest is its path below the directory whose last component is l->prefix. */
static void name_it(file_list *l, file_entry *e, const char *rest) {
    const char *slash = strchr(rest, '/');
    l->key.len = l->dir.len = 0;
    text_addf(&l->key, "%s%s%s", l->prefix, *l->prefix ? "/" : "", rest);
    e->key = l->key.s;
    if (!slash) return;
    text_addn(&l->dir, rest, (size_t)(slash - rest));
    e->first_dir = l->dir.s;
}

/* ---- walking a directory ----
 * Not by fts(3): in glibc's, refused memory makes it leave out a directory without a word, or crash. */

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(folder *f) {
    for (size_t i = 0; i < f->n; i++) free(f->name[i]);
    free(f->name);
}

/* Goes into the directory l->path: its names, sorted, without hidden ones. 0 or an errno. */
static int enter(file_list *l, const struct stat *st) {
    DIR *dir = opendir(l->path.s);
    if (!dir) return errno;
    folder f = {.len = l->path.len, .dev = st->st_dev, .ino = st->st_ino};
    size_t cap = 0;
    struct dirent *d;
    while (errno = 0, (d = readdir(dir))) {
        if (d->d_name[0] == '.') continue;
        if (f.n == cap) f.name = xrealloc(f.name, (cap = cap ? 2 * cap : 64) * sizeof *f.name);
        f.name[f.n++] = xstrdup(d->d_name);
    }
    int failed = errno;
    closedir(dir);
    if (failed) {
        free_names(&f);
        return failed;
    }
    if (f.n) qsort(f.name, f.n, sizeof *f.name, by_name);
    l->in = xrealloc(l->in, (l->depth + 1) * sizeof *l->in);
    l->in[l->depth++] = f;
    return 0;
}

/* What stands at l->path: enters a directory. NULL, or why it can't be read. */
static const char *look_at(file_list *l, bool *directory) {
    struct stat st;
    int failed = stat(l->path.s, &st) < 0 ? errno : 0;
    *directory = !failed && S_ISDIR(st.st_mode);
    if (*directory) {
        for (size_t i = 0; i < l->depth; i++)
            if (l->in[i].dev == st.st_dev && l->in[i].ino == st.st_ino) return "a directory that contains itself";
        failed = enter(l, &st);
    }
    if (machine_failed(failed)) {
        errno = failed;
        die(EXIT_FAILED, "%s:", l->path.s);
    }
    if (failed == ENOENT && !lstat(l->path.s, &st)) return "a link to nowhere";
    return failed ? strerror(failed) : NULL;
}

/* The walk's next file. */
static bool next_in_directory(file_list *l, file_entry *e) {
    while (l->depth) {
        folder *f = &l->in[l->depth - 1];
        if (f->at == f->n) {
            free_names(f);
            l->depth--;
            continue;
        }
        l->path.len = f->len;
        if (l->path.s[f->len - 1] != '/') text_add(&l->path, "/");
        text_add(&l->path, f->name[f->at++]);
        bool directory;
        const char *error = look_at(l, &directory);
        if (directory && !error) continue;
        *e = (file_entry){.path = l->path.s, .error = error};
        if (l->root) {
            char *rest = below_root(e->path, l->root);
            name_it(l, e, rest);
            free(rest);
        } else {
            const char *rest = e->path + strlen(l->top);
            name_it(l, e, rest + strspn(rest, "/"));
        }
        return true;
    }
    return false;
}

bool file_list_next(file_list *l, file_entry *e) {
    const char *name, *error = NULL;
    struct stat st;
    while (!error) {
        if (next_in_directory(l, e)) return true;
        if (!(name = next_name(l))) return false;
        int failed = stat(name, &st) < 0 ? errno : 0;
        if (machine_failed(failed)) die(EXIT_FAILED, "%s:", name);
        if (failed || !S_ISDIR(st.st_mode)) break;
        if (!l->root) {
            free(l->prefix);
            l->prefix = last_component(name);
        }
        l->top = name;
        l->path.len = 0;
        text_add(&l->path, name);
        bool directory;
        error = look_at(l, &directory);
    }
    *e = (file_entry){.path = name, .key = name, .error = error};
    if (l->root) {
        char *rest = below_root(name, l->root);
        name_it(l, e, rest);
        free(rest);
    }
    return true;
}

void file_list_close(file_list *l) {
    while (l->depth) free_names(&l->in[--l->depth]);
    free(l->in);
    free(l->path.s);
    free(l->line);
    free(l->prefix);
    free(l->key.s);
    free(l->dir.s);
    free(l);
}
