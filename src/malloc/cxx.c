/*
 * C++'s operators new and delete, all of them, under the names the Itanium C++ ABI gives them
 * where size_t is unsigned long. In C: a C++ library is not needed until one fails.
 */
#include "heap/alloc.h"
#include "heap/fast.h"
#include "malloc/cxx_failure.h"
#include "malloc/surface.h"

_Static_assert(sizeof(size_t) == sizeof(unsigned long), "the m in the names below");

struct nothrow; /* std::nothrow_t, never looked at */

static void *
aligned(size_t size, size_t align)
{
    if (!tn_is_power_of_two(align)) {
        return NULL;
    }
    return tn_cache_aligned(tn_cache_of_thread(), align, size, false);
}

/* The C++ standard's loop: the handler may make room, change the handler, throw or not return. */
static TN_COLD void *
again(size_t size, size_t align)
{
    void *block;
    do {
        if (!tn_cxx_new_handler()) {
            tn_cxx_throw();
        }
        block = align == 0 ? tn_malloc_slow(size) : aligned(size, align);
    } while (block == NULL);
    return block;
}

static TN_COLD void *
again_or_null(size_t size, size_t align)
{
    void *block = NULL;
    while (block == NULL && tn_cxx_new_handler_caught()) {
        block = align == 0 ? tn_malloc_slow(size) : aligned(size, align);
    }
    return block;
}

/* What follows the fast path that new has in common with malloc. */
static TN_NOINLINE void *
new_slow(size_t size)
{
    void *block = tn_malloc_slow(size);
    return TN_LIKELY(block != NULL) ? block : again(size, 0);
}

static TN_NOINLINE void *
new_slow_nothrow(size_t size)
{
    void *block = tn_malloc_slow(size);
    return TN_LIKELY(block != NULL) ? block : again_or_null(size, 0);
}

#define NEW(name)                                                                                  \
    TN_EXPORT void *name(size_t size);                                                             \
    void *name(size_t size)                                                                        \
    {                                                                                              \
        return tn_malloc_or(size, new_slow);                                                       \
    }
#define NEW_NOTHROW(name)                                                                          \
    TN_EXPORT void *name(size_t size, const struct nothrow *tag);                                  \
    void *name(size_t size, const struct nothrow *tag)                                             \
    {                                                                                              \
        (void)tag;                                                                                 \
        return tn_malloc_or(size, new_slow_nothrow);                                               \
    }
#define NEW_ALIGNED(name)                                                                          \
    TN_EXPORT void *name(size_t size, size_t align);                                               \
    void *name(size_t size, size_t align)                                                          \
    {                                                                                              \
        void *block = aligned(size, align);                                                        \
        return TN_LIKELY(block != NULL) ? block : again(size, align);                              \
    }
#define NEW_ALIGNED_NOTHROW(name)                                                                  \
    TN_EXPORT void *name(size_t size, size_t align, const struct nothrow *tag);                    \
    void *name(size_t size, size_t align, const struct nothrow *tag)                               \
    {                                                                                              \
        (void)tag;                                                                                 \
        void *block = aligned(size, align);                                                        \
        return TN_LIKELY(block != NULL) ? block : again_or_null(size, align);                      \
    }

#define DELETE(name, call)                                                                         \
    TN_EXPORT void name(void *p);                                                                  \
    void name(void *p)                                                                             \
    {                                                                                              \
        tn_free(p, call);                                                                          \
    }
/* The second and third arguments (a size, an alignment, std::nothrow) tell nothing new. */
#define DELETE_2(name, call)                                                                       \
    TN_EXPORT void name(void *p, size_t unused);                                                   \
    void name(void *p, size_t unused)                                                              \
    {                                                                                              \
        (void)unused;                                                                              \
        tn_free(p, call);                                                                          \
    }
#define DELETE_3(name, call)                                                                       \
    TN_EXPORT void name(void *p, size_t unused, size_t too);                                       \
    void name(void *p, size_t unused, size_t too)                                                  \
    {                                                                                              \
        (void)unused, (void)too;                                                                   \
        tn_free(p, call);                                                                          \
    }

#define ONE  "operator delete"
#define MANY "operator delete[]"

/* clang-format off */
NEW(_Znwm)
NEW(_Znam)
NEW_NOTHROW(_ZnwmRKSt9nothrow_t)
NEW_NOTHROW(_ZnamRKSt9nothrow_t)
NEW_ALIGNED(_ZnwmSt11align_val_t)
NEW_ALIGNED(_ZnamSt11align_val_t)
NEW_ALIGNED_NOTHROW(_ZnwmSt11align_val_tRKSt9nothrow_t)
NEW_ALIGNED_NOTHROW(_ZnamSt11align_val_tRKSt9nothrow_t)
DELETE(_ZdlPv, ONE)
DELETE(_ZdaPv, MANY)
DELETE_2(_ZdlPvm, ONE)
DELETE_2(_ZdaPvm, MANY)
DELETE_2(_ZdlPvRKSt9nothrow_t, ONE)
DELETE_2(_ZdaPvRKSt9nothrow_t, MANY)
DELETE_2(_ZdlPvSt11align_val_t, ONE)
DELETE_2(_ZdaPvSt11align_val_t, MANY)
DELETE_3(_ZdlPvmSt11align_val_t, ONE)
DELETE_3(_ZdaPvmSt11align_val_t, MANY)
DELETE_3(_ZdlPvSt11align_val_tRKSt9nothrow_t, ONE)
DELETE_3(_ZdaPvSt11align_val_tRKSt9nothrow_t, MANY)
/* clang-format on */
