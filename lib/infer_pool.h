/* infer_pool: the runs of a plan that threads share: taken by who needs one, given back for the next. */
#ifndef FACADE_INFER_POOL_H
#define FACADE_INFER_POOL_H

#include "infer.h"

typedef struct infer_pool infer_pool;

infer_pool *infer_pool_new(const infer *p); /* p stays the caller's, and outlives the pool */
/* Frees the runs that were given back, which must be all. */
void infer_pool_free(infer_pool *pool);
/* One that nobody uses, made when there is none: there are never more than ever ran at once. Thread-safe. Without memory the program ends with status 1. */
infer_run *infer_pool_take(infer_pool *pool);
void infer_pool_give(infer_pool *pool, infer_run *r);

#endif
