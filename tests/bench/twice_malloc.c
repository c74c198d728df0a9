/* An allocator with a fault: one block of 16 bytes and more in 997 is the one given out
 * before it. Memory is never reused, so nothing but that fault can damage a block. */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static _Atomic(char *) next_free;
static _Atomic(char *) given_last;
static atomic_uint given;

/* Each block is preceded by its size. */
enum {
    HEAD = 16
};

static void *
take(size_t alignment, size_t size)
{
    static const size_t room = (size_t)64 << 30;
    char *start = atomic_load(&next_free);
    if (start == NULL) {
        char *fresh = mmap(NULL, room, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (fresh == MAP_FAILED)
            return NULL;
        if (atomic_compare_exchange_strong(&next_free, &start, fresh))
            start = fresh;
    }
    char *last = atomic_load(&given_last);
    if (size >= 16 && last != NULL && atomic_fetch_add(&given, 1) % 997 == 996 &&
        (uintptr_t)last % alignment == 0) {
        size_t last_size;
        memcpy(&last_size, last - HEAD, sizeof last_size);
        if (last_size >= size)
            return last;
    }
    char *block = atomic_fetch_add(&next_free, (ptrdiff_t)(size + 2 * alignment + HEAD));
    block += HEAD;
    block += (alignment - (uintptr_t)block % alignment) % alignment;
    memcpy(block - HEAD, &size, sizeof size);
    atomic_store(&given_last, block);
    return block;
}

void *
malloc(size_t size)
{
    return take(16, size);
}

void
free(void *block)
{
    (void)block;
}

void *
calloc(size_t count, size_t size)
{
    return take(16, count * size);
}

void *
realloc(void *block, size_t size)
{
    void *fresh = take(16, size);
    size_t old_size = 0;
    if (block != NULL && fresh != NULL) {
        memcpy(&old_size, (char *)block - HEAD, sizeof old_size);
        memcpy(fresh, block, old_size < size ? old_size : size);
    }
    return fresh;
}

void *
aligned_alloc(size_t alignment, size_t size)
{
    return take(alignment < 16 ? 16 : alignment, size);
}

int
posix_memalign(void **block, size_t alignment, size_t size)
{
    *block = aligned_alloc(alignment, size);
    return *block == NULL ? ENOMEM : 0;
}
