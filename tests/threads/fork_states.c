/* fork() while threads stand still with slabs in every state of fullness: each holds some number of
 * blocks of every size, so that among them there are slabs just begun, half used, and full to the
 * last block. The child must be able to go on in all of them: it allocates of every size, finds the
 * parent's blocks whole, and frees everything. Usage: fork_states ROUNDS. */
#include "threads/child.h"

#include <pthread.h>

enum {
    THREADS = 16,
    SIZES = 24,
    HELD = 70,
    MORE = 40
};

static const size_t sizes[SIZES] = {8,    16,   48,   100,   200,   400,   700,   1000,
                                    1500, 2000, 2500, 3500,  4096,  5000,  6000,  7000,
                                    8000, 8192, 9000, 12000, 16384, 20000, 33000, 65536};

struct holder {
    size_t number;
    size_t count; /* blocks of each size */
    void *blocks[SIZES][HELD];
};

static struct holder holders[THREADS];
static pthread_barrier_t filled;
static pthread_barrier_t over;

static size_t
seen(size_t size)
{
    return size < 64 ? size : 64;
}

static void *
hold(void *argument)
{
    struct holder *holder = argument;
    for (size_t i = 0; i < SIZES; i++) {
        for (size_t j = 0; j < holder->count; j++) {
            holder->blocks[i][j] = malloc(sizes[i]);
            EXPECT(holder->blocks[i][j] != NULL);
            stamp(holder->blocks[i][j], seen(sizes[i]), holder->number + i + j);
        }
    }
    pthread_barrier_wait(&filled);
    pthread_barrier_wait(&over);
    return NULL;
}

static void
release(struct holder *holder)
{
    for (size_t i = 0; i < SIZES; i++) {
        for (size_t j = 0; j < holder->count; j++) {
            EXPECT(is_stamped(holder->blocks[i][j], seen(sizes[i]), holder->number + i + j));
            free(holder->blocks[i][j]);
        }
    }
}

static void *
go_on(void *unused)
{
    static _Thread_local void *more[SIZES][MORE];
    for (size_t i = 0; i < SIZES; i++) {
        for (size_t j = 0; j < MORE; j++) {
            more[i][j] = malloc(sizes[i]);
            EXPECT(more[i][j] != NULL);
            stamp(more[i][j], seen(sizes[i]), i * j);
        }
    }
    for (size_t i = 0; i < SIZES; i++) {
        for (size_t j = 0; j < MORE; j++) {
            EXPECT(is_stamped(more[i][j], seen(sizes[i]), i * j));
            free(more[i][j]);
        }
    }
    return unused;
}

static void
be_child(int round)
{
    pthread_t thread;
    if (round % 2 == 0) {
        release(&holders[round % THREADS]);
        holders[round % THREADS].count = 0;
    }
    go_on(NULL);
    EXPECT(pthread_create(&thread, NULL, go_on, NULL) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
    for (size_t i = 0; i < THREADS; i++) {
        release(&holders[i]);
    }
    go_on(NULL);
    _exit(0);
}

int
main(int count, char **arguments)
{
    int rounds = count > 1 ? atoi(arguments[1]) : 20;
    pthread_t threads[THREADS];
    uint64_t random = 8;

    for (int round = 0; round < rounds; round++) {
        EXPECT(pthread_barrier_init(&filled, NULL, THREADS + 1) == 0);
        EXPECT(pthread_barrier_init(&over, NULL, THREADS + 1) == 0);
        for (size_t i = 0; i < THREADS; i++) {
            holders[i].number = i * 100;
            holders[i].count = next_random(&random) % (i % 2 == 0 ? 10 : HELD);
            EXPECT(pthread_create(&threads[i], NULL, hold, &holders[i]) == 0);
        }
        pthread_barrier_wait(&filled);
        pid_t child = fork();
        if (child == 0) {
            be_child(round);
        }
        child_succeeds(child);
        pthread_barrier_wait(&over);
        for (size_t i = 0; i < THREADS; i++) {
            EXPECT(pthread_join(threads[i], NULL) == 0);
            release(&holders[i]);
        }
        EXPECT(pthread_barrier_destroy(&filled) == 0);
        EXPECT(pthread_barrier_destroy(&over) == 0);
    }
    return 0;
}
