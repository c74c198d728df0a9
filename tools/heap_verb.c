#include "heap_verb.h"

#include <tarn/persist.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BAR_WIDTH 30u

int
heap_arguments(int argc, char **argv, const struct heap_option *options, const char **words,
               int count, const char *wanted)
{
    const char *name = argv[0];
    int found = 0;
    bool only_words = false;
    for (int i = 1; i < argc; i++) {
        const struct heap_option *option = options;
        if (only_words || argv[i][0] != '-' || argv[i][1] == 0) {
            if (found == count) {
                return command_misused(name, "takes %s, not also '%s'", wanted, argv[i]);
            }
            words[found++] = argv[i];
            continue;
        }
        if (strcmp(argv[i], "--") == 0) {
            only_words = true;
            continue;
        }
        size_t length = strcspn(argv[i], "=");
        while (option->name != NULL &&
               (strncmp(option->name, argv[i], length) != 0 || option->name[length] != 0)) {
            option++;
        }
        if (option->name == NULL) {
            const char *names[COMMAND_OPTIONS + 1] = {NULL};
            for (int k = 0; k < COMMAND_OPTIONS && options[k].name != NULL; k++) {
                names[k] = options[k].name + 2;
            }
            return command_unknown_option(name, argv[i], names);
        }
        bool joined = argv[i][length] == '=';
        if (option->flag != NULL && joined) {
            return command_misused(name, "%s takes no value", option->name);
        }
        if (option->flag != NULL) {
            *option->flag = true;
        } else if (joined) {
            *option->value = argv[i] + length + 1;
        } else if (++i < argc) {
            *option->value = argv[i];
        } else {
            return command_misused(name, "%s needs a value", option->name);
        }
    }
    return found == count ? COMMAND_DONE : command_misused(name, "wants %s", wanted);
}

int
heap_failed(const char *name)
{
    heap_progress_end();
    if (heap_interrupted()) {
        command_fail(name, "interrupted; nothing was left behind");
        return HEAP_INTERRUPTED;
    }
    return command_fail(name, "%s", tarn_error());
}

struct heap_text
heap_bytes(uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    struct heap_text text;
    double number = (double)bytes;
    unsigned unit = 0;
    while (number >= 1024 && unit < 5) {
        number /= 1024;
        unit++;
    }
    int digits = unit == 0 || number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2;
    snprintf(text.text, sizeof text.text, "%.*f %s", digits, number, units[unit]);
    return text;
}

struct heap_text
heap_count(uint64_t count)
{
    struct heap_text text;
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    char *to = text.text;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            *to++ = ',';
        }
        *to++ = digits[i];
    }
    *to = 0;
    return text;
}

const char *
heap_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != 0 ? slash + 1 : path;
}

static volatile sig_atomic_t interrupted;
static bool drawn;

static void
note(int signal)
{
    interrupted = signal;
}

void
heap_catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

void
heap_let_interrupts_end(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
}

bool
heap_interrupted(void)
{
    return interrupted != 0;
}

bool
heap_progress(void *context, uint64_t done, uint64_t total)
{
    static struct timespec last;
    struct timespec now;
    if (interrupted != 0) {
        return false;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    double since = (double)(now.tv_sec - last.tv_sec) + (double)(now.tv_nsec - last.tv_nsec) / 1e9;
    if (since < 0.1 || !isatty(STDERR_FILENO)) {
        return true;
    }
    last = now;
    char bar[BAR_WIDTH + 1];
    double share = total != 0 ? (double)done / (double)total : 0;
    unsigned filled = (unsigned)(share * BAR_WIDTH);
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', filled < BAR_WIDTH ? filled : BAR_WIDTH);
    bar[BAR_WIDTH] = 0;
    fprintf(stderr, "\r%s [%s] %3.0f %%\033[K", (const char *)context, bar, share * 100);
    drawn = true;
    return true;
}

void
heap_progress_end(void)
{
    if (drawn) {
        fputs("\r\033[K", stderr);
        drawn = false;
    }
}
