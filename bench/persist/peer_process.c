/* The process heap, for the pairs only: it has no file. */
#include "peer.h"

#include <tarn/tarn.h>

#include <stdlib.h>

void
peer_create(const char *path, size_t room)
{
    (void)path, (void)room;
}

void
peer_open(const char *path)
{
    (void)path;
    exit(1);
}

void
peer_close(void)
{
}

int
peer_commit(void)
{
    return 0;
}

void *
peer_alloc(size_t size)
{
    return tarn_malloc(size);
}

void
peer_free(void *p)
{
    tarn_free(p);
}

uint64_t
peer_reference(void *p)
{
    return (uint64_t)(uintptr_t)p;
}

void *
peer_pointer(uint64_t reference)
{
    return (void *)(uintptr_t)reference;
}

void
peer_set_root(uint64_t reference)
{
    (void)reference;
}

uint64_t
peer_root(void)
{
    return 0;
}
