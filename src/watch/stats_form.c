/* tarn/stats.h's figures as JSON and in Prometheus's text format. */
#include "tarn/stats.h"

#include "base/text.h"
#include "watch/out.h"

#include <stdbool.h>
#include <stddef.h>

#define LINE_MOST 192u

static const struct figure {
    const char *name;
    const char *meaning;
    size_t place;
} figures[] = {
#define FIGURE(name, meaning)                                                                      \
    {                                                                                              \
#        name, meaning, offsetof(struct tarn_stats, name)                                          \
    }
    FIGURE(live_bytes, "in blocks that the program holds"),
    FIGURE(live_blocks, "blocks that the program holds"),
    FIGURE(large_bytes, "live, in blocks of more than 64 KiB"),
    FIGURE(large_blocks, "live blocks of more than 64 KiB"),
    FIGURE(slab_free_bytes, "in slabs, but in no live block"),
    FIGURE(cached_bytes, "free slices that threads keep"),
    FIGURE(dirty_bytes, "free slices that still have memory"),
    FIGURE(clean_bytes, "free slices without memory"),
    FIGURE(own_bytes, "the allocator's own"),
    FIGURE(committed_bytes, "made usable by the system"),
    FIGURE(reserved_bytes, "address space"),
    FIGURE(space_count, "reserved ranges"),
    FIGURE(threads, "threads that have a cache"),
    FIGURE(free_runs_count, "pieces that the free slices are in"),
    FIGURE(resident_bytes, "in memory, of the whole process"),
    FIGURE(purged_bytes, "given back to the system so far, by all heaps"),
#undef FIGURE
};

#define FIGURES (sizeof figures / sizeof *figures)

struct writer {
    void (*print)(void *context, const char *line);
    void *context;
};

static size_t
value(const struct tarn_stats *stats, const struct figure *figure)
{
    return *(const size_t *)(const void *)((const char *)stats + figure->place);
}

static void put(const struct writer *writer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
put(const struct writer *writer, const char *format, ...)
{
    char line[LINE_MOST];
    va_list arguments;
    va_start(arguments, format);
    tn_text_list(line, sizeof line, format, arguments);
    va_end(arguments);
    writer->print(writer->context, line);
}

static void
write_json(const struct writer *writer, const struct tarn_stats *stats)
{
    bool first = true;
    put(writer, "{");
    for (size_t i = 0; i < FIGURES; i++) {
        put(writer, "  \"%s\": %zu,", figures[i].name, value(stats, &figures[i]));
    }
    put(writer, "  \"classes\": [");
    for (size_t i = 0; i < stats->class_count; i++) {
        const struct tarn_stats_class *class = &stats->classes[i];
        if (class->slabs != 0) {
            put(writer, "    %s{\"size\": %zu, \"live\": %zu, \"room\": %zu, \"slabs\": %zu}",
                first ? "" : ",", class->size, class->live, class->room, class->slabs);
            first = false;
        }
    }
    put(writer, "  ]");
    put(writer, "}");
}

static void
write_class_series(const struct writer *writer, const struct tarn_stats *stats, const char *name,
                   const char *meaning, size_t place)
{
    put(writer, "# HELP tarn_class_%s %s", name, meaning);
    put(writer, "# TYPE tarn_class_%s gauge", name);
    for (size_t i = 0; i < stats->class_count; i++) {
        const struct tarn_stats_class *class = &stats->classes[i];
        if (class->slabs != 0) {
            put(writer, "tarn_class_%s{size=\"%zu\"} %zu", name, class->size,
                *(const size_t *)(const void *)((const char *)class + place));
        }
    }
}

static void
write_prometheus(const struct writer *writer, const struct tarn_stats *stats)
{
    for (size_t i = 0; i < FIGURES; i++) {
        const struct figure *figure = &figures[i];
        bool counter = figure->place == offsetof(struct tarn_stats, purged_bytes);
        const char *end = counter ? "_total" : "";
        put(writer, "# HELP tarn_%s%s %s", figure->name, end, figure->meaning);
        put(writer, "# TYPE tarn_%s%s %s", figure->name, end, counter ? "counter" : "gauge");
        put(writer, "tarn_%s%s %zu", figure->name, end, value(stats, figure));
    }
    write_class_series(writer, stats, "live_blocks", "blocks that the program holds, by size",
                       offsetof(struct tarn_stats_class, live));
    write_class_series(writer, stats, "room_blocks", "blocks that there is place for, by size",
                       offsetof(struct tarn_stats_class, room));
    write_class_series(writer, stats, "slabs", "slabs, by the size of their blocks",
                       offsetof(struct tarn_stats_class, slabs));
}

void
tarn_stats_write(tarn_heap *heap, enum tarn_stats_form form,
                 void (*print)(void *context, const char *line), void *context)
{
    struct tn_out memory = {0}; /* a thread's stack may be of 16 KiB */
    struct tarn_stats *stats = tn_out_room(&memory, sizeof *stats);
    struct writer writer = {print, context};
    if (stats == NULL) {
        return;
    }
    stats->size = sizeof *stats;
    tarn_heap_stats(heap, stats);
    if (form == TARN_STATS_JSON) {
        write_json(&writer, stats);
    } else {
        write_prometheus(&writer, stats);
    }
    tn_out_drop(&memory);
}
