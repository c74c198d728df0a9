#include "base/inspector.h"

#include "base/bits.h"

#include <stdint.h>
#include <valgrind/memcheck.h>

/* AddressSanitizer's, where the program is built with it. */
#define WEAK __attribute__((weak, visibility("default")))
WEAK void __asan_poison_memory_region(void const volatile *start, size_t size);
WEAK void __asan_unpoison_memory_region(void const volatile *start, size_t size);
WEAK int __asan_address_is_poisoned(void const volatile *address);
WEAK void *__asan_region_is_poisoned(void *start, size_t size);
WEAK void __asan_report_error(void *pc, void *bp, void *sp, void *address, int is_write,
                              size_t size);
WEAK void __lsan_register_root_region(const void *start, size_t size);
WEAK void __lsan_unregister_root_region(const void *start, size_t size);

static bool
has_asan(void)
{
    return __asan_poison_memory_region != NULL;
}

/* It cannot have a block without a byte. */
static void
asan_open(void *start, size_t size)
{
    if (has_asan()) {
        __asan_unpoison_memory_region(start, tn_max(size, 1));
    }
}

static void
asan_close(void *start, size_t size)
{
    if (has_asan()) {
        __asan_poison_memory_region(start, size);
    }
}

/* Memcheck (3.19) does not look for leaks in owners' blocks where there is none of malloc's. */
static char *volatile anchor;

static void
drop_anchor(void)
{
    static char place[8];
    if (anchor == NULL) {
        anchor = place;
        VALGRIND_MALLOCLIKE_BLOCK(place, sizeof place, 0, 1);
    }
}

void
tn_inspector_begin(const void *owner)
{
    drop_anchor();
    tn_inspector_end(owner);
    VALGRIND_CREATE_MEMPOOL(owner, 0, 0);
}

void
tn_inspector_end(const void *owner)
{
    if (VALGRIND_MEMPOOL_EXISTS(owner)) {
        VALGRIND_DESTROY_MEMPOOL(owner);
    }
}

void
tn_inspector_space(const void *start, size_t size)
{
    if (__lsan_register_root_region != NULL) {
        __lsan_register_root_region(start, size);
    }
}

void
tn_inspector_space_end(void *start, size_t size, size_t used)
{
    if (__lsan_unregister_root_region != NULL) {
        __lsan_unregister_root_region(start, size);
    }
    tn_inspector_open(start, used);
}

void
tn_inspector_close(void *start, size_t size)
{
    VALGRIND_MAKE_MEM_NOACCESS(start, size);
    asan_close(start, size);
}

void
tn_inspector_open(void *start, size_t size)
{
    VALGRIND_MAKE_MEM_DEFINED(start, size);
    asan_open(start, size);
}

void
tn_inspector_block(const void *owner, void *block, size_t size, bool filled)
{
    VALGRIND_MEMPOOL_ALLOC(owner, block, size);
    if (filled) {
        VALGRIND_MAKE_MEM_DEFINED(block, size);
    }
    asan_open(block, size);
}

void
tn_inspector_free(const void *owner, void *block, size_t room)
{
    VALGRIND_MEMPOOL_FREE(owner, block);
    if (has_asan() && __asan_address_is_poisoned(block)) {
        void *frame = __builtin_frame_address(0);
        __asan_report_error(__builtin_return_address(0), frame, frame, block, 1, 1);
    }
    asan_close(block, room);
}

void
tn_inspector_resize(const void *owner, void *block, size_t size, size_t room)
{
    size_t had = tn_inspector_size(block, room);
    VALGRIND_MEMPOOL_CHANGE(owner, block, block, size);
    if (size > had) {
        VALGRIND_MAKE_MEM_UNDEFINED((char *)block + had, size - had);
    }
    tn_inspector_close((char *)block + size, room - size);
    asan_open(block, size);
}

size_t
tn_inspector_size(const void *p, size_t most)
{
    TN_LOOK_AWAY;
    uintptr_t closed = VALGRIND_CHECK_MEM_IS_ADDRESSABLE(p, most);
    if (closed == 0 && has_asan() && most != 0) {
        closed = (uintptr_t)__asan_region_is_poisoned((void *)(uintptr_t)p, most);
    }
    return closed == 0 ? most : closed - (uintptr_t)p;
}
