/*
 * What Valgrind's memcheck and AddressSanitizer are told of blocks, in a build with TARN_MEMCHECK;
 * in any other nothing of this is there.
 *
 * They know pages by themselves, not what an allocator makes of them. So a run of slices is closed
 * to everybody when it leaves the space, and a block of it is opened, in the size that was asked
 * for, from its allocation to its free. What the engine keeps in memory that is closed (links in
 * free blocks) it writes and reads after TN_LOOK_AWAY; AddressSanitizer does not see it at all, for
 * the library is not compiled with it.
 */
#ifndef TN_INSPECTOR_H
#define TN_INSPECTOR_H

#include <stdbool.h>
#include <stddef.h>

#ifdef TARN_MEMCHECK
#    include <valgrind/valgrind.h>

#    define TN_INSPECTED true
#    define TN_RED_ZONE  ((size_t)16) /* bytes behind each block that stay closed */

static inline int
tn_inspector_look_away(void)
{
    VALGRIND_DISABLE_ERROR_REPORTING;
    return 0;
}

static inline void
tn_inspector_look_again(const int *away)
{
    (void)away;
    VALGRIND_ENABLE_ERROR_REPORTING;
}

/* From here to the end of the scope this thread's accesses are not reported. */
#    define TN_LOOK_AWAY                                                                           \
        __attribute__((cleanup(tn_inspector_look_again))) const int tn_away =                      \
            tn_inspector_look_away()

/* An owner of blocks, a heap or a pool, known by its address: it begins, anew if it is there
 * already, and ends with all that it has. */
void tn_inspector_begin(const void *owner);
void tn_inspector_end(const void *owner);

/* The addresses of a space, from which the program's other blocks may be pointed to. When it ends,
 * what was used of it is memory as any other. */
void tn_inspector_space(const void *start, size_t size);
void tn_inspector_space_end(void *start, size_t size, size_t used);

/* Memory that nobody may access; and memory that all may, its contents good. */
void tn_inspector_close(void *start, size_t size);
void tn_inspector_open(void *start, size_t size);

/* A block that is live from now on; filled: its contents are good. */
void tn_inspector_block(const void *owner, void *block, size_t size, bool filled);
/* It is no more, with all the room it had; the tool's error when it was not live. */
void tn_inspector_free(const void *owner, void *block, size_t room);
/* It has become longer or shorter where it is. */
void tn_inspector_resize(const void *owner, void *block, size_t size, size_t room);
/* How many bytes are open from p on, of at most so many: of a block, what was asked for. */
size_t tn_inspector_size(const void *p, size_t most);
#else
#    define TN_INSPECTED false
#    define TN_RED_ZONE  ((size_t)0)
#    define TN_LOOK_AWAY ((void)0)

static inline void
tn_inspector_begin(const void *owner)
{
    (void)owner;
}

static inline void
tn_inspector_end(const void *owner)
{
    (void)owner;
}

static inline void
tn_inspector_space(const void *start, size_t size)
{
    (void)start, (void)size;
}

static inline void
tn_inspector_space_end(const void *start, size_t size, size_t used)
{
    (void)start, (void)size, (void)used;
}

static inline void
tn_inspector_close(const void *start, size_t size)
{
    (void)start, (void)size;
}

static inline void
tn_inspector_open(const void *start, size_t size)
{
    (void)start, (void)size;
}

static inline void
tn_inspector_block(const void *owner, const void *block, size_t size, bool filled)
{
    (void)owner, (void)block, (void)size, (void)filled;
}

static inline void
tn_inspector_free(const void *owner, const void *block, size_t room)
{
    (void)owner, (void)block, (void)room;
}

static inline void
tn_inspector_resize(const void *owner, const void *block, size_t size, size_t room)
{
    (void)owner, (void)block, (void)size, (void)room;
}

static inline size_t
tn_inspector_size(const void *p, size_t most)
{
    (void)p;
    return most;
}
#endif

#endif
