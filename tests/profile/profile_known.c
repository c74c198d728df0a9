/*
 * Known amounts at known places, for profiles to be held against. Each site is a function of its
 * own; prints "site allocated_blocks allocated_bytes live_blocks live_bytes" for each. With
 * arguments, starts the profile itself at an interval and writes it to a file, and once all of it
 * is freed to another, or the same.
 */
#include "tarn/profile.h"
#include "tarn/tarn.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SITE __attribute__((noinline))

static void *volatile keep[1000000];
static size_t kept;

struct tally {
    const char *name;
    size_t allocated;
    size_t live;
    size_t size;
};

static struct tally tallies[16];
static size_t tally_count;

static void
tell(const char *name, size_t allocated, size_t live, size_t size)
{
    tallies[tally_count++] = (struct tally){name, allocated, live, size};
}

SITE static void
site_small(void)
{
    for (int i = 0; i < 200000; i++) {
        keep[kept++] = malloc(64);
    }
    tell("site_small", 200000, 200000, 64);
}

SITE static void
site_page(void)
{
    for (int i = 0; i < 8000; i++) {
        keep[kept++] = malloc(3000);
    }
    tell("site_page", 8000, 8000, 3000);
}

SITE static void
site_middle(void)
{
    for (int i = 0; i < 1000; i++) {
        keep[kept++] = calloc(1, 20000);
    }
    tell("site_middle", 1000, 1000, 20000);
}

SITE static void
site_large(void)
{
    for (int i = 0; i < 30; i++) {
        keep[kept++] = malloc(1 << 20);
    }
    tell("site_large", 30, 30, 1 << 20);
}

SITE static void
site_aligned(void)
{
    for (int i = 0; i < 10000; i++) {
        keep[kept++] = aligned_alloc(256, 1024);
    }
    tell("site_aligned", 10000, 10000, 1024);
}

/* A block that is freed at once, over and over: much allocated, nothing live. */
SITE static void
site_churn(void)
{
    for (int i = 0; i < 1000000; i++) {
        keep[kept] = malloc(100);
        free(keep[kept]);
    }
    tell("site_churn", 1000000, 0, 100);
}

/* Half of them are freed, by another thread. */
static void *
free_half(void *first)
{
    void *volatile *block = first;
    for (int i = 0; i < 40000; i += 2) {
        free(block[i]);
        block[i] = NULL;
    }
    return NULL;
}

SITE static void *
site_half(void)
{
    void *volatile *first = &keep[kept];
    for (int i = 0; i < 40000; i++) {
        keep[kept++] = malloc(512);
    }
    tell("site_half", 40000, 20000, 512);
    return (void *)(size_t)first;
}

/* One block that grows step by step to 32 MiB, most of the way where it is. */
SITE static void
site_grown(void)
{
    char *block = malloc(100000);
    for (size_t size = 100000; size < (size_t)32 << 20; size += size / 2) {
        block = realloc(block, size);
    }
    keep[kept++] = realloc(block, (size_t)32 << 20);
    tell("site_grown", 0, 1, (size_t)32 << 20);
}

SITE static void *
site_thread(void *unused)
{
    for (int i = 0; i < 50000; i++) {
        keep[kept++] = malloc(200);
    }
    return unused;
}

int
main(int argc, char **argv)
{
    if (argc > 2 && !tarn_profile_start(strtoul(argv[1], NULL, 10))) {
        return 1;
    }
    site_small();
    site_page();
    site_middle();
    site_large();
    site_aligned();
    site_churn();
    void *half = site_half();
    pthread_t other;
    pthread_create(&other, NULL, free_half, half);
    pthread_join(other, NULL);
    site_grown();
    pthread_t thread;
    pthread_create(&thread, NULL, site_thread, NULL);
    pthread_join(thread, NULL);
    tell("site_thread", 50000, 50000, 200);
    if (argc > 2) {
        tarn_profile_stop();
    }
    for (size_t i = 0; i < tally_count; i++) {
        struct tally *one = &tallies[i];
        printf("%s %zu %zu %zu %zu\n", one->name, one->allocated, one->allocated * one->size,
               one->live, one->live * one->size);
    }
    if (argc > 2) {
        int failed = tarn_profile_write(argv[2], TARN_PROFILE_BY_NAME);
        if (failed != 0) {
            fprintf(stderr, "%s: %s\n", argv[2], strerror(failed));
            return 1;
        }
        for (size_t i = 0; i < kept; i++) {
            free(keep[i]);
        }
        return tarn_profile_write(argc > 3 ? argv[3] : argv[2], TARN_PROFILE_BY_NAME);
    }
    return 0;
}
