/* Blocks of 8 to 64 KiB that are samples, in slices of their own, count in tarn_stats as what they
 * are; and an interval without end samples nothing.
 * Usage: sampled_figures FILE.heap */
#include "expect.h"

#include <tarn/profile.h>
#include <tarn/stats.h>
#include <tarn/tarn.h>

enum {
    BLOCKS = 1000,
    SIZE = 10000
};

static void *blocks[BLOCKS];

static const struct tarn_stats_class *
look(struct tarn_stats *stats)
{
    size_t bytes = 0;
    size_t count = 0;
    const struct tarn_stats_class *class = NULL;
    stats->size = sizeof *stats;
    EXPECT(tarn_stats(stats) == sizeof *stats);
    for (size_t i = 0; i < stats->class_count; i++) {
        bytes += stats->classes[i].live * stats->classes[i].size;
        count += stats->classes[i].live;
        if (stats->classes[i].size == tarn_good_size(SIZE)) {
            class = &stats->classes[i];
        }
    }
    EXPECT(bytes + stats->large_bytes == stats->live_bytes);
    EXPECT(count + stats->large_blocks == stats->live_blocks);
    EXPECT(stats->committed_bytes == stats->live_bytes + stats->slab_free_bytes +
                                         stats->cached_bytes + stats->dirty_bytes +
                                         stats->clean_bytes + stats->own_bytes);
    EXPECT(class != NULL);
    return class;
}

static void
fill(void)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = opaque(tarn_malloc(SIZE));
        EXPECT(blocks[i] != NULL);
    }
}

static void
empty(void)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        tarn_free(blocks[i]);
    }
}

int
main(int argc, char **argv)
{
    static struct tarn_stats stats;
    EXPECT(argc == 2);
    EXPECT(tarn_profile_start(1));
    size_t before = look(&stats)->live;
    size_t large = stats.large_blocks;
    fill();
    EXPECT(look(&stats)->live == before + BLOCKS);
    EXPECT(stats.large_blocks == large);
    empty();
    EXPECT(look(&stats)->live == before);

    char line[128] = "";
    EXPECT(tarn_profile_start(SIZE_MAX));
    fill();
    EXPECT(tarn_profile_write(argv[1], TARN_PROFILE_HEAP) == 0);
    FILE *file = fopen(argv[1], "r");
    EXPECT(file != NULL && fgets(line, sizeof line, file) != NULL);
    fclose(file);
    unsigned long live = 1;
    EXPECT(sscanf(line, "heap profile: %lu:", &live) == 1 && live == 0);
    empty();
    return 0;
}
