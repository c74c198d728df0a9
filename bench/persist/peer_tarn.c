#include "peer.h"

#include <tarn/persist.h>

#include <stdio.h>
#include <stdlib.h>

static tarn_heap *heap;

static void
need(int good)
{
    if (!good) {
        fprintf(stderr, "%s\n", tarn_error());
        exit(1);
    }
}

void
peer_create(const char *path, size_t room)
{
    (void)room;
    heap = tarn_create(path, &(tarn_options){.flags = TARN_PROCESS});
    need(heap != NULL);
}

void
peer_open(const char *path)
{
    heap = tarn_open(path, &(tarn_options){.flags = TARN_PROCESS});
    need(heap != NULL);
}

void
peer_close(void)
{
    need(tarn_close(heap) == 0);
}

int
peer_commit(void)
{
    need(tarn_commit(heap) == 0);
    return 1;
}

void *
peer_alloc(size_t size)
{
    return tarn_heap_malloc(heap, size);
}

void
peer_free(void *p)
{
    tarn_heap_free(heap, p);
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
    tarn_set_root(heap, (void *)(uintptr_t)reference);
}

uint64_t
peer_root(void)
{
    return (uint64_t)(uintptr_t)tarn_root(heap);
}
