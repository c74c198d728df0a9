/*
 * What the profile knows: for each stack that a sample was taken at, how much was allocated there
 * and how much of it is live; and each live sample. In memory of its own, never from malloc. All
 * functions are called under the samples' lock (heap/sample.h).
 */
#ifndef TN_SITES_H
#define TN_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* Samples, and what they stand for: a sample of n bytes stands for 1 / (1 - exp(-(n+1)/interval))
 * blocks. In 1/1024 of a block or byte, so that sums stay exact as samples come and go. */
struct tn_tally {
    uint64_t samples;
    uint64_t sample_bytes;
    uint64_t blocks; /* in 1/1024 */
    uint64_t bytes;  /* in 1/1024 */
};

struct tn_site {
    struct tn_site *next; /* in the order in which they came */
    uint64_t hash;
    struct tn_tally allocated;
    struct tn_tally live;
    uint32_t depth;
    void *frames[]; /* innermost first; return addresses */
};

/* One live sample. */
struct tn_sample {
    uintptr_t block; /* 0: no entry */
    struct tn_site *site;
    size_t size;     /* as asked for */
    uint64_t weight; /* blocks that it stands for, in 1/1024 */
};

/* Returns the bytes that the sample stands for. */
uint64_t tn_sites_record(void *block, size_t size, size_t interval, void *const *frames,
                         unsigned depth);
void tn_sites_forget(void *block);
void tn_sites_forget_all(const void *start, size_t size); /* that lie there */
/* Drops all there is. */
void tn_sites_reset(void);

/* The first site; the others follow by next. By a name, too, for who reads it from outside. */
extern struct tn_site *tn_first_site;
const struct tn_site *tn_sites_first(void);
size_t tn_sites_count(void);
/* Samples that could not be kept for want of memory. */
uint64_t tn_sites_lost(void);
/* Live samples, in no order, some entries empty. */
const struct tn_sample *tn_sites_samples(size_t *entries);

#pragma GCC visibility pop

#endif
