/* The quickfit kernel allocator of the Plan 9 kernels under its own names and types, on Tarn's.
 * Meanings as documented there; the tag calls keep what they are given when the heap was made with
 * TARN_QUICK_TAGS.
 *
 * Before mallocinit, or instead of it, plan9_memory hands in the memory the allocator works on. */
#ifndef TARN_PLAN9_QMALLOC_H
#define TARN_PLAN9_QMALLOC_H

#include "u.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tarn_quick_hooks;

void *malloc(usize size);
void *mallocalign(usize size, usize align, long offset, usize span);
void *mallocz(usize size, int clr);
void *smalloc(usize size);
void *realloc(void *p, usize size);
void *calloc(usize n, usize szelem);
void free(void *ptr);
usize msize(void *ptr);
void setmalloctag(void *ptr, uintptr tag);
uintptr getmalloctag(void *ptr);
void setrealloctag(void *ptr, uintptr tag);
uintptr getrealloctag(void *ptr);
void mallocinit(void);
void mallocsummary(void);

/* Ours: what mallocinit makes the heap from. `options` as for tarn_quick_init. Call once, before
 * mallocinit; `hooks` may be nil, in which case the program is kept out of the way of nothing. */
void plan9_memory(void *memory, usize size, uint options, const struct tarn_quick_hooks *hooks);

/* Ours: another bank of memory, any time after mallocinit. Returns 0 when it cannot be used. */
int plan9_bank(void *memory, usize size);

#ifdef __cplusplus
}
#endif

#endif
