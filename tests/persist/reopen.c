/*
 * The allocator inside an image across thousands of openings: each time some work by up to eight
 * threads, which end in between, then a commit, a rollback, a proper close or none; what is found
 * is always the last commit, and the heap in order.
 *
 *     reopen FILE OPENINGS SEED
 */
#include "oracle.h"
#include "say_fault.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t seeds[QUARTERS];

/* Quarters change hands: blocks are freed by others than allocated them. */
static void *
worker(void *context)
{
    unsigned number = (unsigned)(uintptr_t)context;
    town_work(heap, town, number, &seeds[number], (unsigned)(seeds[number] % 40));
    return NULL;
}

static void
work(uint64_t *seed)
{
    pthread_t ids[QUARTERS];
    unsigned threads = 1 + (unsigned)(town_random(seed) % QUARTERS);
    unsigned first = (unsigned)(town_random(seed) % QUARTERS);
    for (unsigned i = 0; i < threads; i++) {
        unsigned number = (first + i) % QUARTERS;
        seeds[number] = town_random(seed);
        pthread_create(&ids[i], NULL, worker, (void *)(uintptr_t)number);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
}

static void
compare(uint64_t committed, unsigned long round)
{
    uint64_t digest;
    const char *wrong = town_check(heap, town, &digest);
    if (wrong == NULL && digest != committed) {
        wrong = "not the last commit";
    }
    if (wrong == NULL && round % 16 == 0 && tarn_check_heap(heap, say_fault, NULL) != 0) {
        wrong = "the heap is damaged";
    }
    if (wrong != NULL) {
        fprintf(stderr, "opening %lu: ", round);
        oracle_fail(wrong);
    }
}

int
main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: reopen FILE OPENINGS SEED\n");
        return 2;
    }
    file = argv[1];
    unsigned long openings = strtoul(argv[2], NULL, 10);
    uint64_t seed = strtoull(argv[3], NULL, 10);
    oracle_begin();
    uint64_t committed = 0;
    size_t most = 0;
    for (unsigned long round = 0; round < openings; round++) {
        unsigned how = TARN_CREATE | TARN_PROCESS | (round % 7 == 3 ? TARN_PAGE_MAP : 0);
        heap = tarn_open(
            file, &(tarn_options){.flags = how, .capacity = (size_t)256 << 20, .base = TOWN_BASE});
        if (heap == NULL) {
            oracle_fail("cannot be opened");
        }
        town = town_find(heap);
        if (round == 0) {
            committed = town_digest(town);
            tarn_commit(heap);
        }
        compare(committed, round);
        unsigned steps = 1 + (unsigned)(town_random(&seed) % 3);
        while (steps-- > 0) {
            work(&seed);
            unsigned what = (unsigned)(town_random(&seed) % 4);
            if (what < 2) {
                committed = town_digest(town);
                if (tarn_commit(heap) != 0) {
                    oracle_fail("a commit failed");
                }
            } else if (what == 2 && tarn_rollback(heap) != 0) {
                oracle_fail("a rollback failed");
            } else if (what == 2) {
                compare(committed, round);
            }
        }
        tarn_image_figures figures;
        tarn_image_info(heap, &figures);
        most = figures.used > most ? figures.used : most;
        if (town_random(&seed) % 2 == 0) {
            committed = town_digest(town);
            if (tarn_close(heap) != 0) {
                oracle_fail("cannot be closed");
            }
        } else {
            tarn_close_without_commit(heap);
        }
    }
    if (tarn_check(file, say_fault, NULL) != 0) {
        oracle_fail("the file is damaged");
    }
    printf("%lu openings, at most %zu bytes of slices in use\n", openings, most);
    oracle_end();
    return 0;
}
