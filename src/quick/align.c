/* mallocalign: a block large enough for any placement is taken, and what lies before and behind
 * the object given back. */
#include "quick/align.h"
#include "quick/core.h"
#include "quick/product.h"

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

/* The first address from `from` on that satisfies the place; 0 when none of its candidates does. */
static uintptr_t
find_place(uintptr_t from, const struct tn_place *want)
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

size_t
tn_quick_plan(const struct tarn_quick *q, const struct tn_request *r, struct tn_place *place)
{
    size_t granule = (size_t)(tn_word)(0 - q->mask);
    size_t slack;
    size_t bytes;

    place->size = r->size;
    place->align = r->align;
    place->residue = 0;
    place->span = r->span;
    place->steps = 2;
    if (place->align == 0) {
        place->align = granule;
    } else if (r->offset >= 0) {
        place->residue = modulo((size_t)r->offset, place->align);
    } else {
        place->residue = modulo((size_t)0 - (size_t)r->offset, place->align);
        place->residue = place->residue == 0 ? 0 : place->align - place->residue;
    }
    if (place->residue == 0 && modulo(granule, place->align) == 0) {
        place->align = granule;
    }
    if (place->align >= TN_LIMIT / 4 || (place->span != 0 && place->size > place->span)) {
        return SIZE_MAX;
    }
    /* The place lies up to align - 1 from where the search starts; a crossing of a multiple of
     * span costs less than size, and then up to align again. */
    slack = TN_MIN + granule + place->align;
    if (place->span != 0) {
        slack += place->align;
        if (modulo(place->span, place->align) != 0 && modulo(place->align, place->span) != 0) {
            place->steps = 128;
            slack += 4 * (place->align < place->span ? place->align : place->span) + place->align;
        }
    }
    bytes = place->span != 0 ? tn_product(place->size, 2) : place->size;
    return slack >= TN_LIMIT || bytes >= TN_LIMIT - slack ? SIZE_MAX : bytes + slack;
}

struct tn_block *
tn_quick_place(struct tarn_quick *q, struct tn_block *block, const struct tn_place *want,
               size_t *lead, const char **what)
{
    uintptr_t granule = (uintptr_t)(tn_word)(0 - q->mask);
    uintptr_t payload = (uintptr_t)tn_payload(block);
    uintptr_t place = find_place(payload, want);
    size_t size = block->head & ~TN_FLAGS;
    uintptr_t saved;
    size_t gap;

    *lead = place & (granule - 1);
    gap = place - *lead - payload;
    if (place != 0 && gap != 0 && gap < TN_MIN) {
        /* What is left in front must be able to be a block. */
        place = find_place(payload + TN_MIN, want);
        *lead = place & (granule - 1);
        gap = place - *lead - payload;
    }
    saved = tn_quick_lock(q);
    if (place == 0 || gap > size || gap + tn_round(q, want->size + *lead) > size) {
        *what = tn_quick_give_clean(q, block);
        block = NULL;
    } else {
        if (gap != 0) {
            struct tn_block *front = block;

            block = tn_split(front, gap);
            *what = tn_quick_give_clean(q, front);
        }
        if (*what == NULL) {
            *what = tn_quick_trim(q, block, tn_round(q, want->size + *lead));
        }
        if (*lead != 0) {
            block->head |= TN_ODD;
            *(unsigned char *)tn_payload(block) = (unsigned char)(*lead << 3 | 7);
        }
    }
    tn_quick_unlock(q, saved);
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
