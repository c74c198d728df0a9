/* The public names of tarn/tarn.h. */
#include "tarn/tarn.h"

#include "heap/alloc.h"
#include "heap/checked.h"
#include "heap/fast.h"
#include "heap/purge.h"
#include "malloc/start.h"

#include <string.h>

#define TEXT(x)   #x
#define NUMBER(x) TEXT(x)

void *
tarn_malloc(size_t size)
{
    return tn_malloc(size);
}

void
tarn_free(void *p)
{
    tn_free(p, "tarn_free");
}

void
tarn_free_sized(void *p, size_t size)
{
    tn_free_said(p, 0, size, "tarn_free_sized");
}

void
tarn_free_aligned_sized(void *p, size_t align, size_t size)
{
    tn_free_said(p, align, size, "tarn_free_aligned_sized");
}

void *
tarn_zalloc(size_t size)
{
    return tn_calloc_or(1, size, tn_calloc_slow);
}

void *
tarn_calloc(size_t count, size_t size)
{
    return tn_calloc_or(count, size, tn_calloc_slow);
}

void *
tarn_realloc(void *p, size_t size)
{
    return tn_cache_realloc(tn_cache_of_thread(), p, size, "tarn_realloc");
}

void *
tarn_reallocarray(void *p, size_t count, size_t size)
{
    return tn_cache_reallocarray(tn_cache_of_thread(), p, count, size, "tarn_reallocarray");
}

void *
tarn_aligned_alloc(size_t align, size_t size)
{
    return tn_cache_aligned_alloc(tn_cache_of_thread(), align, size);
}

void *
tarn_aligned_alloc_at(size_t align, size_t size, size_t offset)
{
    return tn_cache_aligned_at(tn_cache_of_thread(), align, size, offset);
}

size_t
tarn_usable_size(const void *p)
{
    return tn_usable(p, "tarn_usable_size");
}

size_t
tarn_good_size(size_t size)
{
    return tn_good_size(size);
}

bool
tarn_expand(void *p, size_t size)
{
    /* A large block does not become much smaller in place, for realloc's sake, but holds the size.
     */
    return p != NULL &&
           (tn_resize_in_place(p, size, "tarn_expand") || size <= tn_usable(p, "tarn_expand"));
}

char *
tarn_strdup(const char *text)
{
    return tarn_strndup(text, strlen(text));
}

char *
tarn_strndup(const char *text, size_t length)
{
    return tn_cache_strndup(tn_cache_of_thread(), text, length);
}

size_t
tarn_trim(void)
{
    return tn_purge_all();
}

const char *
tarn_version(void)
{
    return NUMBER(TARN_VERSION_MAJOR) "." NUMBER(TARN_VERSION_MINOR) "." NUMBER(TARN_VERSION_PATCH);
}

/* Also here, for a static program that takes these names only. */
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
