/* The library itself is opened by a process that runs on the C library's malloc, used by its own
 * addresses from threads that were there before and threads that come later, and closed again; both
 * heaps go on side by side. Usage: dlopen_self LIBRARY. */
#include "expect.h"

#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>

enum {
    TIMES = 20
};

typedef void *allocate(size_t);
typedef void release(void *);

static allocate *library_malloc;
static release *library_free;
static sem_t opened;

static void *
use_both(void *argument)
{
    uint64_t random = (uintptr_t)argument;
    for (int i = 0; i < 500; i++) {
        size_t size = next_random(&random) % (i % 50 == 0 ? 100000 : 800);
        char *ours = library_malloc(size);
        char *theirs = malloc(size);
        EXPECT(ours != NULL && theirs != NULL && ours != theirs);
        stamp(ours, size, 1);
        stamp(theirs, size, 2);
        EXPECT(is_stamped(ours, size, 1) && is_stamped(theirs, size, 2));
        library_free(ours);
        free(theirs);
    }
    return NULL;
}

static void *
wait_and_use(void *argument)
{
    free(malloc(100));
    while (sem_wait(&opened) != 0) {
    }
    return use_both(argument);
}

int
main(int count, char **arguments)
{
    EXPECT(count == 2);
    EXPECT(sem_init(&opened, 0, 0) == 0);
    for (int i = 0; i < TIMES; i++) {
        pthread_t before;
        pthread_t after;
        EXPECT(pthread_create(&before, NULL, wait_and_use, (void *)1) == 0);
        void *handle = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
        if (handle == NULL) {
            fprintf(stderr, "%s\n", dlerror());
        }
        EXPECT(handle != NULL);
        library_malloc = (allocate *)(uintptr_t)dlsym(handle, "malloc");
        library_free = (release *)(uintptr_t)dlsym(handle, "free");
        EXPECT(library_malloc != NULL && library_free != NULL);
        EXPECT((void *)(uintptr_t)library_malloc != dlsym(RTLD_DEFAULT, "malloc"));
        EXPECT(sem_post(&opened) == 0);
        use_both((void *)2);
        EXPECT(pthread_create(&after, NULL, use_both, (void *)3) == 0);
        EXPECT(pthread_join(after, NULL) == 0);
        if (i % 2 == 0) { /* closed while a thread that used it is still to end */
            EXPECT(pthread_join(before, NULL) == 0);
            EXPECT(dlclose(handle) == 0);
        } else {
            EXPECT(pthread_join(before, NULL) == 0);
        }
    }
    return 0;
}
