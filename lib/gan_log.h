/* gan_log: the table of a GAN's training, a row a generator step (history.h). */
#ifndef FACADE_GAN_LOG_H
#define FACADE_GAN_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "gan.h"
#include "history.h"

/* Opens it at that step; layers: a column more a layer with weights, grad_g:NAME and grad_d:NAME, the mean absolute gradient of its weights. */
history_log *gan_log_open(const char *path, const gan *a, bool layers, uint64_t step);
void gan_log_row(history_log *l, const gan *a, bool layers, uint64_t step, uint64_t epoch, const gan_metrics *m, double seconds);

#endif
