/* Every invariant of block.h, checked in turn. Each address is proved to lie in a region before it
 * is read, so a damaged heap can be checked safely. */
#include "quick/core.h"
#include "quick/proof.h"
#include "quick/walk.h"

struct survey {
    struct tarn_quick *q;
    const void *where;
    size_t free_blocks;
    size_t quick_blocks;
    size_t used;
};

static const char *
check_region(struct survey *s, struct tn_region *region)
{
    struct tarn_quick *q = s->q;
    struct tn_block *block = tn_quick_first_block(q, region);
    struct tn_block *end = tn_after(block, region->size);
    tn_word granule = ~q->mask;
    int after_free = 0;

    while (block != end) {
        tn_word head = block->head;
        tn_word size = head & ~TN_FLAGS;

        s->where = block;
        if (size < TN_MIN || (size & granule) != 0) {
            return "a block's size is not one a block can have";
        }
        if (size > (uintptr_t)end - (uintptr_t)block) {
            return "a block reaches beyond its region";
        }
        if (((head & TN_PREV_FREE) != 0) != after_free) {
            return "a block's mark of a free block before it is wrong";
        }
        if (head & TN_USED) {
            s->used += size;
            s->quick_blocks += tn_quick_is_quick(block) != 0;
            after_free = 0;
        } else {
            if (after_free) {
                return "two free blocks touch";
            }
            if (head & TN_ODD) {
                return "a free block's header carries a mark";
            }
            if (*tn_tag(block, size) != size) {
                return "a free block's tag is not its size";
            }
            if (q->flags & TARN_QUICK_CHECKED) {
                const unsigned char *at = (const unsigned char *)block + sizeof *block;

                for (; at < (const unsigned char *)tn_tag(block, size); at++) {
                    if (*at != TN_CLEAN) {
                        s->where = at;
                        return "free memory was written to";
                    }
                }
            }
            s->free_blocks++;
            after_free = 1;
        }
        block = tn_after(block, size);
    }
    s->where = end;
    if (end->head != (TN_USED | (after_free ? TN_PREV_FREE : 0))) {
        return "a region's closing header is damaged";
    }
    return NULL;
}

static int
mapped(const struct tarn_quick *q, size_t bin)
{
    return (int)(q->map >> bin & 1);
}

static const char *
check_bins(struct survey *s)
{
    struct tarn_quick *q = s->q;
    size_t found = 0;
    size_t bin;

    for (bin = TN_FIRST_BIN; bin < TN_FIRST_BIN + TN_BINS(q->flags); bin++) {
        struct tn_block *block = tn_at(q, *tn_bin_head(q, bin));
        struct tn_block *before = tn_at(q, tn_bin_link(q, bin));

        s->where = tn_bin_head(q, bin);
        if (mapped(q, bin) != (block != &q->nil)) {
            return "the map disagrees with a bin";
        }
        while (block != &q->nil) {
            s->where = block;
            if (!tn_quick_inside(q, block)) {
                return "a bin leads out of the regions";
            }
            if (block->head & TN_USED) {
                return "a bin holds a block in use";
            }
            if (tn_at(q, block->prev) != before) {
                return "a bin's links disagree";
            }
            if (tn_bin(block->head) != bin) {
                return "a block is in the wrong bin";
            }
            if (++found > s->free_blocks) {
                return "the bins hold more blocks than there are";
            }
            before = block;
            block = tn_at(q, block->next);
        }
    }
    s->where = q;
    if (q->map >> (bin - 1) > 1 || q->map << (sizeof q->map * 8 - TN_FIRST_BIN) != 0) {
        return "the map knows more bins than there are";
    }
    return found == s->free_blocks ? NULL : "a free block is in no bin";
}

static const char *
check_quick_lists(struct survey *s)
{
    struct tarn_quick *q = s->q;
    size_t found = 1; /* the lists' own block */
    tn_word size;

    if (q->lists == 0) {
        return s->quick_blocks == 0 ? NULL : "a quick block is on no list";
    }
    if (!tn_quick_inside(q, tn_before((struct tn_block *)tn_quick_list(q, TN_MIN), TN_WORD))) {
        return "the quick lists are not in a region";
    }
    for (size = TN_MIN; size <= TN_QUICKS(q->flags); size += 8) {
        struct tn_list *list = tn_quick_list(q, size);
        tn_link *payload = (tn_link *)tn_at(q, list->top);
        tn_room left = TN_DEPTH(q->flags) - list->room;

        s->where = list;
        if (left < 0 || left > TN_DEPTH(q->flags)) {
            return "a quick list's count is wrong";
        }
        for (; payload != (tn_link *)tn_at(q, 0); left--) {
            struct tn_block *block = tn_before((struct tn_block *)payload, TN_WORD);

            s->where = block;
            if (!tn_quick_inside(q, block)) {
                return "a quick list leads out of the regions";
            }
            if ((block->head & ~TN_FLAGS) != size || !tn_quick_is_quick(block)) {
                return "a quick list holds another block";
            }
            if (left == 0) {
                return "a quick list's count is wrong";
            }
            found++;
            payload = (tn_link *)tn_at(q, *payload);
        }
        if (left != 0) {
            return "a quick list's count is wrong";
        }
    }
    s->where = q;
    return found == s->quick_blocks ? NULL : "a quick block is on no list";
}

const char *
tarn_quick_check(struct tarn_quick *q, const void **where)
{
    struct survey s = {NULL, NULL, 0, 0, 0};
    struct tn_region *region;
    struct tn_region *before = NULL;
    const char *broken = NULL;

    s.q = q;
    for (region = &q->first; region != NULL && broken == NULL;
         region = tn_quick_next_region(q, region)) {
        s.where = region;
        if (before != NULL && (void *)tn_at(q, region->prev) != (void *)before) {
            broken = "the list of regions is damaged";
        } else {
            broken = check_region(&s, region);
        }
        before = region;
    }
    if (broken == NULL && (q->nil.head != 0 || tn_at(q, q->nil.next) != &q->nil)) {
        s.where = &q->nil;
        broken = "the end of the lists is damaged";
    }
    if (broken == NULL) {
        broken = check_bins(&s);
    }
    if (broken == NULL) {
        broken = check_quick_lists(&s);
    }
    if (broken == NULL && (s.used != q->peak - q->below || q->below > q->peak)) {
        s.where = &q->peak;
        broken = "the count of bytes in use is wrong";
    }
    if (where != NULL) {
        *where = broken != NULL ? s.where : NULL;
    }
    return broken;
}
