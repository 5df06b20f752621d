/* Plots: a frame with axes, and what lies in it. Coordinates are those of the SVG's own view box; colours are classes of the page's style. */
#include "evaluate/report_plot.h"

#include "evaluate/report.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    WIDTH = 640,
    HEIGHT = 380,
    LEFT = 62,
    RIGHT = 16,
    TOP = 34,
    BOTTOM = 46,
    TICK_TEXT = 48,
    AXIS_TICKS = 5
};

/* ---- ticks ---- */

/* 1, 2 or 5 times a power of ten, not below the least step. */
static double round_step(double least)
{
    double power = pow(10, floor(log10(least)));
    double head = least / power;
    return power * (head <= 1 + 1e-9 ? 1 : head <= 2 + 1e-9 ? 2 : head <= 5 + 1e-9 ? 5 : 10);
}

int plot_ticks(double low, double high, int wanted, double out[PLOT_TICKS_MAX])
{
    assert(isfinite(low) && isfinite(high) && low <= high);
    assert(wanted >= 2 && wanted <= PLOT_TICKS_MAX - 2);
    if (high - low <= 1e-12 * (fabs(low) + fabs(high))) {
        out[0] = low;
        return 1;
    }
    double step = round_step((high - low) / wanted);
    double first = ceil(low / step - 1e-9);
    int count = (int)(floor(high / step + 1e-9) - first) + 1;
    assert(count <= PLOT_TICKS_MAX);
    for (int i = 0; i < count; i++) {
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

static char *number_text(const struct plot_axis *a, double value, double step, char out[TICK_TEXT])
{
    double shown = a->percent ? value * 100 : value;
    double digits = step > 0 ? ceil(-log10(a->percent ? step * 100 : step) - 1e-9) : 3;
    const char *unit = a->percent ? " %" : "";
    if (fabs(shown) >= 1e6) {
        (void)snprintf(out, TICK_TEXT, "%.3g%s", shown, unit);
    } else {
        (void)snprintf(out, TICK_TEXT, "%.*f%s", digits > 0 ? (int)fmin(digits, 12) : 0, shown,
                       unit);
    }
    return out;
}

/* ---- the frame ---- */

struct frame {
    struct buf *out;
    struct plot_axis x;
    struct plot_axis y; /* vertical */
    int left;
    int height;
};

static double place(const struct plot_axis *a, double value, double begin, double end)
{
    double from = a->logarithmic ? log10(a->from) : a->from;
    double to = a->logarithmic ? log10(a->to) : a->to;
    double at = a->logarithmic ? log10(value) : value;
    double share = to > from ? (at - from) / (to - from) : 0.5;
    return begin + fmin(fmax(share, -0.02), 1.02) * (end - begin);
}

static double place_x(const struct frame *f, double value)
{
    return place(&f->x, value, f->left, WIDTH - RIGHT);
}

static double place_y(const struct frame *f, double value)
{
    return place(&f->y, value, f->height - BOTTOM, TOP);
}

static void text_at(struct buf *out, double x, double y, const char *anchor, const char *text)
{
    buf_printf(out, "<text class=\"soft\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    report_escape(out, text);
    buf_add_str(out, "</text>");
}

static void line_at(struct buf *out, const char *class, const double from[2], const double to[2])
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
                             char room[TICK_TEXT])
{
    if (a->named_at) {
        return a->names[i];
    }
    double step = a->logarithmic ? fmin(ticks[i], 1) : count > 1 ? ticks[1] - ticks[0] : 0;
    return number_text(a, ticks[i], step, room);
}

static void draw_x_axis(const struct frame *f)
{
    double ticks[PLOT_TICKS_MAX];
    char room[TICK_TEXT];
    int count = ticks_of(&f->x, ticks);
    double bottom = f->height - BOTTOM;
    for (int i = 0; i < count; i++) {
        double x = place_x(f, ticks[i]);
        if (ticks[i] >= f->x.from && ticks[i] <= f->x.to * (1 + 1e-9)) {
            line_at(f->out, "grid", (double[]){x, TOP}, (double[]){x, bottom});
            text_at(f->out, x, bottom + 17, "middle", tick_text(&f->x, ticks, count, i, room));
        }
    }
    line_at(f->out, "axis", (double[]){f->left, bottom}, (double[]){WIDTH - RIGHT, bottom});
    text_at(f->out, (f->left + WIDTH - RIGHT) / 2.0, bottom + 37, "middle", f->x.label);
}

static void draw_y_axis(const struct frame *f)
{
    double ticks[PLOT_TICKS_MAX];
    char room[TICK_TEXT];
    int count = ticks_of(&f->y, ticks);
    for (int i = 0; i < count; i++) {
        double y = place_y(f, ticks[i]);
        line_at(f->out, "grid", (double[]){f->left, y}, (double[]){WIDTH - RIGHT, y});
        text_at(f->out, f->left - 7, y + 4, "end", tick_text(&f->y, ticks, count, i, room));
    }
    text_at(f->out, 4, TOP - 20, "start", f->y.label);
}

static void figure_begin(struct buf *out, const char *title, const char *caption, int height)
{
    buf_add_str(out, "<figure><b>");
    report_escape(out, title);
    buf_add_str(out, "</b>");
    if (caption) {
        buf_add_str(out, "<figcaption>");
        report_escape(out, caption);
        buf_add_str(out, "</figcaption>");
    }
    buf_printf(out, "\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, height);
    report_escape(out, title);
    buf_add_str(out, "\">\n");
}

static void figure_end(struct buf *out)
{
    buf_add_str(out, "\n</svg></figure>\n");
}

static void say_empty(struct buf *out, int height)
{
    text_at(out, WIDTH / 2.0, height / 2.0, "middle", "no data");
}

/* ---- checks and ranges ---- */

static bool check(const char *name, const double *values, int count, const struct plot_axis *axis,
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

static void widen(struct plot_axis *a, const double *values, int count)
{
    for (int i = 0; values && i < count; i++) {
        a->from = fmin(a->from, values[i]);
        a->to = fmax(a->to, values[i]);
    }
}

/* An axis that was left open takes what is there; a flat one gets some air, and one near 0 starts there. */
static void settle(struct plot_axis *a)
{
    if (a->from > a->to) { /* nothing was there */
        a->from = a->logarithmic ? 0.1 : 0;
        a->to = 1;
    }
    if (!(a->from < a->to)) {
        double air = a->from != 0 ? fabs(a->from) / 2 : 1;
        a->to += air;
        a->from -= a->logarithmic ? air / 2 : air;
    }
    a->from = !a->logarithmic && a->from > 0 && a->from < a->to / 3 ? 0 : a->from;
}

/* Out to the ticks beyond the data, so that the frame ends on a number. */
static void round_out(struct plot_axis *a)
{
    double ticks[PLOT_TICKS_MAX];
    int count = plot_ticks(a->from, a->to, AXIS_TICKS, ticks);
    if (count > 1) {
        double step = ticks[1] - ticks[0];
        a->from = floor(a->from / step + 1e-9) * step;
        a->to = ceil(a->to / step - 1e-9) * step;
    }
}

static void open_axis(struct plot_axis *a)
{
    a->from = INFINITY;
    a->to = -INFINITY;
}

/* ---- lines and dots ---- */

static void draw_band(const struct frame *f, const struct plot_series *s)
{
    buf_printf(f->out, "<path class=\"s%d band\" d=\"", s->colour);
    for (int i = 0; i < s->count; i++) {
        buf_printf(f->out, "%c%.1f %.1f", i ? 'L' : 'M', place_x(f, s->x[i]),
                   place_y(f, s->high[i]));
    }
    for (int i = s->count - 1; i >= 0; i--) {
        buf_printf(f->out, "L%.1f %.1f", place_x(f, s->x[i]), place_y(f, s->low[i]));
    }
    buf_add_str(f->out, "Z\"/>");
}

static void draw_line(const struct frame *f, const struct plot_series *s)
{
    buf_printf(f->out, "<path class=\"s%d path\" d=\"", s->colour);
    for (int i = 0; i < s->count; i++) {
        buf_printf(f->out, "%c%.1f %.1f", i ? 'L' : 'M', place_x(f, s->x[i]), place_y(f, s->y[i]));
    }
    buf_add_str(f->out, "\"/>");
}

static void draw_dots(const struct frame *f, const struct plot_series *s)
{
    char x[TICK_TEXT];
    char y[TICK_TEXT];
    for (int i = 0; i < s->count; i++) {
        double at[2] = {place_x(f, s->x[i]), place_y(f, s->y[i])};
        if (s->low && s->high && s->mark == PLOT_DOTS) {
            line_at(f->out, "whisker", (double[]){at[0], place_y(f, s->low[i])},
                    (double[]){at[0], place_y(f, s->high[i])});
        }
        buf_printf(f->out, "<circle class=\"s%d fill\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\"><title>",
                   s->colour, at[0], at[1], s->mark == PLOT_DOTS ? "4.5" : "3.2");
        report_escape(f->out, s->name);
        buf_printf(f->out, ": %s, %s</title></circle>", number_text(&f->x, s->x[i], 0, x),
                   number_text(&f->y, s->y[i], 0, y));
    }
}

static void draw_series(const struct frame *f, const struct plot_series *s)
{
    if (s->count > 0 && s->low && s->high && s->mark != PLOT_DOTS) {
        draw_band(f, s);
    }
    if (s->count > 0 && s->mark != PLOT_DOTS) {
        draw_line(f, s);
    }
    if (s->mark != PLOT_LINE) {
        draw_dots(f, s);
    }
    buf_add_char(f->out, '\n');
}

/* In the page's text, not in the drawing: names wrap as they need. */
static void draw_legend(struct buf *out, const struct plot *p)
{
    buf_add_str(out, "<p class=\"sub\">");
    for (int i = 0; i < p->series_count; i++) {
        const struct plot_series *s = &p->series[i];
        buf_add_str(
            out,
            "<span style=\"white-space:nowrap;margin-right:1.2em\"><svg viewBox=\"0 0 26 12\" style=\"display:inline-block;width:1.8em;"
            "height:.8em;margin-right:.35em\" aria-hidden=\"true\">");
        if (s->mark == PLOT_DOTS) {
            buf_printf(out, "<circle class=\"s%d fill\" cx=\"13\" cy=\"6\" r=\"4.5\"/>", s->colour);
        } else {
            buf_printf(out, "<path class=\"s%d path\" d=\"M0 6H26\"/>", s->colour);
        }
        buf_add_str(out, "</svg>");
        report_escape(out, s->name);
        buf_add_str(out, "</span> ");
    }
    buf_add_str(out, "</p>\n");
}

static bool check_plot(const struct plot *p, struct err *err)
{
    assert(p->series_count >= 0 && p->series_count <= PLOT_SERIES_MAX);
    for (int i = 0; i < p->series_count; i++) {
        const struct plot_series *s = &p->series[i];
        assert(s->colour >= 0 && s->colour < PLOT_SERIES_MAX);
        if (!check(s->name, s->x, s->count, &p->x, err) ||
            !check(s->name, s->y, s->count, &p->y, err) ||
            !check(s->name, s->low, s->count, &p->y, err) ||
            !check(s->name, s->high, s->count, &p->y, err)) {
            return false;
        }
    }
    return true;
}

static struct frame frame_of(struct buf *out, const struct plot *p)
{
    struct frame f = {.out = out, .x = p->x, .y = p->y, .left = LEFT, .height = HEIGHT};
    if (!(p->x.from < p->x.to)) {
        open_axis(&f.x);
    }
    if (!(p->y.from < p->y.to)) {
        open_axis(&f.y);
    }
    for (int i = 0; i < p->series_count; i++) {
        const struct plot_series *s = &p->series[i];
        if (!(p->x.from < p->x.to)) {
            widen(&f.x, s->x, s->count);
        }
        if (!(p->y.from < p->y.to)) {
            widen(&f.y, s->y, s->count);
            widen(&f.y, s->low, s->count);
            widen(&f.y, s->high, s->count);
        }
    }
    settle(&f.x);
    settle(&f.y);
    if (!f.y.logarithmic && !(p->y.from < p->y.to)) {
        round_out(&f.y);
    }
    return f;
}

bool plot_xy(struct buf *out, const struct plot *p, struct err *err)
{
    int points = 0;
    if (!check_plot(p, err)) {
        return false;
    }
    struct frame f = frame_of(out, p);
    figure_begin(out, p->title, p->caption, f.height);
    draw_y_axis(&f);
    draw_x_axis(&f);
    if (p->diagonal) {
        double from = fmax(f.x.from, f.y.from);
        double to = fmin(f.x.to, f.y.to);
        line_at(out, "ref", (double[]){place_x(&f, from), place_y(&f, from)},
                (double[]){place_x(&f, to), place_y(&f, to)});
    }
    buf_add_char(out, '\n');
    for (int i = 0; i < p->series_count; i++) {
        draw_series(&f, &p->series[i]);
        points += p->series[i].count;
    }
    if (points == 0) {
        say_empty(out, f.height);
    }
    buf_add_str(out, "</svg>\n");
    draw_legend(out, p);
    buf_add_str(out, "</figure>\n");
    return true;
}

/* ---- bars ---- */

/* Many bars stand closer. */
enum { BAR_STEP = 46, BAR_STEP_MANY = 28, BAR_FEW = 6, BAR_LEFT = 190, BAR_VALUE = 96 };

static int bar_step(const struct plot_bars *p)
{
    return p->count > BAR_FEW ? BAR_STEP_MANY : BAR_STEP;
}

static void draw_bar(const struct frame *f, const struct plot_bars *p, int i)
{
    const struct plot_bar *b = &p->bars[i];
    char text[TICK_TEXT];
    double thick = bar_step(p) * 0.55;
    double y = TOP + bar_step(p) * (i + 0.5);
    double zero = place_x(f, fmax(f->x.from, 0));
    double end = place_x(f, p->cap > 0 ? fmin(b->value, p->cap) : b->value);
    double right = end;
    text_at(f->out, f->left - 8, y + 4, "end", b->name);
    buf_printf(f->out,
               "<rect class=\"s%d fill\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
               b->colour, fmin(zero, end), y - thick / 2, fabs(end - zero), thick);
    if (b->low < b->high) {
        double low = place_x(f, b->low);
        right = place_x(f, b->high);
        line_at(f->out, "whisker", (double[]){low, y}, (double[]){right, y});
        line_at(f->out, "whisker", (double[]){low, y - 5}, (double[]){low, y + 5});
        line_at(f->out, "whisker", (double[]){right, y - 5}, (double[]){right, y + 5});
    }
    number_text(&f->x, b->value, f->x.percent ? 0.001 : 0.0001, text);
    text_at(f->out, fmax(right, fmax(end, zero)) + 7, y + 4, "start", text);
    buf_add_char(f->out, '\n');
}

static bool check_bars(const struct plot_bars *p, struct err *err)
{
    for (int i = 0; i < p->count; i++) {
        const double values[] = {p->bars[i].value, p->bars[i].low, p->bars[i].high};
        assert(p->bars[i].colour >= 0 && p->bars[i].colour < PLOT_SERIES_MAX);
        if (!check(p->bars[i].name, values, 3, &p->axis, err)) {
            return false;
        }
    }
    return !p->marker_name || check(p->marker_name, &p->marker, 1, &p->axis, err);
}

/* Room at the right end for the values' text: the axis ends short of the frame. */
static struct frame bar_frame(struct buf *out, const struct plot_bars *p)
{
    struct frame f = {.out = out, .x = p->axis, .left = BAR_LEFT};
    f.height = TOP + BOTTOM + bar_step(p) * (p->count > 0 ? p->count : 1);
    if (!(p->axis.from < p->axis.to)) {
        f.x.from = f.x.to = 0;
        for (int i = 0; i < p->count; i++) {
            const double values[] = {p->bars[i].value, p->bars[i].low, p->bars[i].high};
            widen(&f.x, values, 3);
        }
        widen(&f.x, &p->marker, p->marker_name ? 1 : 0);
        f.x.to = f.x.to > f.x.from ? f.x.to : f.x.from + 1;
        f.x.to = p->cap > 0 ? fmin(f.x.to, p->cap) : f.x.to;
        f.x.to += (f.x.to - f.x.from) * BAR_VALUE / (WIDTH - RIGHT - BAR_LEFT - BAR_VALUE);
    }
    return f;
}

bool plot_bars(struct buf *out, const struct plot_bars *p, struct err *err)
{
    assert(p->count >= 0 && !p->axis.logarithmic);
    if (!check_bars(p, err)) {
        return false;
    }
    struct frame f = bar_frame(out, p);
    figure_begin(out, p->title, p->caption, f.height);
    draw_x_axis(&f);
    buf_add_char(out, '\n');
    for (int i = 0; i < p->count; i++) {
        draw_bar(&f, p, i);
    }
    if (p->count == 0) {
        say_empty(out, f.height);
    }
    if (p->marker_name) {
        double x = place_x(&f, p->marker);
        line_at(out, "ref", (double[]){x, TOP - 8}, (double[]){x, f.height - BOTTOM});
        text_at(out, x, TOP - 13, "middle", p->marker_name);
    }
    figure_end(out);
    return true;
}

/* ---- histogram ---- */

bool plot_histogram(struct buf *out, const struct plot_histogram *p, struct err *err)
{
    struct frame f = {
        .out = out, .x = p->x, .y = {.label = p->y_label}, .left = LEFT, .height = HEIGHT};
    assert(p->count >= 0 && p->colour >= 0 && p->colour < PLOT_SERIES_MAX);
    if (!check("the edges", p->edges, p->count > 0 ? p->count + 1 : 0, &p->x, err) ||
        !check("the heights", p->heights, p->count, &f.y, err)) {
        return false;
    }
    if (!(p->x.from < p->x.to)) {
        open_axis(&f.x);
        widen(&f.x, p->edges, p->count > 0 ? p->count + 1 : 0);
    }
    settle(&f.x);
    widen(&f.y, p->heights, p->count);
    settle(&f.y);
    round_out(&f.y);
    figure_begin(out, p->title, p->caption, f.height);
    draw_y_axis(&f);
    draw_x_axis(&f);
    for (int i = 0; i < p->count; i++) {
        double left = place_x(&f, p->edges[i]);
        double right = place_x(&f, p->edges[i + 1]);
        double top = place_y(&f, p->heights[i]);
        buf_printf(
            out, "<rect class=\"s%d fill\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
            p->colour, left, top, fmax(right - left - 1, 0.5), place_y(&f, 0) - top);
    }
    if (p->count == 0) {
        say_empty(out, f.height);
    }
    figure_end(out);
    return true;
}
