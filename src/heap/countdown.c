#include "heap/countdown.h"

#include "base/random.h"

#define UNDRAWN   (-1)
#define WORTH_FEW 16u /* frees that are worth leaving the slow path for */

struct tn_sampling tn_sampling;

static bool
sampling(void)
{
    return atomic_load_explicit(&tn_sampling.on, memory_order_relaxed);
}

static size_t
mean(void)
{
    return atomic_load_explicit(&tn_sampling.interval, memory_order_relaxed);
}

void
tn_count_start(struct tn_cache *cache)
{
    __atomic_store_n(&cache->counted, true, __ATOMIC_RELEASE);
    for (unsigned class = 0; class < TN_OWNED; class ++) {
        tn_bin_direct(cache, class, false); /* an owner that changes an entry now opens it again */
    }
}

/* Units of size bytes before the next sample. */
static int64_t
draw(struct tn_cache *cache, size_t size)
{
    return mean() == 1
               ? 0
               : (int64_t)(tn_random_exponential(&cache->dice) * (double)mean() / (double)size);
}

static void
begin(struct tn_cache *cache)
{
    uint64_t start = atomic_load(&tn_sampling.starts);
    cache->counted_since = start;
    cache->dice = tn_mix((uintptr_t)cache ^ (start << 48) ^ tn_os_random());
    cache->until_sample = draw(cache, 1);
    for (unsigned class = 0; class < TN_OWNED; class ++) {
        cache->bin[class].until = UNDRAWN;
        cache->bin[class].allowed = 0;
        tn_bin_direct(cache, class, false);
    }
}

static void
end(struct tn_cache *cache)
{
    cache->counted = false;
    for (unsigned class = 0; class < TN_OWNED; class ++) {
        cache->bin[class].allowed = 0;
        tn_bin_direct(cache, class, true);
    }
}

/* False: nobody samples any more, and the cache is not counted from now on. */
static bool
ready(struct tn_cache *cache)
{
    if (TN_UNLIKELY(!sampling())) {
        end(cache);
        return false;
    }
    if (TN_UNLIKELY(!tn_count_stands(cache))) {
        begin(cache);
    }
    return true;
}

static unsigned
list_length(const struct tn_slab *slab)
{
    unsigned length = 0;
    TN_LOOK_AWAY;
    uintptr_t at = slab->head;
    while (at != tn_slab_none(slab) && length < tn_class_of_slab(slab)->capacity &&
           (at ^ slab->head) >> TN_SLICE_SHIFT == 0) { /* not where a link was written over */
        at = tn_slab_link(slab, *(const uintptr_t *)at);
        length++;
    }
    return length;
}

/* What was given out without being counted, now that so many blocks are listed. */
static void
reckon(struct tn_bin *bin, unsigned listed)
{
    if (bin->allowed != 0) {
        unsigned freed = (unsigned)bin->allowed - bin->current->left;
        bin->until -= (int64_t)bin->listed + freed - listed;
        bin->allowed = 0;
    }
}

/* From here on without counting, or block by block. */
static void
go_on(struct tn_cache *cache, unsigned class, unsigned listed)
{
    struct tn_bin *bin = &cache->bin[class];
    if (bin->until == UNDRAWN) {
        bin->until = draw(cache, tn_classes[class].size + 1u);
    }
    int64_t spare = bin->until - listed;
    bool open = spare >= (int64_t)(WORTH_FEW + listed / 2) && /* a look walks the list */
                bin->current != &tn_empty_slab;
    if (open) {
        bin->listed = (uint16_t)listed;
        bin->allowed = (uint16_t)(spare < TN_LEFT_CURRENT ? spare : TN_LEFT_CURRENT);
        bin->current->left = bin->allowed;
    }
    tn_bin_direct(cache, class, open);
}

void
tn_count_refilled(struct tn_cache *cache, unsigned class, unsigned listed)
{
    if (ready(cache)) {
        go_on(cache, class, listed - 1);
    }
}

void
tn_count_look(struct tn_cache *cache, unsigned class)
{
    struct tn_bin *bin = &cache->bin[class];
    unsigned listed = list_length(bin->current);
    reckon(bin, listed);
    bin->current->left = TN_LEFT_CURRENT;
    if (ready(cache)) {
        go_on(cache, class, listed);
    }
}

void
tn_count_pause(struct tn_cache *cache, unsigned class)
{
    struct tn_bin *bin = &cache->bin[class];
    reckon(bin, list_length(bin->current));
    tn_bin_direct(cache, class, false);
}

/* A block of the class becomes a sample as one of its class's bytes, and one more, would: smaller
 * ones must be fewer. */
static bool
is_drawn(struct tn_cache *cache, unsigned class, size_t size)
{
    double of_class = tn_one_less_exp((tn_classes[class].size + 1.0) / (double)mean());
    double of_size = tn_one_less_exp(((double)size + 1) / (double)mean());
    double chance = (double)(tn_random_next(&cache->dice) >> 11) * 0x1p-53;
    return chance * of_class < of_size;
}

bool
tn_count_block(struct tn_cache *cache, unsigned class, size_t size)
{
    struct tn_bin *bin = &cache->bin[class];
    if (!ready(cache) || (bin->allowed != 0 && tn_slab_has_free(bin->current))) {
        return false;
    }
    if (mean() == 1) {
        return true;
    }
    reckon(bin, 0);
    if (bin->until == UNDRAWN) {
        bin->until = draw(cache, tn_classes[class].size + 1u);
    }
    if (bin->until > 0) {
        bin->until--;
        return false;
    }
    bin->until = UNDRAWN;
    bool drawn = is_drawn(cache, class, size);
    unsigned listed = list_length(bin->current);
    if (drawn || listed != 0) { /* else the slab is about to be refilled */
        go_on(cache, class, drawn ? listed : listed - 1);
    }
    return drawn;
}

bool
tn_count_bytes(struct tn_cache *cache, size_t size)
{
    if (!ready(cache)) {
        return false;
    }
    cache->until_sample -= (int64_t)size + 1;
    if (cache->until_sample >= 0) {
        return false;
    }
    cache->until_sample = draw(cache, 1);
    return true;
}
