/* `tarn bench`: starts the benchmark suite, which is written in Python, with what is beside it. */
#include "command.h"
#include "find_library.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "bench"

enum {
    MOST_WORDS = 32
};

static const struct option flags[] = {
    {"output", required_argument, NULL, 'o'},
    {"json", required_argument, NULL, 'j'},
    {"quick", no_argument, NULL, 'q'},
    {"groups", required_argument, NULL, 'g'},
    {"only", required_argument, NULL, 'y'},
    {"runs", required_argument, NULL, 'r'},
    {"allocators", required_argument, NULL, 'a'},
    {"list", no_argument, NULL, 'l'},
    {"time", required_argument, NULL, 't'},
    {NULL, 0, NULL, 0},
};

/* Whether the file can be written; what is in it stays. */
static bool
writable(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0) {
        command_fail(NAME, "%s: %s", path, strerror(errno));
        return false;
    }
    close(file);
    return true;
}

static void
describe(int argc, char **argv)
{
    static char line[1024] = "tarn";
    size_t length = strlen(line);
    for (int i = 0; i < argc && length + strlen(argv[i]) + 2 < sizeof line; i++) {
        length += (size_t)sprintf(line + length, " %s", argv[i]);
    }
    setenv("TARN_BENCH_COMMAND", line, 1);
}

static int
run_bench(int argc, char **argv)
{
    char suite[PATH_MAX];
    char programs[PATH_MAX];
    char tarn[PATH_MAX];
    const char *words[MOST_WORDS] = {"python3", suite, "--save", "no"};
    int count = 4;
    const char *page = "tarn-bench.html";
    bool list = false;
    int flag;
    describe(argc, argv);
    optind = 1;
    while ((flag = command_option(NAME, argc, argv, ":o:", flags)) != -1) {
        const struct option *found = flags;
        while (found->name != NULL && found->val != flag) {
            found++;
        }
        if (found->name == NULL) {
            return COMMAND_MISUSED;
        }
        if (count + 6 > MOST_WORDS) {
            return command_misused(NAME, "these are too many options");
        }
        if (flag == 'o') {
            page = optarg;
            continue;
        }
        if (flag == 'j' && !writable(optarg)) {
            return COMMAND_FAILED;
        }
        list |= flag == 'l';
        static char names[MOST_WORDS][32];
        snprintf(names[count], sizeof names[count], "--%s", found->name);
        words[count] = names[count];
        count++;
        if (found->has_arg == required_argument) {
            words[count++] = optarg;
        }
    }
    if (optind < argc) {
        return command_misused(NAME, "takes no argument, not '%s'", argv[optind]);
    }
    if (!find_companion(NAME, "bench/compare.py", suite) ||
        !find_companion(NAME, "bench/bench-measure", programs) || !find_tarn(NAME, tarn)) {
        return COMMAND_FAILED;
    }
    if (!list) {
        if (!writable(page)) {
            return COMMAND_FAILED;
        }
        words[count++] = "--page";
        words[count++] = page;
    }
    /* PATH/bench/bench-measure: the suite wants PATH. */
    *strrchr(programs, '/') = 0;
    *strrchr(programs, '/') = 0;
    setenv("TARN_BENCH_BUILD", programs, 1);
    setenv("TARN_BENCH_LIBRARY", tarn, 1);
    fflush(NULL);
    if (!list) {
        fprintf(stderr, "the page will be in %s\n", page);
    }
    execvp(words[0], (char *const *)(size_t)words);
    return command_fail(NAME, "python3, which the suite is written in: %s", strerror(errno));
}

const struct command command_bench = {
    .name = "bench",
    .summary = "Runs the benchmark suite and draws a page of its results",
    .synopsis = "[OPTIONS]",
    .help =
        "Runs small loops, patterns and real programs on Tarn, the system's allocator and those "
        "of\n"
        "jemalloc, mimalloc and tcmalloc that are installed, in turn, prints tables of the "
        "medians\n"
        "and writes one HTML file with plots, which needs no network. All of it takes about an "
        "hour,\n"
        "--quick some minutes. Needs python3. The exit status is 1 when Tarn failed a workload; a\n"
        "peer's failure is told, too, but is not this command's.\n"
        "\n"
        "options:\n"
        "  -o, --output FILE      the page (tarn-bench.html)\n"
        "      --json FILE        all samples, with the machine and the versions\n"
        "      --quick            a tenth of the work, 3 runs\n"
        "      --groups LIST      of micro,patterns,programs\n"
        "      --only LIST        workloads by name, with commas; * stands for anything\n"
        "      --runs N           of each, the median counts (5)\n"
        "      --allocators LIST  of tarn,glibc,jemalloc,mimalloc,tcmalloc\n"
        "      --time WHICH       which the plots show: wall (as the clock has it) or cpu\n"
        "      --list             tell the workloads and end\n",
    .main = run_bench,
};
