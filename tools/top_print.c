#include "top_view.h"

#include "json_text.h"
#include "terminal.h"

#include <stdio.h>

enum {
    SITES_SHOWN = 20,
    TEXT_MOST = 400
};

static void
amount(const char *name, size_t bytes)
{
    char room[TERMINAL_SIZE_ROOM];
    printf("%-22s %12s\n", name, terminal_size(room, (double)bytes));
}

void
top_print(struct top_target *target, const struct top_shot *shot)
{
    const struct tarn_stats *stats = &shot->stats;
    char room[TERMINAL_SIZE_ROOM];
    printf("process %d (%s), Tarn %s\n", (int)target->pid, target->name, target->view.version);
    amount("resident", shot->resident);
    amount("live", stats->live_bytes);
    printf("%-22s %12zu\n", "  blocks", stats->live_blocks);
    amount("  larger than 64 KiB", stats->large_bytes);
    amount("free in slabs", stats->slab_free_bytes);
    amount("kept by threads", stats->cached_bytes);
    amount("free, dirty", stats->dirty_bytes);
    amount("committed", stats->committed_bytes);
    printf("%-22s %12zu\n", "threads", shot->thread_count);
    printf("\n%10s %12s %12s %8s %12s\n", "size", "live", "room for", "slabs", "bytes");
    for (size_t i = 0; i < stats->class_count; i++) {
        const struct tarn_stats_class *class = &stats->classes[i];
        if (class->slabs != 0) {
            printf("%10zu %12zu %12zu %8zu %12s\n", class->size, class->live, class->room,
                   class->slabs, terminal_size(room, (double)(class->live * class->size)));
        }
    }
    if (shot->interval == 0) {
        return;
    }
    printf("\n%12s %10s  %s\n", "live", "blocks", "allocated at");
    for (size_t i = 0; i < shot->site_count && i < SITES_SHOWN; i++) {
        if (shot->sites[i].live_bytes <= 0) {
            break; /* they are in order */
        }
        char text[TEXT_MOST];
        top_describe(target, &shot->sites[i], text, sizeof text);
        printf("%12s %10.0f  %s\n", terminal_size(room, shot->sites[i].live_bytes),
               shot->sites[i].live_blocks, text);
    }
}

void
top_print_json(struct top_target *target, const struct top_shot *shot)
{
    const struct tarn_stats *stats = &shot->stats;
    printf("{\"pid\": %d, \"program\": ", (int)target->pid);
    json_string(stdout, target->name);
    printf(", \"version\": ");
    json_string(stdout, target->view.version);
    printf(",\n \"resident_bytes\": %zu, \"live_bytes\": %zu, \"live_blocks\": %zu, "
           "\"large_bytes\": %zu, \"large_blocks\": %zu,\n"
           " \"slab_free_bytes\": %zu, \"cached_bytes\": %zu, \"dirty_bytes\": %zu, "
           "\"clean_bytes\": %zu, \"own_bytes\": %zu,\n"
           " \"committed_bytes\": %zu, \"reserved_bytes\": %zu, \"threads\": %zu,\n \"classes\": [",
           shot->resident, stats->live_bytes, stats->live_blocks, stats->large_bytes,
           stats->large_blocks, stats->slab_free_bytes, stats->cached_bytes, stats->dirty_bytes,
           stats->clean_bytes, stats->own_bytes, stats->committed_bytes, stats->reserved_bytes,
           shot->thread_count);
    const char *comma = "";
    for (size_t i = 0; i < stats->class_count; i++) {
        const struct tarn_stats_class *class = &stats->classes[i];
        if (class->slabs != 0) {
            printf("%s\n  {\"size\": %zu, \"live\": %zu, \"room\": %zu, \"slabs\": %zu}", comma,
                   class->size, class->live, class->room, class->slabs);
            comma = ",";
        }
    }
    printf("],\n \"sample_interval\": %zu, \"sites\": [", shot->interval);
    comma = "";
    for (size_t i = 0; i < shot->site_count; i++) {
        const struct top_site *site = &shot->sites[i];
        char text[TEXT_MOST];
        top_describe(target, site, text, sizeof text);
        printf("%s\n  {\"live_bytes\": %.0f, \"live_blocks\": %.0f, \"allocated_bytes\": %.0f, "
               "\"allocated_blocks\": %.0f, \"stack\": ",
               comma, site->live_bytes, site->live_blocks, site->allocated_bytes,
               site->allocated_blocks);
        json_string(stdout, text);
        printf("}");
        comma = ",";
    }
    printf("]}\n");
}
