/* The kernels in vectors of 8 floats; the Makefile compiles this file for such processors, and kernels.c looks before it calls. */
#ifdef __x86_64__
#define LANES 8
#define ROWS 6
#define KERNELS kernels_avx2
#define KERNELS_NAME "avx2"
#include "kernels_body.h"
#endif
