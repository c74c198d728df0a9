/*
 * Memory that holds no block goes back to the system: free slices at once in bulk (space.c), the
 * free pages inside slabs by what is written here.
 */
#ifndef TN_PURGE_H
#define TN_PURGE_H

#include "heap/heap.h"

/* Everything of the process heap that can go. Returns the bytes given back. */
size_t tn_purge_all(void);

#endif
