/*
 * libtarn-report.so, preloaded beside libtarn.so by `tarn run`: when the program ends it writes
 * its peak of memory and, where it ran on Tarn, what its heap holds into the file that
 * TARN_TOOL_REPORT names. Only the process whose id is TARN_TOOL_PROCESS does, so that neither a
 * fork's child nor a program it starts writes there.
 */
#include "tarn/stats.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

/* Its absence means that the allocator preloaded is another. */
extern __attribute__((weak)) size_t tarn_stats(struct tarn_stats *stats);

static long own_process; /* 0: nothing is to be written */
static char file_name[4096];

__attribute__((constructor)) static void
start(void)
{
    const char *file = getenv("TARN_TOOL_REPORT");
    const char *process = getenv("TARN_TOOL_PROCESS");
    if (file != NULL && process != NULL && atol(process) == (long)getpid()) {
        int length = snprintf(file_name, sizeof file_name, "%s", file);
        own_process = length < (int)sizeof file_name ? atol(process) : 0;
    }
}

/* Most bytes resident at a time since this program began; 0: not known. */
static size_t
read_peak(void)
{
    char text[4096];
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t length = file >= 0 ? read(file, text, sizeof text - 1) : 0;
    if (file >= 0) {
        close(file);
    }
    text[length > 0 ? length : 0] = 0;
    const char *line = strstr(text, "\nVmHWM:");
    return line != NULL ? strtoul(line + 7, NULL, 10) * 1024 : 0;
}

__attribute__((destructor)) static void
report(void)
{
    static struct tarn_stats stats;
    char line[512];
    if (own_process != (long)getpid()) {
        return;
    }
    own_process = 0;
    stats.size = sizeof stats;
    bool known = tarn_stats != NULL && tarn_stats(&stats) != 0;
    int length = snprintf(line, sizeof line, "%zu", read_peak());
    if (known) {
        length += snprintf(line + length, sizeof line - (size_t)length,
                           " %zu %zu %zu %zu %zu %zu %zu %zu %zu %zu\n", stats.live_blocks,
                           stats.live_bytes, stats.large_blocks, stats.large_bytes,
                           stats.slab_free_bytes, stats.cached_bytes, stats.dirty_bytes,
                           stats.own_bytes, stats.committed_bytes, stats.threads);
    }
    int out = open(file_name, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (out >= 0) {
        ssize_t written = write(out, line, (size_t)length);
        (void)written;
        close(out);
    }
}

/* Ends that run no destructors. */
EXPORTED _Noreturn void
_exit(int status)
{
    report();
    void (*next)(int) = NULL;
    *(void **)&next = dlsym(RTLD_NEXT, "_exit");
    if (next != NULL) {
        next(status);
    }
    abort();
}

EXPORTED _Noreturn void
_Exit(int status)
{
    _exit(status);
}
