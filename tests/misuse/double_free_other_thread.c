/* Freed by its owner, then by another thread. */
#include "misuse/announce.h"

#include <pthread.h>

static void *
free_it(void *block)
{
    free(opaque(block));
    return NULL;
}

int
main(void)
{
    pthread_t thread;
    void *block = misuse_malloc(56);
    free(block);
    misuse_announce(block);
    EXPECT(pthread_create(&thread, NULL, free_it, block) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
    return 0;
}
