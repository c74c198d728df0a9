/* tarn/stats.h's figures. */
#include "tarn/stats.h"

#include "os/os.h"
#include "watch/census.h"

#include <string.h>

size_t
tarn_heap_stats(tarn_heap *heap, struct tarn_stats *stats)
{
    size_t size = stats->size;
    if (size < sizeof stats->size) {
        return 0;
    }
    struct tarn_stats own;
    tn_count_heap(heap, &own);
    own.size = sizeof own;
    tn_count_process(&own);
    memcpy(stats, &own, tn_min(size, sizeof own));
    if (size > sizeof own) {
        memset((char *)stats + sizeof own, 0, size - sizeof own);
    }
    return sizeof own;
}

size_t
tarn_stats(struct tarn_stats *stats)
{
    return tarn_heap_stats(&tn_process_heap, stats);
}
