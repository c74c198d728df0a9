/* A slab that a thread leaves when it ends keeps the blocks that others freed on its remote list,
 * and tarn_trim gives their pages back all the same. */
#include "heap/heap.h"
#include "heap/remote.h"
#include "tarn/tarn.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define SIZE   48u
#define SLABS  64u
#define BLOCKS (SLABS * 1365u)

static void *blocks[BLOCKS];
static unsigned first[SLABS]; /* block of each slab */
static unsigned slabs;

static void
need(bool right, const char *what)
{
    if (!right) {
        fprintf(stderr, "not so: %s\n", what);
        exit(1);
    }
}

static struct tn_slab *
slab_of(unsigned block)
{
    return tn_slab_head_of(tn_process_heap.spaces[0], blocks[block]);
}

static uint64_t
word_of(unsigned block)
{
    return atomic_load(&slab_of(block)->remote);
}

static void
drop(unsigned block)
{
    tarn_free(blocks[block]);
    blocks[block] = NULL;
}

/* Slabs of which every block is ours: all but the first, and those after the last. */
static void
fill(void)
{
    slabs = 0;
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = tarn_malloc(SIZE);
        if (i != 0 && slab_of(i) != slab_of(i - 1) && slabs < SLABS - 2) {
            first[slabs++] = i;
        }
    }
}

static void
empty(void)
{
    for (unsigned i = 0; i < BLOCKS; i++) {
        drop(i);
    }
}

static pthread_barrier_t turn;

static void *
leave_slabs(void *unused)
{
    (void)unused;
    fill();
    for (unsigned i = 0; i < slabs; i++) {
        drop(first[i] + 1);
    }
    pthread_barrier_wait(&turn);
    pthread_barrier_wait(&turn);
    return NULL;
}

static void
left_slabs(void)
{
    pthread_t thread;
    pthread_barrier_init(&turn, NULL, 2);
    need(pthread_create(&thread, NULL, leave_slabs, NULL) == 0, "a thread can be made");
    pthread_barrier_wait(&turn);
    size_t freed = 0;
    for (unsigned i = 0; i + 1 < slabs; i++) { /* all but the first block */
        for (unsigned k = first[i] + 2; k < first[i + 1]; k++, freed++) {
            drop(k);
        }
    }
    pthread_barrier_wait(&turn);
    pthread_join(thread, NULL);
    uint64_t word = word_of(first[0]);
    need(tn_remote_shared(word) != 0 && tn_remote_count(word) == first[1] - first[0] - 2,
         "a slab is left with its remote list");
    need(tarn_trim() > freed * SIZE / 10 * 9, "tarn_trim gives the pages back that others freed");
    word = word_of(first[0]);
    need(tn_remote_shared(word) == 1 && tn_remote_count(word) == 0, "one block is live");
    drop(first[0]);
    need(tn_kind(tn_slice_of(tn_process_heap.spaces[0], blocks[first[1]])) == TN_SLAB,
         "the next slab is still there");
    void **again = tarn_malloc(freed * sizeof *again);
    need(again != NULL, "there is memory");
    uint32_t used = tn_process_heap.spaces[0]->map->used;
    for (size_t i = 0; i < freed; i++) {
        again[i] = tarn_malloc(SIZE);
    }
    need(tn_process_heap.spaces[0]->map->used <= used + 4, "what was left is used again");
    for (size_t i = 0; i < freed; i++) {
        tarn_free(again[i]);
    }
    tarn_free(again);
    empty();
}

int
main(void)
{
    left_slabs();
    return 0;
}
