/* tarn_stats counts what is there: blocks by class, large blocks, other threads' and dead threads'
 * blocks; its sums agree; it may be called while others allocate; old and new structs get what
 * they have room for. */
#include "expect.h"

#include <pthread.h>
#include <stdatomic.h>
#include <tarn/heap.h>
#include <tarn/stats.h>
#include <tarn/tarn.h>

enum {
    BLOCKS = 20000,
    THREADS = 3,
    LOOKS = 2000,
    MIB = 1 << 20
};

static void *blocks[BLOCKS];
static atomic_bool stop;

static struct tarn_stats
look(void)
{
    struct tarn_stats stats = {.size = sizeof stats};
    EXPECT(tarn_stats(&stats) == sizeof stats);
    EXPECT(stats.size == sizeof stats);
    return stats;
}

static const struct tarn_stats_class *
class_of(const struct tarn_stats *stats, size_t size)
{
    size_t good = tarn_good_size(size);
    for (size_t i = 0; i < stats->class_count; i++) {
        if (stats->classes[i].size == good) {
            return &stats->classes[i];
        }
    }
    EXPECT(!"a class for the size");
    return NULL;
}

static size_t
live_of(size_t size)
{
    struct tarn_stats stats = look();
    return class_of(&stats, size)->live;
}

static void
sums_agree(void)
{
    struct tarn_stats s = look();
    size_t bytes = s.large_bytes;
    size_t count = s.large_blocks;
    for (size_t i = 0; i < s.class_count; i++) {
        EXPECT(s.classes[i].live <= s.classes[i].room);
        bytes += s.classes[i].live * s.classes[i].size;
        count += s.classes[i].live;
    }
    EXPECT(bytes == s.live_bytes && count == s.live_blocks);
    EXPECT(s.committed_bytes == s.live_bytes + s.slab_free_bytes + s.cached_bytes + s.dirty_bytes +
                                    s.clean_bytes + s.own_bytes);
    EXPECT(s.committed_bytes <= s.reserved_bytes && s.space_count >= 1 && s.threads >= 1);
}

static void
fill(size_t size)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = tarn_malloc(size);
        EXPECT(blocks[i] != NULL);
    }
}

static void
empty(size_t from)
{
    for (size_t i = from; i < BLOCKS; i++) {
        tarn_free(blocks[i]);
    }
}

static void *
fill_there(void *size)
{
    fill(*(size_t *)size);
    return NULL;
}

static void *
empty_there(void *unused)
{
    empty(0);
    return unused;
}

static void
run(void *(*function)(void *), void *argument)
{
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, function, argument) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
}

/* Exact to the block, whoever allocates and frees. */
static void
exact(size_t size)
{
    size_t before = live_of(size);
    fill(size);
    EXPECT(live_of(size) == before + BLOCKS);
    sums_agree();
    empty(BLOCKS / 3);
    EXPECT(live_of(size) == before + BLOCKS / 3);
    for (size_t i = 0; i < BLOCKS / 3; i++) {
        tarn_free(blocks[i]);
    }
    EXPECT(live_of(size) == before);
    sums_agree();

    run(fill_there, &size);
    EXPECT(live_of(size) == before + BLOCKS);
    empty(0);
    EXPECT(live_of(size) == before);
    fill(size);
    run(empty_there, NULL);
    EXPECT(live_of(size) == before);
    sums_agree();
}

static void
large(void)
{
    struct tarn_stats before = look();
    void *one = tarn_malloc(3 * MIB);
    void *two = tarn_aligned_alloc_at(4096, 100000, 24);
    struct tarn_stats with = look();
    EXPECT(with.large_blocks == before.large_blocks + 2);
    EXPECT(with.large_bytes >= before.large_bytes + 3 * MIB + 100000);
    EXPECT(with.large_bytes <= before.large_bytes + 3 * MIB + 100000 + 131072);
    sums_agree();
    tarn_free(one);
    tarn_free(two);
    EXPECT(look().large_blocks == before.large_blocks);
    sums_agree();
    tarn_trim();
    EXPECT(look().dirty_bytes == 0);
    sums_agree();
}

static void *
churn(void *seed)
{
    uint64_t random = (uintptr_t)seed;
    void *held[200] = {NULL};
    while (!atomic_load(&stop)) {
        uint64_t r = next_random(&random);
        void **slot = &held[r % 200];
        tarn_free(*slot);
        *slot = tarn_malloc((r >> 8) % (r % 64 == 0 ? 200000 : 2000));
    }
    for (size_t i = 0; i < 200; i++) {
        tarn_free(held[i]);
    }
    return NULL;
}

/* While others allocate the figures are of some moment each, but never absurd. */
static void
meanwhile(void)
{
    pthread_t threads[THREADS];
    size_t before = look().live_bytes;
    for (uintptr_t i = 0; i < THREADS; i++) {
        EXPECT(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)) == 0);
    }
    for (int i = 0; i < LOOKS; i++) {
        struct tarn_stats s = look();
        EXPECT(s.live_bytes <= before + (size_t)200 * MIB);
        EXPECT(s.committed_bytes <= s.reserved_bytes);
        for (size_t class = 0; class < s.class_count; class ++) {
            EXPECT(s.classes[class].live <= s.classes[class].room);
        }
    }
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++) {
        EXPECT(pthread_join(threads[i], NULL) == 0);
    }
    EXPECT(look().live_bytes <= before + 4096);
    sums_agree();
}

static void
versions(void)
{
    struct {
        struct tarn_stats stats;
        size_t more[4];
    } later;
    void *held = tarn_malloc(1);
    memset(&later, 0xff, sizeof later);
    later.stats.size = sizeof later;
    EXPECT(tarn_stats(&later.stats) == sizeof later.stats);
    EXPECT(later.more[0] == 0 && later.more[3] == 0 && later.stats.live_bytes != 0);

    memset(&later, 0xff, sizeof later);
    later.stats.size = 3 * sizeof(size_t);
    EXPECT(tarn_stats(&later.stats) == sizeof later.stats);
    EXPECT(later.stats.live_bytes != SIZE_MAX && later.stats.live_blocks != SIZE_MAX);
    EXPECT(later.stats.large_bytes == SIZE_MAX);

    later.stats.size = 3;
    EXPECT(tarn_stats(&later.stats) == 0);
    tarn_free(held);
}

static void
count_line(void *context, const char *line)
{
    size_t *lines = context;
    EXPECT(strlen(line) < 100 && strchr(line, '\n') == NULL);
    if (*lines == 0) {
        EXPECT(strncmp(line, "tarn: the heap of process ", 26) == 0);
    }
    ++*lines;
}

/* Heaps of one's own, in memory of their own and in a buffer. */
static void
other_heaps(void)
{
    static _Alignas(65536) char buffer[16 * 65536];
    tarn_heap *heaps[] = {tarn_heap_new(), tarn_heap_new_in(buffer, sizeof buffer)};
    size_t before = look().live_blocks;
    for (size_t i = 0; i < 2; i++) {
        struct tarn_stats stats = {.size = sizeof stats};
        EXPECT(heaps[i] != NULL);
        for (int j = 0; j < 100; j++) {
            EXPECT(tarn_heap_malloc(heaps[i], 1000) != NULL);
        }
        void *large = tarn_heap_malloc(heaps[i], 100000);
        EXPECT(tarn_heap_stats(heaps[i], &stats) == sizeof stats);
        EXPECT(stats.live_blocks == 101 && class_of(&stats, 1000)->live == 100);
        EXPECT(stats.large_blocks == 1 && stats.threads == 1);
        EXPECT(stats.committed_bytes == stats.live_bytes + stats.slab_free_bytes +
                                            stats.cached_bytes + stats.dirty_bytes +
                                            stats.clean_bytes + stats.own_bytes);
        tarn_heap_free(heaps[i], large);
        EXPECT(tarn_heap_stats(heaps[i], &stats) == sizeof stats && stats.live_blocks == 100);
    }
    EXPECT(look().live_blocks <= before + 2);
    tarn_heap_destroy(heaps[0]);
    tarn_heap_destroy(heaps[1]);
}

int
main(void)
{
    EXPECT(look().committed_bytes == 0 || look().threads == 1); /* before the first block, too */
    tarn_free(tarn_malloc(1));
    sums_agree();
    static const size_t sizes[] = {1, 8, 16, 24, 100, 1000, 1024, 1025, 5000, 8192};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        exact(sizes[i]);
    }
    exact(9000);
    exact(40000);
    large();
    other_heaps();
    meanwhile();
    versions();
    size_t lines = 0;
    tarn_summary(count_line, &lines);
    EXPECT(lines > 15 && lines < 50);
    return 0;
}
