/*
 * What the lists of a cache would hand out next, looked at whenever the cache makes a slab: a
 * pointer that starts no block and was freed, or a block written to after its free, is found before
 * the block is handed out, though the fast paths ask nothing. A few hundred instructions for 64
 * KiB.
 */
#include "heap/misuse.h"
#include "heap/slab_list.h"

static void
look_at_head(const struct tn_space *space, const struct tn_slab *slab)
{
    const struct tn_class *class = tn_class_of_slab(slab);
    const char *base = tn_slab_base(space, slab);
    const uintptr_t *head = (const uintptr_t *)slab->head;
    size_t offset = slab->head - (uintptr_t)base;
    unsigned index = tn_block_index(class, offset);
    tn_slab_odd_head(slab);
    if (offset >= (size_t) class->capacity * class->size || tn_slab_is_bare(slab, index)) {
        tn_die_not_a_block(head, "malloc");
    }
    uintptr_t next = tn_slab_link(slab, *head);
    if (next != tn_slab_none(slab) && next - (uintptr_t)base >= TN_SLICE) {
        tn_slab_damaged(slab, head);
    }
}

void
tn_cache_look_at_heads(const struct tn_cache *cache)
{
    for (unsigned class = 0; class < TN_OWNED; class ++) {
        const struct tn_slab *slab = cache->bin[class].current;
        if (tn_slab_has_free(slab)) {
            const struct tn_space *first = cache->heap->spaces[0];
            look_at_head(tn_space_has(first, slab) ? first : tn_space_of(slab), slab);
        }
    }
}
