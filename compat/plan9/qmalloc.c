/* The document's names on the default heap; a thin translation. */
#include "qmalloc.h"

#include "tarn/quick.h"

static struct {
    void *memory;
    usize size;
    uint options;
    const struct tarn_quick_hooks *hooks;
} bank;

void
plan9_memory(void *memory, usize size, uint options, const struct tarn_quick_hooks *hooks)
{
    bank.memory = memory;
    bank.size = size;
    bank.options = options;
    bank.hooks = hooks;
}

int
plan9_bank(void *memory, usize size)
{
    return tarn_quick_add(tarn_quick_default(), memory, size) ? 1 : 0;
}

/* For what the document leaves no way to refuse. */
static void
panic(const char *function, const char *what)
{
    struct tarn_quick_fault fault = {function, what, nil, 0, 0};

    if (bank.hooks == nil || bank.hooks->panic == nil) {
        __builtin_trap();
    }
    bank.hooks->panic(bank.hooks->context, &fault);
}

void
mallocinit(void)
{
    if (tarn_quick_default() == nil) {
        tarn_quick_default_init(bank.memory, bank.size, bank.options, bank.hooks);
    }
    if (tarn_quick_default() == nil) {
        panic("mallocinit", "no memory, or too little of it");
    }
}

void
mallocsummary(void)
{
    tarn_quick_summary(tarn_quick_default());
}

void *
malloc(usize size)
{
    return tarn_quick_malloc(tarn_quick_default(), size);
}

void *
mallocalign(usize size, usize align, long offset, usize span)
{
    return tarn_quick_mallocalign(tarn_quick_default(), size, align, offset, span);
}

void *
mallocz(usize size, int clr)
{
    return tarn_quick_mallocz(tarn_quick_default(), size, clr);
}

void *
smalloc(usize size)
{
    void *p = tarn_quick_smalloc(tarn_quick_default(), size);

    if (p == nil) {
        panic("smalloc", "no memory, and none to wait for");
    }
    return p;
}

void *
realloc(void *p, usize size)
{
    return tarn_quick_realloc(tarn_quick_default(), p, size);
}

void *
calloc(usize n, usize szelem)
{
    return tarn_quick_calloc(tarn_quick_default(), n, szelem);
}

void
free(void *ptr)
{
    tarn_quick_free(tarn_quick_default(), ptr);
}

usize
msize(void *ptr)
{
    return tarn_quick_msize(tarn_quick_default(), ptr);
}

void
setmalloctag(void *ptr, uintptr tag)
{
    tarn_quick_setmalloctag(tarn_quick_default(), ptr, tag);
}

uintptr
getmalloctag(void *ptr)
{
    return tarn_quick_getmalloctag(tarn_quick_default(), ptr);
}

void
setrealloctag(void *ptr, uintptr tag)
{
    tarn_quick_setrealloctag(tarn_quick_default(), ptr, tag);
}

uintptr
getrealloctag(void *ptr)
{
    return tarn_quick_getrealloctag(tarn_quick_default(), ptr);
}
