#include "checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prog.h"

bool checkpoint_open(checkpoint *c, const char *path) {
    *c = (checkpoint){.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (c->fd < 0 && errno == ENOENT) return false;
    if (c->fd < 0 || fstat(c->fd, &c->known) < 0) die(EXIT_FAILED, "%s:", path);
    c->r = tns_reader_open(c->fd, path, prog.max_record);
    tns_frame h = {0};
    if (tns_read(c->r, &h) < 0) die(tns_reader_errno(c->r) ? EXIT_FAILED : EXIT_CORRUPT, "%s", tns_reader_error(c->r));
    tns_meta_copy(&c->header, &h.meta);
    tns_frame_free(&h);
    return true;
}

void checkpoint_must_match(const checkpoint *c, const char *field, const char *now, const char *what) {
    text was = {0};
    const char *v = tns_meta_get(&c->header, field, &was);
    if (!v || strcmp(v, now))
        die(EXIT_FAILED, "%s: was trained with %s: '%.200s', now it is '%.200s'. Use the same, or another --state to begin anew",
            c->path, what, v ? v : "none", now);
    free(was.s);
}

/* Number `index` of "N:N:..." as text; exits when there is none. */
static void part(const checkpoint *c, const char *field, int index, char out[64]) {
    text buf = {0};
    const char *v = tns_meta_get(&c->header, field, &buf);
    for (int i = 0; v && i < index; i++) v = (v = strchr(v, ':')) ? v + 1 : NULL;
    size_t len = v ? strcspn(v, ":") : 0;
    if (!len || len >= 64) die(EXIT_CORRUPT, "%s: no %s= with %d numbers in the header", c->path, field, index + 1);
    memcpy(out, v, len);
    out[len] = 0;
    free(buf.s);
}

uint64_t checkpoint_whole(const checkpoint *c, const char *field, int index) {
    char s[64];
    uint64_t v = 0;
    part(c, field, index, s);
    if (!parse_u64(s, &v)) die(EXIT_CORRUPT, "%s: %s=: '%s' isn't a whole number", c->path, field, s);
    return v;
}

double checkpoint_real(const checkpoint *c, const char *field, int index) {
    char s[64], *end;
    part(c, field, index, s);
    double v = strtod(s, &end);
    if (*end) die(EXIT_CORRUPT, "%s: %s=: '%s' isn't a number", c->path, field, s);
    return v;
}

void checkpoint_fill(checkpoint *c, state *s) {
    char err[STATE_ERROR];
    bool corrupt;
    if (!state_read(s, c->r, err, &corrupt)) die(corrupt ? EXIT_CORRUPT : EXIT_FAILED, "%s: %s", c->path, err);
    tns_reader_close(c->r);
    c->r = NULL;
    close(c->fd);
}

void checkpoint_export(const char *path, const state *s, const tns_meta *header) {
    outfile *o = outfile_open(path);
    tns_writer *w = tns_writer_open(outfile_fd(o));
    if (state_write(s, header, w) < 0) die(EXIT_FAILED, "%s:", path);
    tns_writer_close(w);
    outfile_commit(o, true);
}

void checkpoint_write(checkpoint *c, const state *s, const tns_meta *header) {
    struct stat now;
    if (stat(c->path, &now) == 0 && S_ISREG(now.st_mode) && (now.st_ino != c->known.st_ino || now.st_dev != c->known.st_dev))
        die(EXIT_FAILED, "%s: another run has written it; two can't share a state", c->path);
    checkpoint_export(c->path, s, header);
    if (stat(c->path, &c->known) < 0) die(EXIT_FAILED, "%s:", c->path);
}

void checkpoint_free(checkpoint *c) {
    tns_meta_free(&c->header);
}
