/* What the unit tests of the freestanding heap share: one megabyte, hooks that take down what they
 * are told, and a heap made anew. */
#ifndef QUICK_FIXTURE_H
#define QUICK_FIXTURE_H

#include "tarn/quick.h"

#include <stddef.h>

enum {
    MEMORY_SIZE = 1 << 20
};

extern unsigned char memory[MEMORY_SIZE];
extern struct tarn_quick_fault fault; /* the last one */
extern int faults;                    /* how many since heap_of or expect_fault */
extern char printed[8192];
extern size_t printed_length;
extern const struct tarn_quick_hooks hooks;

/* A heap in the first `size` bytes of the memory, the rest of which is 0xee. */
struct tarn_quick *heap_of(size_t size, unsigned options);

/* For a process that a fault is to end by a signal: counters of branches are written before. */
void die_counted(void);

/* Fails the test when an invariant does not hold. */
void sound(struct tarn_quick *q);

/* Exactly one fault, and this one; forgets it. */
void expect_fault(const char *function, const void *pointer);

#endif
