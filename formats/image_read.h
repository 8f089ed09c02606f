/* image_read: any image file to 8-bit sRGB, the picture as a viewer shows it.
 *
 * JPEG, PNG, WebP, TIFF, GIF and HEIF (what libvips has a loader for that it trusts with hostile input). Told apart by their
 * contents, never by name. EXIF orientation is applied; embedded profiles are converted (perceptual intent), CMYK and
 * 16-bit too; grey becomes three equal channels; transparency is laid over white; of an animation or a document the
 * first page is taken. A file that is cut short or damaged is an error, not a picture with a grey half. */
#ifndef FACADE_IMAGE_READ_H
#define FACADE_IMAGE_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/planes.h"

typedef enum {
    IMAGE_DONE,
    IMAGE_UNREADABLE, /* can't be opened or read, or is no regular file */
    IMAGE_NOT_IMAGE, /* no known image format */
    IMAGE_BROKEN, /* cut short, damaged, or of a kind that can't be decoded */
    IMAGE_LARGE, /* more than want.max_pixels, or 1 GiB of file */
    IMAGE_FAILED /* no fault of the file: no memory or descriptor to be had, or the disk fails. Another try may get the picture */
} image_status;
/* "unreadable", "not-image", "broken", "large", "failed": the reason as counted in dropped=. */
const char *image_status_name(image_status s);

typedef struct {
    uint8_t *
        rgb; /* height x width x 3, 64-byte aligned (aligned_alloc64); the caller's, free(); NULL: its lines were given to image_want.lines */
    int width, height;
    plane_shape plane[3]; /* for want.begin: what lines are given of (planes.h) */
    /* Where the picture is in rgb: all of it, but a fraction of a pixel less at one edge when decoded at a scale that
     * doesn't divide the size. */
    resize_box box;
    int shrunk; /* how many times smaller than in the file it was decoded: 1, 2, 4 or 8 (resize_source) */
    int src_width, src_height; /* of the picture in the file, as shown (after orientation) */
    char format[16]; /* "jpeg", "png", "webp", "tiff", "gif", "heif" */
    /* JPEG: 64-bit FNV-1a in 16 hex digits over its quantisation tables: for each table 0..3 that is there its number
     * (one byte), then 64 values in row order, each two bytes, low first. "" for other formats. */
    char jpeg[17];
} image;

typedef struct {
    uint64_t max_pixels; /* refuse more, before decoding */
    /* The caller will shrink to about this: a large JPEG is then decoded at 1/2, 1/4 or 1/8 (by its DCT), the smallest
     * that is still at least twice this on both sides, and given in planes where that is less work. 0: full size. */
    int target_width, target_height;
    /* When begin isn't NULL it may be called, when all of the image but its pixels is known (rgb is NULL, plane is set). If it returns true, lines of its planes are put where room says, as
     * planes_room, lines is called as planes_lines, and rgb stays NULL. The file may still turn out to be broken. */
    bool (*begin)(const image *im, void *shared);
    uint8_t *(*room)(int plane, int ahead, void *shared);
    void (*lines)(int plane, int n, void *shared);
    void *shared;
} image_want;

enum { IMAGE_WHY = 256 };

/* Reads a file. On IMAGE_DONE *im is filled in and the caller frees im->rgb (NULL when want->begin took it); otherwise im->rgb is NULL and `why` says what is
 * wrong, in words. Thread-safe; libvips is started when first needed, with one thread an image. */
image_status image_read(const char *path, const image_want *want, image *im, char why[IMAGE_WHY])
    __attribute__((warn_unused_result));

#endif
