#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BAR_WIDTH = 24,
    LINE_WIDTH = 78
};

static bool bar_shown;

bool
terminal_colour(FILE *stream)
{
    const char *none = getenv("NO_COLOR");
    const char *kind = getenv("TERM");
    return isatty(fileno(stream)) && (none == NULL || *none == 0) && kind != NULL &&
           strcmp(kind, "dumb") != 0;
}

static const char *
sequence(FILE *stream, const char *text)
{
    return terminal_colour(stream) ? text : "";
}

const char *
terminal_bold(FILE *stream)
{
    return sequence(stream, "\033[1m");
}

const char *
terminal_good(FILE *stream)
{
    return sequence(stream, "\033[32m");
}

const char *
terminal_bad(FILE *stream)
{
    return sequence(stream, "\033[31m");
}

const char *
terminal_plain(FILE *stream)
{
    return sequence(stream, "\033[0m");
}

void
terminal_progress(unsigned done, unsigned all, const char *what)
{
    if (!isatty(STDERR_FILENO) || all == 0) {
        return;
    }
    char bar[BAR_WIDTH + 1];
    unsigned filled = done * BAR_WIDTH / all;
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', filled);
    bar[BAR_WIDTH] = 0;
    fprintf(stderr, "\r[%s] %u/%u %-*.*s", bar, done, all, LINE_WIDTH - BAR_WIDTH - 16,
            LINE_WIDTH - BAR_WIDTH - 16, what);
    fflush(stderr);
    bar_shown = true;
}

void
terminal_progress_end(void)
{
    if (bar_shown) {
        fprintf(stderr, "\r%*s\r", LINE_WIDTH, "");
        fflush(stderr);
        bar_shown = false;
    }
}

char *
terminal_size(char room[TERMINAL_SIZE_ROOM], double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned unit = 0;
    while (bytes >= 1024 && unit < 4) {
        bytes /= 1024;
        unit++;
    }
    snprintf(room, TERMINAL_SIZE_ROOM, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
    return room;
}
