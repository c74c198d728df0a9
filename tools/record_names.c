/* libtarn-record.so's malloc and free, and C++'s new and delete: each tells the recorder and calls
 * Tarn's. */
#include "record_events.h"

#include "malloc/surface.h"
#include "tarn/tarn.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#define NAME __attribute__((visibility("default")))

static void *
allocated(enum trace_op op, void *p, size_t size, size_t align)
{
    if (p != NULL) {
        record_event(op, p, size, align != 0 ? (unsigned)__builtin_ctzl(align) : 0);
    }
    return p;
}

static void
freed(void *p)
{
    record_event(p != NULL ? TRACE_FREE : TRACE_FREE_NULL, p, 0, 0);
}

NAME void *
malloc(size_t size)
{
    return allocated(TRACE_MALLOC, tarn_malloc(size), size, 0);
}

NAME void *
calloc(size_t count, size_t size)
{
    return allocated(TRACE_CALLOC, tarn_calloc(count, size), count * size, 0);
}

NAME void *
realloc(void *p, size_t size)
{
    if (p == NULL) {
        return malloc(size);
    }
    if (size == 0) {
        freed(p);
        return tarn_realloc(p, 0);
    }
    record_event(TRACE_REALLOC, p, 0, 0);
    void *moved = tarn_realloc(p, size);
    record_event(moved != NULL ? TRACE_REALLOCATED : TRACE_NOT_CHANGED, moved, size, 0);
    return moved;
}

NAME void *
reallocarray(void *p, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(p, bytes);
}

NAME void
free(void *p)
{
    freed(p);
    tarn_free(p);
}

NAME void
cfree(void *p)
{
    free(p);
}

NAME void
free_sized(void *p, size_t size)
{
    freed(p);
    tarn_free_sized(p, size);
}

NAME void
free_aligned_sized(void *p, size_t align, size_t size)
{
    freed(p);
    tarn_free_aligned_sized(p, align, size);
}

static void *
aligned(size_t align, size_t size)
{
    return allocated(TRACE_ALIGNED, tarn_aligned_alloc(align, size), size, align);
}

NAME void *
aligned_alloc(size_t align, size_t size)
{
    return aligned(align, size);
}

NAME void *
memalign(size_t align, size_t size)
{
    size_t power = sizeof(void *);
    while (power < align && power <= SIZE_MAX / 4) {
        power *= 2;
    }
    return aligned(power, size);
}

NAME int
posix_memalign(void **place, size_t align, size_t size)
{
    int saved = errno;
    if (align < sizeof(void *) || (align & (align - 1)) != 0) {
        return EINVAL;
    }
    void *p = aligned(align, size);
    errno = saved;
    if (p == NULL) {
        return ENOMEM;
    }
    *place = p;
    return 0;
}

static size_t
page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

NAME void *
valloc(size_t size)
{
    return aligned(page_size(), size);
}

NAME void *
pvalloc(size_t size)
{
    size_t page = page_size();
    size_t whole = size == 0 ? page : (size + page - 1) & ~(page - 1);
    if (whole < size) {
        errno = ENOMEM;
        return NULL;
    }
    return aligned(page, whole);
}

/* C++. Where there is no memory Tarn's own operator calls the new_handler and throws. */
#define NEW(name, parameters, call, arguments, op, align)                                          \
    NAME void *name parameters;                                                                    \
    NAME void *name parameters                                                                     \
    {                                                                                              \
        void *p = call;                                                                            \
        if (p == NULL) {                                                                           \
            void *(*next)parameters = NULL;                                                        \
            *(void **)&next = dlsym(RTLD_NEXT, #name);                                             \
            p = next != NULL ? next arguments : NULL;                                              \
        }                                                                                          \
        return allocated(op, p, size, align);                                                      \
    }

#define PLAIN_NEW(name) NEW(name, (size_t size), tarn_malloc(size), (size), TRACE_MALLOC, 0)
#define PLAIN_NEW_QUIET(name)                                                                      \
    NEW(name, (size_t size, const void *tag), tarn_malloc(size), (size, tag), TRACE_MALLOC, 0)
#define ALIGNED_NEW(name)                                                                          \
    NEW(name, (size_t size, size_t align), tarn_aligned_alloc(align, size), (size, align),         \
        TRACE_ALIGNED, align)
#define ALIGNED_NEW_QUIET(name)                                                                    \
    NEW(name, (size_t size, size_t align, const void *tag), tarn_aligned_alloc(align, size),       \
        (size, align, tag), TRACE_ALIGNED, align)

PLAIN_NEW(_Znwm)
PLAIN_NEW(_Znam)
PLAIN_NEW_QUIET(_ZnwmRKSt9nothrow_t)
PLAIN_NEW_QUIET(_ZnamRKSt9nothrow_t)
ALIGNED_NEW(_ZnwmSt11align_val_t)
ALIGNED_NEW(_ZnamSt11align_val_t)
ALIGNED_NEW_QUIET(_ZnwmSt11align_val_tRKSt9nothrow_t)
ALIGNED_NEW_QUIET(_ZnamSt11align_val_tRKSt9nothrow_t)

/* The further arguments of the other forms say nothing that is needed here. */
#define DELETE(name)                                                                               \
    NAME void name(void *p);                                                                       \
    NAME void name(void *p)                                                                        \
    {                                                                                              \
        free(p);                                                                                   \
    }

DELETE(_ZdlPv)
DELETE(_ZdaPv)
DELETE(_ZdlPvm)
DELETE(_ZdaPvm)
DELETE(_ZdlPvRKSt9nothrow_t)
DELETE(_ZdaPvRKSt9nothrow_t)
DELETE(_ZdlPvSt11align_val_t)
DELETE(_ZdaPvSt11align_val_t)
DELETE(_ZdlPvmSt11align_val_t)
DELETE(_ZdaPvmSt11align_val_t)
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t)
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t)
