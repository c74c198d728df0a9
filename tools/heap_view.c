#include "heap_view.h"

#include "persist/sum.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

bool
heap_writer_of(int file, unsigned *process)
{
    struct flock lock = {.l_type = F_WRLCK, .l_start = (off_t)TN_LOCK_WRITER, .l_len = 1};
    struct tn_notice notice = {0};
    size_t got;
    *process = 0;
    if (fcntl(file, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) {
        return false;
    }
    tn_file_read(file, &notice, sizeof notice, TN_NOTICE_AT, &got);
    *process = (unsigned)notice.process;
    return true;
}

int
heap_view_open(struct heap_view *view, const char *path)
{
    memset(view, 0, sizeof *view);
    struct tn_image *image = tn_image_look(path);
    if (image == NULL) {
        return -1;
    }
    const struct tn_map *map = image->space.map;
    view->image = image;
    view->path = path;
    view->memory = image->space.base;
    view->base = image->head.base;
    view->slabs = image->space.slabs;
    view->state = (const struct tn_image_state *)(view->memory + TN_STATE_AT);
    uint64_t slices = image->head.capacity >> TN_SLICE_SHIFT;
    uint64_t own = (TN_SPACE_HEAD + slices * sizeof(struct tn_slab) + TN_SLICE - 1) / TN_SLICE;
    view->first = (uint32_t)own;
    view->frontier = map->frontier <= slices && map->frontier >= own ? map->frontier : view->first;
    view->size = (uint64_t)view->frontier << TN_SLICE_SHIFT;
    tn_file_facts(image->file, &view->facts);
    view->has_writer = heap_writer_of(image->file, &view->writer);
    return 0;
}

void
heap_view_close(struct heap_view *view)
{
    if (view->image != NULL) {
        tn_image_free(view->image);
        view->image = NULL;
    }
}

const void *
heap_at(const struct heap_view *view, uint64_t address, uint64_t size)
{
    uint64_t offset = address - view->base;
    return offset <= view->size && view->size - offset >= size ? view->memory + offset : NULL;
}

bool
heap_each_name(const struct heap_view *view,
               bool (*visit)(void *context, const struct heap_name *name), void *context)
{
    struct heap_name name = {.name = "", .address = (uintptr_t)view->state->root};
    if (name.address != 0 && !visit(context, &name)) {
        return false;
    }
    uint64_t most = view->size / sizeof(struct tn_name);
    uint64_t at = (uintptr_t)view->state->names;
    for (; at != 0 && most > 0; most--) {
        const struct tn_name *entry = at % 8 == 0 ? heap_at(view, at, sizeof *entry) : NULL;
        if (entry == NULL || entry->length >= view->size ||
            heap_at(view, at, sizeof *entry + entry->length + 1) == NULL ||
            entry->text[entry->length] != 0) {
            break;
        }
        name = (struct heap_name){entry->text, (uintptr_t)entry->object, entry->size, entry->type};
        if (!visit(context, &name)) {
            return false;
        }
        at = (uintptr_t)entry->next;
    }
    return true;
}
