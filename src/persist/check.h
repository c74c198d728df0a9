/*
 * Checking an image's invariants without trusting a byte of it.
 */
#ifndef TN_CHECK_H
#define TN_CHECK_H

#include "persist/image.h"

#pragma GCC visibility push(hidden)

struct tn_checker {
    bool (*report)(void *context, const char *what, uint64_t offset);
    tarn_progress progress;
    void *context; /* of both */
    uint64_t done; /* bytes of total before the present step */
    uint64_t total;
    int count;      /* reported */
    bool stopped;   /* no more is wanted */
    bool cancelled; /* by progress */
    bool no_memory; /* for a part of it */
};

/* offset is from the start of the file or of the space, as the caller of the check was promised. */
void tn_check_say(struct tn_checker *checker, const char *what, uint64_t offset);

/* Tells how much of the present step is done; false: stop. */
bool tn_check_goes_on(struct tn_checker *checker, uint64_t done);

/* The allocator's invariants in the first usable bytes at memory, which belong at the address base;
 * offsets reported are from memory, plus first. */
void tn_check_space(struct tn_checker *checker, const char *memory, size_t usable,
                    const struct tn_superblock *head, uint64_t first);

/* The journal's seal, if there is one to be believed, against its records, which have been found
 * and mapped. */
void tn_check_seal(struct tn_checker *checker, struct tn_image *image);

#pragma GCC visibility pop

#endif
