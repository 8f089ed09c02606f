#include "infer_pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "base.h"

struct infer_pool {
    const infer *p;
    infer_run **idle;
    int count, room;
    pthread_mutex_t lock;
};

infer_pool *infer_pool_new(const infer *p) {
    infer_pool *pool = xarray(1, sizeof *pool);
    pool->p = p;
    pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

void infer_pool_free(infer_pool *pool) {
    if (!pool) return;
    while (pool->count) infer_run_free(pool->idle[--pool->count]);
    pthread_mutex_destroy(&pool->lock);
    free(pool->idle);
    free(pool);
}

infer_run *infer_pool_take(infer_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    infer_run *r = pool->count ? pool->idle[--pool->count] : NULL;
    pthread_mutex_unlock(&pool->lock);
    if (!r && !(r = infer_run_new(pool->p))) die(EXIT_FAILED, "not enough memory to run the network; try a smaller -j");
    return r;
}

void infer_pool_give(infer_pool *pool, infer_run *r) {
    pthread_mutex_lock(&pool->lock);
    if (pool->count == pool->room) pool->idle = xrealloc(pool->idle, (size_t)(pool->room += 16) * sizeof *pool->idle);
    pool->idle[pool->count++] = r;
    pthread_mutex_unlock(&pool->lock);
}
