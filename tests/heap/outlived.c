/*
 * Threads that outlive the heaps they used, and heaps that outlive their threads. What a thread
 * remembers of the heap that it used last serves the next calls; it must not serve another heap
 * that has come to the same place, and nothing may be written to a thread that is gone.
 */
#include "expect.h"

#include <tarn/heap.h>
#include <tarn/tarn.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

#define ROUNDS 200u
#define BLOCKS 300u
#define ROOM   ((size_t)4 << 20)
#define STACK  ((size_t)256 << 10)

static tarn_heap *heap;
static sem_t begin;
static sem_t done;

static size_t
size_of(unsigned i)
{
    return 8 + i % 6 * 150;
}

static void
use(void)
{
    static _Thread_local char *blocks[BLOCKS];
    for (unsigned i = 0; i < BLOCKS; i++) {
        size_t size = size_of(i);
        blocks[i] = tarn_heap_malloc(heap, size);
        EXPECT(blocks[i] != NULL && tarn_heap_of(blocks[i]) == heap);
        memset(blocks[i], (int)i, size);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        for (size_t k = 0; k < size_of(i); k++) {
            EXPECT(blocks[i][k] == (char)i);
        }
        if (i % 3 != 0) {
            tarn_heap_free(heap, blocks[i]);
        }
    }
}

static void *
serve(void *unused)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        EXPECT(sem_wait(&begin) == 0);
        use();
        sem_post(&done);
    }
    return unused;
}

static void
have_it_used(void)
{
    sem_post(&begin);
    EXPECT(sem_wait(&done) == 0);
    use();
    EXPECT(tarn_heap_check(heap) == NULL);
}

/* Where the heap was lies what no descriptor holds but by malice: that thread's mark, everywhere,
 * which in a descriptor would say that the slab is the thread's own. */
static void
outlived_by_thread(bool in_buffer)
{
    static _Alignas(65536) char buffer[ROOM];
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, serve, NULL) == 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t shift = i % 4 * 65536;
        heap = in_buffer ? tarn_heap_new_in(buffer + shift, ROOM - shift) : tarn_heap_new();
        EXPECT(heap != NULL);
        have_it_used();
        tarn_heap_destroy(heap);
        for (size_t k = 0; in_buffer && k < ROOM; k += sizeof thread) {
            memcpy(buffer + k, &thread, sizeof thread);
        }
    }
    pthread_join(thread, NULL);
}

static pthread_key_t late;

/* Among the last things a thread does, again and again until it is not asked any more. */
static void
use_late(void *round)
{
    use();
    pthread_setspecific(late, round);
}

static void *
use_and_end(void *unused)
{
    use();
    pthread_setspecific(late, &late);
    return unused;
}

/* The thread's stack, where the C library keeps the thread's variables too, is gone when the heap
 * ends. */
static void
outlives_thread(void)
{
    EXPECT(pthread_key_create(&late, use_late) == 0);
    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        pthread_t thread;
        pthread_attr_t attributes;
        heap = tarn_heap_new();
        EXPECT(heap != NULL);
        char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        EXPECT(stack != MAP_FAILED);
        pthread_attr_init(&attributes);
        EXPECT(pthread_attr_setstack(&attributes, stack, STACK) == 0);
        EXPECT(pthread_create(&thread, &attributes, use_and_end, NULL) == 0);
        EXPECT(pthread_join(thread, NULL) == 0);
        pthread_attr_destroy(&attributes);
        EXPECT(munmap(stack, STACK) == 0);
        use();
        EXPECT(tarn_heap_check(heap) == NULL);
        tarn_heap_destroy(heap);
    }
    pthread_key_delete(late);
}

int
main(void)
{
    EXPECT(sem_init(&begin, 0, 0) == 0 && sem_init(&done, 0, 0) == 0);
    outlived_by_thread(true);
    outlived_by_thread(false);
    outlives_thread();
    return 0;
}
