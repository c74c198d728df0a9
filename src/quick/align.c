/* mallocalign: a block large enough for any placement is taken, and what lies before and behind
 * the object given back. */
#include "quick/align.h"
#include "quick/core.h"
#include "quick/proof.h"

/* x mod m, without a division the processor may not have; m is not 0. */
static size_t
modulo(size_t x, size_t m)
{
    size_t step = m;
    int bits = 0;

    if ((m & (m - 1)) == 0) {
        return x & (m - 1);
    }
    /* Long division: at most one step per bit of size_t, up and down. */
    while (step <= x / 2) {
        step *= 2;
        bits++;
    }
    for (; bits >= 0; bits--) {
        if (x >= step) {
            x -= step;
        }
        step /= 2;
    }
    return x;
}

/* The first address from `from` on that is `residue` modulo `align`. */
static uintptr_t
next_place(uintptr_t from, size_t align, size_t residue)
{
    size_t now = modulo(from, align);

    return from + (residue >= now ? residue - now : align - now + residue);
}

/* What tn_quick_take_aligned looks for. */
struct place {
    size_t size;
    size_t align; /* at least 1 */
    size_t residue;
    size_t span; /* 0: none */
    unsigned steps;
};

/* The first address from `from` on that satisfies the place; 0 when none of its candidates does. */
static uintptr_t
find_place(uintptr_t from, const struct place *want)
{
    uintptr_t place = next_place(from, want->align, want->residue);
    unsigned i;

    for (i = 0; i < want->steps && want->span != 0; i++) {
        size_t in = modulo(place, want->span);

        if (in + want->size <= want->span) {
            return place;
        }
        place = next_place(place + (want->span - in), want->align, want->residue);
    }
    return want->span == 0 ? place : 0;
}

struct tn_block *
tn_quick_take_deep(struct tarn_quick *q, tn_word size, const char **what)
{
    size_t bin = tn_bin(size);
    struct tn_block *block;
    unsigned i;

    if (bin - TN_FIRST_BIN >= TN_BINS(q->flags)) {
        return NULL;
    }
    block = tn_take(q, size, 0);
    if (block != NULL) {
        return block;
    }
    *what = tn_quick_damage_free(q, size);
    block = tn_at(q, *tn_bin_head(q, bin));
    for (i = 0; i < 32 && block != &q->nil && *what == NULL; i++) {
        if (block->head >= size) {
            /* Make it the first of its bin, where tn_take finds it. */
            tn_unlink(q, block, bin);
            tn_insert(q, block, block->head);
            return tn_take(q, size, 0);
        }
        block = tn_at(q, block->next);
    }
    return NULL;
}

struct tn_block *
tn_quick_take_aligned(struct tarn_quick *q, const struct tn_request *r, size_t *lead,
                      const char **what)
{
    size_t granule = (size_t)(tn_word)(0 - q->mask);
    struct place want = {r->size, r->align, 0, r->span, 2};
    struct tn_block *block;
    uintptr_t place;
    uintptr_t payload;
    size_t slack;
    tn_word size;
    tn_word gap;

    if (want.align == 0) {
        want.align = granule;
    } else if (r->offset >= 0) {
        want.residue = modulo((size_t)r->offset, want.align);
    } else {
        want.residue = modulo((size_t)0 - (size_t)r->offset, want.align);
        want.residue = want.residue == 0 ? 0 : want.align - want.residue;
    }
    want.align = modulo(granule, want.align) == 0 && want.residue == 0 ? granule : want.align;
    if (want.align >= TN_LIMIT / 4 || (want.span != 0 && want.size > want.span)) {
        return NULL;
    }
    /* The place lies up to align - 1 from where the search starts; a crossing of a multiple of
     * span costs less than size, and then up to align again. */
    slack = TN_MIN + granule + want.align;
    if (want.span != 0) {
        slack += want.size + want.align;
        if (modulo(want.span, want.align) != 0 && modulo(want.align, want.span) != 0) {
            want.steps = 128;
            slack += 4 * (want.align < want.span ? want.align : want.span) + want.align;
        }
    }
    if (want.size >= TN_LIMIT - slack) {
        return NULL;
    }
    block = tn_quick_take_deep(q, tn_round(q, want.size + slack), what);
    if (block == NULL) {
        return NULL;
    }
    payload = (uintptr_t)tn_payload(block);
    place = find_place(payload, &want);
    if (place != 0 && (place & ~(uintptr_t)(granule - 1)) != payload) {
        /* What is left in front must be able to be a block. */
        if ((place & ~(uintptr_t)(granule - 1)) - payload < TN_MIN) {
            place = find_place(payload + TN_MIN, &want);
        }
    }
    size = block->head & ~TN_FLAGS;
    *lead = place & (granule - 1);
    gap = (tn_word)(place - *lead - payload);
    if (place == 0 || place - payload > size ||
        (tn_word)(place - payload) + tn_round(q, want.size) > size) {
        *what = tn_quick_give_clean(q, block);
        return NULL;
    }
    if (gap != 0) {
        struct tn_block *front = block;

        block = tn_split(front, gap);
        *what = tn_quick_give_clean(q, front);
    }
    if (*what == NULL) {
        *what = tn_quick_trim(q, block, tn_round(q, want.size + *lead));
    }
    if (*lead != 0) {
        block->head |= TN_ODD;
        *(unsigned char *)tn_payload(block) = (unsigned char)(*lead << 3 | 7);
    }
    return *what == NULL ? block : NULL;
}

void *
tarn_quick_mallocalign(struct tarn_quick *q, size_t size, size_t align, long offset, size_t span)
{
    struct tn_request request = {"mallocalign", TN_CALLER, 0, 0, 0, 0, 1};

    request.size = size;
    request.align = align;
    request.offset = offset;
    request.span = span;
    return tn_quick_allocate(q, &request);
}
