/* One thread only allocates, the other only frees, over a queue that holds a bounded number of
 * blocks: memory stays within twice what the queue can hold, however long it goes on. Usage:
 * producer_consumer SIZE, the size of the largest block. */
#include "expect.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

enum {
    QUEUE = 8192,
    SLACK_KIB = 8192
};

static void *queue[QUEUE];
static sem_t filled;
static sem_t empty;
static size_t largest;
static size_t total;

static void *
consume(void *unused)
{
    for (size_t i = 0; i < total; i++) {
        while (sem_wait(&filled) != 0) {
        }
        size_t *block = queue[i % QUEUE];
        EXPECT(block[0] == i);
        free(block);
        EXPECT(sem_post(&empty) == 0);
    }
    return unused;
}

int
main(int count, char **arguments)
{
    pthread_t consumer;
    uint64_t random = 4;

    largest = count > 1 ? strtoull(arguments[1], NULL, 10) : 1000;
    total = ((size_t)2 << 30) / largest;
    total = total > 1500000 ? 1500000 : total;
    size_t room = ((size_t)16 << 20) / largest;
    room = room > QUEUE ? QUEUE : room;
    EXPECT(sem_init(&filled, 0, 0) == 0);
    EXPECT(sem_init(&empty, 0, (unsigned)room) == 0);
    size_t start = status_kib("VmRSS:");
    EXPECT(pthread_create(&consumer, NULL, consume, NULL) == 0);
    for (size_t i = 0; i < total; i++) {
        size_t size = sizeof i + next_random(&random) % largest;
        while (sem_wait(&empty) != 0) {
        }
        size_t *block = malloc(size);
        EXPECT(block != NULL);
        memset(block, 1, size);
        block[0] = i;
        queue[i % QUEUE] = block;
        EXPECT(sem_post(&filled) == 0);
    }
    EXPECT(pthread_join(consumer, NULL) == 0);

    size_t live = room * (largest / 2 + 16) / 1024;
    size_t peak = status_kib("VmHWM:") - start;
    fprintf(stderr, "at most %zu KiB live on average, peak %zu KiB\n", live, peak);
    EXPECT(peak <= 2 * live + SLACK_KIB);
    return 0;
}
