/* script: the shell commands that made a stream, from the history (pg= lines) in its header. */
#ifndef FACADE_SCRIPT_H
#define FACADE_SCRIPT_H

#include <stdbool.h>

#include "lib/tns.h"

/* Which inputs have a name so far: the first is IN1. Zero-initialise; one for all segments of a stream. */
typedef struct {
    char **id;
    int count;
} script_names;
void script_names_free(script_names *names);

/* Appends the pipeline that made a segment with this header. Where it reads files, they are "$IN1", "$IN2"...; models, which histories
 * name by checksum (MODEL_6726825d), are "$MODEL_6726825d". A program that merged several streams gets them
 * one after the other, as { a; b; } | program. False when there is no history, or it is malformed: lines that refer to ones
 * that don't come before them, control characters, a script over 1 MiB. */
bool script_add(text *out, script_names *names, const tns_meta *header);

#endif
