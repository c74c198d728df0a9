/*
 * Known stacks of every kind: frames of one size, recursion, frames that grow, frames with a
 * pointer, callbacks from the C library, signals on a stack of their own, threads. Each allocates
 * at a place of its own; prints for each stack its functions, innermost first, and how many
 * allocations it made. With every block sampled a profile must have just these.
 */
#include "tarn/profile.h"

#include <alloca.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KNOWN __attribute__((noinline, noclone))

enum {
    ROUNDS = 200,
    DEEPEST = 7,
    ALTERNATE = 1 << 16
};

static void *volatile last;
static unsigned made[DEEPEST + 1];

#define LEAF(name)                                                                                 \
    KNOWN static void name(void)                                                                   \
    {                                                                                              \
        free(last);                                                                                \
        last = malloc(100);                                                                        \
        __asm__ volatile("/* " #name " */");                                                       \
    }

LEAF(leaf_deep)
LEAF(leaf_grown)
LEAF(leaf_pointer)
LEAF(leaf_sorted)
LEAF(leaf_signal)
LEAF(leaf_thread)

KNOWN static void
deep(unsigned depth)
{
    if (depth == 0) {
        leaf_deep();
    } else {
        deep(depth - 1);
    }
    __asm__ volatile("");
}

KNOWN static void
grown(unsigned size)
{
    char *room = alloca(size);
    memset(room, 1, size);
    __asm__ volatile("" : : "r"(room) : "memory");
    leaf_grown();
    __asm__ volatile("" : : "r"(room) : "memory");
}

__attribute__((noinline, noclone, optimize("no-omit-frame-pointer"))) static void
with_pointer(void)
{
    leaf_pointer();
    __asm__ volatile("");
}

KNOWN static int
compare(const void *a, const void *b)
{
    leaf_sorted();
    return *(const int *)a - *(const int *)b;
}

KNOWN static void
sort(void)
{
    int two[] = {2, 1};
    qsort(two, 2, sizeof *two, compare);
    __asm__ volatile("");
}

KNOWN static void
handle(int number)
{
    (void)number;
    leaf_signal();
    __asm__ volatile("");
}

KNOWN static void
signalled(void)
{
    raise(SIGUSR1);
    __asm__ volatile("");
}

KNOWN static void *
in_thread(void *nothing)
{
    leaf_thread();
    __asm__ volatile("");
    return nothing;
}

int
main(int argc, char **argv)
{
    static char alternate[ALTERNATE];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
    if (argc != 2 || sigaltstack(&stack, NULL) != 0 || sigaction(SIGUSR1, &action, NULL) != 0 ||
        !tarn_profile_start(1)) {
        return 1;
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        pthread_t thread;
        unsigned depth = i % (DEEPEST + 1);
        made[depth]++;
        deep(depth);
        grown(1 + i * 37 % 5000);
        with_pointer();
        sort();
        signalled();
        if (pthread_create(&thread, NULL, in_thread, NULL) != 0 ||
            pthread_join(thread, NULL) != 0) {
            return 1;
        }
    }
    tarn_profile_stop();
    for (unsigned depth = 0; depth <= DEEPEST; depth++) {
        printf("%u leaf_deep", made[depth]);
        for (unsigned i = 0; i <= depth; i++) {
            printf(" deep");
        }
        printf(" main\n");
    }
    printf("%u leaf_grown grown main\n", ROUNDS);
    printf("%u leaf_pointer with_pointer main\n", ROUNDS);
    printf("%u leaf_sorted compare sort main\n", ROUNDS);
    printf("%u leaf_signal handle signalled main\n", ROUNDS);
    printf("%u leaf_thread in_thread\n", ROUNDS);
    return tarn_profile_write(argv[1], TARN_PROFILE_PPROF);
}
