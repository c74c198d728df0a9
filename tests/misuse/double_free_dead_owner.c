/* A block of a dead thread, freed twice. */
#include "misuse/announce.h"

#include <pthread.h>

static void *
make_it(void *unused)
{
    (void)unused;
    void *block = misuse_malloc(72);
    void *other = misuse_malloc(72);
    free(other);
    return block;
}

int
main(void)
{
    pthread_t thread;
    void *block = NULL;
    EXPECT(pthread_create(&thread, NULL, make_it, NULL) == 0);
    EXPECT(pthread_join(thread, &block) == 0);
    free(block);
    misuse_free(block);
    return 0;
}
