/* image_write: pictures as PNG and JPEG, straight through zlib and libjpeg-turbo (loading libvips takes longer than a sheet). Thread-safe. */
#ifndef FACADE_IMAGE_WRITE_H
#define FACADE_IMAGE_WRITE_H

#include "picture.h"

/* Append the file's bytes to *out (emptied first). False with the reason in err, such as an image too large for the format. */
bool image_write_png(const picture *p, text *out, char err[512]);
/* quality 1..100; colours at full resolution from 90 on, else at half. An alpha channel is laid over white. */
bool image_write_jpeg(const picture *p, int quality, text *out, char err[512]);

#endif
