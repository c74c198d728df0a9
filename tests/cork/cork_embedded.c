/* A program of the older manual's interface, call by call. */
#define CORK_MEMPOOL_EMBEDDED
#include "expect.h"

#include <libcork/core.h>
#include <signal.h>
#include <sys/wait.h>

struct thing {
    struct thing *next;
    int value;
};

static void
aborts_with_an_object_out(void)
{
    pid_t child = fork();
    if (child == 0) {
        struct cork_mempool mp;
        signal(SIGABRT, SIG_DFL);
        close(2);
        cork_mempool_init(&mp, struct thing);
        (void)cork_mempool_new(&mp);
        cork_mempool_done(&mp);
        _exit(0);
    }
    int status;
    EXPECT(waitpid(child, &status, 0) == child);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int
main(void)
{
    struct cork_mempool mp;
    void *objects[1000];
    cork_mempool_init_size_ex(&mp, 8, 64);
    for (size_t i = 0; i < 16; i++) {
        objects[i] = cork_mempool_new(&mp);
        EXPECT(objects[i] != NULL);
        *(int64_t *)objects[i] = (int64_t)i;
    }
    for (size_t i = 0; i < 16; i++) {
        EXPECT(*(int64_t *)objects[i] == (int64_t)i);
        cork_mempool_free(&mp, objects[i]);
    }
    for (size_t i = 16; i-- > 0;) {
        EXPECT(cork_mempool_new(&mp) == objects[i]); /* last in, first out */
    }
    for (size_t i = 0; i < 16; i++) {
        cork_mempool_free(&mp, objects[i]);
    }
    cork_mempool_done(&mp);

    cork_mempool_init(&mp, struct thing);
    struct thing *thing = cork_mempool_new(&mp);
    thing->value = 42;
    cork_mempool_free(&mp, thing);
    EXPECT(cork_mempool_new(&mp) == thing && thing->value == 42);
    cork_mempool_free(&mp, thing);
    cork_mempool_done(&mp);

    cork_mempool_init_size(&mp, 100);
    for (size_t i = 0; i < 1000; i++) {
        objects[i] = cork_mempool_new(&mp);
        memset(objects[i], (int)i, 100);
    }
    for (size_t i = 1000; i-- > 0;) {
        EXPECT(((unsigned char *)objects[i])[99] == (unsigned char)i);
        cork_mempool_free(&mp, objects[i]);
    }
    cork_mempool_done(&mp);
    cork_mempool_init_ex(&mp, struct thing, 256);
    cork_mempool_done(&mp);
    aborts_with_an_object_out();
    return 0;
}
