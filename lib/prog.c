#include "prog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct prog_globals prog;
static const program *self;

/* ---- temporaries, removed at exit and on signals ---- */

enum { MAX_TEMPS = 64 };
/* Paths of those that have a name; changed by who holds the names (below). */
static char *volatile temps[MAX_TEMPS];
static bool taken[MAX_TEMPS];

/* Names are given and taken away by one thread at a time, with signals blocked, until somebody leaves: then no more are given, and who would waits until the process is gone. A spin
 * and no mutex, as signal handlers leave too; so nothing is held that takes long or allocates. */
enum { FREE, HELD, LEAVING };
static atomic_int naming;

static void names_hold(void) {
    for (int state = FREE; !atomic_compare_exchange_weak(&naming, &state, HELD); state = FREE) sched_yield();
}

static void names_release(void) {
    naming = FREE;
}

/* At exit, and on signals; perhaps in several threads. */
static void remove_temps(void) {
    for (int state = FREE; !atomic_compare_exchange_weak(&naming, &state, LEAVING) && state != LEAVING; state = FREE)
        sched_yield();
    for (int i = 0; i < MAX_TEMPS; i++)
        if (temps[i]) unlink(temps[i]);
}

static void on_signal(int sig) {
    remove_temps();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* Where the file system can (O_TMPFILE), the temporary has no name until it is whole: then not even SIGKILL leaves anything behind. */
struct outfile {
    int fd, slot; /* slot -1: written directly */
    char *path, *temp;
    bool named; /* the temporary stands in its directory */
};

static void block_signals(sigset_t *old) {
    sigset_t every;
    sigfillset(&every);
    sigprocmask(SIG_BLOCK, &every, old);
}

static int open_nameless(const char *path) {
    const char *slash = strrchr(path, '/');
    char *dir = slash ? xasprintf("%.*s", (int)(slash - path + 1), path) : xstrdup(".");
    int fd = access("/proc/self/fd", X_OK) == 0 ? open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666) : -1;
    free(dir);
    return fd;
}

/* A temporary with a name beside the path, known to the signal handler from its first moment. */
static int open_named(outfile *o) {
    sigset_t old;
    block_signals(&old);
    names_hold();
    int fd = mkostemp(o->temp, O_CLOEXEC), failed = errno;
    if (fd >= 0) temps[o->slot] = o->temp, o->named = true;
    names_release();
    sigprocmask(SIG_SETMASK, &old, NULL);
    errno = failed;
    if (fd < 0) return -1;
    mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
    return fd;
}

/* /dev/stdout, /dev/fd/3: a link to what is open already, which must not be replaced by a file. */
static bool is_open_file(const char *path) {
    struct stat st;
    return (!strncmp(path, "/dev/", 5) || !strncmp(path, "/proc/", 6)) && lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

outfile *outfile_open(const char *path) {
    outfile *o = xarray(1, sizeof *o);
    struct stat st;
    o->slot = -1;
    o->path = xstrdup(strcmp(path, "-") ? path : "standard output");
    if (!strcmp(path, "-")) {
        o->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3); /* goes on where it is, which opening it by name wouldn't */
        if (o->fd < 0) die(EXIT_FAILED, "%s:", o->path);
        return o;
    }
    if (is_open_file(path) || (stat(path, &st) == 0 && !S_ISREG(st.st_mode))) {
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) die(EXIT_FAILED, "%s: is a directory", path);
        o->fd = open(path, O_WRONLY | O_CLOEXEC);
        if (o->fd < 0) die(EXIT_FAILED, "%s:", path);
        return o;
    }
    for (int i = 0; i < MAX_TEMPS && o->slot < 0; i++)
        if (!taken[i]) o->slot = i;
    if (o->slot < 0) die(EXIT_FAILED, "%s: too many outputs at once", path);
    taken[o->slot] = true;
    o->temp = xasprintf("%s.tmp.XXXXXX", path);
    o->fd = open_nameless(path);
    if (o->fd < 0) o->fd = open_named(o);
    if (o->fd < 0) die(EXIT_FAILED, "%s:", path);
    return o;
}

int outfile_fd(const outfile *o) {
    return o->fd;
}

bool outfile_reader_gone(const outfile *o) {
    return errno == EPIPE && o->slot < 0;
}

static void outfile_free(outfile *o) {
    if (o->slot >= 0) taken[o->slot] = false;
    free(o->path);
    free(o->temp);
    free(o);
}

/* Gives a nameless temporary a name, to be renamed at once: a link can't replace a file. */
static bool give_name(outfile *o) {
    char fd_path[40];
    snprintf(fd_path, sizeof fd_path, "/proc/self/fd/%d", o->fd);
    for (int i = 0; i < 100; i++) {
        /* The process and a count make the name; what a killed process of the same number left is passed by. */
        snprintf(o->temp + strlen(o->path), 12, ".tmp.%06x", ((unsigned)getpid() * 100 + (unsigned)i) & 0xffffff);
        names_hold();
        temps[o->slot] = o->temp;
        o->named = linkat(AT_FDCWD, fd_path, AT_FDCWD, o->temp, AT_SYMLINK_FOLLOW) == 0;
        int failed = errno;
        if (!o->named) temps[o->slot] = NULL; /* not ours */
        names_release();
        if (o->named) return true;
        errno = failed;
        if (failed != EEXIST) return false;
    }
    return false;
}

/* Takes the temporary's name away, for the path. Where that fails it keeps it, to be removed. */
static bool rename_temp(outfile *o) {
    names_hold();
    bool done = rename(o->temp, o->path) == 0;
    int failed = errno;
    if (done) temps[o->slot] = NULL;
    names_release();
    errno = failed;
    return done;
}

void outfile_commit(outfile *o, bool sync) {
    sigset_t old;
    block_signals(&old);
    if (o->slot >= 0 && sync && fsync(o->fd) < 0) die(EXIT_FAILED, "%s:", o->path);
    if (o->slot >= 0 && !o->named && !give_name(o)) die(EXIT_FAILED, "%s:", o->path);
    /* Some file systems report what couldn't be written only now. */
    if (close(o->fd) < 0) die(EXIT_FAILED, "%s:", o->path);
    if (o->slot >= 0 && !rename_temp(o)) die(EXIT_FAILED, "%s:", o->path);
    outfile_free(o);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

/* ---- options ---- */

static const opt common[] = {
    {'o', "output", OPT_TEXT, &prog.output, "FILE", 0, 0, 0,
     "write to FILE, by a temporary beside it (default: standard output)"},
    {'j', "threads", OPT_INT, &prog.threads, "N", 1, 1024, 0, "threads (default: all cores)"},
    {'q', "quiet", OPT_FLAG, &prog.quiet, NULL, 0, 0, 0, "say less: errors only"},
    {'v', "verbose", OPT_FLAG, &prog.verbose, NULL, 0, 0, 0, "say more"},
    {0, "progress", OPT_FLAG, &prog.progress, NULL, 0, 0, 0, "show progress also when stderr is no terminal"},
    {0, "max-record", OPT_BYTES, &prog.max_record, "BYTES", 0, 0, 0, "largest record accepted; K, M, G (default 1G)"},
    {0}};
static const opt seed_option[] = {{0, "seed", OPT_BYTES, &prog.seed, "N", 0, 0, OPT_PG, "seed of all randomness (default 0)"},
                                  {0}};

enum { MAX_OPTIONS = 96 };
static const opt *all[MAX_OPTIONS]; /* the program's, then the common ones */
static bool given[MAX_OPTIONS];
static int n_options;

static void collect(const opt *table) {
    for (; table && (table->name || table->letter); table++)
        if (n_options < MAX_OPTIONS) all[n_options++] = table;
}

static const char *label(const opt *o, char buf[64]) {
    if (o->name)
        snprintf(buf, 64, "--%s", o->name);
    else
        snprintf(buf, 64, "-%c", o->letter);
    return buf;
}

void prog_usage(const char *fmt, ...) {
    char *s;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0) s = NULL;
    va_end(ap);
    warn("%s", s ? s : fmt);
    free(s);
    fprintf(stderr, "try '%s --help'\n", base_program);
    exit(EXIT_USAGE);
}

bool prog_given(const char *name) {
    for (int i = 0; i < n_options; i++)
        if (given[i] && ((all[i]->name && !strcmp(all[i]->name, name)) || (name[0] == all[i]->letter && !name[1]))) return true;
    return false;
}

static void print_help(void) {
    printf("usage: %s [OPTION]...%s%s\n%s\n\n", self->name, *self->operands ? " " : "", self->operands, self->summary);
    for (int i = 0; i < n_options; i++) {
        const opt *o = all[i];
        char left[128];
        int n = o->letter ? snprintf(left, sizeof left, "-%c", o->letter) : snprintf(left, sizeof left, "  ");
        if (o->name) n += snprintf(left + n, sizeof left - (size_t)n, "%s--%s", o->letter ? ", " : "  ", o->name);
        if (o->kind == OPT_OPTIONAL)
            snprintf(left + n, sizeof left - (size_t)n, "[=%s]", o->arg);
        else if (o->arg)
            snprintf(left + n, sizeof left - (size_t)n, " %s", o->arg);
        printf(strlen(left) > 26 ? "  %s\n%30s%s\n" : "  %-26s  %s%s\n", left, "", o->help);
    }
    printf("  %-26s  %s\n  %-26s  %s\n", "    --help", "this text", "    --version", "the version");
    if (self->notes) printf("\n%s\n", self->notes);
}

/* letter, name, argument, flags, help: for the test that holds the manuals against it, and for completion. */
static void print_options(void) {
    for (int i = 0; i < n_options; i++)
        printf("%c\t%s\t%s\t%s\t%s\n", all[i]->letter ? all[i]->letter : '-', all[i]->name ? all[i]->name : "-",
               all[i]->arg ? all[i]->arg : "-", all[i]->flags & OPT_PG ? "pg" : "-", all[i]->help);
    printf("-\thelp\t-\t-\tthis text\n-\tversion\t-\t-\tthe version\n");
}

static _Noreturn void leave_after_text(void) {
    if (fflush(stdout) || ferror(stdout)) die(EXIT_FAILED, "standard output:");
    exit(EXIT_DONE);
}

static void set_option(int i, const char *value) {
    const opt *o = all[i];
    char buf[64];
    const char *name = label(o, buf);
    given[i] = true;
    switch (o->kind) {
    case OPT_FLAG:
        *(bool *)o->value = true;
        break;
    case OPT_OPTIONAL:
        *(const char **)o->value = value ? value : "";
        break;
    case OPT_TEXT:
        *(const char **)o->value = value;
        break;
    case OPT_LIST: {
        opt_list *l = o->value;
        l->item = xrealloc(l->item, (size_t)(l->count + 1) * sizeof *l->item);
        l->item[l->count++] = value;
        break;
    }
    case OPT_BYTES:
        if (!parse_size(value, o->value)) prog_usage("%s %s: not a whole number", name, value);
        break;
    case OPT_INT: {
        int64_t v;
        if (!parse_i64(value, &v)) prog_usage("%s %s: not a whole number", name, value);
        if ((o->min != 0 || o->max != 0) && ((double)v < o->min || (double)v > o->max))
            prog_usage("%s %s: not between %.15g and %.15g", name, value, o->min, o->max);
        *(int64_t *)o->value = v;
        break;
    }
    case OPT_FLOAT: {
        double v;
        if (!parse_f64(value, &v)) prog_usage("%s %s: not a number", name, value);
        if ((o->min != 0 || o->max != 0) && (v < o->min || v > o->max))
            prog_usage("%s %s: not between %.15g and %.15g", name, value, o->min, o->max);
        *(double *)o->value = v;
        break;
    }
    case OPT_CHOICE: {
        const char *p = o->arg;
        for (int k = 0; p; k++) {
            size_t n = strcspn(p, "|");
            if (n == strlen(value) && !memcmp(p, value, n)) {
                *(int *)o->value = k;
                return;
            }
            p = p[n] ? p + n + 1 : NULL;
        }
        prog_usage("%s %s: not one of %s", name, value, o->arg);
    }
    }
}

static bool takes_value(const opt *o) {
    return o->kind != OPT_FLAG && o->kind != OPT_OPTIONAL;
}

static void parse_long(char *arg, int argc, char **argv, int *at) {
    char *eq = strchr(arg, '=');
    size_t n = eq ? (size_t)(eq - arg) : strlen(arg);
    const char *value = eq ? eq + 1 : NULL;
    if (!strcmp(arg, "help")) {
        print_help();
        leave_after_text();
    } else if (!strcmp(arg, "version")) {
        printf("%s (Facade) %s\n", self->name, FACADE_VERSION);
        leave_after_text();
    } else if (!strcmp(arg, "options")) {
        print_options();
        leave_after_text();
    }
    for (int i = 0; i < n_options; i++) {
        const opt *o = all[i];
        if (!o->name || strlen(o->name) != n || memcmp(o->name, arg, n)) continue;
        if (o->kind == OPT_FLAG && value) prog_usage("--%s takes no value", o->name);
        if (takes_value(o) && !value) {
            if (*at + 1 >= argc) prog_usage("--%s wants %s", o->name, o->arg);
            value = argv[++*at];
        }
        set_option(i, value);
        return;
    }
    prog_usage("unknown option --%.*s", (int)n, arg);
}

/* -n 3, -n3, -qv */
static void parse_letters(char *arg, int argc, char **argv, int *at) {
    for (char *p = arg; *p; p++) {
        int i = 0;
        while (i < n_options && all[i]->letter != *p) i++;
        if (i == n_options) prog_usage("unknown option -%c", *p);
        if (!takes_value(all[i])) {
            set_option(i, NULL);
            continue;
        }
        const char *value = p[1] ? p + 1 : *at + 1 < argc ? argv[++*at] : NULL;
        if (!value) prog_usage("-%c wants %s", *p, all[i]->arg);
        set_option(i, value);
        return;
    }
}

static int cores(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

void prog_start(const program *p, int argc, char **argv) {
    self = p;
    base_program = p->name;
    prog.threads = cores();
    prog.max_record = TNS_MAX_DATA;
    collect(p->options);
    if (p->uses & PROG_SEED) collect(seed_option);
    collect(common);
    prog.operand = xarray((size_t)argc + 1, sizeof *prog.operand);
    bool over = false;
    for (int i = 1; i < argc; i++) {
        char *a = argv[i];
        if (over || a[0] != '-' || !a[1])
            prog.operand[prog.operands++] = a;
        else if (!strcmp(a, "--"))
            over = true;
        else if (a[1] == '-')
            parse_long(a + 2, argc, argv, &i);
        else
            parse_letters(a + 1, argc, argv, &i);
    }
    char buf[64];
    for (int i = 0; i < n_options; i++)
        if (all[i]->flags & OPT_REQUIRED && !given[i]) prog_usage("%s %s is needed", label(all[i], buf), all[i]->arg);
    if (prog.operands < p->min_operands) prog_usage("%s is needed", p->operands);
    if (p->max_operands >= 0 && prog.operands > p->max_operands)
        prog_usage("one operand too many: %s", prog.operand[p->max_operands]);
    if (prog.output && !strcmp(prog.output, "-")) prog.output = NULL;

    atexit(remove_temps);
    signal(SIGPIPE, SIG_IGN);
    int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (int i = 0; i < 3; i++) {
        struct sigaction was;
        /* nohup's SIG_IGN stays. */
        if (sigaction(signals[i], NULL, &was) == 0 && was.sa_handler == SIG_DFL) signal(signals[i], on_signal);
    }
}

/* ---- input ---- */

struct prog_input {
    int fd;
    char *name;
    tns_reader *r;
};

prog_input *prog_open(const char *path) {
    prog_input *in = xarray(1, sizeof *in);
    bool standard = !path || !strcmp(path, "-");
    in->name = xstrdup(standard ? "standard input" : path);
    if (standard && isatty(0))
        die(EXIT_USAGE, "no tensors from a terminal: give a file, or put a program that writes a stream before the pipe");
    in->fd = standard ? 0 : open(path, O_RDONLY | O_CLOEXEC);
    if (in->fd < 0) die(EXIT_FAILED, "%s:", path);
    in->r = tns_reader_open(in->fd, standard ? "" : path, prog.max_record);
    return in;
}

prog_input *prog_open_fd(int fd, const char *name) {
    prog_input *in = xarray(1, sizeof *in);
    in->name = xstrdup(*name ? name : "standard input");
    in->fd = fd;
    in->r = tns_reader_open(fd, name, prog.max_record);
    return in;
}

static bool next(prog_input *in, tns_frame *f, int (*read_frame)(tns_reader *, tns_frame *)) {
    int got = read_frame(in->r, f);
    if (got < 0) die(tns_reader_errno(in->r) ? EXIT_FAILED : EXIT_CORRUPT, "%s", tns_reader_error(in->r));
    return got > 0;
}

bool prog_next(prog_input *in, tns_frame *f) {
    return next(in, f, tns_read);
}

bool prog_skim(prog_input *in, tns_frame *f) {
    return next(in, f, tns_skim);
}

int prog_fd(const prog_input *in) {
    return in->fd;
}

const char *prog_input_name(const prog_input *in) {
    return in->name;
}

uint64_t prog_input_offset(const prog_input *in) {
    return tns_reader_offset(in->r);
}

void prog_close(prog_input *in) {
    if (!in) return;
    tns_reader_close(in->r);
    if (in->fd > 0) close(in->fd);
    free(in->name);
    free(in);
}

void prog_bad_record(const prog_input *in, const tns_frame *f, const char *fmt, ...) {
    char *s;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0) s = NULL;
    va_end(ap);
    text where = {0}, key = {0};
    if (in && in->fd > 0) text_addf(&where, "%s: ", in->name);
    if (f->type == 'R') {
        text_addf(&where, "record %" PRIu64, f->seq);
        if (tns_meta_get(&f->meta, "key", &key)) text_addf(&where, " (key %s)", key.s);
    } else {
        text_add(&where, f->type == 'H' ? "header" : "end frame");
    }
    die(EXIT_CORRUPT, "%s: %s", where.s, s ? s : fmt);
}

/* ---- output ---- */

static outfile *out_file;
static tns_writer *out_writer;
static FILE *out_text;

static int out_fd(void) {
    if (!prog.output) return 1;
    if (!out_file) out_file = outfile_open(prog.output);
    return outfile_fd(out_file);
}

/* The reader has gone: it decided, and its status counts. No destructors of libraries, whose threads may be at work. */
static _Noreturn void leave_quietly(void) {
    remove_temps();
    _exit(EXIT_DONE);
}

/* A regular file has no reader that could have decided: what it says must be heard, and make must not take it for done. */
static bool reader_gone(void) {
    return out_file ? outfile_reader_gone(out_file) : errno == EPIPE;
}

static _Noreturn void output_failed(void) {
    if (reader_gone()) leave_quietly();
    die(EXIT_FAILED, "%s:", prog.output ? prog.output : "standard output");
}

bool prog_offer(const tns_frame *f) {
    if (!out_writer) {
        if (!prog.output && isatty(1)) die(EXIT_USAGE, "no tensors to a terminal: use -o FILE, or a pipe (| tls, | tview --tty)");
        out_writer = tns_writer_open(out_fd());
    }
    if (tns_write(out_writer, f) < 0) {
        if (errno == EINVAL) die(EXIT_FAILED, "frame out of order or over 1 MiB of metadata (a bug in %s)", base_program);
        if (reader_gone()) return false;
        output_failed();
    }
    return true;
}

void prog_write(const tns_frame *f) {
    if (!prog_offer(f)) leave_quietly();
}

/* stdio itself loses what an interrupted write didn't take. */
static ssize_t write_text(void *cookie, const char *s, size_t n) {
    (void)cookie;
    return full_write(out_fd(), s, n) < 0 ? 0 : (ssize_t)n;
}

FILE *prog_text(void) {
    if (!out_text) {
        int fd = out_fd();
        out_text = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_text});
        if (!out_text) die(EXIT_FAILED, "%s:", prog.output ? prog.output : "standard output");
        if (isatty(fd)) setvbuf(out_text, NULL, _IOLBF, 0);
    }
    return out_text;
}

void prog_print(const char *s, size_t n) {
    if (fwrite(s, 1, n, prog_text()) < n) output_failed();
}

static void progress_end(void);

int prog_finish(void) {
    progress_end();
    if (out_text) {
        errno = 0;
        bool bad = ferror(out_text) != 0;
        if (fflush(out_text) || bad) {
            if (!errno) errno = EIO;
            output_failed();
        }
        fclose(out_text);
        out_text = NULL;
    }
    tns_writer_close(out_writer);
    out_writer = NULL;
    if (out_file) {
        outfile_commit(out_file, false);
        out_file = NULL;
    } else if (close(1) < 0 && errno != EBADF) {
        die(EXIT_FAILED, "standard output:");
    }
    free(prog.operand);
    prog.operand = NULL;
    return EXIT_DONE;
}

/* ---- provenance ---- */

static void add_option(text *t, const opt *o) {
    char buf[64], number[32];
    const char *name = label(o, buf);
    switch (o->kind) {
    case OPT_FLAG:
        if (*(bool *)o->value) text_addf(t, " %s", name);
        return;
    case OPT_INT: {
        /* A default that is out of bounds stands for "not given", and couldn't be given. */
        int64_t v = *(int64_t *)o->value;
        if ((o->min != 0 || o->max != 0) && ((double)v < o->min || (double)v > o->max)) return;
        snprintf(number, sizeof number, "%" PRId64, v);
        break;
    }
    case OPT_BYTES:
        snprintf(number, sizeof number, "%" PRIu64, *(uint64_t *)o->value);
        break;
    case OPT_FLOAT:
        format_f64(number, *(double *)o->value);
        break;
    case OPT_CHOICE: {
        const char *p = o->arg;
        for (int k = *(int *)o->value; k > 0; k--) p += strcspn(p, "|") + 1;
        text_addf(t, " %s=%.*s", name, (int)strcspn(p, "|"), p);
        return;
    }
    case OPT_TEXT:
    case OPT_OPTIONAL: {
        const char *v = *(const char **)o->value;
        if (!v) return;
        text_addf(t, o->name ? " %s=" : " %s", name);
        text_add_shell(t, v);
        return;
    }
    case OPT_LIST: {
        const opt_list *l = o->value;
        for (int i = 0; i < l->count; i++) {
            text_addf(t, o->name ? " %s=" : " %s", name);
            text_add_shell(t, l->item[i]);
        }
        return;
    }
    }
    text_addf(t, o->name ? " %s=%s" : " %s%s", name, number);
}

/* The ids of the header's chains that no later line continues, comma-separated; "-" when there is none. */
static void chain_heads(const tns_meta *m, text *heads) {
    text name = {0}, value = {0}, used = {0}, ids = {0};
    for (size_t pos = 0; tns_meta_next(m, &pos, &name, &value);) {
        if (strcmp(name.s, "pg")) continue;
        size_t id = strcspn(value.s, " ");
        text_addn(&ids, value.s, id);
        text_add(&ids, "\n");
        if (value.s[id]) {
            const char *prev = value.s + id + 1;
            text_add(&used, ",");
            text_addn(&used, prev, strcspn(prev, " "));
            text_add(&used, ",");
        }
    }
    for (char *p = ids.s; p && *p;) {
        size_t n = strcspn(p, "\n");
        char *pattern = xasprintf(",%.*s,", (int)n, p);
        if (!used.s || !strstr(used.s, pattern)) {
            if (heads->len) text_add(heads, ",");
            text_addn(heads, p, n);
        }
        free(pattern);
        p += n + 1;
    }
    if (!heads->len) text_add(heads, "-");
    free(name.s);
    free(value.s);
    free(used.s);
    free(ids.s);
}

void prog_add_pg(tns_meta *header, const char *extra) {
    text rest = {0};
    chain_heads(header, &rest);
    text_addf(&rest, " %s %s %s", self->name, FACADE_VERSION, self->name);
    for (int i = 0; i < n_options; i++) {
        if (all[i]->flags & OPT_PG) add_option(&rest, all[i]);
        if (self->uses & PROG_PG_THREADS && all[i]->value == &prog.threads) add_option(&rest, all[i]);
    }
    if (extra && *extra) text_addf(&rest, " %s", extra);
    if (self->uses & PROG_PG_OPERANDS)
        for (int i = 0; i < prog.operands; i++) {
            text_add(&rest, " ");
            text_add_shell(&rest, prog.operand[i]);
        }
    tns_meta_addf(header, "pg", "%016" PRIx64 " %s", hash64(HASH64_START, rest.s, rest.len), rest.s);
    free(rest.s);
}

void prog_source_header(tns_frame *h, const char *kind) {
    h->type = 'H';
    h->dtype = h->rank = 0;
    h->data_len = 0;
    tns_meta_clear(&h->meta);
    tns_meta_add(&h->meta, "kind", kind);
    if (!strcmp(kind, "images")) {
        tns_meta_add(&h->meta, "axes", "hwc");
        tns_meta_add(&h->meta, "range", "0:255");
        tns_meta_add(&h->meta, "space", "srgb");
    }
    prog_add_pg(&h->meta, NULL);
}

/* ---- progress ---- */

static struct {
    double start, shown;
    bool line; /* a line stands on stderr */
} progress;

static void group_digits(char out[32], uint64_t v) {
    char plain[24];
    int n = snprintf(plain, sizeof plain, "%" PRIu64, v), k = 0;
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0) out[k++] = ',';
        out[k++] = plain[i];
    }
    out[k] = 0;
}

void prog_progress(uint64_t done, uint64_t total, const char *unit) {
    static int on = -1;
    if (on < 0) on = !prog.quiet && (prog.progress || isatty(2));
    if (!on) return;
    double now = monotonic_seconds();
    if (progress.start == 0) progress.start = now;
    bool terminal = isatty(2);
    if (now - progress.shown < (terminal ? .2 : 2) && done != total) return;
    progress.shown = now;
    double elapsed = now - progress.start, rate = elapsed > 0 ? (double)done / elapsed : 0;
    char a[32], b[32], eta[48] = "";
    group_digits(a, done);
    group_digits(b, total);
    if (total && rate > 0) {
        uint64_t s = (uint64_t)((double)(total > done ? total - done : 0) / rate + .5);
        if (s < 3600)
            snprintf(eta, sizeof eta, ", ETA %d:%02d", (int)(s / 60), (int)(s % 60));
        else
            snprintf(eta, sizeof eta, ", ETA %" PRIu64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60), (int)(s % 60));
    }
    fprintf(stderr, "%s%s: %s%s%s %s, %.*f/s%s%s", terminal ? "\r" : "", self->name, a, total ? " of " : "", total ? b : "", unit,
            rate < 10    ? 2
            : rate < 100 ? 1
                         : 0,
            rate, eta, terminal ? "\033[K" : "\n");
    progress.line = terminal;
}

static void progress_end(void) {
    if (progress.line) fputs("\r\033[K", stderr);
    progress.line = false;
}
