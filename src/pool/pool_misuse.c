/* One line for each way in which a pool is misused. */
#include "pool/pool.h"

#include "os/os.h"

/* The pool that a pointer into the heap's memory belongs to; NULL: none. */
static const struct tn_label *
label_of(const void *p)
{
    struct tn_space *space = tn_space_of(p);
    if (space == NULL) {
        return NULL;
    }
    struct tn_slab *slab = tn_slice_of(space, p);
    if (tn_kind(slab) == TN_INNER && slab->back <= tn_slab_index(space, slab)) {
        slab -= slab->back;
    }
    if (tn_kind(slab) != TN_POOL) {
        return NULL;
    }
    return (const struct tn_label *)(uintptr_t)atomic_load_explicit(&slab->remote,
                                                                    memory_order_relaxed);
}

_Noreturn void
tn_pool_die_wrong(const struct tn_pool *pool, const void *p, const char *call)
{
    const struct tn_label *own = &pool->label;
    const struct tn_label *label = label_of(p);
    if (label == NULL && tn_space_of(p) == NULL) {
        tn_os_die("%s(%p): not allocated by tarn (pool \"%s\", %zu-byte objects)", call, p,
                  own->name, own->size);
    }
    if (label == NULL) {
        tn_os_die("%s(%p): not from a pool (pool \"%s\", %zu-byte objects)", call, p, own->name,
                  own->size);
    }
    if (label != own) {
        tn_os_die("%s(%p): from another pool, \"%s\" of %zu-byte objects (pool \"%s\", %zu-byte "
                  "objects)",
                  call, p, label->name, label->size, own->name, own->size);
    }
    struct tn_space *space = tn_pool_space(pool, p);
    struct tn_slab *slab = tn_slice_of(space, p);
    if (tn_kind(slab) == TN_INNER) {
        slab -= slab->back;
    }
    const char *first = tn_slab_base(space, slab) + pool->lead;
    size_t index = (size_t)((const char *)p - first) / pool->stride;
    const char *object = first + index * pool->stride;
    if ((const char *)p < first || index >= slab->entered || p == object) {
        tn_os_die("%s(%p): never allocated (pool \"%s\", %zu-byte objects)", call, p, own->name,
                  own->size);
    }
    tn_os_die("%s(%p): not the start of an object (%zu bytes into %p, pool \"%s\", %zu-byte "
              "objects)",
              call, p, (size_t)((const char *)p - object), (const void *)object, own->name,
              own->size);
}

_Noreturn void
tn_pool_die_free(const struct tn_pool *pool, const void *p, const char *call)
{
    tn_os_die("%s(%p): already free (pool \"%s\", %zu-byte objects)", call, p, pool->label.name,
              pool->label.size);
}

_Noreturn void
tn_pool_die_overrun(const struct tn_pool *pool, const void *p, const char *call)
{
    tn_os_die("%s(%p): written past its end (pool \"%s\", %zu-byte objects)", call, p,
              pool->label.name, pool->label.size);
}

_Noreturn void
tn_pool_die_touched(const struct tn_pool *pool, const void *p, size_t at, const char *call)
{
    tn_os_die("%s() = %p: written to while it was free, at byte %zu (pool \"%s\", %zu-byte "
              "objects)",
              call, p, at, pool->label.name, pool->label.size);
}

_Noreturn void
tn_pool_die_thread(const struct tn_pool *pool, const char *call)
{
    tn_os_die("%s: called by a thread that does not own the pool (pool \"%s\", %zu-byte objects)",
              call, pool->label.name, pool->label.size);
}

_Noreturn void
tn_pool_die_out(const struct tn_pool *pool, size_t count, const void *first)
{
    tn_os_die("tarn_pool_close: %zu %s still out, the first at %p (pool \"%s\", %zu-byte objects)",
              count, count == 1 ? "object is" : "objects are", first, pool->label.name,
              pool->label.size);
}
