/*
 * C++'s operators new and delete, all of them, under the names the Itanium C++ ABI gives them
 * where size_t is unsigned long. In C: a C++ library is not needed until one fails.
 */
#include "heap/alloc.h"
#include "heap/checked.h"
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
#define NEW_SLOW(name, otherwise, kind)                                                            \
    static TN_NOINLINE void *name(size_t size)                                                     \
    {                                                                                              \
        void *block = tn_malloc_slow(size);                                                        \
        block = TN_LIKELY(block != NULL) ? block : otherwise(size, 0);                             \
        if (TN_UNLIKELY(tn_options.check)) {                                                       \
            tn_checked_tag(block, kind);                                                           \
        }                                                                                          \
        return block;                                                                              \
    }

#define NEW(name, slow)                                                                            \
    TN_EXPORT void *name(size_t size);                                                             \
    void *name(size_t size)                                                                        \
    {                                                                                              \
        return tn_malloc_or(size, slow);                                                           \
    }
#define NEW_NOTHROW(name, slow)                                                                    \
    TN_EXPORT void *name(size_t size, const struct nothrow *tag);                                  \
    void *name(size_t size, const struct nothrow *tag)                                             \
    {                                                                                              \
        (void)tag;                                                                                 \
        return tn_malloc_or(size, slow);                                                           \
    }
#define NEW_ALIGNED(name, kind)                                                                    \
    TN_EXPORT void *name(size_t size, size_t align);                                               \
    void *name(size_t size, size_t align)                                                          \
    {                                                                                              \
        void *block = aligned(size, align);                                                        \
        block = TN_LIKELY(block != NULL) ? block : again(size, align);                             \
        if (TN_UNLIKELY(tn_options.check)) {                                                       \
            tn_checked_tag(block, kind);                                                           \
        }                                                                                          \
        return block;                                                                              \
    }
#define NEW_ALIGNED_NOTHROW(name, kind)                                                            \
    TN_EXPORT void *name(size_t size, size_t align, const struct nothrow *tag);                    \
    void *name(size_t size, size_t align, const struct nothrow *tag)                               \
    {                                                                                              \
        (void)tag;                                                                                 \
        void *block = aligned(size, align);                                                        \
        block = TN_LIKELY(block != NULL) ? block : again_or_null(size, align);                     \
        if (TN_UNLIKELY(tn_options.check)) {                                                       \
            tn_checked_tag(block, kind);                                                           \
        }                                                                                          \
        return block;                                                                              \
    }

#define DELETE(name, call)                                                                         \
    TN_EXPORT void name(void *p);                                                                  \
    void name(void *p)                                                                             \
    {                                                                                              \
        tn_free(p, call);                                                                          \
    }
/* The second argument (an alignment, std::nothrow) tells nothing new, nor does the third. */
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
#define DELETE_SIZED(name, call)                                                                   \
    TN_EXPORT void name(void *p, size_t size);                                                     \
    void name(void *p, size_t size)                                                                \
    {                                                                                              \
        tn_free_said(p, 0, size, call);                                                            \
    }
#define DELETE_SIZED_ALIGNED(name, call)                                                           \
    TN_EXPORT void name(void *p, size_t size, size_t align);                                       \
    void name(void *p, size_t size, size_t align)                                                  \
    {                                                                                              \
        tn_free_said(p, align, size, call);                                                        \
    }

#define ONE  "operator delete"
#define MANY "operator delete[]"

/* clang-format off */
NEW_SLOW(one_slow, again, TN_BY_NEW)
NEW_SLOW(many_slow, again, TN_BY_NEW_ARRAY)
NEW_SLOW(one_slow_nothrow, again_or_null, TN_BY_NEW)
NEW_SLOW(many_slow_nothrow, again_or_null, TN_BY_NEW_ARRAY)
NEW(_Znwm, one_slow)
NEW(_Znam, many_slow)
NEW_NOTHROW(_ZnwmRKSt9nothrow_t, one_slow_nothrow)
NEW_NOTHROW(_ZnamRKSt9nothrow_t, many_slow_nothrow)
NEW_ALIGNED(_ZnwmSt11align_val_t, TN_BY_NEW)
NEW_ALIGNED(_ZnamSt11align_val_t, TN_BY_NEW_ARRAY)
NEW_ALIGNED_NOTHROW(_ZnwmSt11align_val_tRKSt9nothrow_t, TN_BY_NEW)
NEW_ALIGNED_NOTHROW(_ZnamSt11align_val_tRKSt9nothrow_t, TN_BY_NEW_ARRAY)
DELETE(_ZdlPv, ONE)
DELETE(_ZdaPv, MANY)
DELETE_SIZED(_ZdlPvm, ONE)
DELETE_SIZED(_ZdaPvm, MANY)
DELETE_2(_ZdlPvRKSt9nothrow_t, ONE)
DELETE_2(_ZdaPvRKSt9nothrow_t, MANY)
DELETE_2(_ZdlPvSt11align_val_t, ONE)
DELETE_2(_ZdaPvSt11align_val_t, MANY)
DELETE_SIZED_ALIGNED(_ZdlPvmSt11align_val_t, ONE)
DELETE_SIZED_ALIGNED(_ZdaPvmSt11align_val_t, MANY)
DELETE_3(_ZdlPvSt11align_val_tRKSt9nothrow_t, ONE)
DELETE_3(_ZdaPvSt11align_val_tRKSt9nothrow_t, MANY)
/* clang-format on */
