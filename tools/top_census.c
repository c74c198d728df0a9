/*
 * The census of another process: its heap's descriptors are copied here, and counted by the same
 * code that counts our own. Slabs that threads allocate from at the moment keep no count: their
 * free lists are walked in a copy of their pages.
 */
#include "top_view.h"

#include "heap/slab_list.h"
#include "watch/census.h"
#include "watch/sites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CACHES_MOST = 4096
};

struct copy {
    struct tn_heap heap;
    struct tn_space spaces[TN_SPACES];
    struct tn_map *maps;
    struct tn_slab *tables[TN_SPACES];
    uint32_t space_count;
};

/* Blocks live in a slab that is being allocated from. Anything that makes no sense counts as live.
 */
static unsigned
count_current(struct top_target *target, const struct tn_space *space, size_t index,
              const struct tn_slab *slab)
{
    static unsigned char bytes[TN_SLICE];
    const struct tn_class *class = &tn_classes[slab->size_class];
    const char *base = space->base + (index << TN_SLICE_SHIFT);
    unsigned bare = tn_slab_bare_blocks(slab);
    unsigned free = 0;
    if (bare >= class->capacity || !top_read(target, base, bytes, TN_SLICE)) {
        return 0;
    }
    uintptr_t block = slab->head;
    while (free < class->capacity) {
        size_t offset = block - (uintptr_t)base;
        uintptr_t link;
        if (offset > TN_SLICE - sizeof link) { /* the end leads out of the slab */
            break;
        }
        free++;
        memcpy(&link, bytes + offset, sizeof link);
        block = link ^ slab->key;
    }
    return bare + free < class->capacity ? class->capacity - bare - free : 0;
}

static bool
copy_space(struct top_target *target, struct copy *copy, uint32_t i)
{
    struct tn_space *space = &copy->spaces[i];
    struct tn_map *map = &copy->maps[i];
    if (!top_read(target, copy->heap.spaces[i], space, sizeof *space) ||
        !top_read(target, space->map, map, sizeof *map)) {
        return false;
    }
    size_t count = map->frontier;
    if (count > map->slices || (size_t)map->slices << TN_SLICE_SHIFT != space->size) {
        snprintf(target->error, sizeof target->error, "process %d's heap makes no sense",
                 (int)target->pid);
        return false;
    }
    struct tn_slab *table = malloc((count + 1) * sizeof *table);
    copy->tables[i] = table;
    if (table == NULL || !top_read(target, space->slabs + map->first, table + map->first,
                                   (count - map->first) * sizeof *table)) {
        return false;
    }
    for (size_t k = map->first; k < count; k++) {
        struct tn_slab *slab = &table[k];
        if (tn_kind(slab) == TN_SLAB && slab->size_class < TN_OWNED &&
            (slab->flags & TN_CURRENT) != 0) {
            slab->floor = 0;
            slab->left = (uint16_t)count_current(target, space, k, slab);
            slab->flags &= (uint8_t)~TN_CURRENT;
        }
    }
    space->slabs = table;
    space->map = map;
    space->heap = &copy->heap;
    space->lock = (struct tn_lock){.rank = TN_RANK_SPACE};
    return true;
}

static int
by_bytes(const void *a, const void *b)
{
    size_t one = ((const struct top_thread *)a)->live_bytes;
    size_t other = ((const struct top_thread *)b)->live_bytes;
    return (one < other) - (one > other);
}

/* What each thread's slabs hold. */
static void
count_threads(const struct copy *copy, const struct tn_cache *caches, size_t count,
              struct top_shot *shot)
{
    struct top_thread *threads = calloc(count + 1, sizeof *threads);
    for (size_t i = 0; threads != NULL && i < count; i++) {
        threads[i].id = caches[i].id;
        threads[i].kept_bytes = (size_t)caches[i].stock_count << TN_SLICE_SHIFT;
    }
    for (uint32_t s = 0; threads != NULL && s < copy->space_count; s++) {
        const struct tn_space *space = &copy->spaces[s];
        for (size_t k = space->map->first; k < space->map->frontier; k++) {
            const struct tn_slab *slab = &space->slabs[k];
            if (tn_kind(slab) != TN_SLAB || slab->size_class >= TN_OWNED) {
                continue;
            }
            uintptr_t owner = tn_slab_owner(slab);
            for (size_t i = 0; owner != 0 && i < count; i++) {
                if (threads[i].id == owner) {
                    threads[i].slabs++;
                    threads[i].live_bytes +=
                        ((size_t)slab->floor + slab->left) * tn_classes[slab->size_class].size;
                }
            }
        }
    }
    if (threads != NULL) {
        qsort(threads, count, sizeof *threads, by_bytes);
        shot->thread_count = count;
        memcpy(shot->threads, threads, tn_min(count, TOP_THREADS) * sizeof *threads);
    }
    free(threads);
}

static struct tn_cache *
copy_caches(struct top_target *target, struct tn_heap *heap, size_t *count)
{
    struct tn_cache *caches = NULL;
    *count = 0;
    const struct tn_cache *there = heap->caches;
    while (there != NULL && *count < CACHES_MOST) {
        struct tn_cache *more = realloc(caches, (*count + 1) * sizeof *caches);
        if (more == NULL || !top_read(target, there, &more[*count], sizeof *more)) {
            caches = more != NULL ? more : caches;
            break;
        }
        caches = more;
        there = caches[(*count)++].next;
    }
    for (size_t i = 0; i < *count; i++) {
        caches[i].next = i + 1 < *count ? &caches[i + 1] : NULL;
    }
    heap->caches = *count != 0 ? caches : NULL;
    return caches;
}

static int
by_live(const void *a, const void *b)
{
    double one = ((const struct top_site *)a)->live_bytes;
    double other = ((const struct top_site *)b)->live_bytes;
    return (one < other) - (one > other);
}

bool
top_first_site(struct top_target *target, const struct tn_site **at, size_t *interval)
{
    uint64_t started = 0;
    *at = NULL;
    return top_read(target, (const void *)(uintptr_t)target->view.profile_time, &started,
                    sizeof started) &&
           started != 0 && top_read(target, target->view.interval, interval, sizeof *interval) &&
           top_read(target, target->view.sites, at, sizeof *at);
}

/* A site may be half made: what it says of itself is bounded. */
bool
top_next_site(struct top_target *target, const struct tn_site **at, struct tn_site *site,
              void *frames[TOP_FRAMES])
{
    const struct tn_site *there = *at;
    if (there == NULL || !top_read(target, there, site, sizeof *site) || site->depth > TOP_FRAMES ||
        !top_read(target, there + 1, frames, site->depth * sizeof *frames)) {
        return false;
    }
    *at = site->next;
    return true;
}

static void
copy_sites(struct top_target *target, struct top_shot *shot)
{
    const struct tn_site *there;
    struct tn_site site;
    if (!top_first_site(target, &there, &shot->interval)) {
        return;
    }
    shot->sites = calloc(TOP_SITES, sizeof *shot->sites);
    while (shot->sites != NULL && shot->site_count < TOP_SITES) {
        struct top_site *own = &shot->sites[shot->site_count];
        if (!top_next_site(target, &there, &site, own->frames)) {
            break;
        }
        own->depth = site.depth;
        own->live_bytes = (double)site.live.bytes / 1024;
        own->live_blocks = (double)site.live.blocks / 1024;
        own->allocated_bytes = (double)site.allocated.bytes / 1024;
        own->allocated_blocks = (double)site.allocated.blocks / 1024;
        shot->site_count++;
    }
    if (shot->sites != NULL) {
        qsort(shot->sites, shot->site_count, sizeof *shot->sites, by_live);
    }
}

static size_t
resident_of(pid_t pid)
{
    char path[64];
    size_t pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        if (fscanf(file, "%*s %zu", &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

bool
top_take(struct top_target *target, struct top_shot *shot)
{
    struct copy *copy = calloc(1, sizeof *copy);
    struct tn_cache *caches = NULL;
    size_t cache_count = 0;
    bool done = false;
    *shot = (struct top_shot){.resident = resident_of(target->pid)};
    if (copy == NULL) {
        snprintf(target->error, sizeof target->error, "no memory");
        return false;
    }
    if (!top_read(target, target->view.heap, &copy->heap, sizeof copy->heap)) {
        goto end;
    }
    copy->space_count = (uint32_t)tn_min(copy->heap.space_count, TN_SPACES);
    copy->maps = aligned_alloc(64, TN_SPACES * sizeof *copy->maps);
    for (uint32_t i = 0; i < copy->space_count; i++) {
        if (copy->maps == NULL || !copy_space(target, copy, i)) {
            goto end;
        }
        copy->heap.spaces[i] = &copy->spaces[i];
    }
    copy->heap.lock = (struct tn_lock){.rank = TN_RANK_HEAP};
    caches = copy_caches(target, &copy->heap, &cache_count);
    tn_count_heap(&copy->heap, &shot->stats);
    shot->stats.size = sizeof shot->stats;
    count_threads(copy, caches, cache_count, shot);
    copy_sites(target, shot);
    done = true;
end:
    for (uint32_t i = 0; i < copy->space_count; i++) {
        free(copy->tables[i]);
    }
    free(copy->maps);
    free(caches);
    free(copy);
    return done;
}

void
top_drop(struct top_shot *shot)
{
    free(shot->sites);
    shot->sites = NULL;
}
