/* What lies beside an image under test: another process for a moment, and the journal. */
#ifndef BESIDE_H
#define BESIDE_H

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a function says in another process: its exit status, or 255 when a signal ended it. */
static inline int
in_child(int (*what)(void))
{
    pid_t child = fork();
    if (child == 0) {
        _exit(what());
    }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static inline void
name_journal(char journal[4096], const char *path)
{
    snprintf(journal, 4096, "%.4000s-journal", path);
}

#endif
