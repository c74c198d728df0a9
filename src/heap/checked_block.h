/*
 * What lies around a block's bytes under TARN_CHECK=1 (checked.h), between the files that write and
 * read it.
 */
#ifndef TN_CHECKED_BLOCK_H
#define TN_CHECKED_BLOCK_H

#include "heap/checked.h"
#include "heap/slab_list.h"

#define TN_CHECKED_LIVE       0x6c697665u
#define TN_CHECKED_FREED      0x66726565u
#define TN_CHECKED_TAIL       sizeof(uint64_t)
#define TN_CHECKED_FRONT      sizeof(struct tn_checked_header)
#define TN_CHECKED_FILLING    0xd7
#define TN_CHECKED_ALIGN_MOST ((size_t)4096) /* of a block in a slab */

static inline uint64_t
tn_checked_mark(const void *p, uint64_t what)
{
    return tn_mix((uintptr_t)p ^ tn_process_heap.root->secret ^ tn_mix(what));
}

static inline uint64_t
tn_checked_seal(const void *p, uint64_t meta)
{
    return tn_checked_mark(p, meta ^ TN_CHECKED_LIVE);
}

/* Its lowest byte, the first in memory, is zero. */
static inline uint64_t
tn_checked_tail(const void *p, uint64_t what)
{
    return tn_checked_mark(p, ~what) << 8;
}

/* A block of a slab, by any address in it. */
struct tn_checked_place {
    char *block;
    size_t size; /* of the class */
    unsigned index;
};

static inline struct tn_checked_place
tn_checked_place_of(struct tn_space *space, const struct tn_slab *slab, const void *p)
{
    const struct tn_class *class = tn_class_of_slab(slab);
    char *base = tn_slab_base(space, slab);
    unsigned index = tn_block_index(class, (size_t)((const char *)p - base));
    return (struct tn_checked_place){base + (size_t)index * class->size, class->size, index};
}

static inline uint64_t *
tn_checked_tail_in(const struct tn_checked_place *place)
{
    return (uint64_t *)(place->block + place->size - TN_CHECKED_TAIL);
}

static inline size_t
tn_checked_room(const struct tn_checked_place *place, const void *p)
{
    return place->size - TN_CHECKED_TAIL - (size_t)((const char *)p - place->block);
}

static inline bool
tn_checked_is_sealed(const void *p)
{
    const struct tn_checked_header *header = tn_checked_header_of(p);
    return __atomic_load_n(&header->seal, __ATOMIC_ACQUIRE) == tn_checked_seal(p, header->meta);
}

static inline bool
tn_checked_is_freed(const void *p)
{
    return tn_checked_header_of(p)->seal == tn_checked_mark(p, TN_CHECKED_FREED);
}

/* It has left the quarantine, and its slab is still the same one. */
static inline bool
tn_checked_is_released(const struct tn_slab *slab, const void *p)
{
    return tn_checked_header_of(p)->seal == tn_checked_mark(p, slab->key);
}

/* Of a live block. */
static inline bool
tn_checked_is_front_whole(const void *p)
{
    const struct tn_checked_header *header = tn_checked_header_of(p);
    uint64_t front = tn_checked_mark(p, TN_CHECKED_FRONT);
    return header->front[0] == front && header->front[1] == front;
}

static inline void
tn_checked_set_seal(void *p, uint64_t seal)
{
    __atomic_store_n(&tn_checked_header_of(p)->seal, seal, __ATOMIC_RELEASE);
}

/* The first byte from `from` to `to` that is not `byte`; `to` when all are. */
static inline size_t
tn_checked_first_other(const unsigned char *bytes, size_t from, size_t to, unsigned char byte)
{
    while (from < to && bytes[from] == byte) {
        from++;
    }
    return from;
}

/* checked_look.c. The live block of a slab that p is, whole; else the process ends. */
struct tn_checked_place tn_checked_live(struct tn_space *space, const struct tn_slab *slab, void *p,
                                        const char *call);

/* Why p, in a slab, is not a live block as its owner should have left it; ends the process. */
_Noreturn void tn_checked_explain(const struct tn_checked_place *place, const struct tn_slab *slab,
                                  const void *p, const char *call);

/* The slab or the large block that p is of; ends the process when p is of none. */
struct tn_slab *tn_checked_slab(const void *p, const char *call, struct tn_space **space);

/* A block in the quarantine is as free left it, or the process ends. */
void tn_checked_look_freed(void *p, const char *call);

#endif
