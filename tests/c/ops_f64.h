/* ops_f64: the table of ops.h in double, every function as plain loops straight from its formula: slow, and what the fast
 * table is held against. */
#ifndef FACADE_OPS_F64_H
#define FACADE_OPS_F64_H

#include "lib/ops.h"

extern const ops ops_f64;

#endif
