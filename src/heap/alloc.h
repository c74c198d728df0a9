/*
 * Allocation from a cache in all its forms, for the public names above this room. NULL means no
 * memory (or an impossible size) with errno ENOMEM; errno is untouched otherwise. call names the
 * public function in messages.
 */
#ifndef TN_ALLOC_H
#define TN_ALLOC_H

#include "heap/heap.h"

#define TN_SIZE_MOST ((size_t)PTRDIFF_MAX)

/* From a given cache; NULL cache means that it could not be made. */
void *tn_cache_malloc(struct tn_cache *cache, size_t size);
void *tn_cache_zalloc(struct tn_cache *cache, size_t size);
void *tn_cache_calloc(struct tn_cache *cache, size_t count, size_t size);
/* A copy of the first length bytes of a text, or of all where it is shorter. */
char *tn_cache_strndup(struct tn_cache *cache, const char *text, size_t length);
/* align is a power of two. */
void *tn_cache_aligned(struct tn_cache *cache, size_t align, size_t size, bool zero);
/* The same where align comes from the user: EINVAL when it is no power of two. */
void *tn_cache_aligned_alloc(struct tn_cache *cache, size_t align, size_t size);
/* (block + offset) is a multiple of align; offset < size or 0. EINVAL as above. */
void *tn_cache_aligned_at(struct tn_cache *cache, size_t align, size_t size, size_t offset);
/* NULL with errno untouched when size is 0 and p is not NULL: p has been freed. */
void *tn_cache_realloc(struct tn_cache *cache, void *p, size_t size, const char *call);
void *tn_cache_reallocarray(struct tn_cache *cache, void *p, size_t count, size_t size,
                            const char *call);
void tn_cache_free(struct tn_cache *cache, void *p, const char *call);

/* Bytes usable at p; p is checked as free checks it. 0 for NULL. */
size_t tn_usable(const void *p, const char *call);

/* Makes a block larger or smaller where it is; false and unchanged when that cannot be. */
bool tn_resize_in_place(void *p, size_t size, const char *call);

/* The bytes a block of this size really has; 0 when the size is impossible. */
size_t tn_good_size(size_t size);

/* NULL with errno ENOMEM. */
void *tn_no_memory(void);

#endif
