/* The kernels in vectors of 4 floats, which every compiler can make something of. */

#define LANES 4
#define ROWS 6
#define KERNELS kernels_generic
#define KERNELS_NAME "generic"
#include "kernels_body.h"
