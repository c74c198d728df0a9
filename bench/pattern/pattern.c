/* The patterns that allocators have been judged by for decades, each written anew from its idea. */
#include "pattern.h"

static const struct bench_case cases[] = {
    {"server", "threads replace blocks at random, end, and leave them to a successor (as larson)",
     pattern_server},
    {"handoff", "producers allocate batches, consumers free them (as xmalloc-test)",
     pattern_handoff},
    {"stress", "random structures, retained, swapped between threads, freed by any (as mstress)",
     pattern_stress},
    {"random-mix", "random sizes up to 16 KiB, half of them freed by the next thread (as rptest)",
     pattern_random_mix},
    {"short-threads", "thousands of threads that leave a block behind and end (as mleak)",
     pattern_short_threads},
    {"cache-scratch", "small blocks that came from another thread's line (passive false sharing)",
     pattern_cache_scratch},
    {"cache-thrash", "small blocks of several threads, written often (active false sharing)",
     pattern_cache_thrash},
    {"lifetimes", "one thread, many sizes, most blocks die young (as alloc-test)",
     pattern_lifetimes},
    {"simple", "one thread, runs of one size, few to many live (as glibc-simple)", pattern_simple},
    {"simple-threads", "each thread for itself, sizes by a power law (as glibc-thread)",
     pattern_simple_threads},
    {"factor", "factors an integer with numbers on the heap (as cfrac)", pattern_factor},
    {"logic", "complements covers of cubes kept in lists (as espresso)", pattern_logic},
    {"bodies", "n bodies in an octree built anew at each step (as barnes)", pattern_bodies},
    {NULL, NULL, NULL},
};

int
main(int argc, char **argv)
{
    return bench_main(argc, argv, cases);
}
