/* gan_golden: what the tests of GANs share: nets as tests/golden/gan.py builds them, and comparisons with what it says. */
#ifndef FACADE_GAN_GOLDEN_H
#define FACADE_GAN_GOLDEN_H

#include "lib/gan.h"

/* A network, with `setting` (NAME=VALUE; may be NULL) in its text; shaped and allocated. Ends the program when it can't. */
net *gan_golden_net(const char *path, const char *setting, const ops *o);
/* Gives it the golden initial weights of NET `name`. */
void gan_golden_weights(const net *n, const char *name);
double gan_golden_norm(size_t count, const double *v);
/* How far the gradients in a net are from RUN/grad/NAME/..., relative L2, the worst of its parameters. */
double gan_golden_gradients(const net *n, const char *run, const char *name);
/* The same of its parameters and statistics, from RUN/end/NAME/... */
double gan_golden_end(const net *n, const char *run, const char *name);

#endif
