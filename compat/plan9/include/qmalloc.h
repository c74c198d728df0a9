/* The quickfit kernel allocator of the Plan 9 kernels under its own names and types, on Tarn's.
 * Meanings as documented there, and beyond: blocks of mallocalign are zeroed too, and the tag calls
 * keep what they are given when the heap was made with TARN_QUICK_TAGS.
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
void *smalloc(usize size); /* never nil: panics for a size no memory could have, or when no sleep
                              hook is there to wait with */
void *realloc(void *p, usize size);
void *calloc(usize n, usize szelem);
void free(void *ptr);
usize msize(void *ptr);
void setmalloctag(void *ptr, uintptr tag);
uintptr getmalloctag(void *ptr);
void setrealloctag(void *ptr, uintptr tag);
uintptr getrealloctag(void *ptr);
void mallocinit(void); /* panics without memory; once is enough, again does nothing */
void mallocsummary(void);

/* Ours: what mallocinit makes the heap from. `options` as for tarn_quick_init. Call once, before
 * mallocinit. Without `hooks` nothing is locked, waited for or printed, and a panic is a trap. */
void plan9_memory(void *memory, usize size, uint options, const struct tarn_quick_hooks *hooks);

/* Ours: another bank of memory, any time after mallocinit. Returns 0 when it cannot be used. */
int plan9_bank(void *memory, usize size);

#ifdef __cplusplus
}
#endif

#endif
