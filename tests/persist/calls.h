/*
 * The system calls that the library makes, between it and the C library (linked with --wrap): they
 * can be counted, made to fail or to end the process, and recorded.
 */
#ifndef CALLS_H
#define CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum calls_fault {
    CALLS_NONE,
    CALLS_ONCE,  /* the n-th call fails */
    CALLS_ON,    /* it and all later ones that could */
    CALLS_SHORT, /* the n-th, if it writes, writes half, and then fails */
    CALLS_DIE,   /* the process ends instead of the n-th call */
    CALLS_DIE_AFTER,
};

/* From now on; n counts from 1. */
void calls_inject(enum calls_fault fault, unsigned long n, int error);
unsigned long calls_count(void);

enum calls_kind {
    CALLS_WRITE,
    CALLS_SYNC,        /* at: its number, if calls are counted */
    CALLS_SYNC_FAILED, /* made to fail: what it was to write may be lost */
    CALLS_RESIZE,
    CALLS_PUNCH,
    CALLS_RESERVE, /* the file is at least so long: at + size */
    CALLS_CREATE,
    CALLS_REMOVE,
    CALLS_SYNC_FOLDER,
    CALLS_SYNC_MEMORY, /* of a shared mapping */
    CALLS_MARK,
};

struct calls_event {
    enum calls_kind kind;
    uint64_t file; /* inode */
    uint64_t at;
    uint64_t size;
    unsigned char *data;
    char name[64]; /* CREATE, REMOVE: the path's last part */
};

/* From now on nobody can tell that the system was not started anew. */
void calls_start_anew(void);

void calls_record(void);
/* A mark of the test's own. */
void calls_mark(uint64_t at, uint64_t size);
const struct calls_event *calls_events(size_t *count);
/* Whether there is one of this kind. */
bool calls_have(enum calls_kind kind);

#endif
