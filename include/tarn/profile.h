/*
 * tarn/profile.h: where memory is allocated, by sampling.
 *
 * While the profile is on, every allocation from the process heap (malloc, C++'s new and
 * tarn/tarn.h's functions), from heaps of one's own and from images may become a sample: one of n
 * bytes with probability 1 - exp(-(n + 1) / interval), as in a Poisson process over bytes. The
 * stack of each sample is kept, and whether it is still live. From the samples a profile says, for
 * each stack, about how many blocks and bytes were allocated there since the start, and how many of
 * them are live: un-sampled, so that sums are right in the mean, with an error of about
 * sqrt(interval / bytes) of a figure. Pools are sampled that have the flag TARN_POOL_PROFILE. What
 * lies in an image is known until it is closed or rolled back.
 *
 * The environment does the same for a whole run: TARN_PROFILE=FILE, TARN_PROFILE_INTERVAL and
 * TARN_LEAKS; docs/insight.md tells how, and what the files are read with.
 *
 * All functions may be called by any thread at any time, but in a signal handler. A fork's child
 * goes on with a copy of the profile.
 */
#ifndef TARN_PROFILE_H
#define TARN_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#    pragma GCC visibility push(default)
#endif

#define TARN_PROFILE_INTERVAL ((size_t)512 * 1024) /* bytes from one sample to the next */

/* Starts sampling, every interval bytes in the mean: 0 for TARN_PROFILE_INTERVAL, 1 for every block
 * there is; more than 1 TiB counts as that. Forgets what an earlier profile found. The calling
 * thread is sampled at once, others from when they next run out of free blocks of a size, at the
 * latest. False when stacks cannot be walked, there is no memory, or TARN_CHECK is on, whose blocks
 * are no samples. Cost: loads the compiler's unwinder at the first call. */
bool tarn_profile_start(size_t interval);

/* Samples no more; what was found can still be written, and frees of samples are still seen. A
 * thread notices at what would be its next sample, at the latest. */
void tarn_profile_stop(void);

enum tarn_profile_format {
    TARN_PROFILE_BY_NAME, /* by the path's end: .heap, .txt, else pprof's */
    TARN_PROFILE_PPROF,   /* pprof's profile.proto, gzipped */
    TARN_PROFILE_HEAP,    /* gperftools' heap profile, a text that google-pprof reads */
    TARN_PROFILE_LEAKS,   /* text for people: what is live, by stack, the largest first */
};

/* Writes the profile into a file, in place of what it held, whole or not at all: a new file beside
 * it takes its name. A pipe, a device, a symbolic link's file, and a file in a folder where none
 * can be made are written to as they are. 0, or what failed as an errno: ENODATA when no profile
 * was ever started, EDEADLK in the midst of this thread's own sample. Cost: grows with the number
 * of different stacks; other threads' samples wait meanwhile for the time it takes to copy them. */
int tarn_profile_write(const char *path, enum tarn_profile_format format);

#if defined(__GNUC__)
#    pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
