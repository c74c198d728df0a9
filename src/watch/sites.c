#include "watch/sites.h"

#include "base/bits.h"
#include "base/random.h"
#include "os/os.h"

#include <string.h>

#define CHUNK       TN_MIB /* of memory for sites */
#define TABLE_FIRST ((size_t)4096)
#define UNIT        1024.0

/* Hash tables with open addressing, a power of two of entries, at most half of them in use. */
static struct tn_sample *samples;
static size_t sample_room;
static size_t sample_count;
static struct tn_site **sites;
static size_t site_room;
static size_t site_count;

struct tn_site *tn_first_site;
static struct tn_site **last_link = &tn_first_site;
static uint64_t lost;

struct chunk {
    struct chunk *next;
    size_t used;
};

static struct chunk *chunks;

static void *
get_memory(size_t size)
{
    size = tn_align_up(size, tn_os_page_size());
    void *memory = tn_os_reserve(size, tn_os_page_size());
    if (memory != NULL && !tn_os_commit(memory, size)) {
        tn_os_release(memory, size);
        memory = NULL;
    }
    return memory;
}

static void
drop_memory(void *memory, size_t size)
{
    if (memory != NULL) {
        tn_os_release(memory, tn_align_up(size, tn_os_page_size()));
    }
}

static struct tn_site *
site_memory(size_t size)
{
    if (chunks == NULL || CHUNK - chunks->used < size) {
        struct chunk *chunk = get_memory(CHUNK);
        if (chunk == NULL) {
            return NULL;
        }
        chunk->next = chunks;
        chunk->used = sizeof *chunk;
        chunks = chunk;
    }
    char *memory = (char *)chunks + chunks->used;
    chunks->used += size;
    return (struct tn_site *)memory;
}

static size_t
slot_of_site(uint64_t hash)
{
    return hash & (site_room - 1);
}

static bool
grow_sites(void)
{
    size_t room = site_room != 0 ? site_room * 2 : TABLE_FIRST;
    struct tn_site **table = get_memory(room * sizeof *table);
    if (table == NULL) {
        return false;
    }
    drop_memory(sites, site_room * sizeof *sites);
    sites = table;
    site_room = room;
    for (struct tn_site *site = tn_first_site; site != NULL; site = site->next) {
        size_t slot = slot_of_site(site->hash);
        while (sites[slot] != NULL) {
            slot = (slot + 1) & (room - 1);
        }
        sites[slot] = site;
    }
    return true;
}

static uint64_t
hash_frames(void *const *frames, unsigned depth)
{
    uint64_t hash = depth;
    for (unsigned i = 0; i < depth; i++) {
        hash = tn_mix(hash ^ (uintptr_t)frames[i]);
    }
    return hash;
}

static struct tn_site *
find_site(void *const *frames, unsigned depth)
{
    if (site_count * 2 >= site_room && !grow_sites()) {
        return NULL;
    }
    uint64_t hash = hash_frames(frames, depth);
    size_t bytes = depth * sizeof *frames;
    size_t slot = slot_of_site(hash);
    for (; sites[slot] != NULL; slot = (slot + 1) & (site_room - 1)) {
        struct tn_site *site = sites[slot];
        if (site->hash == hash && site->depth == depth &&
            memcmp(site->frames, frames, bytes) == 0) {
            return site;
        }
    }
    struct tn_site *site = site_memory(sizeof *site + bytes);
    if (site == NULL) {
        return NULL;
    }
    memset(site, 0, sizeof *site);
    site->hash = hash;
    site->depth = depth;
    memcpy(site->frames, frames, bytes);
    *last_link = site;
    last_link = &site->next;
    sites[slot] = site;
    site_count++;
    return site;
}

static size_t
slot_of_block(uintptr_t block)
{
    return tn_mix(block) & (sample_room - 1);
}

static bool
grow_samples(void)
{
    size_t room = sample_room != 0 ? sample_room * 2 : TABLE_FIRST;
    struct tn_sample *table = get_memory(room * sizeof *table);
    if (table == NULL) {
        return false;
    }
    struct tn_sample *old = samples;
    size_t old_room = sample_room;
    samples = table;
    sample_room = room;
    for (size_t i = 0; i < old_room; i++) {
        if (old[i].block != 0) {
            size_t slot = slot_of_block(old[i].block);
            while (samples[slot].block != 0) {
                slot = (slot + 1) & (room - 1);
            }
            samples[slot] = old[i];
        }
    }
    drop_memory(old, old_room * sizeof *old);
    return true;
}

static void
add(struct tn_tally *tally, const struct tn_sample *sample)
{
    tally->samples++;
    tally->sample_bytes += sample->size;
    tally->blocks += sample->weight;
    tally->bytes += sample->weight * sample->size;
}

static void
subtract(struct tn_tally *tally, const struct tn_sample *sample)
{
    tally->samples--;
    tally->sample_bytes -= sample->size;
    tally->blocks -= sample->weight;
    tally->bytes -= sample->weight * sample->size;
}

static uint64_t
weight_of(size_t size, size_t interval)
{
    if (interval <= 1) {
        return (uint64_t)UNIT;
    }
    return (uint64_t)(UNIT / tn_one_less_exp(((double)size + 1) / (double)interval) + 0.5);
}

uint64_t
tn_sites_record(void *block, size_t size, size_t interval, void *const *frames, unsigned depth)
{
    uint64_t weight = weight_of(size, interval);
    tn_sites_forget(block); /* one whose free was not seen */
    struct tn_site *site = find_site(frames, depth);
    if (site == NULL || (sample_count * 2 >= sample_room && !grow_samples())) {
        lost++;
        return weight * size / 1024;
    }
    struct tn_sample sample = {(uintptr_t)block, site, size, weight};
    size_t slot = slot_of_block(sample.block);
    while (samples[slot].block != 0) {
        slot = (slot + 1) & (sample_room - 1);
    }
    samples[slot] = sample;
    sample_count++;
    add(&site->allocated, &sample);
    add(&site->live, &sample);
    return weight * size / 1024;
}

/* What follows the slot moves up, so that no search ends early. */
static void
drop_sample(size_t slot)
{
    size_t mask = sample_room - 1;
    subtract(&samples[slot].site->live, &samples[slot]);
    sample_count--;
    for (size_t next = (slot + 1) & mask; samples[next].block != 0; next = (next + 1) & mask) {
        size_t home = slot_of_block(samples[next].block);
        if (((next - home) & mask) >= ((next - slot) & mask)) {
            samples[slot] = samples[next];
            slot = next;
        }
    }
    samples[slot].block = 0;
}

void
tn_sites_forget(void *block)
{
    if (sample_room == 0) {
        return;
    }
    size_t mask = sample_room - 1;
    size_t slot = slot_of_block((uintptr_t)block);
    while (samples[slot].block != (uintptr_t)block) {
        if (samples[slot].block == 0) {
            return;
        }
        slot = (slot + 1) & mask;
    }
    drop_sample(slot);
}

void
tn_sites_forget_all(const void *start, size_t size)
{
    for (size_t slot = 0; slot < sample_room;) {
        if (samples[slot].block != 0 && samples[slot].block - (uintptr_t)start < size) {
            drop_sample(slot); /* and looks at what came into its place */
        } else {
            slot++;
        }
    }
}

void
tn_sites_reset(void)
{
    drop_memory(samples, sample_room * sizeof *samples);
    drop_memory(sites, site_room * sizeof *sites);
    while (chunks != NULL) {
        struct chunk *next = chunks->next;
        drop_memory(chunks, CHUNK);
        chunks = next;
    }
    samples = NULL;
    sites = NULL;
    sample_room = sample_count = site_room = site_count = 0;
    tn_first_site = NULL;
    last_link = &tn_first_site;
    lost = 0;
}

const struct tn_site *
tn_sites_first(void)
{
    return tn_first_site;
}

size_t
tn_sites_count(void)
{
    return site_count;
}

uint64_t
tn_sites_lost(void)
{
    return lost;
}

const struct tn_sample *
tn_sites_samples(size_t *entries)
{
    *entries = sample_room;
    return samples;
}
