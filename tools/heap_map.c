/* `tarn heap map`: where in the file what is; the drawing for terminals. */
#include "heap_picture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PICTURE_CELLS   9216u
#define PICTURE_COLUMNS 128u

static bool
is_space(const struct heap_cell *cell, uint64_t unit)
{
    for (unsigned band = 0; band < BANDS; band++) {
        if (cell->bytes[band] * 50 >= unit) {
            return false;
        }
    }
    return true;
}

/* The band of which most is in the cell, free memory only where there is nothing else. */
static enum heap_band
main_band(const struct heap_cell *cell, uint64_t unit)
{
    enum heap_band most = BAND_FREE;
    for (unsigned band = 0; band < BAND_FREE; band++) {
        uint64_t least = most == BAND_FREE ? unit / 50 : cell->bytes[most];
        if (cell->bytes[band] > least) {
            most = (enum heap_band)band;
        }
    }
    return most;
}

/* What there is in the cell. */
static char
letter_of(const struct heap_picture *picture, const struct heap_cell *cell)
{
    enum heap_band band = main_band(cell, picture->unit);
    uint64_t live = 0;
    for (unsigned i = 0; i < BAND_FREE; i++) {
        live += cell->bytes[i];
    }
    if (band != BAND_FREE && live * 2 >= picture->unit) {
        return (char)(heap_bands[band].letter - 'a' + 'A');
    }
    return is_space(cell, picture->unit) ? '.' : heap_bands[band].letter;
}

/* What of it is not in the file yet. */
static char
mark_of(const struct heap_cell *cell)
{
    return cell->changed != 0 ? '!' : cell->journalled != 0 ? '*' : ' ';
}

static void
print_cell(const struct heap_picture *picture, const struct heap_cell *cell, bool colour)
{
    char letter = letter_of(picture, cell);
    if (colour && letter != '.') {
        printf("\033[38;5;%um%c\033[0m", heap_bands[main_band(cell, picture->unit)].terminal,
               letter);
    } else {
        putchar(letter);
    }
}

/* A row of letters, and, where there are any, its marks beneath. */
static void
print_row(const struct heap_picture *picture, uint64_t from, bool colour)
{
    uint64_t to =
        from + picture->columns < picture->count ? from + picture->columns : picture->count;
    uint64_t marks = from; /* to the end of the last one */
    printf("%9s  ", heap_bytes(from * picture->unit).text);
    for (uint64_t i = from; i < to; i++) {
        print_cell(picture, &picture->cells[i], colour);
        marks = mark_of(&picture->cells[i]) != ' ' ? i + 1 : marks;
    }
    putchar('\n');
    if (marks != from) {
        printf("%11s", "");
        for (uint64_t i = from; i < marks; i++) {
            putchar(mark_of(&picture->cells[i]));
        }
        putchar('\n');
    }
}

static void
print_band(const struct heap_picture *picture, unsigned band, bool colour)
{
    const struct heap_band_look *look = &heap_bands[band];
    char letters[8];
    if (picture->bytes[band] == 0) {
        return;
    }
    snprintf(letters, sizeof letters, band == BAND_FREE ? "%c" : "%c %c",
             band == BAND_FREE ? look->letter : look->letter - 'a' + 'A', look->letter);
    if (colour) {
        printf("  \033[38;5;%um%-3s\033[0m", look->terminal, letters);
    } else {
        printf("  %-3s", letters);
    }
    printf(" %-20s %10s", look->name, heap_bytes(picture->bytes[band]).text);
    if (picture->blocks[band] != 0) {
        printf("  %s %s", heap_count(picture->blocks[band]).text,
               heap_band_unit(band, picture->blocks[band]));
    }
    putchar('\n');
}

void
heap_map_print(const struct heap_picture *picture, bool colour)
{
    char subtitle[256];
    heap_picture_subtitle(picture, subtitle, sizeof subtitle);
    printf("%s\n%s\n\n", heap_base_name(picture->view->path), subtitle);
    for (uint64_t i = 0; i < picture->count; i += picture->columns) {
        print_row(picture, i, colour);
    }
    printf("\n  one character is %s; a capital: at least half of it is live\n",
           heap_bytes(picture->unit).text);
    for (unsigned band = 0; band < BANDS; band++) {
        print_band(picture, band, colour);
    }
    printf("  .   %-20s %10s  not in the file\n", "nothing", heap_bytes(picture->hole).text);
    if (picture->journalled != 0) {
        printf("  *   %-20s %10s  marks the line above\n", "in the journal",
               heap_bytes(picture->journalled << TN_PAGE_SHIFT).text);
    }
    if (picture->changed != 0) {
        printf("  !   %-20s %10s  marks the line above\n", "not committed",
               heap_bytes(picture->changed << TN_PAGE_SHIFT).text);
    } else if (!picture->knows_changed) {
        puts("      what is not committed cannot be told: the writer may not be looked at");
    }
}

static uint64_t
terminal_columns(void)
{
    struct winsize size = {0};
    const char *set = getenv("COLUMNS");
    uint64_t columns = 80;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0) {
        columns = size.ws_col;
    } else if (set != NULL && atoi(set) > 0) {
        columns = (uint64_t)atoi(set);
    }
    uint64_t width = 16;
    while (width * 2 + 12 <= columns && width < 128) {
        width *= 2;
    }
    return width;
}

static bool
wants_colour(void)
{
    const char *kind = getenv("TERM");
    return isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL && kind != NULL &&
           strcmp(kind, "dumb") != 0;
}

static int
draw(const char *name, const struct heap_view *view, const char *svg, const char *png)
{
    struct heap_picture picture;
    bool text = svg == NULL && png == NULL;
    uint64_t columns = text ? terminal_columns() : PICTURE_COLUMNS;
    int code = COMMAND_DONE;
    if (!heap_picture_take(&picture, view, text ? columns * 24 : PICTURE_CELLS, columns) ||
        (svg != NULL && heap_draw(&picture, svg, true) != 0) ||
        (png != NULL && heap_draw(&picture, png, false) != 0)) {
        code = heap_failed(name);
    } else if (text) {
        heap_let_interrupts_end();
        if (heap_interrupted()) {
            code = heap_failed(name);
        } else {
            heap_map_print(&picture, wants_colour());
        }
    }
    heap_picture_release(&picture);
    return code;
}

static int
map(int argc, char **argv)
{
    const char *svg = NULL;
    const char *png = NULL;
    const char *path;
    struct heap_view view;
    const struct heap_option known[] = {
        {"--svg", NULL, &svg}, {"--png", NULL, &png}, {NULL, NULL, NULL}};
    int wrong = heap_arguments(argc, argv, known, &path, 1, "one file");
    if (wrong != 0) {
        return wrong;
    }
    heap_catch_interrupts();
    if (heap_view_open(&view, path) != 0) {
        return heap_failed(argv[0]);
    }
    int code = draw(argv[0], &view, svg, png);
    heap_view_close(&view);
    return code;
}

const struct heap_verb heap_verb_map = {
    .name = "map",
    .summary = "Draws an image: what is live, by size, what is free, what the file does not have",
    .synopsis = "[--svg FILE] [--png FILE] FILE",
    .help = "  --svg FILE   draw to a file instead of the terminal\n"
            "  --png FILE   the same\n"
            "\n"
            "A damaged image is drawn as far as it makes sense. While another process has the\n"
            "image open for writing, pages that it has changed and not committed are marked, if\n"
            "the system lets its memory be looked at.\n",
    .main = map,
};
