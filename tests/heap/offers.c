/* A thread that frees has its slabs to itself, half empty; another that then allocates makes new
 * ones. When the first comes by its slabs next, be it that it allocates, frees on, or claims a slab
 * that was full, it leaves the others what it has too much of, so that memory grows by next to
 * nothing. */
#include "heap/heap.h"
#include "tarn/tarn.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define SIZE   200u
#define BLOCKS 60000u /* 12 MB, of which the first thread frees half or more */
#define ROUNDS 100u
#define TAKEN  200u /* by the other thread in a round */
#define MORE   60u  /* allocated or freed by the first */
#define MOST   16u  /* slices that memory may grow by, where all that is taken would need 64 */

static void *blocks[BLOCKS];
static void *taken[ROUNDS * TAKEN];
static void *more[ROUNDS * MORE];
static pthread_barrier_t turn;

static void *
take_in_rounds(void *unused)
{
    (void)unused;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < TAKEN; i++) {
            taken[round * TAKEN + i] = tarn_malloc(SIZE);
        }
        pthread_barrier_wait(&turn);
        pthread_barrier_wait(&turn);
    }
    for (unsigned i = 0; i < ROUNDS * TAKEN; i++) {
        tarn_free(taken[i]);
    }
    return NULL;
}

static void
free_half(unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i += 2) {
        tarn_free(blocks[i]);
        blocks[i] = NULL;
    }
}

static void
free_one(unsigned *next)
{
    while (*next < BLOCKS && blocks[*next] == NULL) {
        ++*next;
    }
    if (*next < BLOCKS) {
        tarn_free(blocks[*next]);
        blocks[*next] = NULL;
    }
}

static bool
grows_little(const char *what)
{
    unsigned claimed = strcmp(what, "claiming") == 0 ? BLOCKS / 8 : 0; /* kept full for later */
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = tarn_malloc(SIZE);
    }
    free_half(claimed, BLOCKS);
    const struct tn_map *map = tn_process_heap.spaces[0]->map;
    size_t before = map->used;
    pthread_t thread;
    pthread_barrier_init(&turn, NULL, 2);
    if (pthread_create(&thread, NULL, take_in_rounds, NULL) != 0) {
        return false;
    }
    unsigned next = claimed;
    for (unsigned round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&turn);
        for (unsigned i = 0; i < MORE; i++) {
            if (strcmp(what, "allocating") == 0) {
                more[round * MORE + i] = tarn_malloc(SIZE);
            } else if (strcmp(what, "freeing") == 0) {
                free_one(&next);
            }
        }
        if (claimed != 0) {
            unsigned i = round * (claimed / ROUNDS);
            tarn_free(blocks[i]);
            blocks[i] = NULL;
        }
        size_t now = map->used;
        if (now > before + MOST) {
            fprintf(stderr, "%s, round %u: %zu slices, %zu before\n", what, round, now, before);
            return false;
        }
        pthread_barrier_wait(&turn);
    }
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&turn);
    for (unsigned i = 0; i < BLOCKS; i++) {
        tarn_free(blocks[i]);
    }
    for (unsigned i = 0; i < ROUNDS * MORE; i++) {
        tarn_free(more[i]);
        more[i] = NULL;
    }
    return true;
}

int
main(void)
{
    return grows_little("allocating") && grows_little("freeing") && grows_little("claiming") ? 0
                                                                                             : 1;
}
