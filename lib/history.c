#include "history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base.h"

/* Two runs that write one file would spoil it. A run that was just killed may take a moment to be gone. */
static void lock(int fd, const char *path) {
    for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
        if (errno != EWOULDBLOCK) return; /* a file system without locks */
        if (i == 100) die(EXIT_FAILED, "%s: another run is writing it", path);
        usleep(50000);
    }
}

static int open_output(const char *path, bool *regular) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EACCES) fd = open(path, O_WRONLY | O_CLOEXEC); /* what can't be read */
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) die(EXIT_FAILED, "%s:", path);
    *regular = S_ISREG(st.st_mode);
    if (*regular) lock(fd, path);
    return fd;
}

static void cut(int fd, const char *path, uint64_t at) {
    if (ftruncate(fd, (off_t)at) < 0 || lseek(fd, (off_t)at, SEEK_SET) < 0) die(EXIT_FAILED, "%s:", path);
}

/* ---- the log ---- */

struct history_log {
    int fd;
    char *path;
};

/* How many tabs stand before the word `step` in the header. */
static int step_column(const char *header) {
    int column = 0;
    for (const char *s = header; strncmp(s, "step", 4) || (s[4] != '\t' && s[4] != '\n'); column++)
        if (!(s = strchr(s, '\t')) || !*++s) return 0;
    return column;
}

/* stdio itself takes an interrupted read for the end. */
static ssize_t read_log(void *fd, char *buf, size_t n) {
    return full_read(*(int *)fd, buf, n);
}

/* Bytes of the header line and of the rows up to step, or 0 when the first line isn't the header; *last: the last row's step. */
static uint64_t rows_up_to(int fd, const char *path, const char *header, uint64_t step, uint64_t *last) {
    FILE *f = fopencookie(&fd, "r", (cookie_io_functions_t){.read = read_log});
    if (!f) die(EXIT_FAILED, "%s:", path);
    char *line = NULL;
    size_t cap = 0;
    ssize_t n = getline(&line, &cap, f);
    uint64_t at = n > 0 && !strcmp(line, header) ? (uint64_t)n : 0, row;
    int column = step_column(header);
    *last = 0;
    while (at && (n = getline(&line, &cap, f)) > 0 && line[n - 1] == '\n') {
        char *value = line, *tab;
        for (int i = 0; value && i < column; i++) value = (value = strchr(value, '\t')) ? value + 1 : NULL;
        if (!value || !(tab = strchr(value, '\t'))) break;
        *tab = 0;
        if (!parse_u64(value, &row) || row > step) break;
        at += (uint64_t)n;
        *last = row;
    }
    /* What can't be read now may be there all the same: to cut it off would lose it. */
    if (n < 0 && !feof(f)) die(EXIT_FAILED, "%s:", path);
    free(line);
    fclose(f);
    return at;
}

history_log *history_log_open(const char *path, const char *header, uint64_t step) {
    history_log *l = xarray(1, sizeof *l);
    bool regular;
    l->fd = open_output(path, &regular);
    l->path = xstrdup(path);
    uint64_t at = 0, last = 0;
    if (regular) {
        if (step) at = rows_up_to(l->fd, path, header, step, &last);
        if (step && last != step)
            warn("%s: has no rows up to step %llu, where the state stands; what's missing is lost", path,
                 (unsigned long long)step);
        cut(l->fd, path, at);
    }
    if (!at && full_write(l->fd, header, strlen(header)) < 0) die(EXIT_FAILED, "%s:", path);
    return l;
}

void history_log_row(history_log *l, const char *row) {
    if (full_write(l->fd, row, strlen(row)) < 0) die(EXIT_FAILED, "%s:", l->path);
}

void history_log_close(history_log *l) {
    if (!l) return;
    if (close(l->fd) < 0) die(EXIT_FAILED, "%s:", l->path);
    free(l->path);
    free(l);
}

/* ---- the samples ---- */

struct history_stream {
    int fd;
    char *path;
    bool regular, open; /* open: records were written since END */
    uint64_t end; /* where END goes */
    tns_writer *w;
};

static void put(history_stream *s, const tns_frame *f) {
    if (tns_write(s->w, f) < 0) die(EXIT_FAILED, "%s:", s->path);
}

/* Finds the end of the records up to step: bytes and count. False when the file doesn't begin as a stream. */
static bool records_up_to(int fd, const char *path, uint64_t step, uint64_t *end, uint64_t *count) {
    tns_reader *r = tns_reader_open(fd, path, 0);
    tns_frame f = {0};
    text value = {0};
    bool good = false;
    *count = 0;
    if (tns_skim(r, &f) > 0) {
        good = true;
        for (;;) {
            /* A frame's offset is known once it was read: the end of the last record kept is the offset of what follows. */
            int got = tns_skim(r, &f);
            *end = got > 0 ? tns_reader_offset(r) : tns_reader_next_offset(r);
            uint64_t at;
            const char *v = got > 0 && f.type == 'R' ? tns_meta_get(&f.meta, "step", &value) : NULL;
            if (!v || !parse_u64(v, &at) || at > step) break;
            ++*count;
        }
    }
    if (tns_reader_errno(r)) die(EXIT_FAILED, "%s", tns_reader_error(r)); /* as above */
    tns_frame_free(&f);
    tns_reader_close(r);
    free(value.s);
    return good;
}

history_stream *history_stream_open(const char *path, const tns_meta *header, uint64_t step, int restart) {
    history_stream *s = xarray(1, sizeof *s);
    s->fd = open_output(path, &s->regular);
    s->path = xstrdup(path);
    uint64_t count = 0, size = s->regular ? (uint64_t)lseek(s->fd, 0, SEEK_END) : 0;
    if (s->regular && lseek(s->fd, 0, SEEK_SET) < 0) die(EXIT_FAILED, "%s:", path);
    bool goes_on = s->regular && !restart && size && records_up_to(s->fd, path, step, &s->end, &count);
    if (s->regular && !restart && !goes_on)
        warn("%s: doesn't hold the samples up to step %llu; it begins anew", path, (unsigned long long)step);
    if (goes_on) {
        cut(s->fd, path, s->end);
        s->w = tns_writer_resume(s->fd, count);
    } else {
        if (s->regular) cut(s->fd, path, 0);
        s->w = tns_writer_open(s->fd);
        tns_frame h = {.type = 'H'};
        tns_meta_copy(&h.meta, header);
        put(s, &h);
        tns_meta_free(&h.meta);
    }
    s->open = true;
    history_stream_flush(s);
    return s;
}

void history_stream_add(history_stream *s, const tns_frame *record) {
    if (!s->open) {
        /* Over the END that stands there. */
        uint64_t next = tns_writer_count(s->w);
        tns_writer_close(s->w);
        s->w = tns_writer_resume(s->fd, next);
        if (lseek(s->fd, (off_t)s->end, SEEK_SET) < 0) die(EXIT_FAILED, "%s:", s->path);
        s->open = true;
    }
    put(s, record);
}

static void write_end(history_stream *s) {
    put(s, &(tns_frame){.type = 'E'});
    s->open = false;
}

void history_stream_flush(history_stream *s) {
    if (!s->regular || !s->open) return;
    off_t at = lseek(s->fd, 0, SEEK_CUR);
    if (at < 0) die(EXIT_FAILED, "%s:", s->path);
    s->end = (uint64_t)at;
    write_end(s);
}

void history_stream_close(history_stream *s) {
    if (!s) return;
    if (s->open) write_end(s);
    tns_writer_close(s->w);
    if (close(s->fd) < 0) die(EXIT_FAILED, "%s:", s->path);
    free(s->path);
    free(s);
}
