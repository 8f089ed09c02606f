#include "par.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

/* Slots form a ring: [oldest, next) are with the workers or waiting for done(), `taken` is the next one a worker takes. */
struct par {
    int threads, slots, started;
    size_t item_size;
    par_function *work, *done;
    void *shared;
    char *items;
    bool *finished;
    size_t oldest, next, taken;
    size_t awaited, lying, enough; /* by the caller, who sleeps; finished items, and how many he sleeps for */
    bool over;
    pthread_t *thread;
    pthread_mutex_t lock;
    pthread_cond_t todo, lie;
};

static _Thread_local int number;

int par_worker(void) {
    return number;
}

static void *slot(par *p, size_t i) {
    return p->items + i % (size_t)p->slots * p->item_size;
}

/* The oldest is finished, and either so are enough or there is no more work. */
static bool worth_waking(const par *p) {
    return p->finished[p->awaited % (size_t)p->slots] && (p->lying >= p->enough || p->taken == p->next);
}

static void *worker(void *arg) {
    par *p = arg;
    pthread_mutex_lock(&p->lock);
    number = p->started++;
    for (;;) {
        while (p->taken == p->next && !p->over) pthread_cond_wait(&p->todo, &p->lock);
        if (p->taken == p->next) break;
        size_t i = p->taken++;
        pthread_mutex_unlock(&p->lock);
        p->work(slot(p, i), p->shared);
        pthread_mutex_lock(&p->lock);
        p->finished[i % (size_t)p->slots] = true;
        p->lying++;
        if (worth_waking(p)) pthread_cond_signal(&p->lie);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

par *par_start(int threads, size_t item_size, par_function *work, par_function *done, void *shared) {
    par *p = xarray(1, sizeof *p);
    p->threads = threads > 1 ? threads : 0;
    p->slots = p->threads ? 4 * threads : 1;
    p->item_size = (item_size + 63) / 64 * 64;
    p->items = xarray((size_t)p->slots, p->item_size);
    p->finished = xarray((size_t)p->slots, sizeof *p->finished);
    p->work = work, p->done = done, p->shared = shared;
    p->thread = xarray((size_t)threads, sizeof *p->thread);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->todo, NULL);
    pthread_cond_init(&p->lie, NULL);
    for (int i = 0; i < p->threads; i++)
        if (pthread_create(&p->thread[i], NULL, worker, p)) die(EXIT_FAILED, "can't start %d threads; try a smaller -j", threads);
    return p;
}

/* Gives the oldest item to done(), which runs without the lock. If it isn't finished yet, sleeps until so many are. */
static void finish_oldest(par *p, size_t enough) {
    size_t i = p->oldest;
    if (p->threads) {
        pthread_mutex_lock(&p->lock);
        if (!p->finished[i % (size_t)p->slots]) {
            p->awaited = i;
            p->enough = enough;
            while (!worth_waking(p)) pthread_cond_wait(&p->lie, &p->lock);
        }
        p->finished[i % (size_t)p->slots] = false;
        p->lying--;
        pthread_mutex_unlock(&p->lock);
    }
    p->done(slot(p, i), p->shared);
    p->oldest++;
}

void *par_item(par *p) {
    /* Waking up for each item would cost more than letting half of them lie, as long as there is work for the threads. */
    if (p->next - p->oldest == (size_t)p->slots) finish_oldest(p, (size_t)p->slots / 2);
    return slot(p, p->next);
}

void par_put(par *p) {
    if (!p->threads) {
        p->work(slot(p, p->next++), p->shared);
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->next++;
    pthread_cond_signal(&p->todo);
    pthread_mutex_unlock(&p->lock);
}

void par_drain(par *p) {
    while (p->oldest < p->next) finish_oldest(p, 1);
}

void par_stop(par *p, void (*free_item)(void *item)) {
    pthread_mutex_lock(&p->lock);
    p->over = true;
    pthread_cond_broadcast(&p->todo);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->threads; i++) pthread_join(p->thread[i], NULL);
    if (free_item)
        for (int i = 0; i < p->slots; i++) free_item(slot(p, (size_t)i));
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->todo);
    pthread_cond_destroy(&p->lie);
    free(p->items);
    free(p->finished);
    free(p->thread);
    free(p);
}
