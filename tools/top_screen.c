/* The live view: a graph over time above tables, redrawn as the terminal's size changes. */
#include "command.h"
#include "terminal.h"
#include "top_view.h"

#include <curses.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HISTORY = 1024,
    GRAPH_MOST = 8, /* lines */
    SMALL = 24,     /* lines of a screen on which figures come before the graph */
    LABEL = 10,
    PAIR_LIVE = 1,
    PAIR_RESIDENT,
    PAIR_HEAD,
    WIDE_MOST = 512,
};

struct history {
    double live[HISTORY];
    double resident[HISTORY];
    size_t count;   /* ever; the newest is at (count - 1) % HISTORY */
    double seconds; /* from one to the next */
};

static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

static void
add(struct history *history, const struct top_shot *shot)
{
    history->live[history->count % HISTORY] = (double)shot->stats.live_bytes;
    history->resident[history->count % HISTORY] = (double)shot->resident;
    history->count++;
}

/* A limit for the axis: the least of 1, 2, 3, 4, 6, 8, 12 ... MiB that is above all. */
static double
axis(const struct history *history, size_t shown)
{
    double most = 1 << 20;
    bool power = true; /* of two, else three quarters of the next */
    for (size_t i = 0; i < shown; i++) {
        size_t at = (history->count - 1 - i) % HISTORY;
        while (most < history->resident[at] || most < history->live[at]) {
            most *= most < 2 << 20 ? 2 : power ? 1.5 : 4.0 / 3;
            power = most == 2 << 20 || !power;
        }
    }
    return most;
}

/* Live is a solid area; what is resident above it is shaded. */
static void
draw_graph(const struct history *history, int top, int lines, int columns)
{
    char room[TERMINAL_SIZE_ROOM];
    size_t width = (size_t)(columns > LABEL + 1 ? columns - LABEL - 1 : 1);
    size_t shown = history->count < width ? history->count : width;
    shown = shown < HISTORY ? shown : HISTORY;
    double most = axis(history, shown);
    for (int y = 0; y < lines; y++) {
        double floor = most * (lines - 1 - y) / lines;
        double step = most / lines;
        if (y == 0 || y == lines - 1) {
            mvprintw(top + y, 0, "%9s", terminal_size(room, y == 0 ? most : 0));
        }
        for (size_t x = 0; x < shown; x++) {
            size_t at = (history->count - shown + x) % HISTORY;
            double live = (history->live[at] - floor) / step;
            double resident = (history->resident[at] - floor) / step;
            int eighths = (int)lround(live * 8);
            move(top + y, LABEL + (int)x);
            if (eighths > 0) {
                attron(COLOR_PAIR(PAIR_LIVE));
                addstr(blocks[eighths > 8 ? 8 : eighths]);
                attroff(COLOR_PAIR(PAIR_LIVE));
            } else if (resident > 0.25) {
                attron(COLOR_PAIR(PAIR_RESIDENT));
                addstr("░");
                attroff(COLOR_PAIR(PAIR_RESIDENT));
            }
        }
    }
    char text[64];
    snprintf(text, sizeof text, "%.0f s ago", (double)(shown - 1) * history->seconds);
    attron(A_DIM);
    mvprintw(top + lines, LABEL, "%s", text);
    if (shown > strlen(text) + 5) {
        mvprintw(top + lines, LABEL + (int)shown - 3, "now");
    }
    attroff(A_DIM);
}

static void
head(int y, const char *text)
{
    attron(COLOR_PAIR(PAIR_HEAD) | A_BOLD);
    mvprintw(y, 0, "%.*s", COLS, text);
    attroff(COLOR_PAIR(PAIR_HEAD) | A_BOLD);
}

static int
draw_figures(const struct top_target *target, const struct top_shot *shot, bool still)
{
    const struct tarn_stats *stats = &shot->stats;
    char rooms[6][TERMINAL_SIZE_ROOM];
    attron(A_BOLD);
    mvprintw(0, 0, "tarn top  %d %s%s", (int)target->pid, target->name, still ? "  (held)" : "");
    attroff(A_BOLD);
    attron(COLOR_PAIR(PAIR_LIVE) | A_BOLD);
    mvprintw(1, 0, "█ live %s", terminal_size(rooms[0], (double)stats->live_bytes));
    attroff(COLOR_PAIR(PAIR_LIVE) | A_BOLD);
    printw(" in %zu blocks   ", stats->live_blocks);
    attron(COLOR_PAIR(PAIR_RESIDENT) | A_BOLD);
    printw("░ resident %s", terminal_size(rooms[1], (double)shot->resident));
    attroff(COLOR_PAIR(PAIR_RESIDENT) | A_BOLD);
    if (stats->live_bytes != 0) {
        printw(", %.2f times live", (double)shot->resident / (double)stats->live_bytes);
    }
    char line[WIDE_MOST];
    snprintf(line, sizeof line,
             "larger than 64 KiB %s   free in slabs %s   kept by %zu thread%s %s   free, dirty %s",
             terminal_size(rooms[2], (double)stats->large_bytes),
             terminal_size(rooms[3], (double)stats->slab_free_bytes), shot->thread_count,
             shot->thread_count == 1 ? "" : "s",
             terminal_size(rooms[4], (double)stats->cached_bytes),
             terminal_size(rooms[5], (double)stats->dirty_bytes));
    mvaddnstr(2, 0, line, COLS);
    return 4;
}

static size_t
weight(const struct tarn_stats_class *class)
{
    return class->live * class->size;
}

static int
draw_classes(const struct top_shot *shot, int y, int end)
{
    const struct tarn_stats *stats = &shot->stats;
    char text[160];
    char room[TERMINAL_SIZE_ROOM];
    bool done[TARN_STATS_CLASSES] = {false};
    snprintf(text, sizeof text, "%10s %11s %11s %7s %11s", "size", "live", "room for", "slabs",
             "bytes");
    head(y++, text);
    while (y < end) {
        size_t best = TARN_STATS_CLASSES;
        for (size_t i = 0; i < stats->class_count; i++) {
            const struct tarn_stats_class *class = &stats->classes[i];
            if (!done[i] && class->slabs != 0 &&
                (best == TARN_STATS_CLASSES || weight(class) > weight(&stats->classes[best]))) {
                best = i;
            }
        }
        if (best == TARN_STATS_CLASSES) {
            break;
        }
        done[best] = true;
        const struct tarn_stats_class *class = &stats->classes[best];
        mvprintw(y++, 0, "%10zu %11zu %11zu %7zu %11s", class->size, class->live, class->room,
                 class->slabs, terminal_size(room, (double)weight(class)));
    }
    return y;
}

static int
draw_threads(const struct top_shot *shot, int y, int end)
{
    char text[160];
    char rooms[2][TERMINAL_SIZE_ROOM];
    snprintf(text, sizeof text, "%18s %7s %11s %11s", "thread", "slabs", "live there", "kept");
    head(y++, text);
    for (size_t i = 0; i < shot->thread_count && i < TOP_THREADS && y < end; i++) {
        const struct top_thread *thread = &shot->threads[i];
        mvprintw(y++, 0, "%#18lx %7zu %11s %11s", (unsigned long)thread->id, thread->slabs,
                 terminal_size(rooms[0], (double)thread->live_bytes),
                 terminal_size(rooms[1], (double)thread->kept_bytes));
    }
    return y;
}

static int
draw_sites(struct top_target *target, const struct top_shot *shot, int y, int end)
{
    char text[WIDE_MOST];
    char room[TERMINAL_SIZE_ROOM];
    snprintf(text, sizeof text, "%11s %9s  %s", "live", "blocks", "allocated at");
    head(y++, text);
    if (shot->interval == 0 && y < end) {
        mvprintw(y++, 0, "%21s  not profiled: 'tarn profile --start %d' does it", "",
                 (int)target->pid);
    }
    for (size_t i = 0; i < shot->site_count && y < end; i++) {
        const struct top_site *site = &shot->sites[i];
        if (site->live_bytes <= 0) {
            break; /* they are in order */
        }
        top_describe(target, site, text, sizeof text);
        int width = COLS > 24 ? COLS - 24 : 0;
        bool cut = strlen(text) > (size_t)width;
        mvprintw(y++, 0, "%11s %9.0f  %.*s%s", terminal_size(room, site->live_bytes),
                 site->live_blocks, cut ? width - 1 : width, text, cut ? "…" : "");
    }
    return y;
}

static void
draw(struct top_target *target, const struct top_shot *shot, const struct history *history,
     bool still, int first)
{
    erase();
    int y = draw_figures(target, shot, still);
    int graph = LINES / (LINES < SMALL ? 6 : 4);
    graph = graph < GRAPH_MOST ? graph : GRAPH_MOST;
    if (graph > 1) {
        draw_graph(history, y, graph, COLS);
        y += graph + 2;
    }
    int left = LINES - 1 - y;
    for (int i = 0; i < 3 && left > 2; i++) {
        /* The one asked for first gets half, sites by themselves. */
        int share = i == 0 ? left / 2 : i == 1 ? left * 2 / 3 : left;
        int end = y + share - 1;
        switch ((first + i) % 3) {
        case 0:
            y = draw_sites(target, shot, y, end) + 1;
            break;
        case 1:
            y = draw_classes(shot, y, end) + 1;
            break;
        default:
            y = draw_threads(shot, y, end) + 1;
            break;
        }
        left = LINES - 1 - y;
    }
    attron(A_DIM);
    mvprintw(LINES - 1, 0, "%.*s", COLS - 1,
             "q quit   space hold   s sites   c sizes   t threads first");
    attroff(A_DIM);
    refresh();
}

static void
begin(double seconds)
{
    setlocale(LC_ALL, "");
    initscr();
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
    timeout((int)(seconds * 1000));
    if (has_colors()) {
        start_color();
        use_default_colors();
        init_pair(PAIR_LIVE, COLOR_GREEN, -1);
        init_pair(PAIR_RESIDENT, COLOR_CYAN, -1);
        init_pair(PAIR_HEAD, COLOR_YELLOW, -1);
    }
}

int
top_screen(struct top_target *target, double seconds)
{
    static struct top_shot shot;
    static struct history history;
    bool still = false;
    int first = 0;
    if (!top_take(target, &shot)) {
        return COMMAND_FAILED;
    }
    begin(seconds);
    history.seconds = seconds;
    add(&history, &shot);
    for (;;) {
        draw(target, &shot, &history, still, first);
        int key = getch();
        if (key == 'q' || key == 'Q') {
            break;
        }
        if (key == 's' || key == 'c' || key == 't') {
            first = key == 's' ? 0 : key == 'c' ? 1 : 2;
        }
        still ^= key == ' ';
        if (key != ERR || still) {
            continue; /* redrawn at its new size, or as asked */
        }
        struct top_shot next;
        if (!top_take(target, &next)) {
            top_drop(&next);
            endwin();
            top_drop(&shot);
            return COMMAND_FAILED;
        }
        top_drop(&shot);
        shot = next;
        add(&history, &shot);
    }
    endwin();
    top_drop(&shot);
    return COMMAND_DONE;
}
