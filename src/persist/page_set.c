#include "persist/page_set.h"

#include "base/bits.h"
#include "os/os.h"

#include <string.h>

bool
tn_page_set_init(struct tn_page_set *set, size_t pages)
{
    size_t page = tn_os_page_size();
    set->words = tn_align_up((pages + 63) / 64, 64 * 64);
    size_t bits = set->words * sizeof *set->bits;
    set->memory = tn_align_up(bits + bits / 64, page);
    set->count = 0;
    set->from = set->words;
    set->to = 0;
    set->bits = tn_os_reserve(set->memory, page);
    if (set->bits == NULL) {
        return false;
    }
    if (!tn_os_commit(set->bits, set->memory)) {
        tn_page_set_release(set);
        return false;
    }
    set->summary = set->bits + set->words;
    return true;
}

void
tn_page_set_release(struct tn_page_set *set)
{
    if (set->bits != NULL) {
        tn_os_release(set->bits, set->memory);
    }
    set->bits = NULL;
}

void
tn_page_set_clear(struct tn_page_set *set)
{
    if (set->from < set->to) {
        size_t last = (set->to - 1) / 64;
        for (size_t i = set->from / 64; i <= last && set->count != 0; i++) {
            if ((set->summary[i / 64] >> i % 64 & 1) != 0) {
                memset(set->bits + i * 64, 0, 64 * sizeof *set->bits);
            }
        }
        size_t first = set->from / 64 / 64;
        memset(set->summary + first, 0, (last / 64 + 1 - first) * sizeof *set->summary);
    }
    set->count = 0;
    set->from = set->words;
    set->to = 0;
}

/* The bits of word that belong to pages first to first + count - 1. */
static uint64_t
mask_in(size_t word, size_t first, size_t count)
{
    size_t from = tn_max(first, word * 64);
    size_t to = tn_min(first + count, word * 64 + 64);
    size_t n = to - from;
    uint64_t ones = n == 64 ? ~(uint64_t)0 : ((uint64_t)1 << n) - 1;
    return ones << (from - word * 64);
}

void
tn_page_set_add(struct tn_page_set *set, size_t first, size_t count)
{
    if (count == 0) {
        return;
    }
    set->from = tn_min(set->from, first / 64);
    set->to = tn_max(set->to, (first + count - 1) / 64 + 1);
    for (size_t word = first / 64; word <= (first + count - 1) / 64; word++) {
        uint64_t mask = mask_in(word, first, count) & ~set->bits[word];
        set->bits[word] |= mask;
        set->count += (size_t)__builtin_popcountll(mask);
        set->summary[word / 64 / 64] |= (uint64_t)1 << word / 64 % 64;
    }
}

void
tn_page_set_remove(struct tn_page_set *set, size_t first, size_t count)
{
    if (count == 0 || set->count == 0) {
        return;
    }
    size_t end = tn_min((first + count - 1) / 64 + 1, set->to);
    for (size_t word = tn_max(first / 64, set->from); word < end; word++) {
        uint64_t mask = mask_in(word, first, count);
        uint64_t bits = set->bits[word] & mask;
        if (bits != 0) {
            set->bits[word] &= ~mask;
            set->count -= (size_t)__builtin_popcountll(bits);
        }
    }
}

/* The first page at or after from that is in the set, or is not. words * 64: none. */
static size_t
find(const struct tn_page_set *set, size_t from, bool in)
{
    size_t word = from / 64;
    if (in && word < set->from) {
        word = set->from;
        from = word * 64;
    }
    if (word >= (in ? set->to : set->words)) {
        return set->words * 64;
    }
    uint64_t flip = in ? 0 : ~(uint64_t)0;
    uint64_t bits = (set->bits[word] ^ flip) & ~(uint64_t)0 << from % 64;
    while (bits == 0) {
        word++;
        while (in && word % 64 == 0 && word < set->to &&
               (set->summary[word / 64 / 64] >> word / 64 % 64 & 1) == 0) {
            word += 64;
        }
        if (word >= (in ? set->to : set->words)) {
            return set->words * 64;
        }
        bits = set->bits[word] ^ flip;
    }
    return word * 64 + tn_lowest_bit(bits);
}

size_t
tn_page_set_stretch(const struct tn_page_set *set, size_t first, size_t count, bool *in)
{
    *in = (set->bits[first / 64] >> first % 64 & 1) != 0;
    size_t end = count > 1 ? find(set, first + 1, !*in) : first + 1;
    return tn_min(end - first, count);
}

bool
tn_page_set_next(const struct tn_page_set *set, size_t *first, size_t *count)
{
    size_t start = set->count != 0 ? find(set, *first, true) : set->words * 64;
    if (start == set->words * 64) {
        return false;
    }
    *first = start;
    *count = find(set, start, false) - start;
    return true;
}
