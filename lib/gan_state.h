/* gan_state: a GAN's training as a checkpoint keeps it (checkpoint.h, state.h): networks, moments, and the place in the data.
 *
 * A state's header holds net.gen= and net.critic=, net.ema= where there is an average of the generator, cursor=EPOCH:CONSUMED, step= (of the generator), adam=GEN:CRITIC (steps of each), options= and
 * data= (what must not change), threads=, and the history. */
#ifndef FACADE_GAN_STATE_H
#define FACADE_GAN_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "checkpoint.h"
#include "gan.h"
#include "tns.h"

typedef struct {
    gan a; /* its nets and optimisers are what is kept */
    uint64_t step, epoch, consumed;
    char *options; /* in one form: decides, with the data, what the training computes */
    char *data; /* checksum of the input's header */
    int64_t threads;
    tns_meta history; /* its pg chain goes into the state */
    checkpoint file;
} gan_training;

/* Goes on from the state at path, if there is one: false when there is none. Ends the program when it is another training's (1) or corrupt (3). The caller
 * has opened t->a and set options, data and threads; quiet: no word about another number of threads. */
bool gan_training_resume(gan_training *t, const char *path, bool quiet);
/* Puts the state in place. */
void gan_training_save(gan_training *t);
/* The same, as a file of its own. */
void gan_training_export(gan_training *t, const char *path);
void gan_training_free(gan_training *t); /* all but the nets */

#endif
