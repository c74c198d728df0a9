#include "heap/misuse.h"

#include "os/os.h"

_Noreturn void
tn_die_already_free(const void *p, const struct tn_slab *slab, const char *call)
{
    if (slab != NULL && tn_kind(slab) == TN_SLAB) {
        tn_os_die("%s(%p): already free (slab %p, %u-byte blocks)", call, p,
                  (void *)tn_slab_base(tn_space_of(slab), slab), tn_classes[slab->size_class].size);
    }
    tn_os_die("%s(%p): already free (no block is there)", call, p);
}

_Noreturn void
tn_die_inside(const void *p, const void *start, size_t size, const char *call)
{
    tn_os_die("%s(%p): not the start of a block (%zu bytes into the %zu-byte block %p)", call, p,
              (size_t)((uintptr_t)p - (uintptr_t)start), size, start);
}

_Noreturn void
tn_die_not_a_block(const void *p, const char *call)
{
    tn_os_die("%s(%p): never allocated (inside the heap, but no block is there)", call, p);
}

_Noreturn void
tn_die_read_only(const void *p, const char *call)
{
    tn_os_die("%s(%p): the image is open for reading", call, p);
}

_Noreturn void
tn_die_foreign(const void *p, const char *call)
{
    tn_os_die("%s(%p): not allocated by tarn", call, p);
}

_Noreturn void
tn_die_pooled(const void *p, const struct tn_slab *slab, const char *call)
{
    uintptr_t label = (uintptr_t)atomic_load_explicit(&slab->remote, memory_order_relaxed);
    const struct tn_label *pool = (const struct tn_label *)label;
    tn_os_die("%s(%p): an object of a pool, for tarn_pool_free (pool \"%s\", %zu-byte objects)",
              call, p, pool->name, pool->size);
}

_Noreturn void
tn_die_damaged(const void *p, size_t size, const char *what, const char *call)
{
    tn_os_die("%s(%p): %s (%zu-byte block)", call, p, what, size);
}

_Noreturn void
tn_die_mismatched(const void *p, const char *maker, const char *call)
{
    tn_os_die("%s(%p): the block is from %s", call, p, maker);
}

_Noreturn void
tn_die_other_size(const void *p, size_t asked, size_t said, const char *call)
{
    tn_os_die("%s(%p): the block is of %zu bytes, not %zu", call, p, asked, said);
}
