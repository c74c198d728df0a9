/* Two threads ask for the size of the same block at the same time. */
#include "expect.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    COUNT = 20000,
    SIZE = 2000
};

static void *blocks[COUNT];
static atomic_int here[COUNT];

static void *
ask(void *unused)
{
    for (int i = 0; i < COUNT; i++) {
        atomic_fetch_add(&here[i], 1);
        for (int spin = 0; spin < 1000 && atomic_load(&here[i]) < 2; spin++) {
        }
        EXPECT(malloc_usable_size(blocks[i]) >= SIZE);
    }
    return unused;
}

int
main(void)
{
    pthread_t threads[2];
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = malloc(SIZE);
        EXPECT(blocks[i] != NULL);
    }
    for (int i = 0; i < 2; i++) {
        EXPECT(pthread_create(&threads[i], NULL, ask, NULL) == 0);
    }
    for (int i = 0; i < 2; i++) {
        EXPECT(pthread_join(threads[i], NULL) == 0);
    }
    for (int i = 0; i < COUNT; i++) {
        free(blocks[i]);
    }
    return 0;
}
