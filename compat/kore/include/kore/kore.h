/*
 * Kore's memory calls on Tarn: the part of <kore/kore.h> that Kore's mem.c stands behind, so that
 * code written for it builds without Kore, and Kore itself links with this in place of its mem.c.
 * Link with -ltarn-kore -ltarn -pthread.
 *
 * No function here returns NULL for want of memory: the program ends with a message, by the
 * program's own fatal() where it has one (Kore does), else with one line on stderr and status 1.
 * All may be called by any thread; none in a signal handler. Blocks are Tarn's: aligned for any
 * type that fits in them, freed with kore_free only.
 */
#ifndef TARN_COMPAT_KORE_H
#define TARN_COMPAT_KORE_H

#include <stddef.h>
#include <stdint.h>

#include <kore/kore_pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sets up pools for blocks of 8, 16, 32, ... 8192 bytes, so that the first blocks of the common
 * sizes need no system call; larger ones are passed on to Tarn's large blocks. Calls before this
 * one work, too. With KORE_MEM_GUARD=1 in the environment a program's own int kore_mem_guard
 * becomes 1, as Kore's does, and its pools then have guard pages. */
void kore_mem_init(void);

/* Forgets all tags. Blocks stay valid, as Kore's do, and the calls go on working. */
void kore_mem_cleanup(void);

/* A block of len bytes with whatever contents; of 8 when len is 0. About 25 instructions. */
void *kore_malloc(size_t len);

/* A block of memb elements of len bytes, all zero. A product that does not fit ends the program. */
void *kore_calloc(size_t memb, size_t len);

/* A block of len bytes with the contents of ptr (as many as fit), which may be NULL. The old block
 * is freed and its contents are zeroed when the new one is another; a tag goes with it. */
void *kore_realloc(void *ptr, size_t len);

/* Frees a block, and its tag if it has one. NULL: nothing. A block that is free already, or none,
 * ends the program with one line. */
void kore_free(void *ptr);

/* The same, its contents zeroed before. */
void kore_free_zero(void *ptr);

/* A copy of a string. */
char *kore_strdup(const char *str);

/* A block that kore_mem_lookup finds by a number, as kore_mem_tag makes it. */
void *kore_malloc_tagged(size_t len, uint32_t tag);

/* Gives a block a number to be found by. One that is taken ends the program. */
void kore_mem_tag(void *ptr, uint32_t tag);

/* Takes a block's number away; nothing when it has none. */
void kore_mem_untag(void *ptr);

/* The block with this number, or NULL. Cost: grows with the number of tags. */
void *kore_mem_lookup(uint32_t tag);

/* Zeroes memory in a way that no compiler removes. NULL: nothing. */
void kore_mem_zero(void *ptr, size_t len);

/* A mapping of its own of len zero bytes, for munmap to end. */
void *kore_mmap_region(size_t len);

#ifdef __cplusplus
}
#endif

#endif
