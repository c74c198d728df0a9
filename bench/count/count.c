/* Exact instructions per malloc+free pair, loop and calls through the linkage table included.
 *
 * The program runs itself as a child with the allocator preloaded. The child warms the case up and
 * marks three points by a signal to itself; between them lie N and 2N repetitions. The parent steps
 * the child instruction by instruction and counts. The difference of the two counts, over N, is the
 * cost of one repetition, free of what the marks and the loop's start cost. No hardware counter, no
 * simulator and no clock is involved: the figure is the same on every run and on a busy machine. */
#include "count.h"

#include "bench.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MOST_LIMITS = 32
};

struct limit {
    char name[32];
    double most;
};

static void
run_child(const char *self, const char *preload, const char *name)
{
    if (preload != NULL)
        setenv("LD_PRELOAD", preload, 1);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(126);
    execl(self, self, "--child", name, (char *)NULL);
    _exit(127);
}

#define NO_MARK UINT64_MAX

/* Lets the child go on to its next mark, by single steps or at full speed; returns the steps.
 * NO_MARK: it has ended, for there is nothing to count. */
static uint64_t
to_next_mark(pid_t child, bool stepping)
{
    uint64_t steps = 0;
    int signal_to_pass = 0;
    for (;;) {
        int status;
        if (ptrace(stepping ? PTRACE_SINGLESTEP : PTRACE_CONT, child, NULL,
                   (void *)(intptr_t)signal_to_pass) != 0)
            bench_die("cannot step the child: %s", strerror(errno));
        if (waitpid(child, &status, 0) != child)
            bench_die("lost the child: %s", strerror(errno));
        if (WIFEXITED(status) && WEXITSTATUS(status) == COUNT_NONE)
            return NO_MARK;
        if (!WIFSTOPPED(status))
            bench_die("the child ended before its last mark");
        if (WSTOPSIG(status) == COUNT_MARK)
            return steps;
        steps++;
        signal_to_pass = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
    }
}

/* Negative: the allocator has no such heap. */
static double
count(const char *self, const char *preload, const struct count_case *the_case)
{
    pid_t child = fork();
    if (child < 0)
        bench_die("cannot start a child: %s", strerror(errno));
    if (child == 0)
        run_child(self, preload, the_case->name);
    int status;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
        bench_die("the child could not be traced");
    if (to_next_mark(child, false) == NO_MARK)
        return -1;
    uint64_t once = to_next_mark(child, true);
    uint64_t twice = to_next_mark(child, true);
    if (ptrace(PTRACE_CONT, child, NULL, NULL) != 0 || waitpid(child, &status, 0) != child ||
        !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        bench_die("the child failed in case %s", the_case->name);
    return ((double)twice - (double)once) / (double)(the_case->repeats * the_case->batch);
}

static double
limit_of(const struct limit *limits, size_t count_of_limits, const char *name)
{
    for (size_t i = 0; i < count_of_limits; i++) {
        if (strcmp(limits[i].name, name) == 0)
            return limits[i].most;
    }
    return -1;
}

static struct limit
read_limit(const char *text)
{
    struct limit limit;
    const char *equals = strchr(text, '=');
    char *end = NULL;
    size_t length = equals == NULL ? sizeof limit.name : (size_t)(equals - text);
    if (length < sizeof limit.name) {
        memcpy(limit.name, text, length);
        limit.name[length] = '\0';
        limit.most = strtod(equals + 1, &end);
    }
    if (end == NULL || *end != '\0' || end == equals + 1)
        bench_die("--limit: NAME=NUMBER is needed, not '%s'", text);
    if (count_find(limit.name) == NULL)
        bench_die("--limit: there is no case '%s'", limit.name);
    return limit;
}

int
main(int argc, char **argv)
{
    static struct limit limits[MOST_LIMITS];
    size_t limit_count = 0;
    const char *preload = NULL;
    const char *only = NULL;

    if (argc == 3 && strcmp(argv[1], "--child") == 0)
        return count_child(argv[2]);
    for (int i = 1; i < argc; i += 2) {
        bool has_value = i + 1 < argc;
        if (has_value && strcmp(argv[i], "--preload") == 0)
            preload = argv[i + 1];
        else if (has_value && strcmp(argv[i], "--only") == 0)
            only = argv[i + 1];
        else if (has_value && strcmp(argv[i], "--limit") == 0 && limit_count < MOST_LIMITS)
            limits[limit_count++] = read_limit(argv[i + 1]);
        else
            bench_die("usage: %s [--preload LIBRARY] [--only CASE] [--limit CASE=MOST]...",
                      argv[0]);
    }
    if (preload != NULL && access(preload, R_OK) != 0)
        bench_die("%s: %s", preload, strerror(errno));

    bool passed = true;
    for (const struct count_case *c = count_cases; c->name != NULL; c++) {
        double most = limit_of(limits, limit_count, c->name);
        if ((only != NULL && strcmp(only, c->name) != 0) ||
            (only == NULL && limit_count != 0 && most < 0))
            continue;
        double found = count("/proc/self/exe", preload, c);
        bool counted = found >= 0;
        if (counted)
            printf("%-14s %8.1f", c->name, found);
        else
            printf("%-14s %8s", c->name, "-");
        if (most >= 0) {
            printf("  limit %g%s", most, !counted || found > most ? "  EXCEEDED" : "");
            passed = passed && counted && found <= most;
        }
        printf("\n");
        fflush(stdout);
    }
    return passed ? 0 : 1;
}
