#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    MOST_THREADS = 256
};

void
bench_die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    _Exit(1);
}

void
bench_damaged(const void *block, size_t size)
{
    bench_die("block %p of %zu bytes does not hold what was written to it", block, size);
}

void *
bench_checked(void *block, size_t size)
{
    if (block == NULL)
        bench_die("no memory for %zu bytes", size);
    return block;
}

uint64_t
bench_work(const struct bench_plan *plan, uint64_t ops)
{
    uint64_t scaled = ops * plan->percent / 100;
    return scaled == 0 ? 1 : scaled;
}

struct bench_thread {
    pthread_t id;
    unsigned index;
    void (*body)(unsigned index, void *argument);
    void *argument;
};

static void *
start(void *opaque)
{
    struct bench_thread *thread = opaque;
    thread->body(thread->index, thread->argument);
    return NULL;
}

void
bench_threads(unsigned count, void (*body)(unsigned index, void *argument), void *argument)
{
    struct bench_thread threads[MOST_THREADS];
    if (count > MOST_THREADS)
        bench_die("%u threads are more than the %d there is room for", count, MOST_THREADS);
    for (unsigned i = 0; i < count; i++) {
        threads[i] = (struct bench_thread){.index = i, .body = body, .argument = argument};
        int error = pthread_create(&threads[i].id, NULL, start, &threads[i]);
        if (error != 0)
            bench_die("cannot start thread %u: %s", i, strerror(error));
    }
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i].id, NULL);
}

size_t
bench_resident(void)
{
    char text[128];
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (length <= 0)
        bench_die("cannot read /proc/self/statm: %s", strerror(errno));
    close(file);
    text[length] = '\0';
    char *second;
    strtoul(text, &second, 10);
    return strtoul(second, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static unsigned
number(const char *text, const char *option)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value == 0 || value > 100000)
        bench_die("%s: a number from 1 to 100000 is needed, not '%s'", option, text);
    return (unsigned)value;
}

static int
list(const struct bench_case *cases)
{
    for (const struct bench_case *c = cases; c->name != NULL; c++)
        printf("%-20s %s\n", c->name, c->what);
    return 0;
}

int
bench_main(int argc, char **argv, const struct bench_case *cases)
{
    struct bench_plan plan = {.percent = 100, .threads = 2};
    const char *name = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0)
            return list(cases);
        else if (strcmp(argv[i], "--percent") == 0 && i + 1 < argc)
            plan.percent = number(argv[++i], "--percent");
        else if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc)
            plan.threads = number(argv[++i], "--threads");
        else if (name == NULL && argv[i][0] != '-')
            name = argv[i];
        else
            bench_die("'%s' is not understood; usage: %s --list | NAME [--percent N] [--threads N]",
                      argv[i], argv[0]);
    }
    for (const struct bench_case *c = cases; name != NULL && c->name != NULL; c++) {
        if (strcmp(c->name, name) == 0) {
            printf("%s %016llx\n", name, (unsigned long long)c->run(&plan));
            return fflush(stdout) == 0 ? 0 : 1;
        }
    }
    bench_die("no case named '%s'; %s --list tells which there are", name == NULL ? "" : name,
              argv[0]);
}
