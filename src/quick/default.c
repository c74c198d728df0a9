/* The static default heap. */
#include "quick/block.h"

/* Whatever needs the most alignment, as C's malloc must give it. */
struct any {
    char byte;
    union {
        long long whole;
        long double real;
        void *pointer;
        void (*function)(void);
    } any;
};

static struct tarn_quick *heap;

void
tarn_quick_default_init(void *memory, size_t size, unsigned options,
                        const struct tarn_quick_hooks *hooks)
{
    if (offsetof(struct any, any) > 8) {
        options |= TARN_QUICK_ALIGN16;
    }
    heap = tarn_quick_init(memory, size, options, hooks);
}

struct tarn_quick *
tarn_quick_default(void)
{
    return heap;
}
