/* After Lever and Boreham, "malloc() Performance in a Multithreaded Linux Environment" (2000): some
 * threads only allocate, others only free, and whole batches pass between them through a queue. */
#include "pattern.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
    BATCH = 100,
    BLOCK = 64,
    MOST_QUEUED = 64
};

struct batch {
    struct batch *next;
    unsigned char *blocks[BATCH];
};

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t not_empty;
    pthread_cond_t not_full;
    struct batch *first;
    struct batch **last;
    unsigned length;
    unsigned producers; /* still at work */
    uint64_t batches;   /* each producer makes */
    _Atomic uint64_t freed;
};

static void
put(struct queue *queue, struct batch *batch)
{
    batch->next = NULL;
    pthread_mutex_lock(&queue->lock);
    while (queue->length == MOST_QUEUED)
        pthread_cond_wait(&queue->not_full, &queue->lock);
    *queue->last = batch;
    queue->last = &batch->next;
    queue->length++;
    pthread_cond_signal(&queue->not_empty);
    pthread_mutex_unlock(&queue->lock);
}

/* NULL when no batch will come any more. */
static struct batch *
get(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->first == NULL && queue->producers != 0)
        pthread_cond_wait(&queue->not_empty, &queue->lock);
    struct batch *batch = queue->first;
    if (batch != NULL) {
        queue->first = batch->next;
        if (queue->first == NULL)
            queue->last = &queue->first;
        queue->length--;
        pthread_cond_signal(&queue->not_full);
    }
    pthread_mutex_unlock(&queue->lock);
    return batch;
}

static void
produce(struct queue *queue)
{
    for (uint64_t i = 0; i < queue->batches; i++) {
        struct batch *batch = bench_checked(malloc(sizeof *batch), sizeof *batch);
        for (size_t k = 0; k < BATCH; k++) {
            batch->blocks[k] = bench_checked(malloc(BLOCK), BLOCK);
            bench_stamp(batch->blocks[k], BLOCK);
        }
        put(queue, batch);
    }
    pthread_mutex_lock(&queue->lock);
    queue->producers--;
    pthread_cond_broadcast(&queue->not_empty);
    pthread_mutex_unlock(&queue->lock);
}

static void
consume(struct queue *queue)
{
    struct batch *batch;
    uint64_t freed = 0;
    while ((batch = get(queue)) != NULL) {
        for (size_t k = 0; k < BATCH; k++) {
            bench_verify(batch->blocks[k], BLOCK);
            free(batch->blocks[k]);
        }
        free(batch);
        freed += BATCH;
    }
    queue->freed += freed;
}

static void
take_part(unsigned index, void *argument)
{
    if (index % 2 == 0)
        produce(argument);
    else
        consume(argument);
}

uint64_t
pattern_handoff(const struct bench_plan *plan)
{
    unsigned pairs = plan->threads < 2 ? 1 : plan->threads / 2;
    struct queue queue = {
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .not_empty = PTHREAD_COND_INITIALIZER,
        .not_full = PTHREAD_COND_INITIALIZER,
        .last = &queue.first,
        .producers = pairs,
        .batches = bench_work(plan, 150000) / pairs,
    };
    bench_threads(2 * pairs, take_part, &queue);
    return queue.freed;
}
