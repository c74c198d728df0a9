/* The library header of a Plan 9 kernel: here, only its allocator. */
#ifndef TARN_PLAN9_LIB_H
#define TARN_PLAN9_LIB_H

#include "qmalloc.h"

#endif
