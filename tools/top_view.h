/*
 * `tarn top`: what another process's heap holds, read from outside.
 */
#ifndef TARN_TOP_VIEW_H
#define TARN_TOP_VIEW_H

#include "tarn/stats.h"
#include "watch/view.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    TOP_FRAMES = 64,
    TOP_SITES = 4096, /* looked at, at most */
    TOP_THREADS = 64, /* shown, at most */
    TOP_ERROR = 256,
};

struct top_target {
    pid_t pid;
    char name[64]; /* of its program */
    struct tn_view view;
    struct top_symbols *symbols; /* NULL until they are asked for */
    char error[TOP_ERROR];       /* why the last call failed */
};

struct top_thread {
    uintptr_t id;
    size_t slabs;
    size_t live_bytes;
    size_t kept_bytes; /* slices it keeps for later */
};

struct top_site {
    double live_bytes;
    double live_blocks;
    double allocated_bytes;
    double allocated_blocks;
    unsigned depth;
    void *frames[TOP_FRAMES];
};

struct top_shot {
    struct tarn_stats stats;
    size_t resident; /* bytes of the process */
    size_t thread_count;
    struct top_thread threads[TOP_THREADS]; /* the largest first */
    size_t interval;                        /* of the profile; 0: there is none */
    size_t site_count;
    struct top_site *sites; /* the most live bytes first; the caller frees them */
};

/* Finds the heap of a process. False: error says why, a sentence. */
bool top_open(struct top_target *target, pid_t pid);
void top_close(struct top_target *target);

/* top_census.c: everything, at about this moment. False as above. */
bool top_take(struct top_target *target, struct top_shot *shot);
void top_drop(struct top_shot *shot);

/* Bytes of the process's memory; false: gone, or not there. */
bool top_read(struct top_target *target, const void *address, void *bytes, size_t size);
bool top_write(struct top_target *target, void *address, const void *bytes, size_t size);

/* Says why in target->error, and returns false. */
bool top_fail(struct top_target *target, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The profile's next stack, whose place *at becomes that of the one after it; false: there is none,
 * or it makes no sense (one is half made, or they are being dropped). */
struct tn_site;
bool top_next_site(struct top_target *target, const struct tn_site **at, struct tn_site *site,
                   void *frames[TOP_FRAMES]);
/* The place of the first one and the profile's interval; false: there was never a profile. */
bool top_first_site(struct top_target *target, const struct tn_site **at, size_t *interval);

/* top_symbols.c: the functions of a stack, "inner < outer < ...", without those that do nothing but
 * allocate. */
void top_describe(struct top_target *target, const struct top_site *site, char *text, size_t size);
/* What identifies the file that is mapped there, in hexadecimal; "" when nothing does. */
void top_build_id(struct top_target *target, uintptr_t address, char *text, size_t size);
void top_symbols_end(struct top_target *target);

/* top_screen.c: the live view; top_print.c: a page of it, or JSON. */
int top_screen(struct top_target *target, double seconds);
void top_print(struct top_target *target, const struct top_shot *shot);
void top_print_json(struct top_target *target, const struct top_shot *shot);

#endif
