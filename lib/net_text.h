/* net_text: numbers with names in a network's text, and lines that depend on them; what is left is the plain language of net.h.
 *
 *     set classes=80 landmarks=0             # defaults, above their use; a line of their own
 *     set width=max(64,$classes)             # the larger; min(A,B) the smaller
 *     input ${side}x${side}x3                # braces where a letter, digit or _ follows
 *     head conv $landmarks*3 1               # products of names and numbers
 *     if landmarks marks slice c=64:128      # only when it isn't 0; `unless`: only when it is. May be repeated
 *
 * A name is letters, digits and _ after a letter. Values are whole numbers from 0 to 2^31 - 1. */
#ifndef FACADE_NET_TEXT_H
#define FACADE_NET_TEXT_H

#include "net.h"

/* The text without names; lines stay where they were: what is left out becomes an empty line, `set` a comment with the values that counted, and a text
 * without names comes back as it is. settings: "classes=1", count of them, each in place of what `set` says (of two, the last counts); one that no `set` has is an error
 * that lists those there are. file: what messages call the text. NULL with "FILE:LINE: ..." in err; the caller frees. */
char *net_expand(const char *source, const char *file, const char *const *settings, int count, char err[NET_ERROR]);

#endif
