/* state: networks, optimisers and where a training stands, as a TNS stream (format.md: kind=state or model).
 *
 * The header holds net.NAME= (a network's text), cursor=EPOCH:N (records consumed) and whatever the trainer adds; then comes a record a
 * parameter: NAME/LINE.weight for networks, NAME.m/LINE.weight and NAME.v/LINE.weight for Adam's moments. Anything may be missing from what
 * is asked for (a sampler needs one network), nothing may be left unfilled of it. */
#ifndef FACADE_STATE_H
#define FACADE_STATE_H

#include <stdbool.h>

#include "net.h"
#include "optimiser.h"
#include "tns.h"

enum { STATE_ERROR = 600 };

/* Arrays to be written or filled, in order; they stay the nets' and optimisers'. Zero-initialise. */
typedef struct {
    struct state_array {
        char *key;
        void *data;
        const ops *ops;
        const net_param *param; /* its shape */
        bool filled;
    } * array;
    int count;
} state;

/* name NULL: keys are the parameters' own, as in a model. */
void state_add_net(state *s, const char *name, net *n);
void state_add_optimiser(state *s, const char *name, optimiser *a);
/* Any other array: rank, shape and count of p say what it is; p and data must live as long as s. */
void state_add_array(state *s, const char *key, void *data, const ops *o, const net_param *p);
void state_free(state *s);

/* Writes H (header's metadata, kept as given), a record an array, and E. 0, or -1 with errno. */
int state_write(const state *s, const tns_meta *header, tns_writer *w);

/* Fills the arrays from a reader that stands behind H, to the end of the stream. Unknown keys are passed over; a dtype of f32 or f64 is taken.
 * False with a message; *corrupt says whether the input is to blame (exit status 3). */
bool state_read(state *s, tns_reader *r, char err[STATE_ERROR], bool *corrupt);

/* The network net.NAME= of a header, shaped and allocated (not filled); file is what messages call it. NULL with a message. */
net *state_net(const tns_meta *header, const char *name, const char *file, const ops *o, char err[NET_ERROR]);

#endif
