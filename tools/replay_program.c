/*
 * tarn-replay PLAN FACE LIBRARY FOLDER (time RUNS | memory) [threads]: replays a plan that `tarn
 * trace replay` has made, in a process of its own, whose malloc may be anybody's. Prints for `time`
 * a line for each run: nanoseconds of processor time, user-mode instructions or -1, and nanoseconds
 * from begin to end; for `memory`
 * lines of step, live bytes, resident bytes above those at the start, then `peak` and that.
 */
#include "replay_step.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct replay_work work;
static uint64_t *sizes;
static bool threads; /* as the program's */

void *
replay_reserve(size_t size)
{
    void *at = mmap(NULL, size + 1, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (at == MAP_FAILED) {
        fputs("tarn-replay: no memory\n", stderr);
        exit(1);
    }
    return at;
}

_Noreturn void
replay_refused(const struct replay_work *at, const struct replay_step *step)
{
    fprintf(stderr, "tarn-replay: step %zu, %llu bytes: refused\n", (size_t)(step - at->steps),
            (unsigned long long)step->size);
    _exit(3);
}

/* What is counted; by this name, so that a tool may be told where to count. */
__attribute__((noinline)) void replay_pass(const struct replay_face *face);

__attribute__((noinline)) void
replay_pass(const struct replay_face *face)
{
    for (uint64_t i = 0; i < work.header->count; i++) {
        if (!replay_do(&work, face, &work.steps[i])) {
            replay_refused(&work, &work.steps[i]);
        }
    }
}

static void
clear(const struct replay_face *face)
{
    for (uint64_t i = 0; i < work.header->slots; i++) {
        if (work.objects[i] != NULL) {
            face->release(work.objects[i]);
            work.objects[i] = NULL;
        }
    }
}

static int
open_counter(void)
{
    struct perf_event_attr what = {.type = PERF_TYPE_HARDWARE,
                                   .size = sizeof what,
                                   .config = PERF_COUNT_HW_INSTRUCTIONS,
                                   .disabled = 1,
                                   .exclude_kernel = 1,
                                   .exclude_hv = 1};
    return (int)syscall(SYS_perf_event_open, &what, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static long long
clock_time(clockid_t which)
{
    struct timespec time;
    clock_gettime(which, &time);
    return (long long)time.tv_sec * 1000000000 + time.tv_nsec;
}

static long long
run_threads(const struct replay_face *face, struct replay_sample *samples, uint64_t every)
{
    long long taken = replay_threads(face, samples, every);
    if (taken < 0) {
        fputs("tarn-replay: the threads cannot be started\n", stderr);
        exit(1);
    }
    return taken;
}

static void
measure_time(const struct replay_face *face, unsigned runs)
{
    int counter = open_counter();
    for (unsigned run = 0; run < runs; run++) {
        long long instructions = -1;
        if (counter >= 0) {
            ioctl(counter, PERF_EVENT_IOC_RESET, 0);
            ioctl(counter, PERF_EVENT_IOC_ENABLE, 0);
        }
        long long began = clock_time(CLOCK_MONOTONIC);
        long long start = clock_time(CLOCK_PROCESS_CPUTIME_ID);
        long long taken = 0;
        if (threads) {
            taken = run_threads(face, NULL, 1);
        } else {
            replay_pass(face);
            taken = clock_time(CLOCK_PROCESS_CPUTIME_ID) - start;
        }
        long long wall = clock_time(CLOCK_MONOTONIC) - began;
        if (counter >= 0) {
            ioctl(counter, PERF_EVENT_IOC_DISABLE, 0);
            if (read(counter, &instructions, sizeof instructions) != sizeof instructions) {
                instructions = -1;
            }
        }
        printf("%lld %lld %lld\n", taken, threads ? -1 : instructions, wall);
        fflush(stdout);
        clear(face);
    }
}

/* A field of a file under /proc/self, in bytes; 0: it has none. */
static size_t
field(const char *file, const char *name)
{
    char text[8192];
    int in = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t got = in >= 0 ? read(in, text, sizeof text - 1) : -1;
    if (in >= 0) {
        close(in);
    }
    text[got > 0 ? got : 0] = 0;
    const char *at = strstr(text, name);
    return at != NULL ? strtoull(at + strlen(name), NULL, 10) * 1024 : 0;
}

size_t
replay_resident(void)
{
    size_t exact = field("/proc/self/smaps_rollup", "Rss:");
    return exact != 0 ? exact : field("/proc/self/status", "VmRSS:");
}

static void
reset_peak(void)
{
    int out = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (out >= 0) {
        ssize_t written = write(out, "5", 1);
        (void)written;
        close(out);
    }
}

static size_t
above(size_t value, size_t base)
{
    return value > base ? value - base : 0;
}

static void
measure_memory(const struct replay_face *face)
{
    static struct replay_sample samples[REPLAY_SAMPLES + 2];
    static struct replay_sample before[REPLAY_SAMPLES + 2]; /* by threads: at the step's begin */
    size_t count = 0;
    uint64_t live = 0;
    uint64_t every = work.header->count / REPLAY_SAMPLES + 1;
    memset(samples, 0, sizeof samples);
    size_t base = replay_resident();
    reset_peak();
    if (threads) {
        run_threads(face, before, every);
    }
    size_t last = threads ? replay_resident() : 0;
    for (uint64_t i = 0; i < work.header->count; i++) {
        const struct replay_step *step = &work.steps[i];
        if (!threads && !replay_do(&work, face, step)) {
            replay_refused(&work, step);
        }
        if (step->op != TRACE_FREE_NULL) {
            live = live - sizes[step->slot] + step->size;
            sizes[step->slot] = step->size;
        }
        if ((i + 1) % every == 0 || i + 1 == work.header->count) {
            samples[count].step = i + 1;
            samples[count].live = live;
            bool end = i + 1 == work.header->count;
            size_t now = !threads ? replay_resident()
                         : end    ? last
                                  : before[(i + 1) / every].resident;
            samples[count++].resident = above(now, base);
        }
    }
    size_t peak = above(field("/proc/self/status", "VmHWM:"), base);
    for (size_t i = 0; i < count; i++) {
        printf("%llu %llu %llu\n", (unsigned long long)samples[i].step,
               (unsigned long long)samples[i].live, (unsigned long long)samples[i].resident);
        peak = samples[i].resident > peak ? (size_t)samples[i].resident : peak;
    }
    printf("peak %zu\n", peak);
}

static bool
load_plan(const char *path)
{
    struct stat about;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &about) != 0) {
        fprintf(stderr, "tarn-replay: %s: %s\n", path, strerror(errno));
        return false;
    }
    const void *data =
        mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    close(file);
    work.header = data;
    if (data == MAP_FAILED || memcmp(data, REPLAY_MAGIC, sizeof work.header->magic) != 0) {
        fprintf(stderr, "tarn-replay: %s: is no plan\n", path);
        return false;
    }
    work.steps = (const struct replay_step *)(work.header + 1);
    work.objects = replay_reserve(work.header->slots * sizeof *work.objects);
    sizes = replay_reserve(work.header->slots * sizeof *sizes);
    return true;
}

int
main(int argc, char **argv)
{
    threads = argc > 1 && strcmp(argv[argc - 1], "threads") == 0;
    argc -= threads;
    bool timed = argc == 7 && strcmp(argv[5], "time") == 0;
    if (!timed && (argc != 6 || strcmp(argv[5], "memory") != 0)) {
        fputs("usage: tarn-replay PLAN FACE LIBRARY FOLDER (time RUNS | memory) [threads]\n"
              "made for 'tarn trace replay', which starts it\n",
              stderr);
        return 2;
    }
    if (!load_plan(argv[1])) {
        return 1;
    }
    if (threads && !replay_threads_begin(&work)) {
        fputs("tarn-replay: there are too many steps\n", stderr);
        return 1;
    }
    const struct replay_face *face =
        replay_face(argv[2], argv[3], argv[4], (size_t)work.header->peak_live);
    if (face == NULL) {
        return 1;
    }
    if (timed) {
        measure_time(face, (unsigned)strtoul(argv[6], NULL, 10));
    } else {
        measure_memory(face);
    }
    if (face->end != NULL) {
        face->end();
    }
    return 0;
}
