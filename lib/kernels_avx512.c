/* The kernels in vectors of 16 floats; the Makefile compiles this file for such processors, and kernels.c looks before it calls. */
#ifdef __x86_64__
#define LANES 16
#define ROWS 8
#define KERNELS kernels_avx512
#define KERNELS_NAME "avx512"
#include "kernels_body.h"
#endif
