/* base: the few things every layer needs: messages, strict numbers, growing text, files.
 *
 * Functions that end in _or_die print "PROGRAM: MESSAGE" on stderr and exit; the library's own
 * layers (tns, net, ...) never do: they return an error and leave the text of it in the object. */
#ifndef FACADE_BASE_H
#define FACADE_BASE_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit statuses, the same in every program. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CORRUPT = 3 };

/* The name that messages begin with. Set once by prog_start(); "facade" before. */
extern const char *base_program;

/* Prints "PROGRAM: ..." and a newline on stderr. When the format ends in ':', the text of errno is appended (as in
 * farbfeld and git). Control characters in what is printed come out as \xNN, so a file's name can't drive a terminal. */
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* warn(), then exit with the status. Temporary outputs are removed by prog's exit handler. */
__attribute__((noreturn)) void die(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Says so and exits with 1: for memory that something else asked for in vain, n bytes (0: it didn't say how many). */
__attribute__((noreturn)) void out_of_memory(size_t n);

/* Memory that is there, or the program ends with status 1 and says how much was asked for.
 * xarray checks n*size for overflow and zeroes. All are freed with free(). */
void *xmalloc(size_t n);
void *xarray(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* 64-byte aligned (tensors); freed with free(). n is rounded up to a multiple of 64; not zeroed. NULL when there is none. */
void *aligned_alloc64(size_t n);

/* Growing text, always NUL-terminated once anything was added. Zero-initialise; free(s) when done. */
typedef struct {
    char *s;
    size_t len, cap;
} text;
void text_add(text *t, const char *s);
void text_addn(text *t, const char *s, size_t n);
void text_addf(text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Appends s quoted for a POSIX shell when it needs quoting. */
void text_add_shell(text *t, const char *s);
/* Appends s as a JSON string, in its quotes. Bytes that aren't UTF-8 become U+FFFD. */
void text_add_json(text *t, const char *s);

/* Strict numbers: the whole string must be the number (no blanks, no trailing junk, no NaN, no infinity, no overflow).
 * Return false otherwise and leave *out alone. Independent of the locale. */
bool parse_i64(const char *s, int64_t *out);
bool parse_u64(const char *s, uint64_t *out);
bool parse_f64(const char *s, double *out);
/* Bytes, with an optional suffix K, M or G (powers of 1024). */
bool parse_size(const char *s, uint64_t *out);

/* Shortest decimal text that reads back as exactly v ("0.1", "1e-07"); whole numbers below 1e9 without exponent ("50"). */
void format_f64(char out[32], double v);

/* Whole reads and writes: loop over short ones and EINTR. full_read returns the bytes read (less than n only at the end
 * of the file) or -1; full_write returns 0 or -1. errno is set on -1. */
ptrdiff_t full_read(int fd, void *buf, size_t n);
int full_write(int fd, const void *buf, size_t n);

/* regexec(), but that no memory is no "no match" (glibc doesn't tell them apart): a record would be lost. */
bool regex_finds(const regex_t *re, const char *s, size_t matches, regmatch_t *match);

/* A whole file as text (NUL appended, not counted in *len, which may be NULL). NULL with errno when it can't be read or is
 * longer than max bytes (EFBIG). The caller frees. */
char *read_file(const char *path, size_t max, size_t *len);

/* Whether an errno is this machine's trouble (memory, descriptors, a failing disk), not the fault of the file that met it: passing over
 * that file would lose it. */
bool machine_failed(int error);

/* 64-bit FNV-1a, for ids and keys (not against attackers). hash64(HASH64_START, ...) to begin; chain for more. */
#define HASH64_START UINT64_C(0xcbf29ce484222325)
uint64_t hash64(uint64_t h, const void *p, size_t n);

/* Seconds on a clock that never goes back. */
double monotonic_seconds(void);

#endif
