#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base.h"

enum { PIECE = 1 << 20 };

/* A file without a name: nothing is left behind, however we end. */
static int nameless_file(const char *dir) {
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) return fd;
    char *path = xasprintf("%s/facade.XXXXXX", dir); /* file systems without O_TMPFILE */
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) unlink(path);
    free(path);
    return fd;
}

static const char *directory(void) {
    const char *dir = getenv("TMPDIR");
    return dir && *dir ? dir : "/tmp";
}

int spool_file(void) {
    int fd = nameless_file(directory());
    if (fd < 0) die(EXIT_FAILED, "can't make a temporary file in %s (set TMPDIR):", directory());
    return fd;
}

int spool_copy(int from, const char *name) {
    const char *dir = directory();
    int spool = spool_file();
    fcntl(from, F_SETPIPE_SZ, PIECE); /* fails on what isn't a pipe: all the same to us */
    void *buf = xmalloc(PIECE);
    ptrdiff_t n;
    while ((n = full_read(from, buf, PIECE)) > 0)
        if (full_write(spool, buf, (size_t)n) < 0)
            die(EXIT_FAILED, "no room for the input in %s (set TMPDIR, or give a file):", dir);
    if (n < 0) die(EXIT_FAILED, "%s:", name);
    free(buf);
    if (lseek(spool, 0, SEEK_SET) < 0) die(EXIT_FAILED, "the temporary file in %s:", dir);
    return spool;
}

const char *spool_input(const char *path) {
    bool standard = !path || !strcmp(path, "-");
    const char *name = standard ? "standard input" : path;
    struct stat st;
    if (standard && (isatty(0) || (fstat(0, &st) == 0 && S_ISREG(st.st_mode)))) return NULL; /* prog_open refuses a terminal */
    int from = standard ? 0 : open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0 || fstat(from, &st) < 0) die(EXIT_FAILED, "%s:", name);
    if (S_ISREG(st.st_mode)) {
        close(from);
        return path;
    }
    int spool = spool_copy(from, name);
    if (dup2(spool, 0) < 0) die(EXIT_FAILED, "%s:", name);
    close(spool);
    if (!standard) close(from);
    return NULL;
}

off_t spool_start(const char *path) {
    off_t start = path ? 0 : lseek(0, 0, SEEK_CUR);
    if (start < 0) die(EXIT_FAILED, "standard input:");
    return start;
}
