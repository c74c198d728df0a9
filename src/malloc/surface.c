/*
 * The C library's names, in one file so that a static link takes all of them or none. errno and
 * every corner as C, POSIX and glibc have it.
 */
#define _GNU_SOURCE
#include "malloc/surface.h"
#include "heap/alloc.h"
#include "heap/checked.h"
#include "heap/fast.h"
#include "heap/purge.h"
#include "malloc/start.h"
#include "os/option.h"
#include "os/os.h"

#include <errno.h>

void *
malloc(size_t size)
{
    return tn_malloc(size);
}

void
free(void *p)
{
    tn_free(p, "free");
}

void
cfree(void *p)
{
    tn_free(p, "cfree");
}

void
free_sized(void *p, size_t size)
{
    tn_free_said(p, 0, size, "free_sized");
}

void
free_aligned_sized(void *p, size_t align, size_t size)
{
    tn_free_said(p, align, size, "free_aligned_sized");
}

void *
calloc(size_t count, size_t size)
{
    return tn_calloc_or(count, size, tn_calloc_slow);
}

void *
realloc(void *p, size_t size)
{
    return tn_cache_realloc(tn_cache_of_thread(), p, size, "realloc");
}

void *
reallocarray(void *p, size_t count, size_t size)
{
    return tn_cache_reallocarray(tn_cache_of_thread(), p, count, size, "reallocarray");
}

int
posix_memalign(void **block, size_t align, size_t size)
{
    if (!tn_is_power_of_two(align) || align % sizeof(void *) != 0) {
        return EINVAL;
    }
    void *p = tn_cache_aligned(tn_cache_of_thread(), align, size, false);
    if (p == NULL) {
        return ENOMEM; /* and errno, which POSIX leaves open and glibc sets */
    }
    *block = p;
    return 0;
}

void *
aligned_alloc(size_t align, size_t size)
{
    return tn_cache_aligned_alloc(tn_cache_of_thread(), align, size);
}

/* As glibc: an alignment that is no power of two becomes the next one. */
void *
memalign(size_t align, size_t size)
{
    if (align > SIZE_MAX / 2 + 1) {
        errno = EINVAL;
        return NULL;
    }
    if (!tn_is_power_of_two(align)) {
        align = align == 0 ? 1 : (size_t)2 << tn_log2(align);
    }
    return tn_cache_aligned(tn_cache_of_thread(), align, size, false);
}

void *
valloc(size_t size)
{
    return tn_cache_aligned(tn_cache_of_thread(), tn_os_page_size(), size, false);
}

void *
pvalloc(size_t size)
{
    size_t page = tn_os_page_size();
    if (size > TN_SIZE_MOST - page) {
        return tn_no_memory();
    }
    size_t pages = tn_align_up(size, page);
    return tn_cache_aligned(tn_cache_of_thread(), page, tn_max(pages, page), false);
}

size_t
malloc_usable_size(void *p)
{
    return tn_usable(p, "malloc_usable_size");
}

/* As in GrapheneOS' and Android's C libraries: p may point into a block. */
size_t
malloc_object_size(const void *p)
{
    return tn_object_size(p, "malloc_object_size");
}

int
malloc_trim(size_t pad)
{
    (void)pad;
    return tn_purge_all() != 0;
}

/*
 * glibc's parameters (by number: only glibc declares them). 1 for what has a counterpart here or
 * asks for nothing that matters, 0 for what would change nothing where a change is expected.
 */
int
mallopt(int parameter, int value)
{
    switch (parameter) {
    case -1: /* M_TRIM_THRESHOLD: free memory kept; -1 is all of it */
        atomic_store_explicit(&tn_options.dirty_keep, value < 0 ? TN_KEEP_ALL : (size_t)value,
                              memory_order_relaxed);
        return 1;
    case 1: /* M_MXFAST: there are no fastbins to limit */
        return value >= 0 && value <= 160;
    case -2: /* M_TOP_PAD: memory is committed in growing steps anyway */
    case -3: /* M_MMAP_THRESHOLD: no block is a mapping of its own */
    case -4: /* M_MMAP_MAX */
    case -5: /* M_CHECK_ACTION: misuse always ends the process with a line */
    case -7: /* M_ARENA_TEST: every thread has a cache */
    case -8: /* M_ARENA_MAX */
        return 1;
    default: /* M_PERTURB (-6), which would fill blocks, and what glibc does not know */
        return 0;
    }
}

__attribute__((constructor)) static void
at_start(void)
{
    tn_start();
}

__attribute__((destructor)) static void
at_end(void)
{
    tn_end();
}
