/* libpmemobj, with its atomic allocations; it guards every one of them on its own. */
#include "peer.h"

#include <libpmemobj.h>
#include <stdio.h>
#include <stdlib.h>

static PMEMobjpool *pool;
static uint64_t id;

struct root {
    uint64_t first;
};

static void
need(int good)
{
    if (!good) {
        fprintf(stderr, "%s\n", pmemobj_errormsg());
        exit(1);
    }
}

static struct root *
root(void)
{
    PMEMoid oid = pmemobj_root(pool, sizeof(struct root));
    id = oid.pool_uuid_lo;
    return pmemobj_direct(oid);
}

void
peer_create(const char *path, size_t room)
{
    pool = pmemobj_create(path, "bench", room * 3 / 2, 0600);
    need(pool != NULL);
    root();
}

void
peer_open(const char *path)
{
    pool = pmemobj_open(path, "bench");
    need(pool != NULL);
    root();
}

void
peer_close(void)
{
    pmemobj_close(pool);
}

int
peer_commit(void)
{
    return 0;
}

void *
peer_alloc(size_t size)
{
    PMEMoid oid;
    need(pmemobj_alloc(pool, &oid, size, 0, NULL, NULL) == 0);
    return pmemobj_direct(oid);
}

void
peer_free(void *p)
{
    PMEMoid oid = pmemobj_oid(p);
    pmemobj_free(&oid);
}

uint64_t
peer_reference(void *p)
{
    return pmemobj_oid(p).off;
}

void *
peer_pointer(uint64_t reference)
{
    return pmemobj_direct((PMEMoid){id, reference});
}

void
peer_set_root(uint64_t reference)
{
    root()->first = reference;
    pmemobj_persist(pool, root(), sizeof(struct root));
}

uint64_t
peer_root(void)
{
    return root()->first;
}
