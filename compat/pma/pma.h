/*
 * The interface of pma, gawk's persistent memory allocator, on an image of Tarn's: one persistent
 * heap for the process, in a file that existed before (empty, all zeros), and malloc's names for
 * it.
 *
 * What it adds: pma_commit. The state after pma_init is the last one committed; a normal end of the
 * process commits (so that programs written for pma keep what they did), a crash does not.
 */
#ifndef PMA_H_INCLUDED
#define PMA_H_INCLUDED

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Programs compare this with pma_version. */
#define PMA_H_VERSION "2022.07Jul.19.1658299753 (Avon 6)"
extern const char pma_version[];

/* 0, or the errno of the last call that failed. */
extern int pma_errno;

/* Once, before all others. verbose: 0 says nothing, 1 errors, 2 also warnings, 3 more, on stderr;
 * the environment's PMA_VERBOSITY overrides it. file: of zeros when it is new, then its size, a
 * multiple of the page size, is what the heap can grow to, 1 MiB at the least; NULL stands for the
 * ordinary malloc, and of the rest only pma_malloc, pma_calloc, pma_realloc and pma_free may be
 * called. 0, or the errno of what is wrong; then it may be called again. A fork's child has a copy
 * of the heap, which it cannot commit. */
int pma_init(int verbose, const char *file);

/* NULL with errno ENOMEM; with EINVAL when there is no heap: before pma_init, or at exit. */
void *pma_malloc(size_t size);
void *pma_calloc(size_t nmemb, size_t size);
void *pma_realloc(void *ptr, size_t size);
void pma_free(void *ptr);

void pma_set_root(void *ptr);
void *pma_get_root(void);

/* Checks the heap and writes what it finds to stderr, then what is live by size. */
void pma_check_and_dump(void);

/* Makes every word of free blocks v, but for the one that links them. Free memory that belongs to
 * no blocks goes back to the file system and is zero. */
void pma_set_avail_mem(const unsigned long v);

/* Makes the present state the one that the next pma_init finds. 0, or -1 with errno and pma_errno.
 */
int pma_commit(void);

#ifdef __cplusplus
}
#endif

#endif
