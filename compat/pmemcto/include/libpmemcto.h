/*
 * The interface of libpmemcto 1.0, close-to-open persistence, on Tarn's images in shared mode.
 * Written from the library's manual; programs made for it compile unchanged.
 *
 * What differs: a pool's file is an image of Tarn's (tarn_check, tarn_open), not one of PMDK's;
 * pool sets of several files are refused with EINVAL, as ones of an invalid format are; there is no
 * debugging version, so that PMEMCTO_LOG_LEVEL does nothing.
 */
#ifndef LIBPMEMCTO_H
#define LIBPMEMCTO_H 1

#include <stddef.h>
#include <sys/types.h>
#include <wchar.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PMEMCTO_MAJOR_VERSION 1
#define PMEMCTO_MINOR_VERSION 0
#define PMEMCTO_MIN_POOL      ((size_t)(1024 * 1024 * 16)) /* bytes */
#define PMEMCTO_MIN_PART      ((size_t)(1024 * 1024 * 2))
#define PMEMCTO_MAX_LAYOUT    ((size_t)1024) /* with the closing zero */

typedef struct pmemcto PMEMctopool;

/* NULL: this library does for a program made for the version; else why not. With 0, 0: what this
 * library is. */
const char *pmemcto_check_version(unsigned major_required, unsigned minor_required);

/* Memory for the pools' own bookkeeping, and where pmemcto_stats_print's text goes; NULL: the usual
 * one. Only the last is used: the rest needs none. */
void pmemcto_set_funcs(void *(*malloc_func)(size_t size), void (*free_func)(void *ptr),
                       void *(*realloc_func)(void *ptr, size_t size),
                       char *(*strdup_func)(const char *s), void (*print_func)(const char *s));

/* The thread's last error in words; of use after a call that failed, and never cleared. */
const char *pmemcto_errormsg(void);

/* A pool of poolsize bytes in a new file, all of them taken from the disk; with poolsize 0, in a
 * file of the caller's whose head is zero. layout: its purpose in words, NULL for none. NULL with
 * errno: EINVAL (layout too long, pool too small), EEXIST (a file with a size given, or one that is
 * not empty), ENOSPC, or as open(2). */
PMEMctopool *pmemcto_create(const char *path, const char *layout, size_t poolsize, mode_t mode);
/* NULL with errno: EINVAL (no pool, another layout, not closed, damaged), EAGAIN (open already),
 * ENOMEM (its address is taken), EACCES, or as open(2). */
PMEMctopool *pmemcto_open(const char *path, const char *layout);
void pmemcto_close(PMEMctopool *pcp);
/* 1: consistent, 0: not, -1 with errno: cannot be told, which another layout is too. */
int pmemcto_check(const char *path, const char *layout);

void *pmemcto_malloc(PMEMctopool *pcp, size_t size);
void pmemcto_free(PMEMctopool *pcp, void *ptr);
void *pmemcto_calloc(PMEMctopool *pcp, size_t nmemb, size_t size);
void *pmemcto_realloc(PMEMctopool *pcp, void *ptr, size_t size);
void *pmemcto_aligned_alloc(PMEMctopool *pcp, size_t alignment, size_t size);
char *pmemcto_strdup(PMEMctopool *pcp, const char *s);
wchar_t *pmemcto_wcsdup(PMEMctopool *pcp, const wchar_t *s);
size_t pmemcto_malloc_usable_size(PMEMctopool *pcp, void *ptr);

void pmemcto_set_root_pointer(PMEMctopool *pcp, void *ptr);
void *pmemcto_get_root_pointer(PMEMctopool *pcp);

/* opts: letters for what is left out. "g" what never changes, "m" sums, "a" the pool's slices, "b"
 * small blocks by size, "l" large ones; NULL: nothing. Goes to set_funcs' print_func, else to the
 * file named by PMEMCTO_LOG_FILE, else to stderr. No thread may use the pool meanwhile. */
void pmemcto_stats_print(PMEMctopool *pcp, const char *opts);

#ifdef __cplusplus
}
#endif

#endif
