/*
 * The sampled profile: the parts of it, and what the environment asks for.
 */
#ifndef TN_PROFILE_H
#define TN_PROFILE_H

#include "tarn/profile.h"
#include "watch/out.h"
#include "watch/sites.h"

#pragma GCC visibility push(hidden)

/* A copy of a site; frames follow it. */
struct tn_site_copy {
    struct tn_tally allocated;
    struct tn_tally live;
    size_t depth;
};

/* The whole profile at one moment. */
struct tn_profile {
    struct tn_out sites; /* struct tn_site_copy, each followed by its frames */
    struct tn_out modules;
    size_t interval;
    uint64_t lost;
    uint64_t started;  /* nanoseconds since 1970 */
    uint64_t duration; /* nanoseconds */
};

/* 0 or an errno. */
int tn_profile_copy(struct tn_profile *profile);
void tn_profile_drop(struct tn_profile *profile);

static inline void *const *
tn_copy_frames(const struct tn_site_copy *site)
{
    return (void *const *)(const void *)(site + 1);
}

/* Site i by its place; at is 0 at first and moves on. NULL after the last. */
static inline const struct tn_site_copy *
tn_profile_next(const struct tn_profile *profile, size_t *at)
{
    if (*at >= profile->sites.length) {
        return NULL;
    }
    const struct tn_site_copy *site = (const void *)(profile->sites.bytes + *at);
    *at += sizeof *site + site->depth * sizeof(void *);
    return site;
}

/* The forms a profile is written in. */
void tn_profile_pprof(const struct tn_profile *profile, struct tn_out *out);
void tn_profile_heap(const struct tn_profile *profile, struct tn_out *out);
void tn_profile_leaks(const struct tn_profile *profile, struct tn_out *out);

/* The form that a file's name asks for. */
enum tarn_profile_format tn_profile_format_of(const char *path);

/* What TARN_PROFILE, TARN_PROFILE_INTERVAL and TARN_LEAKS ask for, at the start and the end. */
void tn_profile_at_start(void);
void tn_profile_at_end(void);

#pragma GCC visibility pop

#endif
