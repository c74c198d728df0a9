#include "svg_plot.h"

#include <math.h>
#include <string.h>

enum {
    WIDTH = 920,
    HEIGHT = 480,
    LEFT = 78,
    TOP = 54,
    RIGHT = 170, /* room for the legend */
    BOTTOM = 56,
    ROW = 22, /* of the legend */
    MOST_COLOURS = 8
};

/* Colours that stand apart for most eyes, after Okabe and Ito (2008). */
static const char *const colours[MOST_COLOURS] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                  "#b58900", "#56b4e9", "#8250c4", "#6b7280"};

static void
text(FILE *out, const char *words)
{
    for (; *words != 0; words++) {
        switch (*words) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        default:
            if ((unsigned char)*words >= 0x20) {
                fputc(*words, out);
            }
        }
    }
}

/* A step of 1, 2 or 5 times a power of base's that cuts most into at most `pieces`. */
static double
step_of(double most, int pieces)
{
    double step = pow(10, floor(log10(most / pieces)));
    const double factors[] = {1, 2, 5, 10};
    for (int i = 0; i < 4; i++) {
        if (most / (step * factors[i]) <= pieces) {
            return step * factors[i];
        }
    }
    return step * 10;
}

static void
style(FILE *out)
{
    fputs("<style>\n"
          ".ground{fill:#ffffff}.frame{fill:#fbfbfa;stroke:#c9c9c4}.grid{stroke:#e4e4df}\n"
          ".word{fill:#22272e;font:13px sans-serif}.small{fill:#57606a;font:12px sans-serif}\n"
          ".head{fill:#22272e;font:bold 15px sans-serif}.area{fill:#8c959f;fill-opacity:.28}\n"
          "@media (prefers-color-scheme:dark){.ground{fill:#16191e}.frame{fill:#1c2026;"
          "stroke:#444c56}.grid{stroke:#2d333b}.word,.head{fill:#e6edf3}.small{fill:#9da7b3}}\n"
          "</style>\n",
          out);
}

struct scale {
    double x_most, y_most;
    double unit; /* bytes of one on the vertical axis */
};

static double
across(const struct scale *scale, double x)
{
    return LEFT + x / scale->x_most * (WIDTH - LEFT - RIGHT);
}

static double
down(const struct scale *scale, double y)
{
    return HEIGHT - BOTTOM - y / scale->y_most * (HEIGHT - TOP - BOTTOM);
}

static void
axes(FILE *out, const struct scale *scale, const char *unit, const char *x_name)
{
    double step = step_of(scale->y_most / scale->unit, 6);
    fprintf(out, "<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", LEFT,
            TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    for (double y = 0; y <= scale->y_most / scale->unit * 1.0001; y += step) {
        double at = down(scale, y * scale->unit);
        fprintf(out,
                "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text class=\"small\" x=\"%d\" y=\"%.1f\" "
                "text-anchor=\"end\">%g</text>\n",
                LEFT, at, WIDTH - RIGHT, LEFT - 8, at + 4, y);
    }
    double factor = scale->x_most >= 2e6 ? 1e6 : scale->x_most >= 2e3 ? 1e3 : 1;
    step = step_of(scale->x_most / factor, 8);
    for (double x = 0; x <= scale->x_most / factor * 1.0001; x += step) {
        fprintf(out,
                "<path class=\"grid\" d=\"M%.1f %dv6\"/><text class=\"small\" x=\"%.1f\" y=\"%d\" "
                "text-anchor=\"middle\">%g%s</text>\n",
                across(scale, x * factor), HEIGHT - BOTTOM, across(scale, x * factor),
                HEIGHT - BOTTOM + 20, x,
                x == 0         ? ""
                : factor > 1e5 ? "M"
                : factor > 1   ? "k"
                               : "");
    }
    fprintf(out, "<text class=\"word\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">",
            LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 12);
    text(out, x_name);
    fprintf(out,
            "</text>\n<text class=\"word\" x=\"20\" y=\"%d\" text-anchor=\"middle\" "
            "transform=\"rotate(-90 20 %d)\">memory, %s</text>\n",
            TOP + (HEIGHT - TOP - BOTTOM) / 2, TOP + (HEIGHT - TOP - BOTTOM) / 2, unit);
}

static void
draw(FILE *out, const struct scale *scale, const struct svg_line *line, const char *colour)
{
    fprintf(out,
            line->filled ? "<path class=\"area\" d=\"M%.1f %.1f"
                         : "<path fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\" "
                           "d=\"M%.1f %.1f",
            across(scale, 0), down(scale, 0));
    for (size_t i = 0; i < line->count; i++) {
        fprintf(out, "L%.1f %.1f", across(scale, line->x[i]), down(scale, line->y[i]));
    }
    if (line->filled && line->count > 0) {
        fprintf(out, "L%.1f %.1fZ\"/>\n", across(scale, line->x[line->count - 1]), down(scale, 0));
    } else {
        fprintf(out, "\" stroke=\"%s\"/>\n", colour);
    }
}

void
svg_plot(FILE *out, const char *title, const char *x_name, const struct svg_line *lines,
         size_t count)
{
    struct scale scale = {1, 1, 1};
    const char *unit = "bytes";
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at < lines[i].count; at++) {
            scale.x_most = fmax(scale.x_most, lines[i].x[at]);
            scale.y_most = fmax(scale.y_most, lines[i].y[at]);
        }
    }
    if (scale.y_most >= 4 * 1048576.0) {
        scale.unit = 1048576;
        unit = "MiB";
    } else if (scale.y_most >= 4096) {
        scale.unit = 1024;
        unit = "KiB";
    }
    scale.y_most *= 1.06;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
            "height=\"%d\" role=\"img\">\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT);
    style(out);
    fprintf(out,
            "<rect class=\"ground\" width=\"%d\" height=\"%d\"/>\n<text class=\"head\" x=\"%d\" "
            "y=\"30\">",
            WIDTH, HEIGHT, LEFT);
    text(out, title);
    fputs("</text>\n", out);
    axes(out, &scale, unit, x_name);
    for (size_t i = 0; i < count; i++) {
        draw(out, &scale, &lines[i], colours[i % MOST_COLOURS]);
    }
    for (size_t i = 0; i < count; i++) {
        int y = TOP + 14 + (int)i * ROW;
        if (lines[i].filled) {
            fprintf(out, "<rect class=\"area\" x=\"%d\" y=\"%d\" width=\"22\" height=\"12\"/>",
                    WIDTH - RIGHT + 16, y - 10);
        } else {
            fprintf(out, "<path d=\"M%d %dh22\" stroke=\"%s\" stroke-width=\"3\"/>",
                    WIDTH - RIGHT + 16, y - 4, colours[i % MOST_COLOURS]);
        }
        fprintf(out, "<text class=\"word\" x=\"%d\" y=\"%d\">", WIDTH - RIGHT + 46, y);
        text(out, lines[i].name);
        fputs("</text>\n", out);
    }
    fputs("</svg>\n", out);
}
