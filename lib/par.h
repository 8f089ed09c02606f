/* par: many items worked on by threads, finished in the order they were put.
 *
 *     par *p = par_start(prog.threads, sizeof(item), work, done, ctx);
 *     while (more) { item *it = par_item(p); fill(it); par_put(p); }
 *     par_drain(p);   // work is over, done() has run for each
 *     par_stop(p, free_item);
 *
 * work() runs in a worker thread, on one item; done() runs in the caller's thread, in order (so it may write to a stream).
 * With one thread, work runs in the caller's too. Items are slots of a ring, zeroed once and then reused as they were left,
 * so buffers in them are allocated once. Memory is flat: a few items a thread. What work() needs for an item only while it runs, its thread keeps
 * (par_worker): an item's own would lie outside the cache by the time that its slot's turn comes again. */
#ifndef FACADE_PAR_H
#define FACADE_PAR_H

#include <stddef.h>

typedef struct par par;
typedef void par_function(void *item, void *shared);

/* Exits with 1 when threads or memory can't be had. */
par *par_start(int threads, size_t item_size, par_function *work, par_function *done, void *shared);
/* The next free slot. When all are taken, waits for the oldest (and, while the threads have work, until half of them are finished) and runs done() on it first. */
void *par_item(par *p);
/* Hands the slot from the last par_item to the workers. */
void par_put(par *p);
/* Waits for every item put so far, running done() on each in order. More may be put afterwards. */
void par_drain(par *p);
/* Within work(): which of the threads it runs in, 0..threads-1, 0 in the caller's. Work that starts a par of its own asks before. */
int par_worker(void);
/* Ends the threads (after par_drain), calls free_item on every slot (may be NULL), frees p. */
void par_stop(par *p, void (*free_item)(void *item));

#endif
