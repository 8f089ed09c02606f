/* terminal: pictures as text, two pixels a character: the upper half block in one colour on another. */
#ifndef FACADE_TERMINAL_H
#define FACADE_TERMINAL_H

#include "picture.h"

/* Characters across and down: of the terminal fd when it is one, else of $COLUMNS and $LINES, else 80x24. At least 1x1. */
void terminal_size(int fd, int *columns, int *lines);

/* Appends the picture (three channels), each line ended with its colours reset. Returns how many lines those are. */
int terminal_picture(text *out, const picture *p);

#endif
