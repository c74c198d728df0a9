/* Objects at given addresses. */
#ifndef TN_QUICK_ALIGN_H
#define TN_QUICK_ALIGN_H

#include "quick/guard.h"

/* Where an object may lie. */
struct tn_place {
    size_t size;    /* the object's bytes */
    size_t align;   /* at least 1 */
    size_t residue; /* the object's address modulo align */
    size_t span;    /* no multiple of it inside the object; 0: none */
    unsigned steps; /* candidates to look at, at most */
};

/* Makes a place of what a request with `align` or `span` asks for. Returns the bytes of a block in
 * which there is one wherever the block lies; SIZE_MAX when no block could be enough. */
size_t tn_quick_plan(const struct tarn_quick *q, const struct tn_request *request,
                     struct tn_place *place);

/* Cuts a block in use of as many bytes down to the place, and gives back what lies before and
 * behind it; the bytes have been filled before. Returns the block that is left; *lead becomes the
 * bytes from its payload to the object. NULL: there is no such place, or *what is broken. */
struct tn_block *tn_quick_place(struct tarn_quick *q, struct tn_block *block,
                                const struct tn_place *place, size_t *lead, const char **what);

#endif
