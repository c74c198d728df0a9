/* After Larson and Krishnan, "Memory Allocation for Long-Running Server Applications" (1998): each
 * thread replaces random blocks of its table, then ends; a new thread goes on with the table of
 * another, so that most frees are of blocks that a thread now dead allocated. */
#include "pattern.h"

#include <stdlib.h>

enum {
    TABLE = 20000,
    SMALLEST = 8,
    LARGEST = 1000,
    MOST_TABLES = 256
};

struct table {
    unsigned char *blocks[TABLE];
    size_t sizes[TABLE];
    struct bench_random random;
};

struct server {
    struct table *tables[MOST_TABLES];
    unsigned count;
    unsigned generation;
    uint64_t ops; /* per thread and generation */
    _Atomic uint64_t sum;
};

static void
serve(unsigned index, void *argument)
{
    struct server *server = argument;
    struct table *table = server->tables[(index + server->generation) % server->count];
    uint64_t sum = 0;
    for (uint64_t i = 0; i < server->ops; i++) {
        size_t at = bench_below(&table->random, TABLE);
        if (table->blocks[at] != NULL)
            bench_verify(table->blocks[at], table->sizes[at]);
        free(table->blocks[at]);
        size_t size = bench_between(&table->random, SMALLEST, LARGEST);
        table->blocks[at] = bench_checked(malloc(size), size);
        table->sizes[at] = size;
        bench_stamp(table->blocks[at], size);
        sum += size;
    }
    server->sum += sum;
}

uint64_t
pattern_server(const struct bench_plan *plan)
{
    enum {
        GENERATIONS = 60
    };
    static struct server server;
    server.count = plan->threads;
    server.ops = bench_work(plan, 12000000) / GENERATIONS / server.count;
    if (server.count > MOST_TABLES)
        bench_die("at most %d threads", MOST_TABLES);
    for (unsigned i = 0; i < server.count; i++) {
        server.tables[i] = bench_checked(calloc(1, sizeof(struct table)), sizeof(struct table));
        server.tables[i]->random.state = i;
    }
    for (unsigned i = 0; i < GENERATIONS; i++) {
        server.generation = i;
        bench_threads(server.count, serve, &server);
    }
    for (unsigned i = 0; i < server.count; i++) {
        for (size_t k = 0; k < TABLE; k++)
            free(server.tables[i]->blocks[k]);
        free(server.tables[i]);
    }
    return server.sum;
}
