/* icc: is this colour profile sRGB? */
#ifndef FACADE_ICC_H
#define FACADE_ICC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when the ICC profile is a matrix profile whose primaries and curves are sRGB's, to within what 8 bits show (one level
 * and a half), whatever it calls itself. False for all others and for what isn't a whole profile: any bytes may be given. */
bool icc_is_srgb(const uint8_t *profile, size_t len);

#endif
