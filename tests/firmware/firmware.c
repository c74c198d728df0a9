/* A heap on bare metal: first random operations with every invariant checked, in arenas of 2, 16
 * and 128 KiB; then three tasks, switched by a timer interrupt that allocates and frees in the same
 * heap, each checking the contents of what it holds. Ends with exit code 0. */
#include "board.h"

#include "tarn/quick.h"

enum {
    OBJECTS = 64,
    TASKS = 3,
    STACK = 512,
    ROUNDS = 4000,
    TICKS_WANTED = 300
};

static _Alignas(8) unsigned char memory[128 * 1024];
static struct tarn_quick *heap;
static volatile unsigned ticks;
static volatile unsigned done[TASKS];
static volatile int wrong;

static uintptr_t
lock(void *context)
{
    uintptr_t before;

    (void)context;
    __asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(before)::"memory");
    return before;
}

static void
unlock(void *context, uintptr_t before)
{
    (void)context;
    __asm__ volatile("msr primask, %0" ::"r"(before) : "memory");
}

static void
panic(void *context, const struct tarn_quick_fault *fault)
{
    (void)context;
    say("FAILED: panic in ");
    say(fault->function);
    say(": ");
    say(fault->what);
    say("\n");
    leave(2);
}

static void
print(void *context, const char *text, size_t length)
{
    char copy[64];

    (void)context;
    length = length < sizeof copy - 1 ? length : sizeof copy - 1;
    memcpy(copy, text, length);
    copy[length] = '\0';
    say(copy);
}

static const struct tarn_quick_hooks hooks = {NULL, lock, unlock, panic, NULL, NULL, print, NULL};
static const struct tarn_quick_hooks plain = {NULL, NULL, NULL, panic, NULL, NULL, print, NULL};

struct held {
    unsigned char *bytes;
    unsigned size;
    unsigned char stamp;
};

static unsigned
random_of(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static int
intact(const struct held *h)
{
    unsigned i;

    for (i = 0; i < h->size; i++) {
        if (h->bytes[i] != (unsigned char)(h->stamp + i)) {
            return 0;
        }
    }
    return 1;
}

static void
fill(struct held *h, unsigned char stamp)
{
    unsigned i;

    h->stamp = stamp;
    for (i = 0; i < h->size; i++) {
        h->bytes[i] = (unsigned char)(stamp + i);
    }
}

/* One random step; returns 0 when something is wrong. */
static int
step(struct tarn_quick *q, struct held *held, unsigned *state, unsigned largest)
{
    struct held *h = &held[random_of(state) % OBJECTS];
    unsigned size = random_of(state) % largest;

    if (random_of(state) % 4 != 0) {
        size %= 60;
    }
    if (h->bytes == NULL) {
        unsigned i;
        unsigned kind = random_of(state) % 8;

        h->bytes =
            kind == 0 ? tarn_quick_mallocalign(q, size, 32, 4, 1024) : tarn_quick_malloc(q, size);
        if (h->bytes == NULL) {
            return 1;
        }
        for (i = 0; i < size; i++) {
            if (h->bytes[i] != 0) {
                return 0;
            }
        }
        if (kind == 0 && ((uintptr_t)h->bytes % 32 != 4)) {
            return 0;
        }
        h->size = size;
        fill(h, (unsigned char)random_of(state));
        return 1;
    }
    if (!intact(h)) {
        return 0;
    }
    if (random_of(state) % 3 == 0 && size != 0) {
        unsigned char *moved = tarn_quick_realloc(q, h->bytes, size);
        unsigned old = h->size;

        if (moved == NULL) {
            return 1;
        }
        h->bytes = moved;
        h->size = old < size ? old : size;
        if (!intact(h)) {
            return 0;
        }
        h->size = size;
        fill(h, h->stamp);
        return 1;
    }
    tarn_quick_free(q, h->bytes);
    h->bytes = NULL;
    return 1;
}

static int
alone(size_t size, unsigned options)
{
    static struct held held[OBJECTS];
    struct tarn_quick *q = tarn_quick_init(memory + 1, size, options, &plain);
    unsigned state = (unsigned)size + options;
    unsigned i;

    memset(held, 0, sizeof held);
    if (q == NULL) {
        return 0;
    }
    for (i = 0; i < 20000; i++) {
        if (!step(q, held, &state, (unsigned)size / 16)) {
            return 0;
        }
        if (i % 16 == 0 && tarn_quick_check(q, NULL) != NULL) {
            say(tarn_quick_check(q, NULL));
            return 0;
        }
    }
    return 1;
}

/* Tasks: each a stack, switched in turn by the pending-service exception. */
static uint32_t stacks[TASKS][STACK] __attribute__((aligned(8)));
uint32_t *task_stack[TASKS + 1];
unsigned task_now = TASKS;
static struct held task_held[TASKS + 1][OBJECTS];

static void
task(unsigned number)
{
    unsigned state = number * 77 + 5;
    unsigned i;

    for (i = 0; i < ROUNDS || ticks < TICKS_WANTED; i++) {
        if (!step(heap, task_held[number], &state, 2000)) {
            wrong = (int)number + 1;
        }
    }
    done[number] = 1;
    for (;;) {
    }
}

/* The timer: allocates and frees in the tasks' heap, then has them switched. */
void
tick(void)
{
    static unsigned state = 99;
    int i;

    ticks++;
    for (i = 0; i < 3; i++) {
        if (!step(heap, task_held[TASKS], &state, 500)) {
            wrong = 100;
        }
    }
    *(volatile uint32_t *)0xe000ed04 = 1u << 28; /* ICSR.PENDSVSET */
}

uint32_t *next_task(uint32_t *stack);

uint32_t *
next_task(uint32_t *stack)
{
    task_stack[task_now] = stack;
    task_now = (task_now + 1) % (TASKS + 1);
    return task_stack[task_now];
}

void switch_task(void);

__attribute__((naked)) void
switch_task(void)
{
    __asm__ volatile("mrs r0, psp\n\t"
                     "stmdb r0!, {r4-r11}\n\t"
                     "push {r3, lr}\n\t"
                     "bl next_task\n\t"
                     "pop {r3, lr}\n\t"
                     "ldmia r0!, {r4-r11}\n\t"
                     "msr psp, r0\n\t"
                     "bx lr\n\t");
}

int
firmware_main(void)
{
    struct tarn_quick_stats stats;
    unsigned i;

    if (!alone(2048, 0) || !alone(16384, 0) || !alone(100000, 0) ||
        !alone(16384, TARN_QUICK_IMMEDIATE) || !alone(16384, TARN_QUICK_CHECKED) ||
        !alone(16384, TARN_QUICK_TAGS | TARN_QUICK_ALIGN16)) {
        say("FAILED: the heap's own test\n");
        return 1;
    }
    say("own test passed\n");
    heap = tarn_quick_init(memory, sizeof memory, 0, &hooks);
    for (i = 0; i < TASKS; i++) {
        uint32_t *frame = &stacks[i][STACK - 16];

        memset(frame, 0, 64);
        frame[8] = i;                          /* r0 */
        frame[14] = (uint32_t)(uintptr_t)task; /* pc */
        frame[15] = 0x01000000;                /* thumb */
        task_stack[i] = frame;
    }
    /* This function, on the process stack since the start, is one more task. */
    *(volatile uint32_t *)0xe000ed20 = 0x00ff0000; /* PendSV lowest priority */
    *(volatile uint32_t *)0xe000e014 = 4999;       /* SysTick reload */
    *(volatile uint32_t *)0xe000e018 = 0;
    *(volatile uint32_t *)0xe000e010 = 7;
    while (!wrong && !(done[0] && done[1] && done[2])) {
    }
    *(volatile uint32_t *)0xe000e010 = 0;
    if (wrong || tarn_quick_check(heap, NULL) != NULL) {
        say("FAILED: the tasks' heap\n");
        return 1;
    }
    tarn_quick_get_stats(heap, &stats);
    say("tasks and interrupt passed\n");
    tarn_quick_summary(heap);
    for (i = 0; i <= TASKS; i++) {
        unsigned j;

        for (j = 0; j < OBJECTS; j++) {
            tarn_quick_free(heap, task_held[i][j].bytes);
        }
    }
    tarn_quick_flush(heap);
    tarn_quick_get_stats(heap, &stats);
    return tarn_quick_check(heap, NULL) != NULL || stats.objects != 0;
}
