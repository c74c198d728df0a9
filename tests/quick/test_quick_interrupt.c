/* An interrupt at every instruction: the processor's trap flag stops the program after each one of
 * a heap call, and there, unless the lock is held (interrupts disabled), a handler allocates,
 * resizes and frees in the same heap. Contents and invariants are checked throughout. Counts the
 * longest stretch with the lock held. */
#define _GNU_SOURCE
#include "tarn/quick.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum {
    OBJECTS = 48,
    OPERATIONS = 1000
};

struct held {
    unsigned char *bytes;
    unsigned size;
    unsigned char stamp;
};

static _Alignas(16) unsigned char memory[24 * 1024];
static struct tarn_quick *q;
static struct held mine[OBJECTS];
static struct held theirs[OBJECTS];
static unsigned my_state = 1;
static unsigned their_state = 2;
static volatile int locked;
static int failed;
static uint64_t boundaries;
static uint64_t interrupts;
static unsigned held_for;
static unsigned held_longest;

static uintptr_t
lock(void *context)
{
    (void)context;
    if (locked) {
        failed = 1;
    }
    locked = 1;
    return 7;
}

static void
unlock(void *context, uintptr_t saved)
{
    (void)context;
    failed |= saved != 7 || !locked;
    locked = 0;
}

static void
panic(void *context, const struct tarn_quick_fault *fault)
{
    (void)context;
    printf("FAILED: %s: %s\n", fault->function, fault->what);
    failed = 1;
}

static const struct tarn_quick_hooks hooks = {NULL, lock, unlock, panic, NULL, NULL, NULL, NULL};

static unsigned
random_of(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void
intact(const struct held *h)
{
    unsigned i;

    for (i = 0; i < h->size; i++) {
        failed |= h->bytes[i] != (unsigned char)(h->stamp + i);
    }
}

static void
fill(struct held *h, unsigned state)
{
    unsigned i;

    h->stamp = (unsigned char)state;
    for (i = 0; i < h->size; i++) {
        h->bytes[i] = (unsigned char)(h->stamp + i);
    }
}

static void
trap_on(void)
{
    __asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc");
}

static void
trap_off(void)
{
    __asm__ volatile("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc");
}

/* One random call; stepped through when `trapped`. */
static void
step(struct held *held, unsigned *state, int trapped)
{
    struct held *h = &held[random_of(state) % OBJECTS];
    unsigned size = random_of(state) % (random_of(state) % 8 == 0 ? 900 : 60);
    unsigned kind = random_of(state) % 16;
    unsigned char *result = NULL;
    unsigned i;

    if (h->bytes != NULL) {
        intact(h);
    }
    if (trapped) {
        trap_on();
    }
    if (h->bytes == NULL) {
        result = kind == 0   ? tarn_quick_mallocalign(q, size, 32, 4, 2048)
                 : kind == 1 ? tarn_quick_mallocz(q, size, 0)
                 : kind == 2 ? tarn_quick_calloc(q, size, 1)
                             : tarn_quick_malloc(q, size);
    } else if (kind < 5) {
        result = tarn_quick_realloc(q, h->bytes, size + 1);
    } else if (kind == 5) {
        i = (unsigned)tarn_quick_msize(q, h->bytes);
    } else {
        tarn_quick_free(q, h->bytes);
    }
    if (trapped) {
        trap_off();
    }
    if (h->bytes == NULL) {
        for (i = 0; result != NULL && kind != 1 && i < size; i++) {
            failed |= result[i] != 0;
        }
        h->bytes = result;
        h->size = size;
    } else if (kind < 5) {
        if (result != NULL) {
            unsigned old = h->size;

            h->bytes = result;
            h->size = old < size + 1 ? old : size + 1;
            intact(h);
            h->size = size + 1;
        }
    } else if (kind > 5) {
        h->bytes = NULL;
    }
    if (h->bytes != NULL) {
        fill(h, *state);
    }
}

static void
on_trap(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    (void)context;
    boundaries++;
    if (locked) {
        held_for++;
        held_longest = held_for > held_longest ? held_for : held_longest;
        return;
    }
    held_for = 0;
    interrupts++;
    step(theirs, &their_state, 0);
}

int
main(int argc, char **argv)
{
    static const unsigned options[] = {0, TARN_QUICK_IMMEDIATE, TARN_QUICK_TAGS};
    unsigned operations = argc > 1 ? (unsigned)atoi(argv[1]) : OPERATIONS;
    struct sigaction action;
    size_t j;

    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_trap;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGTRAP, &action, NULL);
    for (j = 0; j < sizeof options / sizeof *options && !failed; j++) {
        unsigned i;

        memset(mine, 0, sizeof mine);
        memset(theirs, 0, sizeof theirs);
        boundaries = 0;
        interrupts = 0;
        held_longest = 0;
        q = tarn_quick_init(memory, sizeof memory, options[j], &hooks);
        for (i = 0; i < operations && !failed; i++) {
            const char *broken;

            step(mine, &my_state, 1);
            broken = tarn_quick_check(q, NULL);
            if (broken != NULL) {
                printf("FAILED: operation %u: %s\n", i, broken);
                return 1;
            }
        }
        printf(
            "options %#x: %u calls, %llu instructions, interrupted after %llu of them; lock held "
            "for at most %u\n",
            options[j], operations, (unsigned long long)boundaries, (unsigned long long)interrupts,
            held_longest);
    }
    if (failed) {
        printf("FAILED: contents or lock\n");
    }
    return failed;
}
