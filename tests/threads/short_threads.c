/* Ten thousand threads one after the other and in crowds, each with a few allocations: none may
 * leave anything behind. */
#include "expect.h"

#include <pthread.h>

enum {
    IN_A_ROW = 8000,
    CROWDS = 40,
    CROWD = 50
};

static void *
live_shortly(void *argument)
{
    uint64_t random = (uintptr_t)argument;
    void *blocks[8];
    for (size_t i = 0; i < 8; i++) {
        size_t size = next_random(&random) % (i == 0 ? 100000 : 500);
        blocks[i] = malloc(size);
        EXPECT(blocks[i] != NULL);
        stamp(blocks[i], size < 500 ? size : 500, i);
    }
    for (size_t i = 0; i < 8; i++) {
        free(blocks[i]);
    }
    return strdup("left to the parent");
}

static void
take(pthread_t thread)
{
    void *text = NULL;
    EXPECT(pthread_join(thread, &text) == 0);
    EXPECT(strcmp(text, "left to the parent") == 0);
    free(text);
}

int
main(void)
{
    pthread_t threads[CROWD];
    pthread_attr_t small;
    size_t settled = 0;

    EXPECT(pthread_attr_init(&small) == 0);
    EXPECT(pthread_attr_setstacksize(&small, 65536) == 0);
    for (uintptr_t i = 0; i < IN_A_ROW; i++) {
        EXPECT(pthread_create(&threads[0], &small, live_shortly, (void *)i) == 0);
        take(threads[0]);
        if (i == IN_A_ROW / 8) {
            settled = status_kib("VmRSS:");
        }
    }
    size_t after = status_kib("VmRSS:");
    for (uintptr_t i = 0; i < CROWDS; i++) {
        for (uintptr_t j = 0; j < CROWD; j++) {
            EXPECT(pthread_create(&threads[j], &small, live_shortly, (void *)(i * j)) == 0);
        }
        for (size_t j = 0; j < CROWD; j++) {
            take(threads[j]);
        }
    }
    size_t end = status_kib("VmRSS:");
    fprintf(stderr, "resident: %zu KiB after 1,000, %zu KiB after 8,000, %zu KiB at the end\n",
            settled, after, end);
    EXPECT(after <= settled + 1024);
    EXPECT(end <= settled + 32768);
    return 0;
}
