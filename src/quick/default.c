/* The static default heap. */
#include "quick/block.h"

static struct tarn_quick *heap;

void
tarn_quick_default_init(void *memory, size_t size, unsigned options,
                        const struct tarn_quick_hooks *hooks)
{
    heap = tarn_quick_init(memory, size, options, hooks);
}

struct tarn_quick *
tarn_quick_default(void)
{
    return heap;
}
