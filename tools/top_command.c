/* `tarn top`: a live view of a process's heap. */
#include "command.h"
#include "top_view.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    ONCE = 1000,
    JSON
};

static const struct option options[] = {
    {"once", no_argument, NULL, ONCE},
    {"json", no_argument, NULL, JSON},
    {"delay", required_argument, NULL, 'd'},
    {NULL, 0, NULL, 0},
};

static int
top(int argc, char **argv)
{
    static struct top_shot shot;
    struct top_target target;
    double delay = 1;
    bool once = false;
    bool json = false;
    char *end;
    optind = 1;
    for (int option; (option = command_option(argv[0], argc, argv, ":d:", options)) != -1;) {
        switch (option) {
        case ONCE:
            once = true;
            break;
        case JSON:
            json = true;
            break;
        case 'd':
            delay = strtod(optarg, &end);
            if (*end != 0 || !(delay >= 0.1 && delay <= 3600)) {
                return command_misused(argv[0], "--delay takes seconds from 0.1 to 3600, not '%s'",
                                       optarg);
            }
            break;
        default:
            return COMMAND_MISUSED;
        }
    }
    if (optind + 1 != argc) {
        return command_misused(argv[0], "takes one process's number");
    }
    errno = 0;
    long pid = strtol(argv[optind], &end, 10);
    if (errno != 0 || *end != 0 || end == argv[optind] || pid <= 0 || pid > INT32_MAX) {
        return command_misused(argv[0], "'%s' is no process's number", argv[optind]);
    }
    if (!top_open(&target, (pid_t)pid)) {
        return command_fail(argv[0], "%s", target.error);
    }
    int code = COMMAND_DONE;
    if (once || json || !isatty(STDOUT_FILENO)) {
        if (!top_take(&target, &shot)) {
            return command_fail(argv[0], "%s", target.error);
        }
        (json ? top_print_json : top_print)(&target, &shot);
        top_drop(&shot);
    } else {
        code = top_screen(&target, delay);
        if (code != COMMAND_DONE) {
            command_fail(argv[0], "%s", target.error);
        }
    }
    top_close(&target);
    return code;
}

const struct command command_top = {
    .name = "top",
    .summary = "A live view of the heap of a process that runs on Tarn",
    .synopsis = "[--once | --json] [--delay SECONDS] PID",
    .help =
        "Reads the process's memory from outside; the process does nothing for it. Shows what is\n"
        "live and what is resident over time, the blocks by size, the threads, and, where the\n"
        "process is profiled (TARN_PROFILE, tarn/profile.h), where most of it was allocated.\n"
        "\n"
        "  -d, --delay SECONDS  from one look to the next (1)\n"
        "      --once           print one look as text; also when stdout is no terminal\n"
        "      --json           the same as JSON\n"
        "\n"
        "Keys: q ends, space holds still, s or t or c shows sites, threads or sizes first.\n"
        "Whom the system lets trace a process may look: its user or root, as\n"
        "/proc/sys/kernel/yama/ptrace_scope says.\n",
    .main = top,
};
