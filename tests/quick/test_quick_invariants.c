/* Every sentence tarn_quick_check can say, each brought about by damaging what it is about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quick/core.h"
#include "quick/proof.h"
#include "quick/walk.h"
#include "quick_fixture.h"

#include <string.h>

enum {
    OBJECTS = 40,
    HEAP = 65536,
    REGION = 8192
};

static unsigned char *object[OBJECTS];
static unsigned char whole[HEAP + REGION];

/* A heap with objects, quick blocks, free blocks and two regions more. */
static struct tarn_quick *
populated(unsigned options)
{
    struct tarn_quick *q = heap_of(HEAP - REGION, options);
    int i;

    assert_true(tarn_quick_add(q, memory + HEAP - REGION, REGION));
    assert_true(tarn_quick_add(q, memory + HEAP, REGION));
    for (i = 0; i < OBJECTS; i++) {
        object[i] = tarn_quick_malloc(q, (size_t)(i % 7) * 40 + 10);
    }
    for (i = 0; i < OBJECTS; i += 3) {
        tarn_quick_free(q, object[i]);
    }
    sound(q);
    memcpy(whole, memory, sizeof whole);
    return q;
}

static struct tn_block *
used_block(int i)
{
    assert_true(i % 3 != 0);
    return (struct tn_block *)(object[i] - TN_WORD);
}

/* The first block of the fullest bin but the largest. */
static struct tn_block *
free_block(struct tarn_quick *q, size_t *bin)
{
    *bin = tn_low_bit(q->map);
    return tn_at(q, *tn_bin_head(q, *bin));
}

static void
too_small(struct tarn_quick *q)
{
    (void)q;
    used_block(4)->head = 8 | TN_USED;
}

static void
no_multiple(struct tarn_quick *q)
{
    (void)q;
    used_block(4)->head += 8;
}

static void
too_large(struct tarn_quick *q)
{
    (void)q;
    used_block(4)->head = 0x100000 | TN_USED;
}

static void
mark_too_many(struct tarn_quick *q)
{
    struct tn_block *block = used_block(4);

    (void)q;
    while (block->head & TN_PREV_FREE) {
        block = tn_after(block, block->head & ~TN_FLAGS);
    }
    block->head |= TN_PREV_FREE;
}

static void
mark_missing(struct tarn_quick *q)
{
    size_t bin;
    struct tn_block *block = free_block(q, &bin);

    tn_after(block, block->head)->head &= ~TN_PREV_FREE;
}

static void
free_beside_free(struct tarn_quick *q)
{
    size_t bin;
    struct tn_block *block = free_block(q, &bin);

    tn_after(block, block->head)->head &= ~(TN_USED | TN_ODD);
}

static void
marked_free(struct tarn_quick *q)
{
    size_t bin;

    free_block(q, &bin)->head |= TN_ODD;
}

static void
tag(struct tarn_quick *q)
{
    size_t bin;
    struct tn_block *block = free_block(q, &bin);

    *tn_tag(block, block->head) += 8;
}

static void
written_to(struct tarn_quick *q)
{
    size_t bin;
    struct tn_block *block = free_block(q, &bin);

    ((unsigned char *)block)[sizeof *block] ^= 1;
}

static void
closing(struct tarn_quick *q)
{
    tn_after(tn_quick_first_block(q, &q->first), q->first.size)->head ^= TN_ODD;
}

static void
map_lacks_bin(struct tarn_quick *q)
{
    q->map &= q->map - 1;
}

static void
map_has_empty_bin(struct tarn_quick *q)
{
    size_t bin = TN_FIRST_BIN;

    while (*tn_bin_head(q, bin) != q->nil.next) {
        bin++;
    }
    q->map |= (tn_word)1 << bin;
}

static void
bin_leads_out(struct tarn_quick *q)
{
    size_t bin;

    (void)free_block(q, &bin);
    *tn_bin_head(q, bin) = tn_link_to(q, memory + 3 * HEAP);
}

static void
bin_leads_between(struct tarn_quick *q)
{
    size_t bin;

    (void)free_block(q, &bin);
    *tn_bin_head(q, bin) += 4;
}

static void
bin_leads_to_used(struct tarn_quick *q)
{
    size_t bin;

    (void)free_block(q, &bin);
    *tn_bin_head(q, bin) = tn_link_to(q, used_block(4));
}

static void
links(struct tarn_quick *q)
{
    size_t bin;

    free_block(q, &bin)->prev += 8;
}

static void
wrong_bin(struct tarn_quick *q)
{
    size_t bin;
    struct tn_block *block = free_block(q, &bin);

    tn_unlink(q, block, bin);
    tn_insert(q, block, (size_t)1 << (tn_bin(q->first.size) - 1));
}

/* What looks like a free block inside a free block. */
static void
phantom(struct tarn_quick *q)
{
    size_t bin = tn_high_bit(q->map);
    struct tn_block *block = tn_at(q, *tn_bin_head(q, bin));
    struct tn_block *inner = tn_after(block, 512);

    while (block->next != q->nil.next) {
        block = tn_at(q, block->next);
    }
    *inner = *block;
    inner->prev = tn_link_to(q, block);
    block->next = tn_link_to(q, inner);
}

static void
map_above(struct tarn_quick *q)
{
    q->map |= (tn_word)1 << (TN_FIRST_BIN + TN_BINS(q->flags));
}

static void
map_below(struct tarn_quick *q)
{
    q->map |= 1;
}

static void
lost_free(struct tarn_quick *q)
{
    size_t bin;

    (void)free_block(q, &bin);
    *tn_bin_head(q, bin) = q->nil.next;
    q->map &= ~((tn_word)1 << bin);
}

static struct tn_list *
filled_list(struct tarn_quick *q)
{
    size_t size = TN_MIN;

    while (tn_quick_list(q, size)->top == 0) {
        size += 8;
    }
    return tn_quick_list(q, size);
}

static void
no_lists(struct tarn_quick *q)
{
    q->lists = 0;
}

static void
lost_quick(struct tarn_quick *q)
{
    struct tn_list *list = filled_list(q);

    list->top = 0;
    list->room = TN_DEPTH(q->flags);
}

static void
lists_outside(struct tarn_quick *q)
{
    q->lists = (uintptr_t)(memory + 3 * HEAP);
}

static void
room_too_much(struct tarn_quick *q)
{
    filled_list(q)->room = TN_DEPTH(q->flags) + 1;
}

static void
room_negative(struct tarn_quick *q)
{
    filled_list(q)->room = -1;
}

static void
room_one_less(struct tarn_quick *q)
{
    filled_list(q)->room--;
}

static void
room_one_more(struct tarn_quick *q)
{
    filled_list(q)->room++;
}

static void
list_leads_out(struct tarn_quick *q)
{
    filled_list(q)->top = tn_link_to(q, memory + 3 * HEAP);
}

static void
list_of_others(struct tarn_quick *q)
{
    filled_list(q)->top = tn_link_to(q, tn_payload(used_block(8)));
}

static void
list_of_used(struct tarn_quick *q)
{
    struct tn_list *list = filled_list(q);
    struct tn_block *block = tn_before(tn_at(q, list->top), TN_WORD);
    int i;

    for (i = 1; i < OBJECTS; i++) {
        if (i % 3 != 0 && (used_block(i)->head & ~TN_FLAGS) == (block->head & ~TN_FLAGS)) {
            list->top = tn_link_to(q, object[i]);
        }
    }
    assert_true(tn_link_to(q, tn_payload(block)) != list->top);
}

static void
region_list(struct tarn_quick *q)
{
    struct tn_region *second = tn_quick_next_region(q, &q->first);

    second->prev += 8;
}

static void
nil_head(struct tarn_quick *q)
{
    q->nil.head = 64;
}

static void
nil_next(struct tarn_quick *q)
{
    q->nil.next += 8;
}

static void
count(struct tarn_quick *q)
{
    q->peak += 8;
}

static void
below_peak(struct tarn_quick *q)
{
    tn_word used = q->peak - q->below;

    q->peak = 0;
    q->below = (tn_word)0 - used;
}

struct damage {
    const char *message;
    void (*damage)(struct tarn_quick *q);
    unsigned options;
};

static const struct damage damages[] = {
    {"a block's size is not one a block can have", too_small, 0},
    {"a block's size is not one a block can have", no_multiple, TARN_QUICK_ALIGN16},
    {"a block reaches beyond its region", too_large, 0},
    {"a block's mark of a free block before it is wrong", mark_too_many, 0},
    {"a block's mark of a free block before it is wrong", mark_missing, 0},
    {"two free blocks touch", free_beside_free, 0},
    {"a free block's header carries a mark", marked_free, 0},
    {"a free block's tag is not its size", tag, 0},
    {"free memory was written to", written_to, TARN_QUICK_CHECKED},
    {"a region's closing header is damaged", closing, 0},
    {"the map disagrees with a bin", map_lacks_bin, 0},
    {"the map disagrees with a bin", map_has_empty_bin, 0},
    {"a bin leads out of the regions", bin_leads_out, 0},
    {"a bin leads out of the regions", bin_leads_between, 0},
    {"a bin holds a block in use", bin_leads_to_used, 0},
    {"a bin's links disagree", links, 0},
    {"a block is in the wrong bin", wrong_bin, 0},
    {"the bins hold more blocks than there are", phantom, 0},
    {"the map knows more bins than there are", map_above, 0},
    {"the map knows more bins than there are", map_below, 0},
    {"a free block is in no bin", lost_free, 0},
    {"a quick block is on no list", no_lists, 0},
    {"a quick block is on no list", lost_quick, 0},
    {"the quick lists are not in a region", lists_outside, 0},
    {"a quick list's count is wrong", room_too_much, 0},
    {"a quick list's count is wrong", room_negative, 0},
    {"a quick list's count is wrong", room_one_less, 0},
    {"a quick list's count is wrong", room_one_more, 0},
    {"a quick list leads out of the regions", list_leads_out, 0},
    {"a quick list holds another block", list_of_others, 0},
    {"a quick list holds another block", list_of_used, 0},
    {"the list of regions is damaged", region_list, 0},
    {"the end of the lists is damaged", nil_head, 0},
    {"the end of the lists is damaged", nil_next, 0},
    {"the count of bytes in use is wrong", count, 0},
    {"the count of bytes in use is wrong", below_peak, 0},
};

static void
each_sentence(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct tarn_quick *q = populated(damages[i].options);
        const void *where = NULL;
        const char *broken;

        damages[i].damage(q);
        broken = tarn_quick_check(q, &where);
        if (broken == NULL || strcmp(broken, damages[i].message) != 0) {
            fail_msg("\"%s\" instead of \"%s\" (%zu)", broken == NULL ? "nothing" : broken,
                     damages[i].message, i);
        }
        assert_non_null(where);
        memcpy(memory, whole, sizeof whole);
        assert_null(tarn_quick_check(q, &where));
        assert_null(where);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
