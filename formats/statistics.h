/* statistics: mean and covariance of a set's features, in files: as pytorch-fid keeps them, an .npz of mu [d] and sigma [d, d], and as a stream of two such records
 * (formats/TNS.md: kind=stats). */
#ifndef FACADE_STATISTICS_H
#define FACADE_STATISTICS_H

#include "lib/moments.h"
#include "lib/tns.h"

enum { STATISTICS_ERROR = 600 };

/* Of an .npz in memory. n comes from an array `n`, if there is one (ours have it), else it is 0. False with a message (that doesn't name the file): mu or sigma missing, of the wrong
 * shape, not finite; sigma not symmetric, or with a negative variance. */
bool statistics_read_npz(const unsigned char *p, size_t bytes, uint64_t max_data, moments *m, char err[STATISTICS_ERROR]);
/* Of the records mu and sigma of a stream, as they are read one after another into m, which starts zeroed. False with a message. */
bool statistics_take(moments *m, const char *key, const tns_frame *f, char err[STATISTICS_ERROR]);
/* Whether all is there and right, after the last record. */
bool statistics_check(const moments *m, char err[STATISTICS_ERROR]);

/* Writes an .npz of mu, sigma and n to fd. False with errno. */
bool statistics_write_npz(int fd, const moments *m);

#endif
