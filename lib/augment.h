/* augment: recipes of random changes to an image: what they say, what they draw, and doing it.
 *
 * A recipe is words, applied in order:
 *
 *   flip[=P]      left and right swapped, with probability P (default .5)
 *   hue=M         HSV's hue + U(-M,M) of a turn, M up to .5
 *   saturation=S  HSV's saturation times U(1-S,1+S)
 *   brightness=M  + U(-M,M) of white (tf.image's)
 *   gain=G        times U(1-G,1+G) (Keras' brightness_range, Pillow's)
 *   contrast=C    distance from the channel's mean times U(1-C,1+C)
 *   zoom=Z        x and y each by U(1-Z,1+Z); above 1 the picture gets smaller, as in Keras
 *   rotate=DEG    by U(-DEG,DEG) degrees
 *   shear=DEG     by U(-DEG,DEG) degrees
 *   shift=F       x and y each by U(-F,F) of the width and the height
 *   jpeg=Q        saved as JPEG of quality U(Q,100), rounded, and read again
 *   blur=S        Gaussian, sigma U(0,S) pixels
 *   scale=F       down to U(F,1) of both sides (rounded, at least 1) and up again, bicubic, antialiased
 *
 * LOW:HIGH instead of the number (not for flip) draws from there, of what is applied: zoom=.8:1 only enlarges, jpeg=50:50 always saves at 50.
 * Neighbours among flip, zoom, rotate, shear and shift are one map (affine.h) and so resample once: 'rotate=15 shear=10 zoom=.2 flip' is Keras'
 * matrix R * T * Shear * Zoom, and its flip after. What is drawn is rounded to a millionth before it is used, so that it
 * can be written down as it is. */
#ifndef FACADE_AUGMENT_H
#define FACADE_AUGMENT_H

#include <stdbool.h>

#include "affine.h"
#include "base.h"
#include "rng.h"

enum { AUGMENT_MOST_WORDS = 32, AUGMENT_ERROR = 512 };

typedef struct {
    int count;
    struct {
        int word; /* which of the above, 0.. */
        double low, high; /* to draw from; of flip, high is the probability */
    } step[AUGMENT_MOST_WORDS];
} augment_recipe;

/* False with the word and what is allowed in err: a word that isn't one, a number that is missing, wrong or out of bounds, too many words, none. */
bool augment_parse(const char *s, augment_recipe *r, char err[AUGMENT_ERROR]);
/* Appends the recipe as augment_parse reads it, in its one form. */
void augment_text(const augment_recipe *r, text *t);

/* What was drawn for each word; zoom and shift draw two numbers. */
typedef struct {
    double v[AUGMENT_MOST_WORDS][2];
} augment_draw;

augment_draw augment_draw_from(const augment_recipe *r, rng *g);
/* Appends "flip=1 hue=-0.031254 zoom=1.08,0.93". */
void augment_draw_text(const augment_recipe *r, const augment_draw *d, text *t);

/* height x width x channels floats (1 or 3 channels) between low (black) and high (white), in an array with room for 4 more. spare is as large.
 * Both are the caller's; augment_apply may swap them. */
typedef struct {
    int width, height, channels;
    float low, high;
    float *px, *spare;
} augment_image;

/* Saves bytes (as many channels) as JPEG and reads them back into px. False with the reason in err. */
typedef bool augment_jpeg(uint8_t *px, int width, int height, int channels, int quality, char err[AUGMENT_ERROR]);

/* Does it. *moved is the map from output to input of all that moved pixels. What isn't changed (nothing drawn that does) keeps its values exactly.
 * False, with the reason in err: no memory, or jpeg failed. Thread-safe when jpeg is. */
bool augment_apply(const augment_recipe *r, const augment_draw *d, affine_fill fill, augment_jpeg *jpeg, augment_image *im,
                   affine *moved, char err[AUGMENT_ERROR]) __attribute__((warn_unused_result));

/* Bytes to floats and back (rounded to nearest, halves up, clamped), n of them. */
void augment_from_u8(const uint8_t *in, float *out, size_t n);
void augment_to_u8(const float *in, uint8_t *out, size_t n);

#endif
