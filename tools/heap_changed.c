/* What the process that has an image open for writing has changed since its last commit, from the
 * outside: the kernel tells which pages of its mapping are private to it, and a page that is may be
 * compared with the committed one. */
#include "heap_picture.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PRESENT ((uint64_t)1 << 63)
#define SWAPPED ((uint64_t)1 << 62)
#define OF_FILE ((uint64_t)1 << 61)

enum {
    ENTRIES = 512,
};

struct writer {
    const struct heap_view *view;
    int map;
    int memory; /* -1: may not be read */
};

static int
open_of(unsigned process, const char *what)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%u/%s", process, what);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static bool
is_changed(const struct writer *writer, uint64_t page, uint64_t entry)
{
    char now[TN_PAGE];
    uint64_t offset = page << TN_PAGE_SHIFT;
    if ((entry & (PRESENT | SWAPPED)) == 0 || (entry & OF_FILE) != 0) {
        return false;
    }
    if (writer->memory < 0 || pread(writer->memory, now, sizeof now,
                                    (off_t)(writer->view->base + offset)) != (ssize_t)sizeof now) {
        return true; /* its own since the file was mapped; perhaps committed since */
    }
    return memcmp(now, writer->view->memory + offset, sizeof now) != 0;
}

bool
heap_each_changed(const struct heap_view *view, void (*visit)(void *context, uint64_t page),
                  void *context)
{
    uint64_t entries[ENTRIES];
    struct writer writer = {.view = view, .map = open_of(view->writer, "pagemap")};
    if (view->writer == 0 || writer.map < 0 || sysconf(_SC_PAGESIZE) != (long)TN_PAGE) {
        return false;
    }
    writer.memory = open_of(view->writer, "mem");
    uint64_t pages = view->image->head.capacity >> TN_PAGE_SHIFT;
    uint64_t beyond = (view->size >> TN_PAGE_SHIFT) + ENTRIES * 32; /* it may have grown a little */
    for (uint64_t page = 0; page < pages && page < beyond; page += ENTRIES) {
        off_t at = (off_t)(((view->base >> TN_PAGE_SHIFT) + page) * sizeof(uint64_t));
        ssize_t got = pread(writer.map, entries, sizeof entries, at);
        for (uint64_t i = 0; got > 0 && i < (uint64_t)got / sizeof(uint64_t) && page + i < pages;
             i++) {
            if (is_changed(&writer, page + i, entries[i])) {
                visit(context, page + i);
            }
        }
    }
    close(writer.map);
    if (writer.memory >= 0) {
        close(writer.memory);
    }
    return true;
}
