#include "watch/mallinfo.h"

#include "os/os.h"
#include "watch/census.h"
#include "watch/summary.h"

#include <errno.h>
#include <limits.h>

static size_t
free_blocks(const struct tarn_stats *stats)
{
    size_t count = 0;
    for (size_t i = 0; i < stats->class_count; i++) {
        count += stats->classes[i].room - stats->classes[i].live;
    }
    return count;
}

struct mallinfo2
mallinfo2(void)
{
    struct tarn_stats stats;
    tn_count_heap(&tn_process_heap, &stats);
    return (struct mallinfo2){
        .arena = stats.committed_bytes,
        .ordblks = stats.free_runs_count + free_blocks(&stats),
        .fsmblks = stats.cached_bytes,
        .uordblks = stats.live_bytes,
        .fordblks = stats.committed_bytes - tn_min(stats.live_bytes, stats.committed_bytes),
        .keepcost = stats.dirty_bytes,
    };
}

static int
as_int(size_t n)
{
    return n < INT_MAX ? (int)n : INT_MAX;
}

struct mallinfo
mallinfo(void)
{
    struct mallinfo2 wide = mallinfo2();
    return (struct mallinfo){
        .arena = as_int(wide.arena),
        .ordblks = as_int(wide.ordblks),
        .fsmblks = as_int(wide.fsmblks),
        .uordblks = as_int(wide.uordblks),
        .fordblks = as_int(wide.fordblks),
        .keepcost = as_int(wide.keepcost),
    };
}

/* What glibc says of "fast" chunks and of the others, together, is what the heap has of the system
 * and nobody uses. Its fast ones are those that caches keep; ours keep slices, whose number nobody
 * counts: they are among the rest. Memory given back is in neither, nor in the system's size. */
static size_t
free_bytes(const struct tarn_stats *stats)
{
    return stats->slab_free_bytes + stats->cached_bytes + stats->dirty_bytes;
}

/* glibc's closing lines of an arena, and of all together. */
static void
write_totals(FILE *stream, const struct tarn_stats *stats, size_t count, bool mapped)
{
    fprintf(stream,
            "<total type=\"fast\" count=\"0\" size=\"0\"/>\n"
            "<total type=\"rest\" count=\"%zu\" size=\"%zu\"/>\n",
            count, free_bytes(stats));
    if (mapped) {
        fprintf(stream, "<total type=\"mmap\" count=\"0\" size=\"0\"/>\n");
    }
    fprintf(stream,
            "<system type=\"current\" size=\"%zu\"/>\n"
            "<system type=\"max\" size=\"%zu\"/>\n"
            "<aspace type=\"total\" size=\"%zu\"/>\n"
            "<aspace type=\"mprotect\" size=\"%zu\"/>\n",
            stats->committed_bytes - tn_min(stats->clean_bytes, stats->committed_bytes),
            stats->committed_bytes, stats->reserved_bytes, stats->committed_bytes);
}

int
malloc_info(int options, FILE *stream)
{
    if (options != 0) {
        errno = EINVAL;
        return -1;
    }
    struct tarn_stats stats;
    tn_count_heap(&tn_process_heap, &stats); /* before writing, which may allocate */
    fprintf(stream, "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n");
    size_t from = 1;
    for (size_t i = 0; i < stats.class_count; i++) {
        const struct tarn_stats_class *class = &stats.classes[i];
        size_t count = class->room - class->live;
        if (count != 0) {
            fprintf(stream, "  <size from=\"%zu\" to=\"%zu\" total=\"%zu\" count=\"%zu\"/>\n", from,
                    class->size, count * class->size, count);
        }
        from = class->size + 1;
    }
    size_t loose = stats.dirty_bytes + stats.cached_bytes;
    size_t runs = loose != 0 ? tn_max(stats.free_runs_count, 1) : 0;
    if (runs != 0) {
        fprintf(stream, "  <unsorted from=\"%zu\" to=\"%zu\" total=\"%zu\" count=\"%zu\"/>\n",
                TN_SLICE, loose, loose, runs);
    }
    fprintf(stream, "</sizes>\n");
    size_t count = runs + free_blocks(&stats);
    write_totals(stream, &stats, count, false);
    fprintf(stream, "</heap>\n");
    write_totals(stream, &stats, count, true);
    fprintf(stream, "</malloc>\n");
    return ferror(stream) ? -1 : 0;
}

void
malloc_stats(void)
{
    tn_print_summary(tn_os_print);
}
