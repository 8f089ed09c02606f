/* script: the shell commands that made a stream, from the history (pg= lines) in its header. */
#ifndef FACADE_SCRIPT_H
#define FACADE_SCRIPT_H

#include <stdbool.h>

#include "lib/tns.h"

/* Ids of steps that have a variable, in the order of its numbers. */
typedef struct {
    char **id;
    int count;
} script_names;

/* Zero-initialise; one for all segments of a stream. */
typedef struct {
    text text;
    script_names names[2]; /* the files that are read, and those that keep a training's state */
} script;
void script_free(script *s);

/* Appends the pipeline that made a segment with this header to s->text. Where it reads files, they are "$IN1", "$IN2"...; models, which
 * histories name by checksum (MODEL_6726825d), are "$MODEL_6726825d"; a training keeps its state in "$STATE1". A program that
 * merged several streams gets them one after the other, as { a; b; } | program. False when there is no history, or it is
 * malformed: lines that refer to ones that don't come before them, control characters, a script over 1 MiB. */
bool script_add(script *s, const tns_meta *header);

#endif
