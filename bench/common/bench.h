/* What every benchmark program shares: a table of cases behind one command line, a generator of
 * pseudo-random numbers that gives the same sequence everywhere, stamps on blocks, and threads.
 *
 * A case does a fixed amount of work and returns a checksum that depends on that work alone, never
 * on addresses, time or the order in which threads ran: it must be equal on every allocator. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* How much a case shall do. */
struct bench_plan {
    unsigned percent; /* of the case's usual work; 100 is what tables are made with */
    unsigned threads; /* for cases that have threads */
};

struct bench_case {
    const char *name;
    const char *what; /* one line, for --list */
    uint64_t (*run)(const struct bench_plan *plan);
};

/* Runs the case named in argv: PROGRAM NAME [--percent N] [--threads N], or PROGRAM --list.
 * `cases` ends with a NULL name. Prints the checksum; returns the program's exit status. */
int bench_main(int argc, char **argv, const struct bench_case *cases);

/* `ops` scaled to the plan, at least 1. */
uint64_t bench_work(const struct bench_plan *plan, uint64_t ops);

/* Ends the program with a message and status 1. */
_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Runs body(index, argument) on `count` threads and waits for all. */
void bench_threads(unsigned count, void (*body)(unsigned index, void *argument), void *argument);

/* Resident set of this process in bytes, read without a call to malloc. */
size_t bench_resident(void);

struct bench_random {
    uint64_t state;
};

/* Next of Steele, Lea and Flood's SplitMix64 sequence. */
static inline uint64_t
bench_next(struct bench_random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* A number in [0, limit), limit below 2^32. */
static inline size_t
bench_below(struct bench_random *random, size_t limit)
{
    return (size_t)(((bench_next(random) >> 32) * limit) >> 32);
}

/* A number in [low, high]. */
static inline size_t
bench_between(struct bench_random *random, size_t low, size_t high)
{
    return low + bench_below(random, high - low + 1);
}

/* Never NULL: a benchmark that runs out of memory has failed. */
void *bench_checked(void *block, size_t size);

static inline uint64_t
bench_mark(const void *block, size_t size)
{
    return ((uint64_t)(uintptr_t)block + size) * 0x9e3779b97f4a7c15u;
}

/* Writes the block's mark into its first bytes and its last byte. */
static inline void
bench_stamp(void *block, size_t size)
{
    uint64_t mark = bench_mark(block, size);
    if (size >= sizeof mark) {
        memcpy(block, &mark, sizeof mark);
        if (size > sizeof mark)
            ((unsigned char *)block)[size - 1] = (unsigned char)(mark >> 56);
    } else if (size != 0) {
        *(unsigned char *)block = (unsigned char)(mark >> 56);
    }
}

_Noreturn void bench_damaged(const void *block, size_t size);

/* Ends the program unless the block still carries what bench_stamp(block, size) wrote, and takes
 * the stamp away, so that a block given out twice fails at its second owner. */
static inline void
bench_verify(void *block, size_t size)
{
    uint64_t mark = bench_mark(block, size);
    unsigned char byte = (unsigned char)(mark >> 56);
    unsigned char *bytes = block;
    uint64_t found;
    if (size >= sizeof mark) {
        memcpy(&found, block, sizeof found);
        if (found != mark || (size > sizeof mark && bytes[size - 1] != byte))
            bench_damaged(block, size);
        found = ~mark;
        memcpy(block, &found, sizeof found);
    } else if (size != 0) {
        if (bytes[0] != byte)
            bench_damaged(block, size);
        bytes[0] = (unsigned char)~byte;
    }
}

#endif
