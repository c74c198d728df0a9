/* What allocates after a thread's last destructor, the C library's own or a destructor that asked
 * to run once more each time, leaves a cache behind. The next thread may get the same thread
 * pointer, and with it the slabs of that cache, before it has allocated anything itself. */
#include "expect.h"

#include <limits.h>
#include <pthread.h>

enum {
    COUNT = 6000,
    ROUNDS = 3,
    SIZE = 20 /* as strerror's text */
};

static pthread_key_t key;
static unsigned char *blocks[COUNT];

static void
set_up(bool ask)
{
    for (int i = 0; i < COUNT; i++) {
        if (ask && i == COUNT / 60) {
            EXPECT(strlen(strerror(54321)) > 0);
        }
        blocks[i] = malloc(SIZE);
        EXPECT(blocks[i] != NULL);
        memset(blocks[i], i & 255, SIZE);
    }
}

/* Calls itself up to the last round that there is, and works in that one. */
static void
work_at_last(void *counter)
{
    int *rounds = counter;
    if (++*rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
        EXPECT(pthread_setspecific(key, counter) == 0);
        return;
    }
    set_up(false);
    for (int i = 0; i < COUNT; i += 3) {
        free(blocks[i]);
        blocks[i] = NULL;
    }
}

static void *
allocate_at_end(void *counter)
{
    EXPECT(pthread_setspecific(key, counter) == 0);
    return NULL;
}

/* The C library frees the text's buffer after the last destructor: the first block of a full slab.
 */
static void *
ask_for_error(void *unused)
{
    set_up(true);
    return unused;
}

static void *
free_all(void *unused)
{
    for (int i = 0; i < COUNT; i++) {
        EXPECT(blocks[i] == NULL || blocks[i][SIZE - 1] == (i & 255));
        free(blocks[i]);
    }
    set_up(false);
    for (int i = 0; i < COUNT; i++) {
        EXPECT(blocks[i][0] == (i & 255) && blocks[i][SIZE - 1] == (i & 255));
        free(blocks[i]);
        blocks[i] = NULL;
    }
    return unused;
}

static void
run(void *(*routine)(void *), void *argument)
{
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, routine, argument) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
}

int
main(void)
{
    EXPECT(pthread_key_create(&key, work_at_last) == 0);
    for (int round = 0; round < ROUNDS; round++) {
        int counter = 0;
        run(allocate_at_end, &counter);
        EXPECT(counter == PTHREAD_DESTRUCTOR_ITERATIONS);
        run(free_all, NULL);
        run(ask_for_error, NULL);
        run(free_all, NULL);
    }
    return 0;
}
