/* safetensors: the header of a .safetensors file: 8 bytes of length, that much JSON, then the tensors. */
#ifndef FACADE_SAFETENSORS_H
#define FACADE_SAFETENSORS_H

#include "weights.h"

/* Whether the bytes look like one. */
bool safetensors_is(const unsigned char *p, size_t n);
/* Adds its tensors to w (with data set). NULL, or what is wrong, in err or static. */
const char *safetensors_list(weights *w, const unsigned char *p, size_t n, char err[WEIGHTS_ERROR]);

#endif
