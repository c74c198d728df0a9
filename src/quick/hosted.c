/* Hooks for programs under an operating system; the only file here that needs one. */
#define _POSIX_C_SOURCE 200809L
#include "tarn/quick.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static uintptr_t
lock(void *context)
{
    (void)context;
    (void)pthread_mutex_lock(&mutex);
    return 0;
}

static void
unlock(void *context, uintptr_t saved)
{
    (void)context;
    (void)saved;
    (void)pthread_mutex_unlock(&mutex);
}

static void
panic(void *context, const struct tarn_quick_fault *fault)
{
    (void)context;
    (void)fprintf(stderr, "tarn: %s(%p): %s (tag %#lx)\n", fault->function, fault->pointer,
                  fault->what, (unsigned long)fault->malloctag);
    abort();
}

static void
wait(void *context, unsigned milliseconds)
{
    struct timespec time = {(time_t)(milliseconds / 1000), (long)(milliseconds % 1000) * 1000000};

    (void)context;
    (void)nanosleep(&time, NULL);
}

static void
print(void *context, const char *text, size_t length)
{
    (void)context;
    (void)fwrite(text, 1, length, stdout);
}

const struct tarn_quick_hooks tarn_quick_hosted = {NULL, lock, unlock, panic,
                                                   NULL, wait, print,  NULL};
