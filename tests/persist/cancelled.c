/* pthread_cancel against threads that open, commit, roll back and close: no call of the library is
 * a cancellation point, so none is left half-way, with a lock held or a commit half written. */
#include "../expect.h"

#include <tarn/persist.h>

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum {
    ROUNDS = 200,
    WORDS = 8192
};

static const char *path;
static tarn_heap *heap;
static atomic_int started;
static atomic_ulong acknowledged;

/* Every word of the root holds the number of its commit. */
static void *
commit_until_cancelled(void *unused)
{
    (void)unused;
    unsigned long *words = tarn_root(heap);
    atomic_fetch_add(&started, 1);
    for (;;) {
        unsigned long next = words[0] + 1;
        for (int i = 0; i < WORDS; i++) {
            words[i] = next;
        }
        EXPECT(tarn_commit(heap) == 0);
        atomic_store(&acknowledged, next);
        words[1] = 0;
        EXPECT(tarn_rollback(heap) == 0);
        words = tarn_root(heap);
        pthread_testcancel();
    }
    return NULL;
}

static void *
open_and_close_cancelled(void *unused)
{
    (void)unused;
    EXPECT(pthread_cancel(pthread_self()) == 0);
    EXPECT(tarn_close(heap) == 0);
    heap = tarn_open(path, NULL);
    EXPECT(heap != NULL);
    atomic_fetch_add(&started, 1);
    pthread_testcancel();
    return NULL;
}

static void
run_cancelled(void *(*routine)(void *))
{
    pthread_t thread;
    void *end = NULL;
    atomic_store(&started, 0);
    EXPECT(pthread_create(&thread, NULL, routine, NULL) == 0);
    while (atomic_load(&started) == 0) {
        usleep(50);
    }
    (void)pthread_cancel(thread);
    EXPECT(pthread_join(thread, &end) == 0 && end == PTHREAD_CANCELED);
}

static void
check_words(void)
{
    const unsigned long *words = tarn_root(heap);
    for (int i = 0; i < WORDS; i++) {
        EXPECT(words[i] == atomic_load(&acknowledged));
    }
    EXPECT(tarn_heap_check(heap) == NULL);
}

int
main(int count, char **arguments)
{
    EXPECT(count == 2);
    path = arguments[1];
    unlink(path);
    heap = tarn_create(path, &(struct tarn_options){.flags = TARN_PROCESS});
    EXPECT(heap != NULL);
    tarn_set_root(heap, tarn_heap_calloc(heap, WORDS, sizeof(unsigned long)));
    EXPECT(tarn_commit(heap) == 0);
    for (int round = 0; round < ROUNDS; round++) {
        run_cancelled(commit_until_cancelled);
        check_words();
        if (round % 10 == 0) {
            run_cancelled(open_and_close_cancelled);
            check_words();
        }
    }
    EXPECT(tarn_close(heap) == 0);
    EXPECT(unlink(path) == 0);
    return 0;
}
