/* Freed by another thread, then by its owner. */
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
    EXPECT(pthread_create(&thread, NULL, free_it, block) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
    misuse_announce(block);
    free(opaque(block));
    /* At the latest when the owner takes back what others freed. */
    void *keep = NULL;
    for (int i = 0; i < 5000; i++) {
        keep = misuse_malloc(56);
    }
    free(keep);
    return 0;
}
