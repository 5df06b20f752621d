#ifndef EVALUATE_REPORT_PLOT_H
#define EVALUATE_REPORT_PLOT_H

#include "evaluate/report_axes.h"

/* Plots as inline SVG in a <figure>: pure functions of their data. A plot without data says so in its frame; a value that is not finite fails with
 * ERR_INVALID, naming the series and the place, and nothing is appended. */

enum { PLOT_SERIES_MAX = 6 };

enum plot_mark { PLOT_LINE, PLOT_DOTS, PLOT_LINE_DOTS };

struct plot_series {
    const char *name;
    int colour; /* 0 .. PLOT_SERIES_MAX - 1: the same thing has the same colour in every plot */
    enum plot_mark mark;
    int count;
    const double *x;
    const double *y;
    const double *
        low; /* with high: the interval of each y, a band of a line, whiskers of dots; NULL: none */
    const double *high;
};

/* A line through (count) points. */
struct plot_series plot_line(const char *name, int colour, int count, const double *x,
                             const double *y);

struct plot {
    const char *title;
    const char *caption; /* how to read it */
    struct plot_axis x;
    struct plot_axis y;
    const struct plot_series *series;
    int series_count;
    bool diagonal; /* the line y = x, for what should lie on it */
};
/* Lines, dots (scatter, reliability) or both over two axes. */
CAN_FAIL bool plot_xy(struct buf *out, const struct plot *p, struct err *err);

struct plot_bar {
    const char *name;
    int colour;
    double value;
    double low; /* interval; equal to high: none */
    double high;
};
struct plot_bars {
    const char *title;
    const char *caption;
    struct plot_axis axis; /* of the values; begins at 0 unless told */
    const struct plot_bar *bars;
    int count;
    double cap;    /* bars are cut there, their text still tells the value; 0: none */
    double marker; /* a dashed line across the bars at this value, where marker_name is set */
    const char *marker_name; /* NULL: none */
};
/* Horizontal bars, first on top, with their intervals and values. */
CAN_FAIL bool plot_bars(struct buf *out, const struct plot_bars *p, struct err *err);

struct plot_histogram {
    const char *title;
    const char *caption;
    struct plot_axis x;
    const char *y_label;
    const double *edges; /* (count + 1) ascending */
    const double *heights;
    int count;
    int colour;
};
CAN_FAIL bool plot_histogram(struct buf *out, const struct plot_histogram *p, struct err *err);

#endif
