/*
 * How far one word is from another in spelling, for messages that guess what was meant.
 */
#ifndef TN_SPELLING_H
#define TN_SPELLING_H

#include <stddef.h>

#define TN_SPELLING_MOST 32u /* longer words resemble nothing */
#define TN_SPELLING_NEAR 3u  /* slips of the pen that still suggest a word */

/* Insertions, deletions and changes of a letter that lead from a word of length letters to another;
 * length is at most TN_SPELLING_MOST. */
unsigned tn_spelling_distance(const char *from, size_t length, const char *to);

#endif
