/*
 * Under TARN_CHECK a block of no bytes is an address that nobody may access, another one for each,
 * and given again only after all others: a bit says which are out.
 */
#include "heap/checked.h"

#include "heap/misuse.h"

#define STEP  ((size_t)16)
#define COUNT ((size_t)1 << 20)
#define WORDS (COUNT / 64)

static struct tn_lock lock = {.rank = TN_RANK_CHECKED};
static _Atomic(char *) addresses;
static uint64_t *out; /* one bit each */
static size_t next_word;
static bool none; /* the system has no room for them */

/* Under the lock. */
static bool
start(void)
{
    size_t bytes = WORDS * sizeof *out;
    char *range = none ? NULL : tn_os_reserve(COUNT * STEP + bytes, TN_SLICE);
    if (range == NULL || !tn_os_commit(range + COUNT * STEP, bytes)) {
        if (range != NULL) {
            tn_os_release(range, COUNT * STEP + bytes);
        }
        none = true;
        return false;
    }
    out = (uint64_t *)(range + COUNT * STEP);
    atomic_store_explicit(&addresses, range, memory_order_release);
    return true;
}

void *
tn_nothing_take(void)
{
    void *found = NULL;
    tn_lock(&lock);
    if (atomic_load_explicit(&addresses, memory_order_relaxed) != NULL || start()) {
        for (size_t tried = 0; tried <= WORDS && found == NULL; tried++) {
            uint64_t free = ~out[next_word];
            if (free != 0) {
                size_t i = next_word * 64 + tn_lowest_bit(free);
                out[next_word] |= (uint64_t)1 << i % 64;
                found = addresses + i * STEP;
            }
            /* One of each word in turn: an address comes back late. */
            next_word = (next_word + 1) % WORDS;
        }
    }
    tn_unlock(&lock);
    return found;
}

bool
tn_nothing_has(const void *p)
{
    const char *range = atomic_load_explicit(&addresses, memory_order_acquire);
    return range != NULL && (uintptr_t)p - (uintptr_t)range < COUNT * STEP;
}

static bool
is_out(const void *p, size_t *index)
{
    size_t offset = (size_t)((const char *)p - addresses);
    *index = offset / STEP;
    return (out[*index / 64] >> *index % 64 & 1) != 0;
}

void
tn_nothing_check(const void *p, const char *call)
{
    size_t i;
    tn_lock(&lock);
    bool there = is_out(p, &i);
    tn_unlock(&lock);
    if (((uintptr_t)p & (STEP - 1)) != 0) {
        tn_die_inside(p, addresses + i * STEP, 0, call);
    }
    if (!there) {
        tn_die_already_free(p, NULL, call);
    }
}

void
tn_nothing_give(const void *p, const char *call)
{
    size_t i;
    tn_nothing_check(p, call);
    tn_lock(&lock);
    is_out(p, &i);
    out[i / 64] &= ~((uint64_t)1 << i % 64);
    tn_unlock(&lock);
}

void
tn_nothing_forked(void)
{
    tn_lock_reset(&lock); /* one word at most was being written */
}
