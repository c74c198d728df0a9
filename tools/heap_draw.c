/* The picture of an image as SVG or PNG, by cairo. */
#include "heap_picture.h"

#include "base/bits.h"
#include "heap/size_class.h"

#include <cairo-svg.h>
#include <cairo.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH      1440.0
#define MARGIN     40.0
#define LABELS     72.0  /* of offsets, left of the grid */
#define SIDE       300.0 /* the legend */
#define GAP        36.0
#define TOP        104.0
#define BARS       150.0 /* height of the chart of classes */
#define CELL_MOST  30.0
#define INK        "#22282d"
#define PALE       "#6b747c"
#define PAPER      "#ffffff"
#define NOTHING    "#f3f4f5"
#define JOURNALLED "#111111"
#define CHANGED    "#e0004d"

struct canvas {
    cairo_t *cairo;
    const struct heap_picture *picture;
    double cell; /* of the grid */
    double left;
    double bottom;
};

static void
ink(cairo_t *cairo, const char *colour)
{
    unsigned long rgb = strtoul(colour + 1, NULL, 16);
    cairo_set_source_rgb(cairo, (double)(rgb >> 16 & 255) / 255, (double)(rgb >> 8 & 255) / 255,
                         (double)(rgb & 255) / 255);
}

static void
box(cairo_t *cairo, const char *colour, double x, double y, double width, double height)
{
    ink(cairo, colour);
    cairo_rectangle(cairo, x, y, width, height);
    cairo_fill(cairo);
}

enum side {
    FROM_LEFT,
    FROM_RIGHT,
    CENTRED,
};

static void
write_text(cairo_t *cairo, const char *colour, double size, bool bold, enum side side, double x,
           double y, const char *text)
{
    cairo_text_extents_t extents;
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, size);
    cairo_text_extents(cairo, text, &extents);
    ink(cairo, colour);
    x -= side == FROM_RIGHT ? extents.x_advance : side == CENTRED ? extents.x_advance / 2 : 0;
    cairo_move_to(cairo, x, y);
    cairo_show_text(cairo, text);
}

/* A corner of a cell. */
static void
mark(cairo_t *cairo, const char *colour, double x, double y, double size, bool right)
{
    ink(cairo, colour);
    cairo_move_to(cairo, right ? x + size : x, y);
    cairo_rel_line_to(cairo, right ? -size * 0.55 : size * 0.55, 0);
    cairo_rel_line_to(cairo, right ? size * 0.55 : -size * 0.55, size * 0.55);
    cairo_close_path(cairo);
    cairo_fill(cairo);
}

static void
draw_cell(const struct canvas *canvas, const struct heap_cell *cell, double x, double y)
{
    cairo_t *cairo = canvas->cairo;
    double unit = (double)canvas->picture->unit;
    double size = canvas->cell - (canvas->cell >= 6 ? 1 : 0.5);
    double from = y + size;
    box(cairo, NOTHING, x, y, size, size);
    for (unsigned band = 0; band < BANDS; band++) {
        uint64_t bytes = tn_min(cell->bytes[band], canvas->picture->unit);
        double height = (double)bytes / unit * size;
        if (height > 0) {
            from -= height;
            box(cairo, heap_bands[band].colour, x, from > y ? from : y, size, height);
        }
    }
    if (cell->journalled != 0) {
        mark(cairo, JOURNALLED, x, y, size, true);
    }
    if (cell->changed != 0) {
        mark(cairo, CHANGED, x, y, size, false);
    }
}

static void
draw_grid(struct canvas *canvas)
{
    const struct heap_picture *picture = canvas->picture;
    uint64_t rows = (picture->count + picture->columns - 1) / picture->columns;
    uint64_t step = 1;
    while ((double)step * canvas->cell < 24) {
        step *= 2;
    }
    for (uint64_t row = 0; row < rows; row++) {
        double y = TOP + (double)row * canvas->cell;
        if (row % step == 0) {
            write_text(canvas->cairo, PALE, 11, false, FROM_RIGHT, canvas->left - 8,
                       y + canvas->cell / 2 + 4,
                       heap_bytes(row * picture->columns * picture->unit).text);
        }
        for (uint64_t i = row * picture->columns;
             i < (row + 1) * picture->columns && i < picture->count; i++) {
            draw_cell(canvas, &picture->cells[i],
                      canvas->left + (double)(i % picture->columns) * canvas->cell, y);
        }
    }
    canvas->bottom = TOP + (double)rows * canvas->cell;
}

/* ---- the legend ---- */

static double
legend_line(const struct canvas *canvas, double y, const char *name, uint64_t bytes,
            uint64_t blocks, const char *unit)
{
    double x = WIDTH - MARGIN - SIDE;
    write_text(canvas->cairo, INK, 13, false, FROM_LEFT, x + 24, y + 11, name);
    write_text(canvas->cairo, INK, 13, false, FROM_RIGHT, WIDTH - MARGIN, y + 11,
               heap_bytes(bytes).text);
    if (blocks != 0) {
        char text[64];
        snprintf(text, sizeof text, "%s %s", heap_count(blocks).text, unit);
        write_text(canvas->cairo, PALE, 11, false, FROM_LEFT, x + 24, y + 25, text);
        return y + 38;
    }
    return y + 26;
}

static double
legend_marks(const struct canvas *canvas, double y)
{
    const struct heap_picture *picture = canvas->picture;
    double x = WIDTH - MARGIN - SIDE;
    box(canvas->cairo, NOTHING, x, y, 14, 14);
    y = legend_line(canvas, y, "nothing, not in the file", picture->hole, 0, NULL);
    if (picture->journalled != 0) {
        box(canvas->cairo, NOTHING, x, y, 14, 14);
        mark(canvas->cairo, JOURNALLED, x, y, 14, true);
        y = legend_line(canvas, y, "in the journal", picture->journalled << TN_PAGE_SHIFT, 0, NULL);
    }
    if (picture->changed != 0) {
        box(canvas->cairo, NOTHING, x, y, 14, 14);
        mark(canvas->cairo, CHANGED, x, y, 14, false);
        y = legend_line(canvas, y, "not committed", picture->changed << TN_PAGE_SHIFT, 0, NULL);
    }
    return y;
}

static double
draw_legend(const struct canvas *canvas)
{
    const struct heap_picture *picture = canvas->picture;
    double x = WIDTH - MARGIN - SIDE;
    double y = TOP;
    char text[96];
    write_text(canvas->cairo, INK, 15, true, FROM_LEFT, x, y + 8, "What lies where");
    y += 22;
    snprintf(text, sizeof text, "one square is %s, filled as far as it is live",
             heap_bytes(picture->unit).text);
    write_text(canvas->cairo, PALE, 12, false, FROM_LEFT, x, y + 8, text);
    y += 26;
    for (unsigned band = 0; band < BANDS; band++) {
        char name[48];
        if (picture->bytes[band] != 0) {
            box(canvas->cairo, heap_bands[band].colour, x, y, 14, 14);
            snprintf(name, sizeof name, band <= BAND_LARGE ? "blocks %s" : "%s",
                     heap_bands[band].name);
            if (band == BAND_LARGE) {
                snprintf(name, sizeof name, "larger blocks");
            }
            y = legend_line(canvas, y, name, picture->bytes[band], picture->blocks[band],
                            heap_band_unit(band, picture->blocks[band]));
        }
    }
    y = legend_marks(canvas, y);
    snprintf(text, sizeof text, "%s live in %s blocks", heap_bytes(picture->live_bytes).text,
             heap_count(picture->live_blocks).text);
    write_text(canvas->cairo, INK, 13, true, FROM_LEFT, x, y + 16, text);
    return y + 30;
}

/* ---- the chart of size classes ---- */

static enum heap_band
band_of_class(unsigned class)
{
    uint32_t size = tn_classes[class].size;
    return size <= 64     ? BAND_64
           : size <= 256  ? BAND_256
           : size <= 1024 ? BAND_1K
           : size <= 8192 ? BAND_8K
                          : BAND_64K;
}

static void
draw_bar(const struct canvas *canvas, unsigned class, double x, double width, double base,
         double most)
{
    const struct heap_picture *picture = canvas->picture;
    double size = tn_classes[class].size;
    double live = (double)picture->class_live[class] * size / most * BARS;
    double room = (double)picture->class_room[class] * size / most * BARS;
    if (room > 0) {
        double seen = room < 1 ? 1 : room;
        box(canvas->cairo, heap_bands[BAND_FREE].colour, x, base - seen, width - 2, seen);
        box(canvas->cairo, heap_bands[band_of_class(class)].colour, x, base - live, width - 2,
            live);
    }
}

static void
draw_classes(const struct canvas *canvas, double top)
{
    const struct heap_picture *picture = canvas->picture;
    double base = top + 40 + BARS;
    double width = (WIDTH - MARGIN - canvas->left) / TN_CLASSES;
    double most = 1;
    char text[96];
    for (unsigned class = 0; class < TN_CLASSES; class ++) {
        double room = (double)picture->class_room[class] * tn_classes[class].size;
        most = room > most ? room : most;
    }
    write_text(canvas->cairo, INK, 15, true, FROM_LEFT, canvas->left, top + 8, "By size of block");
    snprintf(text, sizeof text, "bytes live, and in grey free in slabs; the highest bar is %s",
             heap_bytes((uint64_t)most).text);
    write_text(canvas->cairo, PALE, 12, false, FROM_LEFT, canvas->left + 140, top + 8, text);
    box(canvas->cairo, PALE, canvas->left, base, WIDTH - MARGIN - canvas->left, 1);
    for (unsigned class = 0; class < TN_CLASSES; class ++) {
        double x = canvas->left + class * width;
        draw_bar(canvas, class, x, width, base, most);
        uint32_t size = tn_classes[class].size;
        if ((size & (size - 1)) == 0 && size >= 16 && size != 32) {
            snprintf(text, sizeof text, size < 1024 ? "%u" : "%uK",
                     size < 1024 ? size : size / 1024);
            write_text(canvas->cairo, PALE, 11, false, CENTRED, x + width / 2 - 1, base + 16, text);
        }
    }
}

/* ---- the whole ---- */

static double
columns_width(const struct heap_picture *picture, double *cell)
{
    double room = WIDTH - 2 * MARGIN - LABELS - SIDE - GAP;
    double each = room / (double)picture->columns;
    *cell = each > CELL_MOST ? CELL_MOST : each;
    return *cell * (double)picture->columns;
}

static double
legend_height(const struct heap_picture *picture)
{
    double height = 22 + 26 + 3 * 26 + 30;
    for (unsigned band = 0; band < BANDS; band++) {
        height += picture->bytes[band] != 0 ? 38 : 0;
    }
    return height;
}

static void
paint(cairo_t *cairo, const struct heap_picture *picture, double cell, double height)
{
    struct canvas canvas = {
        .cairo = cairo, .picture = picture, .cell = cell, .left = MARGIN + LABELS};
    char subtitle[256];
    heap_picture_subtitle(picture, subtitle, sizeof subtitle);
    box(cairo, PAPER, 0, 0, WIDTH, height);
    write_text(cairo, INK, 24, true, FROM_LEFT, MARGIN, 52, heap_base_name(picture->view->path));
    write_text(cairo, PALE, 14, false, FROM_LEFT, MARGIN, 76, subtitle);
    draw_grid(&canvas);
    double end = draw_legend(&canvas);
    draw_classes(&canvas, (end > canvas.bottom ? end : canvas.bottom) + 24);
}

int
heap_draw(const struct heap_picture *picture, const char *path, bool svg)
{
    double cell;
    columns_width(picture, &cell);
    double rows = (double)((picture->count + picture->columns - 1) / picture->columns);
    double grid = rows * cell;
    double legend = legend_height(picture);
    double height = TOP + (grid > legend ? grid : legend) + 24 + 40 + BARS + 48;
    cairo_surface_t *surface =
        svg ? cairo_svg_surface_create(path, WIDTH, height)
            : cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)WIDTH, (int)height);
    cairo_t *cairo = cairo_create(surface);
    paint(cairo, picture, cell, height);
    cairo_status_t status = cairo_status(cairo);
    cairo_destroy(cairo);
    if (status == CAIRO_STATUS_SUCCESS && !svg) {
        status = cairo_surface_write_to_png(surface, path);
    }
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS) {
        status = cairo_surface_status(surface);
    }
    cairo_surface_destroy(surface);
    if (status != CAIRO_STATUS_SUCCESS) {
        return tn_fail(EIO, false, "%s: cannot be drawn: %s", path, cairo_status_to_string(status));
    }
    return 0;
}
