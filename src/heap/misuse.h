/*
 * Pointers that should not have been given to us: one line on stderr, and the end of the process.
 */
#ifndef TN_MISUSE_H
#define TN_MISUSE_H

#include "heap/heap.h"

/* How messages name a pool; its slabs' descriptors point to it. */
struct tn_label {
    size_t size; /* bytes of an object, as asked for */
    char name[48];
};

_Noreturn void tn_die_already_free(const void *p, const struct tn_slab *slab, const char *call);
_Noreturn void tn_die_inside(const void *p, const void *start, size_t size, const char *call);
_Noreturn void tn_die_not_a_block(const void *p, const char *call);
_Noreturn void tn_die_pooled(const void *p, const struct tn_slab *slab, const char *call);
_Noreturn void tn_die_damaged(const void *p, size_t size, const char *what, const char *call);
_Noreturn void tn_die_mismatched(const void *p, const char *maker, const char *call);
_Noreturn void tn_die_other_size(const void *p, size_t asked, size_t said, const char *call);
_Noreturn void tn_die_read_only(const void *p, const char *call);
_Noreturn void tn_die_foreign(const void *p, const char *call);

#endif
