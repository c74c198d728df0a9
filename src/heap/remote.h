/*
 * The blocks of a slab that others than its owner freed: one 64-bit word, changed only by
 * compare-and-swap (or taken whole by the owner).
 *
 *   bits  0..23  offset of the last block pushed, in units of 8 bytes; TN_REMOTE_END: none
 *   bit   24     FULL: nobody owns the slab, every block is live; whoever frees the first one
 *                clears the bit and owns the slab from then on
 *   bits 32..47  blocks on the list
 *   bits 48..63  SHARED, when not zero: nobody owns the slab, it is on its heap's list, and this
 *                many of its blocks are live or on the list; who frees the last one takes the slab
 *                from the heap's list and gives it back
 *
 * Who may write what: any thread pushes (count + 1, new offset) and, seeing FULL, claims; only the
 * owner, or of a shared slab who holds the heap's lock, takes the list; only the owner sets FULL
 * (with an empty list, so that no push is lost); SHARED is set by an owner letting go, lowered by
 * who takes the list and cleared by the adopter, all under the heap's lock. A push releases the
 * block's link, which pairs with the acquire of the taker. FULL is set with release and claimed
 * with acquire, so the claimer sees the slab as the last owner left it. The owner field only
 * follows: a thread that reads an old owner pushes, and the push is found at the next take.
 */
#ifndef TN_REMOTE_H
#define TN_REMOTE_H

#include <stdint.h>

#define TN_REMOTE_END    ((uint64_t)0xffffff)
#define TN_REMOTE_FULL   ((uint64_t)1 << 24)
#define TN_REMOTE_ONE    ((uint64_t)1 << 32) /* one block */
#define TN_REMOTE_SHARED ((uint64_t)1 << 48) /* one live block */

static inline uint64_t
tn_remote_first(uint64_t word)
{
    return word & TN_REMOTE_END;
}

static inline unsigned
tn_remote_count(uint64_t word)
{
    return (unsigned)(word >> 32) & 0xffff;
}

static inline unsigned
tn_remote_shared(uint64_t word)
{
    return (unsigned)(word >> 48);
}

#endif
