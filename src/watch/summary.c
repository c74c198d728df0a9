/* A page of text about the process heap, without stdio: it is written at exit, too. What is large
 * is not on the stack: a thread's may be of 16 KiB. */
#include "watch/summary.h"
#include "base/text.h"
#include "os/os.h"
#include "tarn/stats.h"
#include "watch/census.h"
#include "watch/out.h"

#include <string.h>

#define WIDTH       100u
#define NAME_WIDTH  24u
#define CELL_WIDTH  12u
#define CLASS_LINES 24u

struct page {
    void (*print)(void *context, const char *line);
    void *context;
    char line[WIDTH];
    size_t length;
};

static void
start(struct page *page, const char *name)
{
    page->length = tn_text(page->line, sizeof page->line, "%s", name);
    while (page->length < NAME_WIDTH) {
        page->line[page->length++] = ' ';
    }
    page->line[page->length] = 0;
}

/* Appends a text, right-aligned in its cell. */
static void
cell(struct page *page, const char *text)
{
    size_t length = strlen(text);
    for (size_t i = length; i < CELL_WIDTH && page->length < WIDTH - 1; i++) {
        page->line[page->length++] = ' ';
    }
    page->length +=
        tn_text(page->line + page->length, sizeof page->line - page->length, "%s", text);
}

static void
number(struct page *page, size_t n)
{
    char text[24];
    tn_text(text, sizeof text, "%zu", n);
    cell(page, text);
}

/* Bytes in the largest unit that leaves a whole part, with one digit behind it. */
static void
amount(struct page *page, size_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned unit = 0;
    size_t tenths = bytes > SIZE_MAX / 10 ? SIZE_MAX : bytes * 10;
    while (tenths >= 10240 && unit + 1 < sizeof units / sizeof *units) {
        tenths /= 1024;
        unit++;
    }
    char text[32];
    if (unit == 0) {
        tn_text(text, sizeof text, "%zu B", bytes);
    } else {
        tn_text(text, sizeof text, "%zu.%zu %s", tenths / 10, tenths % 10, units[unit]);
    }
    cell(page, text);
}

static void
end(struct page *page)
{
    page->print(page->context, page->line);
}

static void
line_of_bytes(struct page *page, const char *name, size_t bytes)
{
    start(page, name);
    amount(page, bytes);
    end(page);
}

static void
line_of_blocks(struct page *page, const char *name, size_t bytes, size_t blocks)
{
    start(page, name);
    amount(page, bytes);
    number(page, blocks);
    end(page);
}

static void
print_heap(struct page *page, const struct tarn_stats *stats)
{
    start(page, "");
    cell(page, "bytes");
    cell(page, "blocks");
    end(page);
    line_of_blocks(page, "live", stats->live_bytes, stats->live_blocks);
    line_of_blocks(page, "  up to 64 KiB", stats->live_bytes - stats->large_bytes,
                   stats->live_blocks - stats->large_blocks);
    line_of_blocks(page, "  larger", stats->large_bytes, stats->large_blocks);
    line_of_bytes(page, "free in slabs", stats->slab_free_bytes);
    line_of_bytes(page, "kept by threads", stats->cached_bytes);
    line_of_bytes(page, "free, dirty", stats->dirty_bytes);
    line_of_bytes(page, "free, clean", stats->clean_bytes);
    line_of_bytes(page, "the allocator's own", stats->own_bytes);
    line_of_bytes(page, "committed", stats->committed_bytes);
    line_of_bytes(page, "reserved", stats->reserved_bytes);
    start(page, "threads");
    number(page, stats->threads);
    end(page);
}

static void
print_process(struct page *page)
{
    struct tn_os_usage usage;
    tn_os_usage(&usage);
    if (usage.resident == 0) {
        return; /* shut in where there is no /proc */
    }
    line_of_bytes(page, "resident", usage.resident);
    line_of_bytes(page, "  at its peak", usage.resident_most);
    start(page, "page faults");
    number(page, usage.faults);
    end(page);
}

/* What is live counts more than what is held for it. */
static size_t
weight(const struct tarn_stats_class *class)
{
    return (class->live * 16 + class->room) * class->size;
}

/* The weight that CLASS_LINES classes at most reach. */
static size_t
least_weight(const struct tarn_stats *stats)
{
    size_t least = 1;
    for (;;) {
        size_t next = SIZE_MAX;
        unsigned count = 0;
        for (size_t i = 0; i < stats->class_count; i++) {
            size_t own = weight(&stats->classes[i]);
            if (own >= least) {
                count++;
                next = tn_min(next, own);
            }
        }
        if (count <= CLASS_LINES || next == SIZE_MAX) {
            return least;
        }
        least = next + 1;
    }
}

static void
print_classes(struct page *page, const struct tarn_stats *stats)
{
    size_t least = least_weight(stats);
    size_t left_out = 0;
    start(page, "blocks of size");
    cell(page, "live");
    cell(page, "room for");
    cell(page, "slabs");
    cell(page, "live bytes");
    end(page);
    for (size_t i = 0; i < stats->class_count; i++) {
        const struct tarn_stats_class *class = &stats->classes[i];
        if (weight(class) < least) {
            left_out += class->slabs != 0;
            continue;
        }
        char name[24];
        tn_text(name, sizeof name, "  %zu", class->size);
        start(page, name);
        number(page, class->live);
        number(page, class->room);
        number(page, class->slabs);
        amount(page, class->live * class->size);
        end(page);
    }
    if (left_out != 0) {
        char name[NAME_WIDTH + 8];
        tn_text(name, sizeof name, "  and %zu sizes with less", left_out);
        start(page, name);
        end(page);
    }
}

void
tarn_summary(void (*print)(void *context, const char *line), void *context)
{
    tarn_heap_summary(&tn_process_heap, print, context);
}

void
tarn_heap_summary(tarn_heap *heap, void (*print)(void *context, const char *line), void *context)
{
    struct tn_out memory = {0};
    struct tarn_stats *stats = tn_out_room(&memory, sizeof *stats);
    if (stats == NULL) {
        return;
    }
    bool own = heap == &tn_process_heap;
    tn_count_heap(heap, stats);
    struct page page = {.print = print, .context = context};
    page.length = tn_text(page.line, sizeof page.line,
                          own ? "tarn: the heap of process %u" : "tarn: a heap in process %u",
                          tn_os_process());
    end(&page);
    print_heap(&page, stats);
    if (own) {
        print_process(&page);
    }
    print_classes(&page, stats);
    tn_out_drop(&memory);
}

void
tarn_pool_summary(const tarn_pool *pool, void (*print)(void *context, const char *line),
                  void *context)
{
    struct tarn_pool_stats stats;
    struct page page = {.print = print, .context = context};
    tarn_pool_stats(pool, &stats);
    page.length =
        tn_text(page.line, sizeof page.line, "tarn: a pool of %zu-byte objects in process %u",
                stats.size, tn_os_process());
    end(&page);
    start(&page, "");
    cell(&page, "bytes");
    cell(&page, "objects");
    end(&page);
    line_of_blocks(&page, "live", stats.live * stats.stride, stats.live);
    line_of_blocks(&page, "kept by threads", stats.cached * stats.stride, stats.cached);
    line_of_blocks(&page, "free", stats.idle * stats.stride, stats.idle);
    line_of_blocks(&page, "slabs", stats.bytes, stats.slabs);
}

static void
append(void *context, const char *line)
{
    tn_out_bytes(context, line, strlen(line));
    tn_out_byte(context, '\n');
}

void
tn_print_summary(void (*print)(const char *text, size_t length))
{
    struct tn_out text = {0};
    tarn_summary(append, &text);
    print((const char *)text.bytes, text.length);
    tn_out_drop(&text);
}
