/*
 * Sets of pages of an image: a bit for each page, in memory that is touched only where pages are,
 * and a bit for each word of 64 pages' words, so that going through a set costs what is in it.
 */
#ifndef TN_PAGE_SET_H
#define TN_PAGE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

struct tn_page_set {
    uint64_t *bits;
    uint64_t *summary;
    size_t words;
    size_t memory; /* bytes reserved */
    size_t count;  /* pages in the set */
    size_t from;   /* words with pages lie in [from, to) */
    size_t to;
};

bool tn_page_set_init(struct tn_page_set *set, size_t pages);
void tn_page_set_release(struct tn_page_set *set);
void tn_page_set_clear(struct tn_page_set *set);
void tn_page_set_add(struct tn_page_set *set, size_t first, size_t count);
void tn_page_set_remove(struct tn_page_set *set, size_t first, size_t count);

/* Of count pages from first on, how many follow each other that are all in the set, or all not. */
size_t tn_page_set_stretch(const struct tn_page_set *set, size_t first, size_t count, bool *in);

/* The first run of pages at or after *first: true, with its place and length. */
bool tn_page_set_next(const struct tn_page_set *set, size_t *first, size_t *count);

#pragma GCC visibility pop

#endif
