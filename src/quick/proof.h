/* Telling good from bad. */
#ifndef TN_QUICK_PROOF_H
#define TN_QUICK_PROOF_H

#include "quick/block.h"

#define TN_CLEAN 0xd8 /* fills free memory of checked heaps; its low bits say "not in use" */

/* The words at the end of a block, of heaps that keep them. */
enum {
    TN_SIZE,
    TN_COOKIE,
    TN_MALLOC_TAG,
    TN_REALLOC_TAG
};

uintptr_t tn_quick_get_word(struct tarn_quick *q, const struct tn_block *block, unsigned which);
void tn_quick_set_word(struct tarn_quick *q, struct tn_block *block, unsigned which,
                       uintptr_t word);

/* What TN_COOKIE must be for an object of `size` bytes. */
uintptr_t tn_quick_cookie(const struct tn_block *block, size_t size);

/* The object's block, or NULL and *what. *lead becomes the bytes from payload to pointer. Panics
 * are the caller's. Call locked. */
struct tn_block *tn_quick_locate(struct tarn_quick *q, const void *object, size_t *lead,
                                 const char **what);

/* Whether the header can be that of a block there; and what is to be said when it cannot, or when
 * another block is damaged. */
int tn_quick_is_plausible(const struct tarn_quick *q, const struct tn_block *block);
extern const char tn_quick_implausible[];
extern const char tn_quick_damage_before[];
extern const char tn_quick_damage_behind[];
extern const char tn_quick_damage_free[];

/* Whether a free block's header, tag and links are what they must be, for a checked heap before it
 * uses them. Reads nothing outside the regions. */
int tn_quick_is_free(struct tarn_quick *q, const struct tn_block *block);

/* The block tn_take would take `size` bytes from; NULL when there is none. Call locked. */
struct tn_block *tn_quick_candidate(struct tarn_quick *q, tn_word size);

/* Why tn_give refused the block. Call locked. */
const char *tn_quick_damage_near(const struct tn_block *block);

/* Bytes of the block the owner of a pointer `lead` into the payload may use. */
size_t tn_quick_room(struct tarn_quick *q, const struct tn_block *block, size_t lead);

/* Whether the bytes are all `byte`. */
int tn_quick_all(const void *from, const void *to, unsigned char byte);

/* In a checked heap, whether the object's owner wrote beyond its end: NULL when not. */
const char *tn_quick_overrun(struct tarn_quick *q, struct tn_block *block, const void *object,
                             size_t lead);

/* Calls the panic hook, or traps. */
void tn_quick_panic(struct tarn_quick *q, const char *function, const char *what,
                    const void *object);

#endif
