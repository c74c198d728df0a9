/*
 * Known amounts at known places of heaps of one's own, images and pools, for profiles to be held
 * against. Arguments: an image's path, and where the profile goes at each of four stages:
 *   1  everything is there;
 *   2  half of each site's blocks are free, a third of them by another thread;
 *   3  the heap is destroyed, the image rolled back, the pool reset;
 *   4  the image was closed and opened again, and what is in it freed.
 * Prints "stage site blocks bytes" of what is live.
 */
#include "tarn/heap.h"
#include "tarn/persist.h"
#include "tarn/pool.h"
#include "tarn/profile.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SITE __attribute__((noinline))

enum {
    SITES = 7,
    MOST = 40000
};

struct site {
    const char *name;
    void *(*make)(size_t size);
    void (*drop)(void *block);
    size_t size;
    size_t count;
    void **blocks;
};

static tarn_heap *heap;
static tarn_heap *image;
static tarn_pool *pool;
static char **arguments;

#define MAKER(name, call)                                                                          \
    SITE static void *name(size_t size)                                                            \
    {                                                                                              \
        char *block = call;                                                                        \
        memset(block, 1, size);                                                                    \
        return block;                                                                              \
    }

MAKER(site_heap_small, tarn_heap_malloc(heap, size))
MAKER(site_heap_middle, tarn_heap_zalloc(heap, size))
MAKER(site_heap_large, tarn_heap_malloc(heap, size))
MAKER(site_heap_grown, tarn_heap_realloc(heap, tarn_heap_malloc(heap, size / 2), size))
MAKER(site_image_small, tarn_heap_malloc(image, size))
MAKER(site_image_large, tarn_heap_malloc(image, size))
MAKER(site_pool, tarn_pool_alloc(pool))

static void
free_in_heap(void *block)
{
    tarn_heap_free(heap, block);
}

static void
free_in_image(void *block)
{
    tarn_heap_free(image, block);
}

static void
free_in_pool(void *block)
{
    tarn_pool_free(pool, block);
}

static struct site sites[SITES] = {
    {"site_heap_small", site_heap_small, free_in_heap, 64, 30000, NULL},
    {"site_heap_middle", site_heap_middle, free_in_heap, 20000, 300, NULL},
    {"site_heap_large", site_heap_large, free_in_heap, 1 << 20, 12, NULL},
    {"site_heap_grown", site_heap_grown, free_in_heap, 3 << 20, 6, NULL},
    {"site_image_small", site_image_small, free_in_image, 200, 9000, NULL},
    {"site_image_large", site_image_large, free_in_image, 300000, 12, NULL},
    {"site_pool", site_pool, free_in_pool, 48, MOST, NULL},
};

/* What is live of a site now. */
static void
tell(int stage, const struct site *site, size_t blocks)
{
    printf("%d %s %zu %zu\n", stage, site->name, blocks, blocks * site->size);
}

static void
write_profile(int stage)
{
    int failed = tarn_profile_write(arguments[1 + stage], TARN_PROFILE_BY_NAME);
    if (failed != 0) {
        fprintf(stderr, "%s: %s\n", arguments[1 + stage], strerror(failed));
        exit(1);
    }
}

static void
drop_range(struct site *site, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        site->drop(site->blocks[i]);
    }
}

static void *
drop_third(void *unused)
{
    for (int s = 0; s < SITES; s++) {
        drop_range(&sites[s], 0, sites[s].count / 6);
    }
    return unused;
}

static void
hold(bool fact, const char *what)
{
    if (!fact) {
        fprintf(stderr, "%s (%s)\n", what, tarn_error());
        exit(1);
    }
}

static void
make_all(void)
{
    for (int s = 0; s < SITES; s++) {
        struct site *site = &sites[s];
        if (site->drop == free_in_image) { /* its blocks are found again from the image's root */
            site->blocks = tarn_heap_malloc(image, site->count * sizeof(void *));
            tarn_set_named_root(image, site->name, site->blocks, 0, 0);
        } else {
            site->blocks = calloc(site->count, sizeof(void *));
        }
        for (size_t i = 0; i < site->count; i++) {
            site->blocks[i] = site->make(site->size);
        }
    }
}

int
main(int argc, char **argv)
{
    arguments = argv;
    if (argc < 6) {
        return 2;
    }
    unlink(argv[1]);
    heap = tarn_heap_new();
    image = tarn_create(argv[1], &(tarn_options){.flags = TARN_PROCESS});
    hold(heap != NULL && image != NULL, "no heaps");
    pool = tarn_pool_new(
        48, &(struct tarn_pool_options){.flags = TARN_POOL_SHARED | TARN_POOL_PROFILE});
    make_all();
    write_profile(1);
    for (int s = 0; s < SITES; s++) {
        tell(1, &sites[s], sites[s].count);
    }
    hold(tarn_commit(image) == 0, "no commit");
    pthread_t other;
    pthread_create(&other, NULL, drop_third, NULL);
    pthread_join(other, NULL);
    for (int s = 0; s < SITES; s++) {
        drop_range(&sites[s], sites[s].count / 6, sites[s].count / 2);
        tell(2, &sites[s], sites[s].count - sites[s].count / 2);
    }
    write_profile(2);
    hold(tarn_heap_check(heap) == NULL && tarn_heap_check(image) == NULL, "a heap is damaged");
    tarn_heap_destroy(heap);
    hold(tarn_rollback(image) == 0, "no rollback");
    tarn_pool_reset(pool);
    write_profile(3);
    void *after = site_image_small(200);
    drop_range(&sites[4], 0, 1000); /* live again, and no samples any more */
    hold(tarn_heap_check(image) == NULL, "the image is damaged after its rollback");
    tarn_heap_free(image, after);
    hold(tarn_close(image) == 0, "not closed");
    hold(tarn_check(argv[1], NULL, NULL) == 0, "the file is damaged");
    image = tarn_open(argv[1], NULL);
    hold(image != NULL, "not opened");
    for (int s = 4; s < 6; s++) {
        sites[s].blocks = tarn_named_root(image, sites[s].name, 0, 0);
        drop_range(&sites[s], s == 4 ? 1000 : 0, sites[s].count);
    }
    write_profile(4);
    hold(tarn_heap_check(image) == NULL, "the image is damaged after its reopening");
    hold(tarn_close(image) == 0, "not closed again");
    for (int stage = 3; stage < 5; stage++) {
        for (int s = 0; s < SITES; s++) {
            tell(stage, &sites[s], 0);
        }
    }
    tarn_pool_destroy(pool);
    return 0;
}
