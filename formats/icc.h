/* icc: is this colour profile sRGB? And had the library that converts colours the memory for it? */
#ifndef FACADE_ICC_H
#define FACADE_ICC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when the ICC profile is a matrix profile whose primaries and curves are sRGB's, to within what 8 bits show (one level
 * and a half), whatever it calls itself. False for all others and for what isn't a whole profile: any bytes may be given. */
bool icc_is_srgb(const uint8_t *profile, size_t len);

/* lcms takes another way where it is refused memory, to slightly other colours, without a word. So it gets its memory from here, from then on; before any of its other functions is used. False: it doesn't. */
bool icc_watch_memory(void) __attribute__((warn_unused_result));
/* Whether it was refused some, in any thread, since the last icc_forget_refused. */
bool icc_refused_memory(void);
void icc_forget_refused(void);

#endif
