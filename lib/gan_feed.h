/* gan_feed: what a GAN's step is given (gan_draw): batches of real images, and what is drawn. */
#ifndef FACADE_GAN_FEED_H
#define FACADE_GAN_FEED_H

#include "batches.h"
#include "gan.h"

typedef struct {
    const gan *a;
    bool reuse;
    const char *program;
    uint64_t seed;
    size_t image_count, z_count; /* elements of a batch */
    size_t batches; /* of images a step */
    float *images, *z;
    double *alpha;
} gan_feed;

/* Room for the steps of an open GAN in ops_f32. reuse: one batch of images for all critic steps of a step. name and seed key what is drawn. */
gan_feed gan_feed_open(const gan *a, bool reuse, const char *name, uint64_t seed);
void gan_feed_close(gan_feed *d);
/* Reads the images of a step. False where the data doesn't hold them all any more. */
bool gan_feed_read(gan_feed *d, batches *b);
/* Draws noise and mixtures, keyed by the critic's step, and the generator's own noise, by its; with the images read. */
gan_draw gan_feed_draw(gan_feed *d, uint64_t step);

#endif
