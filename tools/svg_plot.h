/*
 * Lines over a common axis as a picture in SVG, to be read on light and on dark ground.
 */
#ifndef TARN_SVG_PLOT_H
#define TARN_SVG_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct svg_line {
    const char *name;
    const double *x;
    const double *y; /* bytes */
    size_t count;
    bool filled; /* an area instead of a line */
};

/* The title, the words under the horizontal axis, and the lines, in that order of colours. */
void svg_plot(FILE *out, const char *title, const char *x_name, const struct svg_line *lines,
              size_t count);

#endif
