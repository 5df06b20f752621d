/* Axes of plots and the drawing's frame. Coordinates are those of the SVG's own view box; colours are classes of the page's style. */
#include "evaluate/report_axes.h"

#include "evaluate/report.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

enum { AXIS_TICKS = 5 };

/* ---- ticks ---- */

/* 1, 2 or 5 times a power of ten, not below the least step. */
static double round_step(double least)
{
    /* Rounding may leave a quotient a little above its digit, which would take the next larger
     * step. */
    double power = pow(10, floor(log10(least)));
    double head = least / power;
    return power * (head <= 1 + 1e-9 ? 1 : head <= 2 + 1e-9 ? 2 : head <= 5 + 1e-9 ? 5 : 10);
}

int plot_ticks(double low, double high, int wanted, double out[PLOT_TICKS_MAX])
{
    assert(isfinite(low) && isfinite(high) && low <= high);
    assert(wanted >= 2 && wanted <= PLOT_TICKS_MAX - 2);
    /* A step so small would vanish when it is added to the ends: all ticks would be equal. */
    if (high - low <= 1e-12 * (fabs(low) + fabs(high))) {
        out[0] = low;
        return 1;
    }
    double step = round_step((high - low) / wanted);
    /* As counts of steps, so that a tick on an end of the axis is not lost to rounding. */
    double first = ceil(low / step - 1e-9);
    int count = (int)(floor(high / step + 1e-9) - first) + 1;
    /* The step is not below (high - low) / wanted: at most wanted + 1 ticks. */
    assert(count <= PLOT_TICKS_MAX);
    for (int i = 0; i < count; i++) {
        /* Multiplied, not added up: errors of a sum would grow along the axis. */
        out[i] = (first + i) * step + 0.0; /* no -0 */
    }
    return count;
}

static int decades(double low, double high, double out[PLOT_TICKS_MAX])
{
    double first = ceil(log10(low) - 1e-9);
    int count = (int)(floor(log10(high) + 1e-9) - first) + 1;
    count = count < PLOT_TICKS_MAX ? count : PLOT_TICKS_MAX;
    for (int i = 0; i < count; i++) {
        out[i] = pow(10, first + i);
    }
    return count;
}

char *axis_number(const struct plot_axis *a, double value, double step, char out[AXIS_TEXT])
{
    double shown = a->percent ? value * 100 : value;
    /* As many digits as tell two neighbouring ticks apart: 2 for steps of 0.05, none for steps of
     * 1. */
    double digits = step > 0 ? ceil(-log10(a->percent ? step * 100 : step) - 1e-9) : 3;
    const char *unit = a->percent ? " %" : "";
    /* More digits would not fit left of the frame. */
    if (fabs(shown) >= 1e6) {
        (void)snprintf(out, AXIS_TEXT, "%.3g%s", shown, unit);
    } else {
        (void)snprintf(out, AXIS_TEXT, "%.*f%s", digits > 0 ? (int)fmin(digits, 12) : 0, shown,
                       unit);
    }
    return out;
}

struct plot_axis plot_shares(const char *label)
{
    return (struct plot_axis){.label = label, .to = 1, .percent = true};
}

/* ---- the frame ---- */

static double place(const struct plot_axis *a, double value, double begin, double end)
{
    double from = a->logarithmic ? log10(a->from) : a->from;
    double to = a->logarithmic ? log10(a->to) : a->to;
    double at = a->logarithmic ? log10(value) : value;
    double share = to > from ? (at - from) / (to - from) : 0.5;
    /* Far outside it would lie over the texts of the axes; a little outside shows that there is
     * more. */
    return begin + fmin(fmax(share, -0.02), 1.02) * (end - begin);
}

double frame_x(const struct plot_frame *f, double value)
{
    return place(&f->x, value, f->left, FRAME_WIDTH - FRAME_RIGHT);
}

double frame_y(const struct plot_frame *f, double value)
{
    return place(&f->y, value, f->height - FRAME_BOTTOM, FRAME_TOP);
}

void frame_text(struct buf *out, double x, double y, const char *anchor, const char *text)
{
    buf_printf(out, "<text class=\"soft\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    report_escape(out, text);
    buf_add_str(out, "</text>");
}

void frame_line(struct buf *out, const char *class, const double from[2], const double to[2])
{
    buf_printf(out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", class,
               from[0], from[1], to[0], to[1]);
}

static int ticks_of(const struct plot_axis *a, double out[PLOT_TICKS_MAX])
{
    if (a->named_at) {
        int count = 0;
        for (int i = 0; i < a->named && count < PLOT_TICKS_MAX; i++) {
            out[count++] = a->named_at[i];
        }
        return count;
    }
    return a->logarithmic ? decades(a->from, a->to, out)
                          : plot_ticks(a->from, a->to, AXIS_TICKS, out);
}

static const char *tick_text(const struct plot_axis *a, const double *ticks, int count, int i,
                             char room[AXIS_TEXT])
{
    if (a->named_at) {
        return a->names[i];
    }
    /* Every decade has digits of its own: 0.01 needs two, 100 none. */
    double step = a->logarithmic ? fmin(ticks[i], 1) : count > 1 ? ticks[1] - ticks[0] : 0;
    return axis_number(a, ticks[i], step, room);
}

void frame_x_axis(const struct plot_frame *f)
{
    double ticks[PLOT_TICKS_MAX];
    char room[AXIS_TEXT];
    int count = ticks_of(&f->x, ticks);
    double bottom = f->height - FRAME_BOTTOM;
    for (int i = 0; i < count; i++) {
        double x = frame_x(f, ticks[i]);
        /* Named ticks do not follow the axis, and may lie outside of it. */
        if (ticks[i] >= f->x.from && ticks[i] <= f->x.to * (1 + 1e-9)) {
            frame_line(f->out, "grid", (double[]){x, FRAME_TOP}, (double[]){x, bottom});
            frame_text(f->out, x, bottom + 17, "middle", tick_text(&f->x, ticks, count, i, room));
        }
    }
    frame_line(f->out, "axis", (double[]){f->left, bottom},
               (double[]){FRAME_WIDTH - FRAME_RIGHT, bottom});
    frame_text(f->out, (f->left + FRAME_WIDTH - FRAME_RIGHT) / 2.0, bottom + 37, "middle",
               f->x.label);
}

void frame_y_axis(const struct plot_frame *f)
{
    double ticks[PLOT_TICKS_MAX];
    char room[AXIS_TEXT];
    int count = ticks_of(&f->y, ticks);
    for (int i = 0; i < count; i++) {
        double y = frame_y(f, ticks[i]);
        frame_line(f->out, "grid", (double[]){f->left, y},
                   (double[]){FRAME_WIDTH - FRAME_RIGHT, y});
        frame_text(f->out, f->left - 7, y + 4, "end", tick_text(&f->y, ticks, count, i, room));
    }
    frame_text(f->out, 4, FRAME_TOP - 20, "start", f->y.label);
}

void frame_begin(struct buf *out, const char *title, const char *caption, int height)
{
    buf_add_str(out, "<figure><b>");
    report_escape(out, title);
    buf_add_str(out, "</b>");
    if (caption) {
        buf_add_str(out, "<figcaption>");
        report_escape(out, caption);
        buf_add_str(out, "</figcaption>");
    }
    buf_printf(out, "\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", FRAME_WIDTH, height);
    report_escape(out, title);
    buf_add_str(out, "\">\n");
}

void frame_end(struct buf *out)
{
    buf_add_str(out, "\n</svg></figure>\n");
}

void frame_empty(struct buf *out, int height)
{
    frame_text(out, FRAME_WIDTH / 2.0, height / 2.0, "middle", "no data");
}

/* ---- checks and ranges ---- */

bool axis_check(const char *name, const double *values, int count, const struct plot_axis *axis,
                struct err *err)
{
    for (int i = 0; values && i < count; i++) {
        if (!isfinite(values[i])) {
            return FAIL(err, ERR_INVALID, "value %d of %.60s is not a finite number", i, name);
        }
        if (axis->logarithmic && values[i] <= 0) {
            return FAIL(err, ERR_INVALID, "value %d of %.60s is not above 0 on a logarithmic axis",
                        i, name);
        }
    }
    return true;
}

void axis_widen(struct plot_axis *a, const double *values, int count)
{
    for (int i = 0; values && i < count; i++) {
        a->from = fmin(a->from, values[i]);
        a->to = fmax(a->to, values[i]);
    }
}

/* An axis that was left open takes what is there; a flat one gets some air, and one near 0 starts there. */
void axis_settle(struct plot_axis *a)
{
    if (a->from > a->to) { /* nothing was there */
        a->from = a->logarithmic ? 0.1 : 0;
        a->to = 1;
    }
    if (!(a->from < a->to)) {
        /* All values alike: without air they would lie on the frame. */
        double air = a->from != 0 ? fabs(a->from) / 2 : 1;
        a->to += air;
        a->from -= a->logarithmic ? air / 2 : air;
    }
    a->from = !a->logarithmic && a->from > 0 && a->from < a->to / 3 ? 0 : a->from;
}

/* Out to the ticks beyond the data, so that the frame ends on a number. */
void axis_round_out(struct plot_axis *a)
{
    double ticks[PLOT_TICKS_MAX];
    int count = plot_ticks(a->from, a->to, AXIS_TICKS, ticks);
    if (count > 1) {
        double step = ticks[1] - ticks[0];
        /* The tolerance keeps an end that is a tick already from moving out by a whole step. */
        a->from = floor(a->from / step + 1e-9) * step;
        a->to = ceil(a->to / step - 1e-9) * step;
    }
}

void axis_open(struct plot_axis *a)
{
    a->from = INFINITY;
    a->to = -INFINITY;
}
