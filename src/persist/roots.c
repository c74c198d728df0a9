/* Where a program finds its data again. */
#include "persist/image.h"

#include "heap/alloc.h"
#include "heap/misuse.h"

#include <errno.h>
#include <string.h>

void *
tarn_root(tarn_heap *heap)
{
    struct tn_image *image = tn_image_of(heap);
    return image != NULL ? image->state->root : NULL;
}

void
tarn_set_root(tarn_heap *heap, void *p)
{
    struct tn_image *image = tn_image_of(heap);
    if (image != NULL && heap->read_only) {
        tn_die_read_only(p, "tarn_set_root");
    }
    if (image != NULL) {
        image->state->root = p;
    }
}

/* The link to the name's entry, or the last link. */
static struct tn_name **
find(struct tn_image *image, const char *name)
{
    struct tn_name **link = &image->state->names;
    while (*link != NULL && strcmp((*link)->text, name) != 0) {
        link = &(*link)->next;
    }
    return link;
}

void *
tarn_named_root(tarn_heap *heap, const char *name, size_t size, uint64_t type)
{
    struct tn_image *image = tn_image_of(heap);
    if (image == NULL) {
        return NULL;
    }
    tn_lock(&image->lock);
    const struct tn_name *entry = *find(image, name);
    void *object = NULL;
    if (entry == NULL) {
        tn_fail(ENOENT, false, "%s: has no root \"%s\"", image->path, name);
    } else if (size != 0 && entry->size != 0 && entry->size != size) {
        tn_fail(EINVAL, false, "%s: root \"%s\" has %zu bytes, not %zu", image->path, name,
                (size_t)entry->size, size);
    } else if (type != 0 && entry->type != 0 && entry->type != type) {
        tn_fail(EINVAL, false, "%s: root \"%s\" is of type %zu, not %zu", image->path, name,
                (size_t)entry->type, (size_t)type);
    } else {
        object = entry->object;
    }
    tn_unlock(&image->lock);
    return object;
}

int
tarn_set_named_root(tarn_heap *heap, const char *name, void *p, size_t size, uint64_t type)
{
    struct tn_image *image = tn_image_of(heap);
    if (image == NULL) {
        return -1;
    }
    if (image->flags & TARN_READ_ONLY) {
        return tn_fail(EROFS, false, "%s: a name needs the image open for writing", image->path);
    }
    if (*name == '\0') {
        return tn_fail(EINVAL, false, "%s: a root's name has a character at least", image->path);
    }
    struct tn_cache *cache = tn_cache_of_heap(heap);
    size_t length = strlen(name);
    struct tn_name *made = NULL;
    if (p != NULL) {
        made = tn_cache_malloc(cache, sizeof *made + length + 1);
        if (made == NULL) {
            return tn_fail(ENOMEM, true, "%s: root \"%s\"", image->path, name);
        }
        *made = (struct tn_name){.object = p, .size = size, .type = type, .length = length};
        memcpy(made->text, name, length + 1);
    }
    tn_lock(&image->lock);
    struct tn_name **link = find(image, name);
    struct tn_name *old = *link;
    if (made != NULL) {
        made->next = old != NULL ? old->next : NULL;
        *link = made;
    } else if (old != NULL) {
        *link = old->next;
    }
    tn_unlock(&image->lock);
    tn_cache_free(cache, old, "tarn_set_named_root");
    return 0;
}

void
tarn_each_root(tarn_heap *heap,
               bool (*visit)(void *context, const char *name, void *p, size_t size, uint64_t type),
               void *context)
{
    struct tn_image *image = tn_image_of(heap);
    if (image == NULL) {
        return;
    }
    const struct tn_name *entry = image->state->names;
    while (entry != NULL) {
        const struct tn_name *next = entry->next; /* visit may remove this one */
        bool more = visit(context, entry->text, entry->object, (size_t)entry->size, entry->type);
        entry = more ? next : NULL;
    }
}
