/* Plots: lines, dots, bars and histograms in a frame with axes. */
#include "evaluate/report_plot.h"

#include "evaluate/report.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

struct plot_series plot_line(const char *name, int colour, int count, const double *x,
                             const double *y)
{
    return (struct plot_series){
        .name = name, .colour = colour, .mark = PLOT_LINE, .count = count, .x = x, .y = y};
}

/* ---- lines and dots ---- */

static void draw_band(const struct plot_frame *f, const struct plot_series *s)
{
    buf_printf(f->out, "<path class=\"s%d band\" d=\"", s->colour);
    for (int i = 0; i < s->count; i++) {
        buf_printf(f->out, "%c%.1f %.1f", i ? 'L' : 'M', frame_x(f, s->x[i]),
                   frame_y(f, s->high[i]));
    }
    /* Back along the lower bounds: together one closed outline. */
    for (int i = s->count - 1; i >= 0; i--) {
        buf_printf(f->out, "L%.1f %.1f", frame_x(f, s->x[i]), frame_y(f, s->low[i]));
    }
    buf_add_str(f->out, "Z\"/>");
}

static void draw_line(const struct plot_frame *f, const struct plot_series *s)
{
    buf_printf(f->out, "<path class=\"s%d path\" d=\"", s->colour);
    for (int i = 0; i < s->count; i++) {
        buf_printf(f->out, "%c%.1f %.1f", i ? 'L' : 'M', frame_x(f, s->x[i]), frame_y(f, s->y[i]));
    }
    buf_add_str(f->out, "\"/>");
}

static void draw_dots(const struct plot_frame *f, const struct plot_series *s)
{
    char x[AXIS_TEXT];
    char y[AXIS_TEXT];
    for (int i = 0; i < s->count; i++) {
        double at[2] = {frame_x(f, s->x[i]), frame_y(f, s->y[i])};
        if (s->low && s->high && s->mark == PLOT_DOTS) {
            frame_line(f->out, "whisker", (double[]){at[0], frame_y(f, s->low[i])},
                       (double[]){at[0], frame_y(f, s->high[i])});
        }
        /* The element title is what browsers show where the mouse rests: values without any
         * script. */
        buf_printf(f->out, "<circle class=\"s%d fill\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\"><title>",
                   s->colour, at[0], at[1], s->mark == PLOT_DOTS ? "4.5" : "3.2");
        report_escape(f->out, s->name);
        buf_printf(f->out, ": %s, %s</title></circle>", axis_number(&f->x, s->x[i], 0, x),
                   axis_number(&f->y, s->y[i], 0, y));
    }
}

static void draw_series(const struct plot_frame *f, const struct plot_series *s)
{
    /* The band first: what is drawn later lies above. */
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
        if (!axis_check(s->name, s->x, s->count, &p->x, err) ||
            !axis_check(s->name, s->y, s->count, &p->y, err) ||
            !axis_check(s->name, s->low, s->count, &p->y, err) ||
            !axis_check(s->name, s->high, s->count, &p->y, err)) {
            return false;
        }
    }
    return true;
}

static struct plot_frame frame_of(struct buf *out, const struct plot *p)
{
    struct plot_frame f = {
        .out = out, .x = p->x, .y = p->y, .left = FRAME_LEFT, .height = FRAME_HEIGHT};
    /* Asked of p, not of f: after the first series f's axis is no longer open, though the next one
     * still has to widen it. */
    if (!(p->x.from < p->x.to)) {
        axis_open(&f.x);
    }
    if (!(p->y.from < p->y.to)) {
        axis_open(&f.y);
    }
    for (int i = 0; i < p->series_count; i++) {
        const struct plot_series *s = &p->series[i];
        if (!(p->x.from < p->x.to)) {
            axis_widen(&f.x, s->x, s->count);
        }
        if (!(p->y.from < p->y.to)) {
            axis_widen(&f.y, s->y, s->count);
            axis_widen(&f.y, s->low, s->count);
            axis_widen(&f.y, s->high, s->count);
        }
    }
    axis_settle(&f.x);
    axis_settle(&f.y);
    if (!f.y.logarithmic && !(p->y.from < p->y.to)) {
        axis_round_out(&f.y);
    }
    return f;
}

bool plot_xy(struct buf *out, const struct plot *p, struct err *err)
{
    int points = 0;
    if (!check_plot(p, err)) {
        return false;
    }
    struct plot_frame f = frame_of(out, p);
    frame_begin(out, p->title, p->caption, f.height);
    frame_y_axis(&f);
    frame_x_axis(&f);
    /* Only as far as both axes reach. */
    if (p->diagonal) {
        double from = fmax(f.x.from, f.y.from);
        double to = fmin(f.x.to, f.y.to);
        frame_line(out, "ref", (double[]){frame_x(&f, from), frame_y(&f, from)},
                   (double[]){frame_x(&f, to), frame_y(&f, to)});
    }
    buf_add_char(out, '\n');
    for (int i = 0; i < p->series_count; i++) {
        draw_series(&f, &p->series[i]);
        points += p->series[i].count;
    }
    if (points == 0) {
        frame_empty(out, f.height);
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

static void draw_bar(const struct plot_frame *f, const struct plot_bars *p, int i)
{
    const struct plot_bar *b = &p->bars[i];
    char text[AXIS_TEXT];
    double thick = bar_step(p) * 0.55;
    double y = FRAME_TOP + bar_step(p) * (i + 0.5);
    double zero = frame_x(f, fmax(f->x.from, 0));
    double end = frame_x(f, p->cap > 0 ? fmin(b->value, p->cap) : b->value);
    double right = end;
    frame_text(f->out, f->left - 8, y + 4, "end", b->name);
    buf_printf(f->out,
               "<rect class=\"s%d fill\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
               b->colour, fmin(zero, end), y - thick / 2, fabs(end - zero), thick);
    if (b->low < b->high) {
        double low = frame_x(f, b->low);
        right = frame_x(f, b->high);
        frame_line(f->out, "whisker", (double[]){low, y}, (double[]){right, y});
        frame_line(f->out, "whisker", (double[]){low, y - 5}, (double[]){low, y + 5});
        frame_line(f->out, "whisker", (double[]){right, y - 5}, (double[]){right, y + 5});
    }
    /* As many digits as the tables have. */
    axis_number(&f->x, b->value, f->x.percent ? 0.001 : 0.0001, text);
    frame_text(f->out, fmax(right, fmax(end, zero)) + 7, y + 4, "start", text);
    buf_add_char(f->out, '\n');
}

static bool check_bars(const struct plot_bars *p, struct err *err)
{
    for (int i = 0; i < p->count; i++) {
        const double values[] = {p->bars[i].value, p->bars[i].low, p->bars[i].high};
        assert(p->bars[i].colour >= 0 && p->bars[i].colour < PLOT_SERIES_MAX);
        if (!axis_check(p->bars[i].name, values, 3, &p->axis, err)) {
            return false;
        }
    }
    return !p->marker_name || axis_check(p->marker_name, &p->marker, 1, &p->axis, err);
}

/* Room at the right end for the values' text: the axis ends short of the frame. */
static struct plot_frame bar_frame(struct buf *out, const struct plot_bars *p)
{
    struct plot_frame f = {.out = out, .x = p->axis, .left = BAR_LEFT};
    f.height = FRAME_TOP + FRAME_BOTTOM + bar_step(p) * (p->count > 0 ? p->count : 1);
    if (!(p->axis.from < p->axis.to)) {
        /* From 0 on: the length of a bar is what is read. */
        f.x.from = f.x.to = 0;
        for (int i = 0; i < p->count; i++) {
            const double values[] = {p->bars[i].value, p->bars[i].low, p->bars[i].high};
            axis_widen(&f.x, values, 3);
        }
        axis_widen(&f.x, &p->marker, p->marker_name ? 1 : 0);
        /* All of them 0: any length will do, but an axis of none has no scale. */
        f.x.to = f.x.to > f.x.from ? f.x.to : f.x.from + 1;
        f.x.to = p->cap > 0 ? fmin(f.x.to, p->cap) : f.x.to;
        /* With W the frame's width and V the text's: lengthened by V / (W - V) the axis has the
         * share V / W of it to the right of the longest bar. */
        f.x.to +=
            (f.x.to - f.x.from) * BAR_VALUE / (FRAME_WIDTH - FRAME_RIGHT - BAR_LEFT - BAR_VALUE);
    }
    return f;
}

bool plot_bars(struct buf *out, const struct plot_bars *p, struct err *err)
{
    assert(p->count >= 0 && !p->axis.logarithmic);
    if (!check_bars(p, err)) {
        return false;
    }
    struct plot_frame f = bar_frame(out, p);
    frame_begin(out, p->title, p->caption, f.height);
    frame_x_axis(&f);
    buf_add_char(out, '\n');
    for (int i = 0; i < p->count; i++) {
        draw_bar(&f, p, i);
    }
    if (p->count == 0) {
        frame_empty(out, f.height);
    }
    if (p->marker_name) {
        double x = frame_x(&f, p->marker);
        frame_line(out, "ref", (double[]){x, FRAME_TOP - 8},
                   (double[]){x, f.height - FRAME_BOTTOM});
        frame_text(out, x, FRAME_TOP - 13, "middle", p->marker_name);
    }
    frame_end(out);
    return true;
}

/* ---- histogram ---- */

bool plot_histogram(struct buf *out, const struct plot_histogram *p, struct err *err)
{
    struct plot_frame f = {.out = out,
                           .x = p->x,
                           .y = {.label = p->y_label},
                           .left = FRAME_LEFT,
                           .height = FRAME_HEIGHT};
    assert(p->count >= 0 && p->colour >= 0 && p->colour < PLOT_SERIES_MAX);
    if (!axis_check("the edges", p->edges, p->count > 0 ? p->count + 1 : 0, &p->x, err) ||
        !axis_check("the heights", p->heights, p->count, &f.y, err)) {
        return false;
    }
    if (!(p->x.from < p->x.to)) {
        axis_open(&f.x);
        axis_widen(&f.x, p->edges, p->count > 0 ? p->count + 1 : 0);
    }
    axis_settle(&f.x);
    /* f.y begins as 0 .. 0: bars stand on 0, or their areas would not be shares. */
    axis_widen(&f.y, p->heights, p->count);
    axis_settle(&f.y);
    axis_round_out(&f.y);
    frame_begin(out, p->title, p->caption, f.height);
    frame_y_axis(&f);
    frame_x_axis(&f);
    for (int i = 0; i < p->count; i++) {
        double left = frame_x(&f, p->edges[i]);
        double right = frame_x(&f, p->edges[i + 1]);
        double top = frame_y(&f, p->heights[i]);
        /* A gap of one unit parts the bars; one that is thinner is still to be seen. */
        buf_printf(
            out, "<rect class=\"s%d fill\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
            p->colour, left, top, fmax(right - left - 1, 0.5), frame_y(&f, 0) - top);
    }
    if (p->count == 0) {
        frame_empty(out, f.height);
    }
    frame_end(out);
    return true;
}
