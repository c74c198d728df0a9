/* An interrupt at every instruction: the processor's trap flag stops the program after each one of
 * a heap call, of any but smalloc, and there, unless the lock is held (interrupts disabled), a
 * handler makes a call of its own in the same heap and now and then checks every invariant.
 * Contents and tags are checked throughout. Counts the longest stretch with the lock held. */
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
    OPERATIONS = 250,
    HEAP = 24 * 1024,
    REGION = 4096
};

#define EXPECT(holds)                                                                              \
    do {                                                                                           \
        if (!(holds) && !failed) {                                                                 \
            failed = __LINE__;                                                                     \
        }                                                                                          \
    } while (0)

struct held {
    unsigned char *bytes;
    unsigned size;
    unsigned char stamp;
    uintptr_t tag; /* 0: not known */
};

static _Alignas(16) unsigned char memory[HEAP + 2 * REGION];
static struct tarn_quick *q;
static volatile int locked;
static int failed; /* the line */
static int tagged;
static const char *broken;
static uint64_t boundaries;
static uint64_t interrupts;
static unsigned held_for;
static unsigned held_longest;

static uintptr_t
lock(void *context)
{
    (void)context;
    EXPECT(!locked);
    locked = 1;
    return 7;
}

static void
unlock(void *context, uintptr_t saved)
{
    (void)context;
    EXPECT(saved == 7 && locked);
    locked = 0;
}

static void
panic(void *context, const struct tarn_quick_fault *fault)
{
    (void)context;
    printf("FAILED: %s: %s\n", fault->function, fault->what);
    failed = 1;
}

static void
print(void *context, const char *text, size_t length)
{
    (void)context;
    EXPECT(length != 0 && text[0] != '\0');
}

static const struct tarn_quick_hooks hooks = {NULL, lock, unlock, panic, NULL, NULL, print, NULL};

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
        EXPECT(h->bytes[i] == (unsigned char)(h->stamp + i));
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

/* Whoever makes the calls: the program, or the interrupt. */
struct party {
    struct held held[OBJECTS];
    unsigned random;
    unsigned char *region; /* one of its own, handed in and taken back */
    int in;
    unsigned turn; /* of the calls that concern no object in particular */
};

static struct party mine = {.region = memory + HEAP + 3};
static struct party theirs = {.region = memory + HEAP + REGION};

static bool
look(void *context, const struct tarn_quick_block *block)
{
    const unsigned char *object = block->object;

    EXPECT(object >= memory && object <= memory + sizeof memory && block->size < block->total &&
           block->total <= sizeof memory && object + block->size <= memory + sizeof memory);
    ++*(unsigned *)context;
    return true;
}

/* One call that concerns no object in particular. */
static void
keep_house(struct party *p)
{
    struct tarn_quick_stats stats;
    unsigned seen = 0;

    switch (p->turn++ % 12) {
    case 0:
    case 6:
        tarn_quick_flush(q);
        break;
    case 2:
        EXPECT(tarn_quick_walk(q, look, &seen) && seen >= 1);
        break;
    case 4:
        tarn_quick_get_stats(q, &stats);
        EXPECT(stats.objects <= 2 * OBJECTS + 1 && stats.regions >= 1 && stats.regions <= 3);
        break;
    case 8:
        tarn_quick_summary(q);
        break;
    case 10:
        tarn_quick_leaks(q);
        break;
    default:
        if (!p->in) {
            p->in = tarn_quick_add(q, p->region, REGION - 8);
            EXPECT(p->in);
        } else {
            p->in = !tarn_quick_remove(q, p->region);
        }
    }
}

static unsigned char *
allocate(unsigned kind, unsigned size)
{
    switch (kind) {
    case 0:
        return tarn_quick_mallocalign(q, size, 32, 4, 2048);
    case 1:
        return tarn_quick_mallocz(q, size, 0);
    case 2:
        return tarn_quick_calloc(q, size, 1);
    case 3:
        return tarn_quick_mallocalign(q, size, 24, -7, 0);
    case 4:
        return tarn_quick_realloc(q, NULL, size + 1);
    default:
        return tarn_quick_malloc(q, size);
    }
}

/* What a new object must be. */
static void
adopt(struct held *h, unsigned char *bytes, unsigned kind, unsigned size, unsigned random)
{
    unsigned i;

    for (i = 0; bytes != NULL && kind != 1 && i < size; i++) {
        EXPECT(bytes[i] == 0);
    }
    EXPECT(kind != 0 || bytes == NULL || (uintptr_t)bytes % 32 == 4);
    h->bytes = bytes;
    h->size = size;
    h->tag = 0;
    if (bytes != NULL) {
        fill(h, random);
    }
}

/* One random call; stepped through when `trapped`. */
static void
step(struct party *p, int trapped)
{
    struct held *h = &p->held[random_of(&p->random) % OBJECTS];
    unsigned size = random_of(&p->random) % (random_of(&p->random) % 8 == 0 ? 900 : 60);
    unsigned kind = random_of(&p->random) % 16;
    unsigned house = random_of(&p->random) % 16;
    unsigned char *result = NULL;
    uintptr_t tags[2] = {0, 0};
    size_t room = 0;

    if (h->bytes != NULL) {
        intact(h);
    }
    if (trapped) {
        trap_on();
    }
    if (house == 0) {
        keep_house(p);
    } else if (h->bytes == NULL) {
        result = allocate(kind, size);
    } else if (kind < 5) {
        result = tarn_quick_realloc(q, h->bytes, size + 1);
    } else if (kind == 5) {
        room = tarn_quick_msize(q, h->bytes);
    } else if (kind == 6) {
        tarn_quick_setmalloctag(q, h->bytes, size + 1);
        tarn_quick_setrealloctag(q, h->bytes, size + 2);
    } else if (kind == 7) {
        tags[0] = tarn_quick_getmalloctag(q, h->bytes);
        tags[1] = tarn_quick_getrealloctag(q, h->bytes);
    } else {
        tarn_quick_free(q, h->bytes);
    }
    if (trapped) {
        trap_off();
    }
    if (house == 0) {
        return;
    }
    if (h->bytes == NULL) {
        adopt(h, result, kind, size, p->random);
    } else if (kind < 5) {
        if (result != NULL) {
            unsigned old = h->size;

            h->bytes = result;
            h->size = old < size + 1 ? old : size + 1;
            intact(h);
            h->size = size + 1;
            h->tag = 0;
            fill(h, p->random);
        }
    } else if (kind == 5) {
        EXPECT(room >= h->size);
        h->size = (unsigned)room;
        fill(h, p->random);
    } else if (kind == 6) {
        h->tag = size + 1;
    } else if (kind == 7) {
        EXPECT(!tagged || h->tag == 0 || (tags[0] == h->tag && tags[1] == h->tag + 1));
        EXPECT(tagged || (tags[0] == 0 && tags[1] == 0));
    } else {
        h->bytes = NULL;
    }
}

static void
invariants(void)
{
    if (broken == NULL) {
        broken = tarn_quick_check(q, NULL);
    }
    EXPECT(broken == NULL);
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
    step(&theirs, 0);
    if (interrupts % 16 == 0) {
        invariants();
    }
}

int
main(int argc, char **argv)
{
    static const unsigned options[] = {0, TARN_QUICK_IMMEDIATE, TARN_QUICK_TAGS, TARN_QUICK_CHECKED,
                                       TARN_QUICK_CHECKED | TARN_QUICK_TAGS | TARN_QUICK_ALIGN16};
    unsigned operations = argc > 1 ? (unsigned)atoi(argv[1]) : OPERATIONS;
    struct sigaction action;
    size_t j;

    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_trap;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGTRAP, &action, NULL);
    for (j = 0; j < sizeof options / sizeof *options && !failed; j++) {
        unsigned i;

        memset(mine.held, 0, sizeof mine.held);
        memset(theirs.held, 0, sizeof theirs.held);
        mine.in = 0;
        theirs.in = 0;
        tagged = (options[j] & TARN_QUICK_TAGS) != 0;
        boundaries = 0;
        interrupts = 0;
        held_longest = 0;
        q = tarn_quick_init(memory, HEAP, options[j], &hooks);
        for (i = 0; i < operations && !failed; i++) {
            step(&mine, 1);
            invariants();
        }
        printf(
            "options %#x: %u calls, %llu instructions, interrupted after %llu of them; lock held "
            "for at most %u\n",
            options[j], operations, (unsigned long long)boundaries, (unsigned long long)interrupts,
            held_longest);
    }
    if (failed) {
        printf("FAILED: what line %d expects%s%s\n", failed, broken ? ": " : "",
               broken ? broken : "");
    }
    return failed != 0;
}
