/* The machine under the kernel's programs: hooks that a test may put its own in the place of. */
#ifndef PLAN9_START_H
#define PLAN9_START_H

#include "tarn/quick.h"

#ifndef PLAN9_OPTIONS
#    define PLAN9_OPTIONS TARN_QUICK_TAGS
#endif

extern struct tarn_quick_hooks plan9_hooks;

int kernelmain(void);

#endif
