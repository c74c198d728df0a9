/* A program of libcork 1.0's interface that prints all it can see of a pool but addresses: the
 * order in which objects are initialised, handed out and done, and how many. It is built against
 * Tarn and, where it is there, the distribution's libcork: both must print the same. */
#include <libcork/core.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct thing {
    int64_t serial;
    char rest[16];
};

struct trace {
    int64_t next;
    int done;
};

static void
init_thing(void *user_data, void *object)
{
    struct trace *trace = user_data;
    struct thing *thing = object;
    thing->serial = trace->next++;
    printf("init %d\n", (int)thing->serial);
}

static void
done_thing(void *user_data, void *object)
{
    struct trace *trace = user_data;
    struct thing *thing = object;
    trace->done++;
    printf("done %d\n", (int)thing->serial);
}

static void
free_trace(void *user_data)
{
    struct trace *trace = user_data;
    printf("user data freed after %d\n", trace->done);
    free(trace);
}

static void
run(size_t size, size_t block_size, unsigned seed)
{
    enum {
        MOST = 1000
    };
    static struct thing *things[MOST];
    size_t count = 0;
    struct trace *trace = calloc(1, sizeof *trace);
    printf("size %d, block %d\n", (int)size, (int)block_size);
    struct cork_mempool *mp =
        block_size != 0 ? cork_mempool_new_size_ex(size, block_size) : cork_mempool_new_size(size);
    cork_mempool_set_callbacks(mp, trace, free_trace, init_thing, done_thing);
    for (int i = 0; i < 3000; i++) {
        seed = seed * 1103515245u + 12345u;
        unsigned draw = seed >> 16;
        if (count == 0 || (count < MOST && draw % 100 < 55)) {
            things[count] = cork_mempool_new_object(mp);
            printf("new %d\n", (int)things[count]->serial);
            count++;
        } else {
            size_t which = draw / 100 % count;
            cork_mempool_free_object(mp, things[which]);
            things[which] = things[--count];
        }
    }
    while (count > 0) {
        cork_mempool_free_object(mp, things[--count]);
    }
    cork_mempool_free(mp);
}

int
main(void)
{
    struct cork_mempool *unused = cork_mempool_new(struct thing);
    cork_mempool_free(unused);
    run(24, 0, 1);
    run(24, 80, 2);
    run(24, 100, 3);
    run(200, 4096, 4);
    run(9, 512, 5);
    run(24, 65536, 6);
    return 0;
}
