/*
 * Kore's mem.c on Tarn. Kore keeps a pool for each power of two with the length in front of every
 * block; Tarn's size classes are such pools already, with nothing in front of a block, so this is
 * a translation. What Kore notes in its headers is found otherwise: a length from Tarn, a tag in
 * a table (tag.c).
 */
#define _GNU_SOURCE
#include "fatal.h"
#include "kore/kore.h"
#include "tag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <tarn/tarn.h>

#define POOL_LEAST ((size_t)8)
#define POOL_MOST  ((size_t)8192)

extern int kore_mem_guard __attribute__((weak)); /* Kore's, for its pools */

static void *
allocate(size_t len, const char *call)
{
    void *block = tarn_malloc(len != 0 ? len : POOL_LEAST);
    if (__builtin_expect(block == NULL, 0)) {
        kore_die("%s(%zu): %s", call, len, strerror(errno));
    }
    return block;
}

void
kore_mem_init(void)
{
    const char *guard = getenv("KORE_MEM_GUARD");
    if (&kore_mem_guard != NULL && guard != NULL && strcmp(guard, "1") == 0) {
        kore_mem_guard = 1;
    }
    for (size_t size = POOL_LEAST; size <= POOL_MOST; size *= 2) {
        tarn_free(allocate(size, "kore_mem_init"));
    }
}

void
kore_mem_cleanup(void)
{
    kore_tag_clear();
}

void *
kore_malloc(size_t len)
{
    return allocate(len, "kore_malloc");
}

void *
kore_calloc(size_t memb, size_t len)
{
    size_t total;
    if (__builtin_mul_overflow(memb, len, &total)) {
        kore_die("kore_calloc(): memb * len > SIZE_MAX");
    }
    void *block = tarn_zalloc(total != 0 ? total : POOL_LEAST);
    if (block == NULL) {
        kore_die("kore_calloc(%zu): %s", total, strerror(errno));
    }
    return block;
}

/* In place when the new length takes the same class of block, or when a large block can. What is
 * given up is zeroed. */
void *
kore_realloc(void *ptr, size_t len)
{
    if (ptr == NULL) {
        return allocate(len, "kore_realloc");
    }
    size_t wanted = len != 0 ? len : POOL_LEAST;
    size_t usable = tarn_usable_size(ptr);
    if (tarn_good_size(wanted) == usable) {
        kore_mem_zero((char *)ptr + wanted, usable - wanted);
        return ptr;
    }
    if (wanted > usable && tarn_expand(ptr, wanted)) {
        return ptr;
    }
    void *block = allocate(wanted, "kore_realloc");
    memcpy(block, ptr, len < usable ? len : usable);
    kore_free_zero(ptr);
    return block;
}

void
kore_free(void *ptr)
{
    if (kore_tag_may_have(ptr)) {
        kore_tag_remove(ptr);
    }
    tarn_free(ptr);
}

void
kore_free_zero(void *ptr)
{
    if (ptr != NULL) {
        kore_mem_zero(ptr, tarn_usable_size(ptr));
        kore_free(ptr);
    }
}

char *
kore_strdup(const char *str)
{
    size_t size = strlen(str) + 1;
    return memcpy(allocate(size, "kore_strdup"), str, size);
}

void *
kore_malloc_tagged(size_t len, uint32_t tag)
{
    void *block = allocate(len, "kore_malloc_tagged");
    kore_mem_tag(block, tag);
    return block;
}

void
kore_mem_tag(void *ptr, uint32_t tag)
{
    if (!kore_tag_add(ptr, tag)) {
        kore_die("kore_mem_tag: tag %u taken", tag);
    }
}

void
kore_mem_untag(void *ptr)
{
    kore_tag_remove(ptr);
}

void *
kore_mem_lookup(uint32_t tag)
{
    return kore_tag_find(tag);
}

void
kore_mem_zero(void *ptr, size_t len)
{
    if (ptr != NULL && len != 0) {
        memset(ptr, 0, len);
        __asm__ volatile("" : : "r"(ptr) : "memory");
    }
}

void *
kore_mmap_region(size_t len)
{
    void *region = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (region == MAP_FAILED) {
        kore_die("kore_mmap_region: mmap: %s", strerror(errno));
    }
    return region;
}
