/*
 * Linked structures of several kinds in an image, changed by several threads, whose contents have a
 * digest that can be computed again by walking them: what the tests of crashes look at.
 *
 * Every thread has a quarter of its own: a doubly linked list, a binary tree, a hash map of strings
 * and a vector that grows by realloc. Quarters also leave strings for each other to free.
 */
#ifndef TOWN_H
#define TOWN_H

#include <tarn/persist.h>

#include <stdbool.h>
#include <stdint.h>

#ifndef QUARTERS
#    define QUARTERS 4
#endif

/* Where images are made: ThreadSanitizer allows programs but some addresses. */
#ifdef __SANITIZE_THREAD__
#    define TOWN_BASE ((void *)(uintptr_t)0x7e9000000000)
#else
#    define TOWN_BASE NULL
#endif

struct town;

/* The town in the image, built if there is none; NULL: no memory. */
struct town *town_find(tarn_heap *heap);

/* Some changes in one quarter, drawn from *seed. A failed allocation just changes less. */
void town_work(tarn_heap *heap, struct town *town, unsigned quarter, uint64_t *seed,
               unsigned changes);

/* What town_work has kept account of: all contents of all quarters. */
uint64_t town_digest(const struct town *town);

/* Walks everything; NULL, or what is wrong in words. *digest: of what was found. */
const char *town_check(tarn_heap *heap, const struct town *town, uint64_t *digest);

uint64_t town_random(uint64_t *seed);

#endif
