/*
 * Kore's object pools on Tarn's, beside the memory calls of <kore/kore.h>, so that Kore links with
 * this in place of its pool.c.
 *
 * As Kore's: objects are aligned to 16; a canary stands behind each and is looked at when it comes
 * back; an object that comes back twice, or damaged, ends the program through fatal() with Kore's
 * message; with kore_mem_guard not 0 (KORE_MEM_GUARD=1) each object ends at a page that cannot be
 * touched, nor can free ones. Unlike Kore's, a pool may always be used by several threads.
 */
#ifndef TARN_COMPAT_KORE_POOL_H
#define TARN_COMPAT_KORE_POOL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kore_pool_entry;

/* The fields of Kore's, of the same size and order; not to be used. */
struct kore_pool {
    size_t memsz;
    size_t growth;
    size_t pagesz;
    size_t elmlen;
    size_t uselen;
    uint64_t canary;
    volatile int lock;
    char *name;
    struct kore_pool_entry *freelist;
};

/* 0: pools made from now on have no guard pages. */
extern int kore_mem_guard;

/* A pool for objects of len bytes, elm of them (at least 16) from the start. */
void kore_pool_init(struct kore_pool *pool, const char *name, size_t len, size_t elm);

/* Ends a pool. Objects still out stay valid, as in Kore. */
void kore_pool_cleanup(struct kore_pool *pool);

/* An object; never NULL: without memory the program ends. */
void *kore_pool_get(struct kore_pool *pool);

/* Takes an object back. */
void kore_pool_put(struct kore_pool *pool, void *ptr);

#ifdef __cplusplus
}
#endif

#endif
