/*
 * What a writer told, in memory that outlives it, and whether an image is what it told.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include "town.h"

#include <stdatomic.h>

/* What the writer told. */
struct told {
    _Atomic uint64_t acknowledged; /* number of a commit */
    _Atomic uint64_t begun;
    uint64_t digest_acknowledged;
    uint64_t digest_begun;
    _Atomic bool created;
    _Atomic uint64_t commits;
    _Atomic uint64_t redone;
    _Atomic uint64_t dropped;
};

extern struct told *told;
extern const char *file;
extern unsigned flags; /* of every opening */
extern tarn_heap *heap;
extern struct town *town;
extern char oracle_context[128]; /* said when something is wrong */

/* Removes the file and its journal. */
void oracle_begin(void);
void oracle_end(void);

_Noreturn void oracle_fail(const char *what);

/* Tells what is about to be committed, commits, and tells that it is. 0 or -1 as how says. */
int oracle_commit(int (*how)(tarn_heap *heap));

/* Looks at the file in another process: by the check, by its contents, and, if asked to write, by
 * changing it without a commit. Ends this process when it is not what was told. */
void oracle_look(bool write);

#endif
