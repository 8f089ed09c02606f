/* par: everything is worked on once, and finished in order by the caller, whatever the number of threads. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "lib/par.h"

typedef struct {
    int number, result, uses;
    char *buffer; /* kept from use to use */
} item;

typedef struct {
    atomic_int worked;
    int finished, freed_buffers, reused;
    pthread_t caller;
} shared;

static shared all;

static void work(void *p, void *arg) {
    item *it = p;
    shared *s = arg;
    s->worked++;
    if (it->number % 7 == 0) usleep(300); /* so that others overtake it */
    it->result = it->number * it->number;
    if (!it->buffer) it->buffer = malloc(10);
    it->uses++;
}

static void done(void *p, void *arg) {
    item *it = p;
    shared *s = arg;
    CHECK(it->number == s->finished, "item %d came as number %d", it->number, s->finished);
    CHECK(it->result == it->number * it->number, "item %d wasn't worked on", it->number);
    CHECK(pthread_equal(s->caller, pthread_self()), "done() in another thread");
    s->finished++;
    if (it->uses > 1) s->reused++;
}

static void free_item(void *p) {
    item *it = p;
    if (it->buffer) all.freed_buffers++;
    free(it->buffer);
}

static void run(int threads, int n) {
    memset(&all, 0, sizeof all);
    all.caller = pthread_self();
    par *p = par_start(threads, sizeof(item), work, done, &all);
    for (int half = 0; half < 2; half++) {
        for (int i = half * (n / 2); i < (half ? n : n / 2); i++) {
            item *it = par_item(p);
            CHECK(it->uses ? it->buffer != NULL : !it->buffer && !it->number && !it->result, "a slot wasn't left as it was");
            it->number = i;
            it->result = -1;
            par_put(p);
        }
        par_drain(p);
        CHECK(all.finished == (half ? n : n / 2), "%d threads: %d of %d finished", threads, all.finished, n);
    }
    par_drain(p);
    par_stop(p, free_item);
    CHECK(all.worked == n && all.finished == n, "%d threads: %d worked on, %d finished, of %d", threads, (int)all.worked,
          all.finished, n);
    int slots = threads > 1 ? 4 * threads : 1;
    CHECK(all.freed_buffers <= slots && all.freed_buffers == n - all.reused, "%d threads: %d buffers", threads,
          all.freed_buffers);
}

/* Two items that wait for each other: only threads that run at the same time get past. */
static pthread_barrier_t meeting;

static void meet(void *p, void *arg) {
    (void)arg;
    *(int *)p = par_worker();
    pthread_barrier_wait(&meeting);
}

/* Those that met are neighbours, as none goes on before three have come. */
static void met(void *p, void *arg) {
    int *seen = arg, worker = *(int *)p; /* three flags, and how many are set */
    CHECK(worker >= 0 && worker < 3 && !seen[worker], "two of three threads are worker %d, or there is no such worker", worker);
    if (worker >= 0 && worker < 3) seen[worker] = 1;
    if (++seen[3] == 3) memset(seen, 0, 4 * sizeof *seen);
}

static void nothing(void *p, void *arg) {
    (void)p, (void)arg;
}

static void test_at_once(void) {
    pthread_barrier_init(&meeting, NULL, 3);
    int seen[4] = {0};
    par *p = par_start(3, sizeof(int), meet, met, seen);
    for (int i = 0; i < 30; i++) {
        par_item(p);
        par_put(p);
    }
    par_drain(p);
    par_stop(p, NULL);
    pthread_barrier_destroy(&meeting);
}

static void here(void *p, void *arg) {
    (void)p;
    CHECK(pthread_equal(*(pthread_t *)arg, pthread_self()), "one thread isn't the caller's");
    CHECK(par_worker() == 0, "the caller's thread is worker %d", par_worker());
}

int main(void) {
    alarm(120); /* a deadlock is a failure */
    static const int counts[] = {0, 1, 2, 3, 7, 8, 9, 100, 1000};
    for (int threads = 1; threads <= 9; threads++)
        for (int i = 0; i < 9; i++) run(threads, counts[i]);
    test_at_once();
    pthread_t self = pthread_self();
    par *p = par_start(1, 1, here, here, &self);
    for (int i = 0; i < 10; i++) {
        par_item(p);
        par_put(p);
    }
    par_drain(p);
    par_stop(p, NULL);
    p = par_start(4, 1, nothing, nothing, NULL); /* never used */
    par_stop(p, NULL);
    return check_status();
}
