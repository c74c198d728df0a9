/* Threads end with blocks still live, and others find them whole, resize and free them; memory of
 * the dead is used again. Many rounds must not grow the process. */
#include "expect.h"

#include <pthread.h>

enum {
    BLOCKS = 2000,
    THREADS = 4,
    ROUNDS = 60
};

struct life {
    size_t number;
    void *blocks[BLOCKS];
};

static size_t
size_of(size_t number, size_t i)
{
    return i % 200 == 0 ? 40000 + i * 100 : 1 + (number * 31 + i * 7) % 600;
}

static void *
live_and_leave(void *argument)
{
    struct life *life = argument;
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = size_of(life->number, i);
        life->blocks[i] = malloc(size);
        EXPECT(life->blocks[i] != NULL);
        stamp(life->blocks[i], size, life->number + i);
    }
    return NULL;
}

static void *
inherit(void *argument)
{
    struct life *life = argument;
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = size_of(life->number, i);
        EXPECT(is_stamped(life->blocks[i], size, life->number + i));
        if (i % 5 == 0) {
            life->blocks[i] = realloc(life->blocks[i], size * 2);
            EXPECT(life->blocks[i] != NULL);
            EXPECT(is_stamped(life->blocks[i], size, life->number + i));
        }
        free(life->blocks[i]);
    }
    return NULL;
}

static void
run_all(void *(*work)(void *), struct life *lives, size_t shift)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        EXPECT(pthread_create(&threads[i], NULL, work, &lives[(i + shift) % THREADS]) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        EXPECT(pthread_join(threads[i], NULL) == 0);
    }
}

int
main(void)
{
    static struct life lives[THREADS];
    size_t least[2] = {SIZE_MAX, SIZE_MAX};

    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < THREADS; i++) {
            lives[i].number = round * THREADS + i;
        }
        run_all(live_and_leave, lives, 0);
        if (round % 3 == 0) {
            for (size_t i = 0; i < THREADS; i++) {
                inherit(&lives[i]);
            }
        } else {
            run_all(inherit, lives, 1);
        }
        /* How many threads lived at once differs from round to round, and memory with it: the least
         * of many rounds is what stays. */
        if (round >= ROUNDS / 4) {
            size_t *half = &least[round < ROUNDS * 5 / 8 ? 0 : 1];
            size_t resident = status_kib("VmRSS:");
            *half = resident < *half ? resident : *half;
        }
    }
    fprintf(stderr, "resident: never less than %zu KiB at first, %zu KiB later on\n", least[0],
            least[1]);
    EXPECT(least[1] <= least[0] + least[0] / 2 + 8192);
    return 0;
}
