/*
 * tarn/tarn.h: the process heap.
 *
 * The functions of <stdlib.h>'s malloc under names of their own, and what the standard lacks. A
 * program linked with Tarn, or started with it preloaded, has malloc and free themselves from it;
 * blocks of either family may be given to the other.
 *
 * What holds of all functions here unless one says otherwise:
 *  - sizes and alignments are in bytes; an alignment is a power of two;
 *  - a function that allocates returns NULL iff the memory cannot be had or the size is more than
 *    PTRDIFF_MAX, with errno ENOMEM; errno is untouched on success;
 *  - a block of size 0 is a block: not NULL, and to be freed;
 *  - a block is aligned to 16, of 8 bytes or less to 8, and to every power of two up to 64 KiB that
 *    divides its size;
 *  - all may be called by any thread at any time, in a fork's child too; none in a signal handler;
 *  - cost: constant, about 20 instructions, when the thread has free blocks of the size; at times
 *    a slab has to be fetched, at worst from the system (a few microseconds);
 *  - a pointer that is no block of Tarn's, or one that is free already, ends the process with one
 *    line on stderr: "tarn: tarn_free(0x7f..40): already free (...) [T101]"; `tarn explain T101`
 *    tells more. Where free is fastest, a pointer into the inside of a block of up to 8 KiB is not
 *    looked for, and not every second free leaves a trace: TARN_CHECK=1 finds these too.
 */
#ifndef TARN_TARN_H
#define TARN_TARN_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#    pragma GCC visibility push(default)
#endif

#define TARN_VERSION_MAJOR 0
#define TARN_VERSION_MINOR 1
#define TARN_VERSION_PATCH 0

#if defined(__GNUC__)
#    define TARN_ALLOCATES(...) __attribute__((malloc, warn_unused_result, alloc_size(__VA_ARGS__)))
#else
#    define TARN_ALLOCATES(...)
#endif

/* A block of size bytes, with whatever contents. */
void *tarn_malloc(size_t size) TARN_ALLOCATES(1);

/* A block of size bytes, all zero. */
void *tarn_zalloc(size_t size) TARN_ALLOCATES(1);

/* A block of count elements of size bytes, all zero; NULL with errno ENOMEM also when the product
 * does not fit. */
void *tarn_calloc(size_t count, size_t size) TARN_ALLOCATES(1, 2);

/* A block of size bytes with the contents of p (as many as fit), which is freed unless it could
 * stay where it is; p is untouched when NULL is returned for want of memory. tarn_realloc(NULL, n)
 * is tarn_malloc(n); tarn_realloc(p, 0) frees p and returns NULL, as glibc's. Cost: besides, a copy
 * when it moves; blocks of 4 MiB and more mostly move with their pages, uncopied. */
void *tarn_realloc(void *p, size_t size) __attribute__((warn_unused_result, alloc_size(2)));

/* The same for count elements of size bytes; NULL with errno ENOMEM and p untouched also when the
 * product does not fit. */
void *tarn_reallocarray(void *p, size_t count, size_t size)
    __attribute__((warn_unused_result, alloc_size(2, 3)));

/* Frees p; nothing when it is NULL. errno is untouched. */
void tarn_free(void *p);

/* Frees p, which was allocated with this size (or aligned, with this alignment and size); nothing
 * when it is NULL. Another size is found by TARN_CHECK=1 only. */
void tarn_free_sized(void *p, size_t size);
void tarn_free_aligned_sized(void *p, size_t align, size_t size);

/* A block whose address is a multiple of align; NULL with errno EINVAL when align is no power of
 * two. Alignments beyond 64 KiB take address space of up to align more. */
void *tarn_aligned_alloc(size_t align, size_t size) TARN_ALLOCATES(2);

/* A block of which the byte at offset (not its first) lies at a multiple of align. Where offset is
 * no multiple of align the block takes a slice of 64 KiB of address space, one page of memory. NULL
 * with errno EINVAL when align is no power of two. */
void *tarn_aligned_alloc_at(size_t align, size_t size, size_t offset) TARN_ALLOCATES(2);

/* The bytes that may be used at p: at least what was asked for. 0 for NULL. Constant time. */
size_t tarn_usable_size(const void *p);

/* What tarn_usable_size would say of a block of size bytes; 0 for an impossible size. Constant
 * time. */
size_t tarn_good_size(size_t size);

/* Makes the block at p hold size bytes where it lies, larger or smaller. False, and nothing
 * changed, when that cannot be, and for NULL. Compilers warn of uses beyond the size the block was
 * allocated with where they can see it. */
bool tarn_expand(void *p, size_t size);

/* Copies of a string, to be freed; tarn_strndup's has at most length bytes and a closing zero. */
char *tarn_strdup(const char *text);
char *tarn_strndup(const char *text, size_t length);

/* Gives back to the system all memory of the process heap that holds no block: free slices, and
 * the free pages of the calling thread's and of shared slabs. Returns the bytes given back.
 * Cost: grows with the number of slabs; meant for a pause, not for a loop. */
size_t tarn_trim(void);

/* Tarn's version as "major.minor.patch", a text that lives as long as the library. */
const char *tarn_version(void);

#if defined(__GNUC__)
#    pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
