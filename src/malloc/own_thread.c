#define _GNU_SOURCE
#include "malloc/start.h"

#include "base/bits.h"

#include <pthread.h>
#include <signal.h>

/* The dynamic linker, which loads the unwinder on it, has large frames. */
#define STACK_SIZE (256 * TN_KIB)

bool
tn_own_thread(void *(*run)(void *unused))
{
    sigset_t all;
    sigset_t before;
    pthread_attr_t attributes;
    pthread_t thread;
    sigfillset(&all);
    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the program's threads */
    bool started = pthread_create(&thread, &attributes, run, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}
