/* history: files that grow with a training run and stay true to its checkpoint: a log of rows, and a stream of samples.
 *
 * A run that is killed may have written past its last checkpoint. Opened again at the checkpoint's step, both are cut back to it
 * and go on, so that they end as if nothing had happened. Written directly, not by a temporary: they are there to be watched.
 * A file that another run is writing is waited for a few seconds, then it is an error. Failures end the program with status 1.
 * A path that isn't a regular file (/dev/null, a FIFO) is only written to. */
#ifndef FACADE_HISTORY_H
#define FACADE_HISTORY_H

#include <stdint.h>

#include "tns.h"

/* A text file: a header line of tab-separated names, one of them `step`, then rows, none of a lesser step than the row before. step 0 starts it anew. Warns
 * when the rows up to step aren't all there. */
typedef struct history_log history_log;
history_log *history_log_open(const char *path, const char *header, uint64_t step);
void history_log_row(history_log *l, const char *row); /* with its newline; reaches the file at once */
void history_log_close(history_log *l);

/* A stream whose records carry step=. Between writes it is a whole stream, END included (in a regular file). restart: begin anew, else keep the
 * records up to step. */
typedef struct history_stream history_stream;
history_stream *history_stream_open(const char *path, const tns_meta *header, uint64_t step, int restart);
void history_stream_add(history_stream *s, const tns_frame *record);
void history_stream_flush(history_stream *s); /* after a group of records: END is in place again */
void history_stream_close(history_stream *s);

#endif
