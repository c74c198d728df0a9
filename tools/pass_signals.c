#include "pass_signals.h"

#include <errno.h>
#include <signal.h>

static const int passed[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};

enum {
    PASSED = sizeof passed / sizeof *passed
};

static struct sigaction before[PASSED];
static sigset_t mask_before;
static volatile pid_t program;

static void
pass(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    (void)context;
    if (info->si_code <= 0) { /* a process sent it, not the terminal */
        kill(program, number);
    }
    errno = saved;
}

static void
make_set(sigset_t *set)
{
    sigemptyset(set);
    for (int i = 0; i < PASSED; i++) {
        sigaddset(set, passed[i]);
    }
}

void
pass_signals_begin(void)
{
    struct sigaction action = {.sa_sigaction = pass, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigset_t set;
    make_set(&set);
    action.sa_mask = set;
    sigprocmask(SIG_BLOCK, &set, &mask_before);
    for (int i = 0; i < PASSED; i++) {
        sigaction(passed[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN) {
            sigaction(passed[i], &action, NULL);
        }
    }
}

void
pass_signals_to(pid_t process)
{
    program = process;
    sigprocmask(SIG_SETMASK, &mask_before, NULL);
}

void
pass_signals_end(void)
{
    for (int i = 0; i < PASSED; i++) {
        sigaction(passed[i], &before[i], NULL);
    }
    sigprocmask(SIG_SETMASK, &mask_before, NULL);
}
