#ifndef EVALUATE_REPORT_AXES_H
#define EVALUATE_REPORT_AXES_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

/* What plots stand on: ticks, axes, and a frame to place values in. */

enum { PLOT_TICKS_MAX = 16 };

/* About `wanted` (2 .. PLOT_TICKS_MAX - 2) round values (1, 2 or 5 times a power of ten apart) within low .. high; returns how many. One tick
 * where low equals high. */
int plot_ticks(double low, double high, int wanted, double out[PLOT_TICKS_MAX]);

struct plot_axis {
    const char *label;
    double from; /* equal to `to`: fitted to the data */
    double to;
    bool percent;           /* 0 .. 1 shown as 0 % .. 100 % */
    bool logarithmic;       /* every value is above 0 */
    const double *named_at; /* own ticks instead of round values; NULL */
    const char *const *names;
    int named;
};

/* An axis of shares, 0 % to 100 %. */
struct plot_axis plot_shares(const char *label);

/* Sizes in the SVG's own units. */
enum {
    FRAME_WIDTH = 640,
    FRAME_HEIGHT = 380,
    FRAME_LEFT = 62,
    FRAME_RIGHT = 16,
    FRAME_TOP = 34,
    FRAME_BOTTOM = 46,
    AXIS_TEXT = 48,
};

struct plot_frame {
    struct buf *out;
    struct plot_axis x;
    struct plot_axis y; /* vertical */
    int left;
    int height;
};

/* Where a value lies; one beyond an axis lies just outside of the frame. */
double frame_x(const struct plot_frame *f, double value);
double frame_y(const struct plot_frame *f, double value);

/* <figure> up to the inside of its <svg>, and back out. */
void frame_begin(struct buf *out, const char *title, const char *caption, int height);
void frame_end(struct buf *out);
void frame_empty(struct buf *out, int height); /* says that there is no data */
void frame_text(struct buf *out, double x, double y, const char *anchor, const char *text);
void frame_line(struct buf *out, const char *class, const double from[2], const double to[2]);
void frame_x_axis(const struct plot_frame *f);
void frame_y_axis(const struct plot_frame *f);

/* ERR_INVALID, naming the series and the place, where a value is not finite, or not above 0 on a logarithmic axis. values may be NULL. */
CAN_FAIL bool axis_check(const char *name, const double *values, int count,
                         const struct plot_axis *axis, struct err *err);
/* The value as the axis shows it, with the digits that steps of that size need; 0: three. Returns out. */
char *axis_number(const struct plot_axis *a, double value, double step, char out[AXIS_TEXT]);

/* An axis fitted to data: open, widened by what lies on it, settled; rounded out to its ticks where the frame is to end on a number. */
void axis_open(struct plot_axis *a);
void axis_widen(struct plot_axis *a, const double *values, int count);
void axis_settle(struct plot_axis *a);
void axis_round_out(struct plot_axis *a);

#endif
