/* The page about risk: what its plots and texts say. Measures nothing. */
#include "evaluate/evaluate_risk_page.h"

#include "evaluate/evaluate_risk_table.h"
#include "evaluate/report_plot.h"

#include <math.h>
#include <stdio.h>

/* Those of evaluate_affinity_page.c for the same roles, so that who reads both pages learns them
 * once. */
static const int colours[RISK_CONTENDERS] = {0, 2, 4};

static bool page_reliability(const struct risk_evaluation *e, struct buf *out, struct err *err)
{
    struct plot_series series[RISK_CONTENDERS];
    double x[RISK_CONTENDERS][CALIB_BINS];
    double y[3][RISK_CONTENDERS][CALIB_BINS];
    int count = 0;
    for (int c = 0; c < RISK_CONTENDERS; c++) {
        const struct risk_scored *s = &e->scored[c];
        for (int b = 0; b < s->bins; b++) {
            x[c][b] = s->bin[b].mean_probability;
            y[0][c][b] = s->bin_rate[b].value;
            y[1][c][b] = s->bin_rate[b].low;
            y[2][c][b] = s->bin_rate[b].high;
        }
        if (s->took_part) {
            series[count++] = (struct plot_series){s->name, colours[c], PLOT_DOTS, s->bins,
                                                   x[c],    y[0][c],    y[1][c],   y[2][c]};
        }
    }
    const struct plot p = {
        .title = "Reliability",
        .caption =
            "Of carts foretold to be lost with a chance of 70 %, 70 % should be lost: dots belong on the dotted line. "
            "Fifteen groups of equal size; thin lines are 95 % intervals.",
        .x = plot_shares("risk foretold"),
        .y = plot_shares("share lost"),
        .series = series,
        .series_count = count,
        .diagonal = true,
    };
    return plot_xy(out, &p, err);
}

static bool page_gain(const struct risk_evaluation *e, struct buf *out, struct err *err)
{
    struct plot_series series[RISK_CONTENDERS + 1];
    double share[GAIN_POINTS];
    double perfect[GAIN_POINTS];
    int count = 0;
    for (int i = 0; i < GAIN_POINTS; i++) {
        share[i] = (double)i / (GAIN_POINTS - 1);
        /* All lost ones first: the curve rises by 1 / share lost until none is left. */
        perfect[i] = e->lost_share > 0 ? fmin(1, share[i] / e->lost_share) : 0;
    }
    /* Without the base rate: one score for everybody ranks nobody, and its curve is the
     * diagonal. */
    for (int c = 0; c < RISK_BASE_RATE; c++) {
        const struct risk_scored *s = &e->scored[c];
        if (s->took_part) {
            series[count++] = plot_line(s->name, colours[c], GAIN_POINTS, share, s->gain);
        }
    }
    series[count++] = plot_line("a perfect ranking", 3, GAIN_POINTS, share, perfect);
    const struct plot p = {
        .title = "Gain",
        .caption =
            "Taking the carts most at risk first: how many of those that will be lost are among them. "
            "The dotted line is what chance would find.",
        .x = plot_shares("share of the cart moments, most at risk first"),
        .y = plot_shares("share of the lost ones"),
        .series = series,
        .series_count = count,
        .diagonal = true,
    };
    return plot_xy(out, &p, err);
}

static bool page_precision(const struct risk_evaluation *e, struct buf *out, struct err *err)
{
    struct plot_series series[RISK_CONTENDERS];
    const double ends[] = {0, 1};
    const double rate[] = {e->lost_share, e->lost_share};
    int count = 0;
    /* The base rate has a single point here, everybody; it is drawn as the line below. */
    for (int c = 0; c < RISK_BASE_RATE; c++) {
        const struct risk_scored *s = &e->scored[c];
        if (s->took_part) {
            series[count++] = plot_line(s->name, colours[c], s->pr_points, s->recall, s->precision);
        }
    }
    /* Whoever is picked by chance is lost with the share of all, however many are picked. */
    series[count++] = plot_line("everybody at once", colours[RISK_BASE_RATE], 2, ends, rate);
    const struct plot p = {
        .title = "Precision and recall",
        .caption =
            "If so many of the lost carts are to be found, this share of those picked will really be lost.",
        .x = plot_shares("recall: share of the lost ones found"),
        .y = {.label = "precision", .percent = true},
        .series = series,
        .series_count = count,
    };
    return plot_xy(out, &p, err);
}

static bool page_idle_plot(const struct risk_evaluation *e, struct buf *out, struct err *err)
{
    static const double at[] = {0.2, 1, 10, 60, 360, 1440, 10080};
    static const char *const names[] = {"at once", "1 min", "10 min", "1 h", "6 h", "1 d", "7 d"};
    struct plot_series series[1 + RISK_CONTENDERS];
    double x[IDLE_BANDS];
    double lost[3][IDLE_BANDS];
    double predicted[RISK_CONTENDERS][IDLE_BANDS];
    int filled = 0;
    int count = 0;
    for (int i = 0; i < IDLE_BANDS; i++) {
        const struct idle_band *b = &e->idle[i];
        /* No dot at all: a share of no moments would be drawn as 0. */
        if (b->moments == 0) {
            continue;
        }
        x[filled] = idle_band_middle(i);
        lost[0][filled] = b->lost.value;
        lost[1][filled] = b->lost.low;
        lost[2][filled] = b->lost.high;
        for (int c = 0; c < RISK_CONTENDERS; c++) {
            predicted[c][filled] = b->predicted[c];
        }
        filled++;
    }
    for (int c = 0; c < RISK_CONTENDERS; c++) {
        if (e->scored[c].took_part) {
            series[count++] = plot_line(e->scored[c].name, colours[c], filled, x, predicted[c]);
        }
    }
    series[count++] =
        (struct plot_series){"share lost", 1, PLOT_DOTS, filled, x, lost[0], lost[1], lost[2]};
    const struct plot p = {
        .title = "Risk over idle time",
        .caption =
            "The longer nothing happens, the likelier the cart is lost: what was foretold (lines) and what happened (dots).",
        .x = {.label = "time without any action",
              .from = 0.15,
              .to = 26000,
              .logarithmic = true,
              .named_at = at,
              .names = names,
              .named = sizeof at / sizeof *at},
        .y = {.label = "lost", .percent = true},
        .series = series,
        .series_count = count,
    };
    return plot_xy(out, &p, err);
}

static bool page_ahead_plot(const struct risk_evaluation *e, struct buf *out, struct err *err)
{
    static const double at[] = {0.5, 3, 10, 60, 480, 1440, 10080};
    static const char *const names[] = {"30 s", "3 min", "10 min", "1 h", "8 h", "1 d", "7 d"};
    double x[RISK_AHEAD_INTERVALS];
    double lost[RISK_AHEAD_INTERVALS];
    double foretold[RISK_AHEAD_INTERVALS];
    const char *name = e->scored[risk_main_contender(e)].name;
    int filled = 0;
    /* A model that was trained on too few rows has no curve: no plot rather than an empty one. */
    if (risk_horizons_filled(e) == 0) {
        return true;
    }
    for (int i = 0; i < RISK_AHEAD_INTERVALS; i++) {
        const struct risk_horizon *h = &e->ahead[i];
        if (h->rows > 0) {
            x[filled] = (double)h->within_us / (double)MINUTES(1);
            lost[filled] = h->lost;
            foretold[filled++] = h->predicted;
        }
    }
    const struct plot_series series[] = {
        {.name = name, .colour = 0, .mark = PLOT_LINE, .count = filled, .x = x, .y = foretold},
        {.name = "share without a purchase",
         .colour = 1,
         .mark = PLOT_DOTS,
         .count = filled,
         .x = x,
         .y = lost},
    };
    const struct plot p = {
        .title = "When the purchase comes",
        .caption =
            "No purchase within so much time from the moment on: what was foretold (line) and what happened (dots). What is left at the end is gone.",
        .x = {.label = "time from the moment on",
              .from = 0.4,
              .to = 26000,
              .logarithmic = true,
              .named_at = at,
              .names = names,
              .named = sizeof at / sizeof *at},
        .y = {.label = "no purchase yet", .percent = true},
        .series = series,
        .series_count = 2,
    };
    return plot_xy(out, &p, err);
}

static bool page_scores(const struct risk_evaluation *e, struct buf *out, struct err *err)
{
    double edges[SCORE_BINS + 1];
    for (int i = 0; i <= SCORE_BINS; i++) {
        edges[i] = (double)i / SCORE_BINS;
    }
    const struct plot_histogram p = {
        .title = "Risks foretold",
        .caption = "How the scores spread. Scores in a single heap cannot tell carts apart.",
        .x = plot_shares("risk foretold"),
        .y_label = "share of the moments",
        .edges = edges,
        .heights = e->score_share,
        .count = SCORE_BINS,
        .colour = colours[RISK_TRAINED],
    };
    return plot_histogram(out, &p, err);
}

static bool page_drift(const struct risk_evaluation *e, struct buf *out, struct err *err)
{
    struct plot_bar bars[DRIFT_SHOWN + 1];
    int count = 0;
    bars[count++] =
        (struct plot_bar){.name = "the score itself", .colour = 1, .value = e->score_psi};
    for (int i = 0; i < DRIFT_SHOWN; i++) {
        bars[count++] = (struct plot_bar){
            .name = feature_def(e->drift[i].feature)->name, .colour = 0, .value = e->drift[i].psi};
    }
    /* A feature that changed altogether may have a PSI of 5, beside which the others would have no
     * length: hence the cap. */
    const struct plot_bars p = {
        .title = "Drift since the cut",
        .caption =
            "Population stability index of the score and of the features that moved most. Above 0.2 the shop is no "
            "longer the one the model learnt from: train again, and see what changed. Bars end at 1.",
        .axis = {.label = "population stability index"},
        .bars = bars,
        .count = count,
        .cap = 1,
        .marker = RISK_DRIFT_ALARM,
        .marker_name = "alarm",
    };
    return plot_bars(out, &p, err);
}

static void page_tiles(const struct risk_evaluation *e, struct buf *out)
{
    const struct risk_scored *s = &e->scored[risk_main_contender(e)];
    char value[64];
    char label[160];
    report_tiles_begin(out);
    (void)snprintf(value, sizeof value, "%.1f %%", 100 * s->skill.value);
    (void)snprintf(label, sizeof label, "less squared error than the base rate (%.1f to %.1f %%)",
                   100 * s->skill.low, 100 * s->skill.high);
    report_tile(out, value, label);
    (void)snprintf(value, sizeof value, "%.3f", s->auc.value);
    report_tile(out, value,
                "AUC: the chance that a cart that is lost was ranked above one that was bought");
    (void)snprintf(value, sizeof value, "%.1f %%", 100 * s->ece.value);
    (void)snprintf(label, sizeof label,
                   "between the risk foretold and what happened, on average (%.1f to %.1f %%)",
                   100 * s->ece.low, 100 * s->ece.high);
    report_tile(out, value, label);
    (void)snprintf(value, sizeof value, "%.1f %%", 100 * e->lost_share);
    (void)snprintf(label, sizeof label, "of %d cart moments of %d shoppers were lost",
                   e->later->after->count, e->later->shoppers);
    report_tile(out, value, label);
    report_tiles_end(out);
}

static void page_verdict(const struct risk_evaluation *e, struct buf *out)
{
    for (int c = 0; c < RISK_BASE_RATE; c++) {
        const struct risk_scored *s = &e->scored[c];
        if (s->took_part) {
            /* Told from the interval, not from the value: a skill above 0 whose interval holds 0
             * may be chance. */
            const char *how = s->skill.low > 0    ? "foretells better than the base rate"
                              : s->skill.high < 0 ? "foretells worse than the base rate"
                                                  : "cannot be told from the base rate";
            report_text(out, "\"%s\" %s: log loss %.4f against %.4f, AUC %.3f.", s->name, how,
                        s->log_loss.value, e->scored[RISK_BASE_RATE].log_loss.value, s->auc.value);
        }
    }
}

static void page_method(const struct risk_evaluation *e, struct buf *out)
{
    char horizon[CLOCK_TEXT_MAX];
    evaluate_page_method(&e->heading, out);
    report_text(
        out,
        "The log is parted by time. A moment is a time at which somebody could have decided about an open cart: after "
        "each event of its shopper, and after some idle times. It counts as lost if the shopper bought nothing within "
        "%s; moments whose outcome is not known yet are left out, and so are, before the cut, those whose outcome was "
        "not known at it. The features are those of the code that serves, taken from the state as it was then.",
        clock_format_duration(e->later->window.horizon_us, horizon));
    report_text(
        out,
        "Log loss and Brier score punish wrong and too sure answers, 0 is perfect. Skill is the share of the base rate's "
        "Brier score that is avoided. The base rate is the share lost before the cut, the same number for every cart. "
        "AUC is 0.5 for a coin, 1 for a perfect ranking. Calibration error is the mean distance of the fifteen dots "
        "from the line. Intervals come from %d resamples of the shoppers, each with all its moments.",
        (int)RISK_ROUNDS);
}

static bool page_plots(const struct risk_evaluation *e, struct buf *out, struct err *err)
{
    report_heading(out, "Is the risk right?");
    page_verdict(e, out);
    report_figures_begin(out);
    if (!page_reliability(e, out, err) || !page_scores(e, out, err) || !page_gain(e, out, err) ||
        !page_precision(e, out, err)) {
        return false;
    }
    report_figures_end(out);
    risk_write_quality(e, report_table_html, out);
    report_heading(out, "For whom?");
    risk_write_segments(e, report_table_html, out);
    report_heading(out, "When?");
    report_figures_begin(out);
    if (!page_idle_plot(e, out, err) || !page_ahead_plot(e, out, err)) {
        return false;
    }
    report_figures_end(out);
    risk_write_idle(e, report_table_html, out);
    risk_write_ahead(e, report_table_html, out);
    return true;
}

bool risk_evaluation_page(const struct risk_evaluation *e, struct buf *out, struct err *err)
{
    evaluate_page_begin(&e->heading, "Can we tell which carts will be lost?", out);
    page_tiles(e, out);
    if (!page_plots(e, out, err)) {
        return false;
    }
    report_heading(out, "Has the shop changed?");
    report_text(
        out,
        "%d of %d features moved by more than %.1f since the cut; the score by %.3f from the first half of the later window to the second.",
        risk_features_drifted(e), (int)FEATURE_COUNT, RISK_DRIFT_ALARM, e->score_psi);
    report_text(
        out,
        "What counts from the beginning of the log on (visits so far, time since the first event) grows while the log is "
        "young, in every shop. A score that stays where it was means that the model takes it well.");
    report_figures_begin(out);
    if (!page_drift(e, out, err)) {
        return false;
    }
    report_figures_end(out);
    risk_write_drift(e, report_table_html, out);
    page_method(e, out);
    evaluate_page_end(&e->heading, out);
    return true;
}
