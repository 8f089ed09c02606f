/* Whoever leaves, by exit or by a signal, while another thread gives files their names: no temporary stays, and no half of a file. */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "lib/base.h"
#include "lib/prog.h"

enum { ROUNDS = 200, FILES = 8 };

static void *commit_for_ever(void *dir) {
    for (unsigned i = 0;; i++) {
        char *path = xasprintf("%s/%u", (const char *)dir, i % FILES);
        outfile *o = outfile_open(path);
        if (full_write(outfile_fd(o), "whole", 5) < 0) die(EXIT_FAILED, "%s:", path);
        outfile_commit(o, false);
        free(path);
    }
    return NULL;
}

static void leave_meanwhile(const char *dir, int round) {
    static const program self = {.name = "test_outfile"};
    pthread_t t;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGTERM, SIG_DFL); /* whatever was inherited */
    prog_start(&self, 1, (char *[]){"test_outfile", NULL});
    if (pthread_create(&t, NULL, commit_for_ever, (void *)dir)) die(EXIT_FAILED, "no thread");
    usleep((useconds_t)(round * 37 % 1500));
    if (round % 2) raise(SIGTERM);
    exit(EXIT_FAILED);
}

int main(void) {
    char dir[] = "/tmp/test_outfile.XXXXXX";
    if (!mkdtemp(dir)) die(EXIT_FAILED, "%s:", dir);
    int stray = 0, half = 0, ends = 0, files = 0;
    for (int round = 0; round < ROUNDS; round++) {
        pid_t child = fork();
        if (child < 0) die(EXIT_FAILED, "fork:");
        if (child == 0) leave_meanwhile(dir, round);
        int status;
        if (waitpid(child, &status, 0) != child) die(EXIT_FAILED, "waitpid:");
        ends += round % 2 ? WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM
                          : WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILED;
        DIR *d = opendir(dir);
        if (!d) die(EXIT_FAILED, "%s:", dir);
        for (struct dirent *e; (e = readdir(d));) {
            if (*e->d_name == '.') continue;
            char *path = xasprintf("%s/%s", dir, e->d_name), *whole;
            size_t len;
            stray += strstr(e->d_name, ".tmp.") != NULL;
            whole = read_file(path, 100, &len);
            half += !whole || len != 5;
            files++;
            free(whole);
            unlink(path);
            free(path);
        }
        closedir(d);
    }
    rmdir(dir);
    CHECK(files > 0, "no file was made");
    CHECK(stray == 0, "%d temporaries were left in %d rounds", stray, ROUNDS);
    CHECK(half == 0, "%d files weren't whole", half);
    CHECK(ends == ROUNDS, "%d of %d rounds ended as they should", ends, ROUNDS);
    return check_status();
}
