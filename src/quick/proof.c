/* Telling good from bad: which block an object is in, whether its header, check words and
 * neighbours are what they must be, and what the panic hook is told when they are not. */
#include "quick/proof.h"
#include "quick/index.h"
#include "quick/memory.h"
#include "quick/walk.h"

/* Words at the end of a block, those the heap's options ask for: size asked for and cookie, which
 * an overrun meets first, then the malloc tag and the realloc tag. Not aligned in narrow heaps. */
static void *
word_at(struct tarn_quick *q, const struct tn_block *block, unsigned which)
{
    size_t size = block->head & ~TN_FLAGS;

    if (!(q->flags & TARN_QUICK_CHECKED)) {
        which -= 2;
    }
    return (void *)((uintptr_t)block + size - tn_extra(q) + which * sizeof(uintptr_t));
}

uintptr_t
tn_quick_get_word(struct tarn_quick *q, const struct tn_block *block, unsigned which)
{
    uintptr_t word;

    memcpy(&word, word_at(q, block, which), sizeof word);
    return word;
}

void
tn_quick_set_word(struct tarn_quick *q, struct tn_block *block, unsigned which, uintptr_t word)
{
    memcpy(word_at(q, block, which), &word, sizeof word);
}

uintptr_t
tn_quick_cookie(const struct tn_block *block, size_t size)
{
    return ((uintptr_t)block ^ (uintptr_t)0x9e3779b9u) * 0x85ebca6bu ^ size ^
           (block->head & ~TN_FLAGS);
}

void
tn_quick_panic(struct tarn_quick *q, const char *function, const char *what, const void *object)
{
    struct tarn_quick_fault fault = {function, what, object, 0, 0};

    if (q->hooks == NULL || q->hooks->panic == NULL) {
#if defined(__GNUC__)
        __builtin_trap();
#else
        *(volatile int *)0 = 0;
#endif
    }
    if (q->flags & TARN_QUICK_TAGS) {
        const char *ignored = NULL;
        size_t lead;
        struct tn_block *block = tn_quick_locate(q, object, &lead, &ignored);

        if (block != NULL) {
            fault.malloctag = tn_quick_get_word(q, block, TN_MALLOC_TAG);
            fault.realloctag = tn_quick_get_word(q, block, TN_REALLOC_TAG);
        }
    }
    q->hooks->panic(q->hooks->context, &fault);
}

const char tn_quick_implausible[] = "header damaged (overrun), or not an object's address";
const char tn_quick_damage_before[] = "block before it damaged (overrun or write after free)";
const char tn_quick_damage_behind[] = "block behind it damaged (overrun or write after free)";
const char tn_quick_damage_free[] = "free block damaged (write after free or overrun)";

int
tn_quick_is_plausible(const struct tarn_quick *q, const struct tn_block *block)
{
    return block->head >= TN_MIN && (block->head & ~TN_FLAGS) <= tn_end(q) - (uintptr_t)block;
}

struct tn_block *
tn_quick_locate(struct tarn_quick *q, const void *object, size_t *lead, const char **what)
{
    uintptr_t payload = (uintptr_t)object & (uintptr_t)(intptr_t)-8;
    struct tn_block *block = (struct tn_block *)(payload - TN_WORD);

    *lead = 0;
    if ((uintptr_t)object < q->low || (uintptr_t)object >= tn_end(q)) {
        *what = "not from this heap";
        return NULL;
    }
    if (payload != (uintptr_t)object || (block->head & (TN_USED | TN_ODD)) != TN_USED) {
        /* Perhaps one of mallocalign's that does not start its payload: the payload's first byte
         * then tells how far in the pointer is. */
        size_t granule = (size_t)(tn_word)(0 - q->mask);
        struct tn_block *odd =
            (struct tn_block *)(((uintptr_t)object & ~(uintptr_t)(granule - 1)) - TN_WORD);
        size_t in = (uintptr_t)object - (uintptr_t)tn_payload(odd);

        if (in == 0 || (odd->head & (TN_USED | TN_ODD)) != (TN_USED | TN_ODD) ||
            *(unsigned char *)tn_payload(odd) != (in << 3 | 7)) {
            *what = payload != (uintptr_t)object ? "not an object's address"
                                                 : "already free, or not an object's address";
            return NULL;
        }
        *lead = in;
        block = odd;
    }
    if (!tn_quick_is_plausible(q, block) ||
        tn_after(block, block->head & ~TN_FLAGS)->head & TN_PREV_FREE) {
        *what = tn_quick_implausible;
        return NULL;
    }
    if (q->flags & TARN_QUICK_CHECKED) {
        size_t size = tn_quick_get_word(q, block, TN_SIZE);

        if (tn_quick_get_word(q, block, TN_COOKIE) != tn_quick_cookie(block, size)) {
            *what = "check word damaged (overrun), or not an object's address";
            return NULL;
        }
    }
    return block;
}

int
tn_quick_is_free(struct tarn_quick *q, const struct tn_block *block)
{
    const tn_link self = tn_link_to(q, block);
    const struct tn_block *next;
    const struct tn_block *prev;

    if (!tn_quick_inside(q, block) || (block->head & TN_FLAGS) != 0 ||
        !tn_quick_is_plausible(q, block) || *tn_tag(block, block->head) != block->head) {
        return 0;
    }
    next = tn_at(q, block->next);
    prev = tn_at(q, block->prev);
    return (next == &q->nil || (tn_quick_inside(q, next) && next->prev == self)) &&
           (block->prev == tn_bin_link(q, tn_bin(block->head)) || tn_quick_inside(q, prev)) &&
           prev->next == self;
}

struct tn_block *
tn_quick_candidate(struct tarn_quick *q, tn_word size)
{
    size_t bin = tn_bin(size);
    struct tn_block *block = tn_at(q, *tn_bin_head(q, bin));
    tn_word above = tn_map_above(q->map, bin);

    if (block->head < size) {
        block = above == 0 ? NULL : tn_at(q, *tn_bin_head(q, tn_low_bit(above)));
    }
    return block;
}

const char *
tn_quick_damage_near(const struct tn_block *block)
{
    const struct tn_block *next = tn_after(block, block->head & ~TN_FLAGS);

    if (next->head & TN_PREV_FREE) {
        return tn_quick_implausible;
    }
    if (!(next->head & TN_USED) && *tn_tag(next, next->head) != next->head) {
        return tn_quick_damage_behind;
    }
    return tn_quick_damage_before;
}

int
tn_quick_all(const void *from, const void *to, unsigned char byte)
{
    const unsigned char *at = (const unsigned char *)from;
    const size_t size = (uintptr_t)to - (uintptr_t)from;

    /* The first is, and each is like the one before it. */
    return from >= to || (*at == byte && memcmp(at, at + 1, size - 1) == 0);
}

const char *
tn_quick_overrun(struct tarn_quick *q, struct tn_block *block, const void *object, size_t lead)
{
    size_t size = tn_quick_get_word(q, block, TN_SIZE);
    const char *end = (const char *)object + tn_quick_room(q, block, lead);

    return tn_quick_all((const char *)object + size, end, TN_CLEAN) ? NULL
                                                                    : "written beyond its end";
}

size_t
tn_quick_room(struct tarn_quick *q, const struct tn_block *block, size_t lead)
{
    return (block->head & ~TN_FLAGS) - TN_WORD - tn_extra(q) - lead;
}
