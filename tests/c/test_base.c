/* base: numbers, text, quoting, whole reads and writes, messages. */
#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "lib/base.h"

static void test_integers(void) {
    static const struct {
        const char *s;
        bool good;
        int64_t v;
    } i64[] = {{"0", true, 0},
               {"-1", true, -1},
               {"+7", true, 7},
               {"007", true, 7},
               {"9223372036854775807", true, INT64_MAX},
               {"-9223372036854775808", true, INT64_MIN},
               {"9223372036854775808", false, 0},
               {"", false, 0},
               {"-", false, 0},
               {"+-1", false, 0},
               {" 1", false, 0},
               {"1 ", false, 0},
               {"1x", false, 0},
               {"0x10", false, 0},
               {"1.0", false, 0},
               {"1e3", false, 0},
               {"nan", false, 0}};
    for (size_t i = 0; i < sizeof i64 / sizeof *i64; i++) {
        int64_t v = 99;
        CHECK(parse_i64(i64[i].s, &v) == i64[i].good && v == (i64[i].good ? i64[i].v : 99), "\"%s\": %lld", i64[i].s,
              (long long)v);
    }
    static const struct {
        const char *s;
        bool good, size;
        uint64_t v;
    } u64[] = {{"0", true, true, 0},
               {"18446744073709551615", true, true, UINT64_MAX},
               {"18446744073709551616", false, false, 0},
               {"-1", false, false, 0},
               {"+1", false, false, 0},
               {" 1", false, false, 0},
               {"1\n", false, false, 0},
               {"", false, false, 0},
               {"4K", false, true, 4096},
               {"3M", false, true, 3 << 20},
               {"1G", false, true, 1 << 30},
               {"17179869183G", false, true, UINT64_C(17179869183) << 30},
               {"17179869184G", false, false, 0},
               {"18014398509481984K", false, false, 0},
               {"K", false, false, 0},
               {"1k", false, false, 0},
               {"1KK", false, false, 0},
               {"1.5G", false, false, 0},
               {"00000000000000000000000000000000000001", true, false, 1}};
    for (size_t i = 0; i < sizeof u64 / sizeof *u64; i++) {
        uint64_t v = 99;
        CHECK(parse_u64(u64[i].s, &v) == u64[i].good && v == (u64[i].good ? u64[i].v : 99), "\"%s\": %llu", u64[i].s,
              (unsigned long long)v);
        v = 99;
        CHECK(parse_size(u64[i].s, &v) == u64[i].size && v == (u64[i].size ? u64[i].v : 99), "size \"%s\": %llu", u64[i].s,
              (unsigned long long)v);
    }
}

static void test_floats(void) {
    static const struct {
        const char *s;
        bool good;
        double v;
    } f64[] = {{"0", true, 0},
               {"-1.5", true, -1.5},
               {"+.5", true, .5},
               {"1.", true, 1},
               {"1e3", true, 1000},
               {"1E-7", true, 1e-7},
               {"1.7976931348623157e308", true, DBL_MAX},
               {"4.9e-324", true, 4.9e-324},
               {"1e309", false, 0},
               {"-1e309", false, 0},
               {"", false, 0},
               {".", false, 0},
               {"e5", false, 0},
               {"1e", false, 0},
               {"1e5e5", false, 0},
               {"1.2.3", false, 0},
               {"--1", false, 0},
               {"nan", false, 0},
               {"inf", false, 0},
               {"infinity", false, 0},
               {"0x1p3", false, 0},
               {" 1", false, 0},
               {"1 ", false, 0},
               {"1,5", false, 0},
               {"1f", false, 0}};
    for (size_t i = 0; i < sizeof f64 / sizeof *f64; i++) {
        double v = 99;
        CHECK(parse_f64(f64[i].s, &v) == f64[i].good && v == (f64[i].good ? f64[i].v : 99), "\"%s\": %g", f64[i].s, v);
    }
    static const struct {
        double v;
        const char *s;
    } shortest[] = {{.1, "0.1"},
                    {1e-7, "1e-07"},
                    {0, "0"},
                    {1, "1"},
                    {100, "100"},
                    {1e22, "1e+22"},
                    {.1 + .2, "0.30000000000000004"},
                    {1. / 3, "0.3333333333333333"},
                    {-2.5, "-2.5"}};
    char out[32];
    for (size_t i = 0; i < sizeof shortest / sizeof *shortest; i++) {
        format_f64(out, shortest[i].v);
        CHECK(!strcmp(out, shortest[i].s), "%s is %s", shortest[i].s, out);
    }
    uint64_t bits = 1;
    for (int i = 0; i < 20000; i++) {
        bits = bits * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        double v, back;
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v)) continue;
        format_f64(out, v);
        CHECK(parse_f64(out, &back) && back == v, "%a comes back from %s as %a", v, out, back);
    }
}

static void test_locale(void) {
    static const char *const comma[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8"};
    for (int i = 0; i < 4; i++) {
        if (!setlocale(LC_ALL, comma[i])) continue;
        double v;
        char out[32];
        CHECK(parse_f64("1.5", &v) && v == 1.5 && !parse_f64("1,5", &v), "in %s", comma[i]);
        format_f64(out, 1.5);
        CHECK(!strcmp(out, "1.5"), "%s in %s", out, comma[i]);
        setlocale(LC_ALL, "C");
        return;
    }
}

static void test_text(void) {
    text t = {0};
    text_addn(&t, "", 0);
    CHECK(t.s && !t.len && !*t.s, "empty text is text");
    for (int i = 0; i < 1000; i++) text_addf(&t, "%d,", i % 10);
    CHECK(t.len == 2000 && t.s[2000] == 0 && !strncmp(t.s + 1990, "5,6,7,8,9,", 10), "%zu", t.len);
    t.len = 0;
    for (int n = 250; n < 260; n++) {
        t.len = 0;
        text_addf(&t, "%*d", n, 7);
        CHECK(t.len == (size_t)n && t.s[n - 1] == '7' && !t.s[n], "%d: %zu", n, t.len);
    }
    free(t.s);
    char *s = xasprintf("%s-%d", "a", 3), *d = xstrdup(s);
    CHECK(!strcmp(s, "a-3") && !strcmp(d, s) && d != s, "%s", s);
    free(s);
    free(d);
}

/* A shell must read the quoted word as the word. */
static void test_shell(void) {
    static const char *const words[] = {"",      "plain", "a b",  "it's",    "''",  "$HOME",   "`id`",      "a\\b",
                                        "\"q\"", "*",     "~",    "a;b|c&d", "#x",  "-n",      "new\nline", "tab\t",
                                        "{a,b}", "!x",    "(x)",  "<>",      "a=b", "flip=.5", "\xc3\xa9",  "\xff\xfe",
                                        "[a]",   "?",     "100%", "=x",      "\\",  "a'b'c'"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        text t = {0};
        text_add(&t, "printf %s ");
        text_add_shell(&t, words[i]);
        FILE *f = popen(t.s, "r");
        char back[64] = "";
        size_t n = fread(back, 1, sizeof back - 1, f);
        CHECK(pclose(f) == 0 && n == strlen(words[i]) && !memcmp(back, words[i], n), "%s gives %s", t.s, back);
        free(t.s);
    }
    text t = {0};
    text_add_shell(&t, "flip=.5");
    CHECK(!strcmp(t.s, "flip=.5"), "%s: what needs no quotes gets none", t.s);
    free(t.s);
}

static void test_files(void) {
    char path[] = "/tmp/test_base.XXXXXX";
    int fd = mkstemp(path);
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 8192, 100000};
    unsigned char *bytes = xmalloc(100000);
    for (size_t i = 0; i < 100000; i++) bytes[i] = (unsigned char)(i * 7 + (i >> 8));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t n = sizes[i], len = 77;
        CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0 && full_write(fd, bytes, n) == 0, "write %zu", n);
        char *s = read_file(path, n, &len);
        CHECK(s && len == n && !memcmp(s, bytes, n) && s[n] == 0, "%zu bytes", n);
        free(s);
        errno = 0;
        CHECK(!n || (!read_file(path, n - 1, NULL) && errno == EFBIG), "%zu bytes are over %zu", n, n - 1);
    }
    close(fd);
    unlink(path);
    CHECK(!read_file(path, 10, NULL) && errno == ENOENT, "no file");
    CHECK(!read_file("/", 10, NULL) && errno == EISDIR, "a directory");

    int p[2];
    if (pipe(p) < 0) abort();
    pid_t child = fork();
    if (!child) {
        for (int i = 0; i < 1000; i++)
            if (full_write(p[1], bytes + 100 * i, 100) < 0) _exit(1);
        _exit(0);
    }
    close(p[1]);
    unsigned char *got = xmalloc(100001);
    CHECK(full_read(p[0], got, 99999) == 99999 && full_read(p[0], got + 99999, 2) == 1 && full_read(p[0], got, 1) == 0,
          "through a pipe");
    CHECK(!memcmp(got, bytes, 100000), "through a pipe");
    close(p[0]);
    waitpid(child, NULL, 0);
    CHECK(full_read(-1, got, 1) == -1 && errno == EBADF && full_write(-1, got, 1) == -1 && errno == EBADF, "a closed descriptor");
    free(got);
    free(bytes);
}

static void test_memory(void) {
    for (size_t n = 0; n < 200; n++) {
        unsigned char *p = aligned_alloc64(n);
        CHECK(p && (uintptr_t)p % 64 == 0, "%zu", n);
        memset(p, 1, (n + 63) / 64 * 64);
        free(p);
    }
    CHECK(!aligned_alloc64(SIZE_MAX) && !aligned_alloc64(SIZE_MAX - 63), "no such memory");
    int *zeroed = xarray(1000, sizeof *zeroed), sum = 0;
    for (int i = 0; i < 1000; i++) sum |= zeroed[i];
    CHECK(!sum, "xarray isn't zeroed");
    free(zeroed);
}

static void test_hash(void) {
    CHECK(hash64(HASH64_START, "", 0) == UINT64_C(0xcbf29ce484222325), "of nothing");
    CHECK(hash64(HASH64_START, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c), "of a");
    CHECK(hash64(HASH64_START, "foobar", 6) == UINT64_C(0x85944171f73967e8), "of foobar");
    CHECK(hash64(hash64(HASH64_START, "foo", 3), "bar", 3) == UINT64_C(0x85944171f73967e8), "chained");
}

/* Runs f in a child, gives what it wrote on stderr and its exit status. */
static int in_child(void (*f)(void), char out[512]) {
    int p[2], status;
    if (pipe(p) < 0) abort();
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        dup2(p[1], 2);
        f();
        _exit(100);
    }
    close(p[1]);
    ptrdiff_t n = full_read(p[0], out, 511);
    out[n > 0 ? n : 0] = 0;
    close(p[0]);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void dies_corrupt(void) {
    base_program = "augment";
    die(EXIT_CORRUPT, "record %d (key %s): bad", 3, "a\033[2J\nb\x7f\xc2\x9b\xc3\xa9");
}
static void dies_errno(void) {
    errno = ENOENT;
    die(EXIT_FAILED, "%s:", "no/file");
}
static void warns(void) {
    errno = EINTR;
    warn("one");
    _exit(errno == EINTR ? 7 : 8);
}
static void wants_all_memory(void) {
    free(xarray(SIZE_MAX / 4, 8));
}

static void test_messages(void) {
    char out[512];
    CHECK(in_child(dies_corrupt, out) == 3 &&
              !strcmp(out, "augment: record 3 (key a\\x1b[2J\\x0ab\\x7f\\xc2\\x9b\xc3\xa9): bad\n"),
          "%s", out);
    CHECK(in_child(dies_errno, out) == 1 && !strcmp(out, "facade: no/file: No such file or directory\n"), "%s", out);
    CHECK(in_child(warns, out) == 7 && !strcmp(out, "facade: one\n"), "%s", out);
    CHECK(in_child(wants_all_memory, out) == 1 && strstr(out, "facade: out of memory"), "%s", out);
}

int main(void) {
    test_integers();
    test_floats();
    test_locale();
    test_text();
    test_shell();
    test_files();
    test_memory();
    test_hash();
    test_messages();
    double a = monotonic_seconds(), b = monotonic_seconds();
    CHECK(b >= a && a > 0, "the clock goes back");
    return check_status();
}

/* Allocations that are too large are meant to fail here, not to end the program. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "allocator_may_return_null=1";
}
