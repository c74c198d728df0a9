/* Threads that allocate, free, and free each other's blocks, on the process heap and on a heap of
 * their own; some end and begin anew meanwhile. For ThreadSanitizer, and with invariants checked
 * once all stand still. */
#include "tarn/heap.h"
#include "tarn/tarn.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4
#define ROUNDS  6
#define SLOTS   3000

static _Atomic(uintptr_t *) slots[SLOTS];
static tarn_heap *own_heap;
static size_t steps = 40000;

static size_t
random_size(uint64_t r)
{
    static const size_t most[] = {24, 100, 100, 500, 500, 3000, 9000, 40000};
    size_t size = (r >> 40) % most[(r >> 8) % 8];
    return (r >> 16) % 500 == 0 ? 200000 : size + 16;
}

static void
drop(uintptr_t *block)
{
    if (block == NULL) {
        return;
    }
    if (block[1] != ((uintptr_t)block ^ block[0])) {
        fprintf(stderr, "a block of %zu bytes is damaged\n", (size_t)block[0]);
        abort();
    }
    tarn_free(block);
}

static void *
work(void *argument)
{
    uint64_t r = (uintptr_t)argument * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i < steps; i++) {
        r = r * 6364136223846793005u + 1442695040888963407u;
        size_t size = random_size(r);
        bool own = (r >> 60) % 4 == 0;
        uintptr_t *block = own ? tarn_heap_malloc(own_heap, size) : tarn_malloc(size);
        if (block == NULL) {
            abort();
        }
        block[0] = size;
        block[1] = (uintptr_t)block ^ size;
        drop(atomic_exchange(&slots[(r >> 33) % SLOTS], block));
        if (i % 5000 == 4999) {
            tarn_trim();
        }
    }
    return NULL;
}

int
main(int count, char **arguments)
{
    if (count > 1) {
        steps = strtoul(arguments[1], NULL, 10);
    }
    own_heap = tarn_heap_new();
    for (uintptr_t round = 0; round < ROUNDS; round++) {
        pthread_t threads[THREADS];
        for (uintptr_t i = 0; i < THREADS; i++) {
            pthread_create(&threads[i], NULL, work, (void *)(round * THREADS + i));
        }
        for (unsigned i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
        }
        const char *broken = tarn_heap_check(own_heap);
        if (broken == NULL) {
            broken = tarn_heap_check(tarn_heap_process());
        }
        if (broken != NULL) {
            fprintf(stderr, "%s\n", broken);
            return 1;
        }
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        drop(atomic_exchange(&slots[i], NULL));
    }
    tarn_heap_destroy(own_heap);
    puts("ok");
    return 0;
}
