#include "gan_feed.h"

#include <stdlib.h>

#include "base.h"
#include "rng.h"

static size_t sample_count(const net_layer *l) {
    return (size_t)l->h * (size_t)l->w * (size_t)l->c;
}

gan_feed gan_feed_open(const gan *a, bool reuse, const char *name, uint64_t seed) {
    size_t steps = (size_t)a->o.n_critic, batch = (size_t)a->o.batch;
    gan_feed d = {.a = a, .reuse = reuse, .program = name, .seed = seed, .batches = reuse ? 1 : steps};
    d.image_count = batch * sample_count(&a->critic->layer[0]);
    d.z_count = batch * sample_count(&a->gen->layer[0]);
    d.images = xarray(d.batches * d.image_count, sizeof *d.images);
    d.z = xarray((steps + gan_own_noise(&a->o)) * d.z_count, sizeof *d.z);
    d.alpha = xarray(steps * batch, sizeof *d.alpha);
    return d;
}

void gan_feed_close(gan_feed *d) {
    free(d->images);
    free(d->z);
    free(d->alpha);
}

bool gan_feed_read(gan_feed *d, batches *b) {
    for (size_t k = 0; k < d->batches; k++)
        if (!batches_next(b, d->a->o.batch, d->images + k * d->image_count)) return false;
    return true;
}

gan_draw gan_feed_draw(gan_feed *d, uint64_t step) {
    size_t steps = (size_t)d->a->o.n_critic, batch = (size_t)d->a->o.batch;
    for (size_t k = 0; k < steps; k++) {
        rng z = rng_make(d->seed, d->program, "z", step * steps + k),
            alpha = rng_make(d->seed, d->program, "alpha", step * steps + k);
        rng_fill_normal(&z, d->z + k * d->z_count, d->z_count);
        for (size_t i = 0; i < batch; i++) d->alpha[k * batch + i] = rng_uniform(&alpha);
    }
    rng own = rng_make(d->seed, d->program, "z of the generator", step);
    if (gan_own_noise(&d->a->o)) rng_fill_normal(&own, d->z + steps * d->z_count, d->z_count);
    return (gan_draw){d->images, d->reuse, d->z, d->alpha};
}
