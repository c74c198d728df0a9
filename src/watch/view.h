/*
 * What a process shows of itself to who may read its memory: where the heap's own data lies, and
 * how it is laid out. `tarn top` finds it by its magic among the mapped files' data; the process
 * does nothing for it.
 *
 * Who may write the memory, too, can give an order: it is written to tn_order, then a byte to the
 * bell, which the slow paths of malloc and free look at; malloc/outside.c carries it out.
 */
#ifndef TN_VIEW_H
#define TN_VIEW_H

#include "heap/heap.h"

#define TN_VIEW_MAGIC 16
/* To be raised with any change of what the structures mean that their sizes do not tell. */
#define TN_VIEW_MEANING 2u
#define TN_VIEW_LAYOUT                                                                             \
    (TN_VIEW_MEANING | sizeof(struct tn_heap) << 4 | sizeof(struct tn_cache) << 20 |               \
     sizeof(struct tn_space) << 34 | sizeof(struct tn_map) << 42 | (uint64_t)TN_CLASSES << 56)

struct tn_site;

enum tn_order_kind {
    TN_ORDER_START = 1, /* a profile, anew, with the interval */
    TN_ORDER_STOP,      /* the profile */
};

struct tn_order {
    _Atomic uint64_t asked;    /* any number that no order before had; from outside */
    _Atomic uint64_t answered; /* the number of the last order that was carried out, or could not */
    uint64_t interval;         /* bytes; 0: the default */
    uint32_t what;             /* enum tn_order_kind */
    uint32_t done;             /* whether it could; valid once answered */
};

struct tn_view {
    unsigned char magic[TN_VIEW_MAGIC];
    uint64_t layout;
    char version[16];
    const struct tn_heap *heap;         /* the process heap */
    const struct tn_cache *sampler;     /* samples are in its slabs */
    const struct tn_site *const *sites; /* the first; NULL until there is a profile */
    const size_t *interval;             /* of the profile */
    const _Atomic(uint64_t)
        *profile_time; /* when it was started, nanoseconds since 1970; 0: never */
    struct tn_order *order;
    _Atomic uint8_t *bell;
};

extern const struct tn_view tn_view __attribute__((visibility("hidden")));
extern struct tn_order tn_order __attribute__((visibility("hidden")));

#endif
