/* Destructors of thread-specific keys that allocate, free and set the key again, so that they run
 * before and after the allocator's own, in every round POSIX allows; and in the main thread at its
 * pthread_exit. */
#include "expect.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    KEYS = 40,
    THREADS = 300
};

struct value {
    int rounds; /* times to be set again */
    unsigned index;
    char text[50];
};

static pthread_key_t keys[KEYS];
static atomic_int destroyed;

static void
destroy(void *pointer)
{
    struct value *value = pointer;
    char *scratch = malloc(3000);
    EXPECT(scratch != NULL);
    memset(scratch, 1, 3000);
    EXPECT(is_stamped(value->text, sizeof value->text, value->index));
    if (value->rounds > 0) {
        struct value *again = malloc(sizeof *again);
        EXPECT(again != NULL);
        *again = *value;
        again->rounds--;
        EXPECT(pthread_setspecific(keys[value->index], again) == 0);
    }
    free(value);
    free(scratch);
    free(calloc(1, 100000));
    atomic_fetch_add(&destroyed, 1);
}

static void *
live(void *argument)
{
    for (unsigned i = 0; i < KEYS; i++) {
        struct value *value = malloc(sizeof *value);
        EXPECT(value != NULL);
        value->rounds = PTHREAD_DESTRUCTOR_ITERATIONS - 1;
        value->index = i;
        stamp(value->text, sizeof value->text, i);
        EXPECT(pthread_setspecific(keys[i], value) == 0);
    }
    return argument;
}

int
main(void)
{
    pthread_t threads[10];

    for (int i = 0; i < KEYS; i++) {
        EXPECT(pthread_key_create(&keys[i], destroy) == 0);
    }
    for (int i = 0; i < THREADS; i += 10) {
        for (int j = 0; j < 10; j++) {
            EXPECT(pthread_create(&threads[j], NULL, live, NULL) == 0);
        }
        for (int j = 0; j < 10; j++) {
            EXPECT(pthread_join(threads[j], NULL) == 0);
        }
    }
    EXPECT(atomic_load(&destroyed) == THREADS * KEYS * PTHREAD_DESTRUCTOR_ITERATIONS);
    live(NULL);
    pthread_exit(NULL);
}
