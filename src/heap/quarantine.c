/*
 * What was freed under TARN_CHECK, kept so that what is written to it, or frees it again, is found,
 * and so that an address is not soon another block's. First in, first out, bounded in number and
 * bytes.
 */
#include "heap/checked.h"

#define MOST       4096u
#define MOST_BYTES ((size_t)16 << 20)
#define AT_ONCE    8u /* how many leave for one that comes */

struct kept {
    void *block; /* the user's pointer */
    size_t size;
};

static struct tn_lock lock = {.rank = TN_RANK_CHECKED};
static struct kept ring[MOST];
static uint32_t first;
static uint32_t count;
static size_t bytes;

/* Under the lock. */
static void *
take_first(void)
{
    struct kept *kept = &ring[first];
    first = (first + 1) % MOST;
    count--;
    bytes -= kept->size;
    return kept->block;
}

void
tn_quarantine_put(void *p, size_t size, const char *call)
{
    void *leaving[AT_ONCE];
    unsigned left = 0;
    tn_lock(&lock);
    while (count > 0 && left < AT_ONCE && (count == MOST || bytes + size > MOST_BYTES)) {
        leaving[left++] = take_first();
    }
    ring[(first + count) % MOST] = (struct kept){p, size};
    count++;
    bytes += size;
    tn_unlock(&lock);
    for (unsigned i = 0; i < left; i++) {
        tn_checked_release(leaving[i], call);
    }
}

bool
tn_quarantine_empty(const char *call)
{
    for (unsigned released = 0;; released++) {
        tn_lock(&lock);
        void *leaving = count > 0 ? take_first() : NULL;
        tn_unlock(&lock);
        if (leaving == NULL) {
            return released != 0;
        }
        tn_checked_release(leaving, call);
    }
}

void
tn_quarantine_inspect(void (*inspect)(void *p))
{
    tn_lock(&lock);
    for (uint32_t i = 0; i < count; i++) {
        inspect(ring[(first + i) % MOST].block);
    }
    tn_unlock(&lock);
}

void
tn_quarantine_forked(void)
{
    if (tn_lock_reset(&lock)) { /* what was in it stays out of use */
        first = 0;
        count = 0;
        bytes = 0;
    }
}
