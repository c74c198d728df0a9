#include "heap/size_class.h"

#include "space/slab.h"

/* Whether this many slices hold at least eight blocks with little left over. */
#define FITS(size, span)                                                                           \
    ((span)*65536 / (size) >= 8 && ((span)*65536 % (size)) * 16 <= (span)*65536)
#define SPAN(size)                                                                                 \
    ((size) <= 8192  ? 1                                                                           \
     : FITS(size, 1) ? 1                                                                           \
     : FITS(size, 2) ? 2                                                                           \
     : FITS(size, 3) ? 3                                                                           \
     : FITS(size, 4) ? 4                                                                           \
     : FITS(size, 5) ? 5                                                                           \
     : FITS(size, 6) ? 6                                                                           \
     : FITS(size, 7) ? 7                                                                           \
                     : 8)
#define RECIPROCAL(size) (uint32_t)((((uint64_t)1 << 32) + (size)-1) / (size))
#define CLASS(size)                                                                                \
    {                                                                                              \
        (size), (uint16_t)(SPAN(size) * 65536 / (size)), SPAN(size),                               \
            (size) <= 1024 ? TN_UNIT_SHIFT : 0, RECIPROCAL(size)                                   \
    }
#define DOUBLING(step)                                                                             \
    CLASS(9 * (step)), CLASS(10 * (step)), CLASS(11 * (step)), CLASS(12 * (step)),                 \
        CLASS(13 * (step)), CLASS(14 * (step)), CLASS(15 * (step)), CLASS(16 * (step))

const struct tn_class tn_classes[TN_CLASSES] = {
    CLASS(8),      CLASS(16),     CLASS(32),     CLASS(48),      CLASS(64),      CLASS(80),
    CLASS(96),     CLASS(112),    CLASS(128),    DOUBLING(16),   DOUBLING(32),   DOUBLING(64),
    DOUBLING(128), DOUBLING(256), DOUBLING(512), DOUBLING(1024), DOUBLING(2048), DOUBLING(4096),
};

_Static_assert(sizeof tn_classes / sizeof tn_classes[0] == TN_CLASSES && 9 + 6 * 8 == TN_OWNED &&
                   9 + 9 * 8 == TN_CLASSES,
               "classes 9 to 56 double from 128 to 8192 bytes");
_Static_assert(SPAN(65536) == 8 && FITS(65536, 8), "the largest class has eight blocks");
_Static_assert(TN_SPAN_MOST * 65536 <= 1 << 20, "tn_block_index is exact");
