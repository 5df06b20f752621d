/* What the evaluation of risk found: plain tables, one JSON object, and the page. Measures nothing. */
#include "evaluate/evaluate_risk.h"

#include "base/cleanup.h"
#include "evaluate/report_plot.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum { DRIFT_SHOWN = 12 };
_Static_assert((int)DRIFT_SHOWN <= (int)FEATURE_COUNT, "no more are shown than there are");
static const double DRIFT_ALARM = 0.2;
static const int colours[RISK_CONTENDERS] = {0, 2, 4};

enum risk_contender risk_main_contender(const struct risk_evaluation *e)
{
    return e->scored[RISK_SERVING].took_part ? RISK_SERVING : RISK_TRAINED;
}

/* ---- tables, the same for the terminal and the page ---- */

typedef void table_writer(struct buf *out, const struct report_table *t);

static const struct {
    const char *name;
    const char *key;
    size_t at;
} measures[] = {
    {"log loss", "log_loss", offsetof(struct risk_scored, log_loss)},
    {"Brier score", "brier", offsetof(struct risk_scored, brier)},
    {"skill against the base rate", "brier_skill", offsetof(struct risk_scored, skill)},
    {"AUC", "auc", offsetof(struct risk_scored, auc)},
    {"average precision", "average_precision", offsetof(struct risk_scored, ap)},
    {"calibration error (ECE)", "calibration_error", offsetof(struct risk_scored, ece)},
};
enum { MEASURES = sizeof measures / sizeof *measures };

static const struct interval *measure_of(const struct risk_scored *s, int measure)
{
    return (const struct interval *)(const void *)((const char *)s + measures[measure].at);
}

static void write_quality(const struct risk_evaluation *e, table_writer *write, struct buf *out)
{
    const char *columns[1 + RISK_CONTENDERS] = {"95 % intervals in brackets"};
    int count = 1;
    for (int c = 0; c < RISK_CONTENDERS; c++) {
        if (e->scored[c].took_part) {
            columns[count++] = e->scored[c].name;
        }
    }
    CLEANUP(report_table_free)
    struct report_table t = {.columns = columns, .column_count = count};
    for (int m = 0; m < MEASURES; m++) {
        report_cell(&t, "%s", measures[m].name);
        for (int c = 0; c < RISK_CONTENDERS; c++) {
            if (e->scored[c].took_part) {
                const struct interval *i = measure_of(&e->scored[c], m);
                report_cell(&t, "%.4f (%.4f to %.4f)", i->value, i->low, i->high);
            }
        }
    }
    write(out, &t);
}

static double skill_of(const struct risk_segment *s, enum risk_contender c)
{
    double base = s->of[RISK_BASE_RATE].brier;
    return base > 0 ? 1 - s->of[c].brier / base : (double)NAN;
}

static void write_segments(const struct risk_evaluation *e, table_writer *write, struct buf *out)
{
    static const char *const columns[] = {
        "carts of",   "moments", "shoppers", "lost",
        "foretold",   "AUC",     "log loss", "that of the base rate",
        "Brier skill"};
    enum risk_contender c = risk_main_contender(e);
    char caption[160];
    (void)snprintf(caption, sizeof caption, "%s, by kind of shopper and cart", e->scored[c].name);
    CLEANUP(report_table_free)
    struct report_table t = {.caption = caption, .columns = columns, .column_count = 9};
    for (int i = 0; i < e->segment_count; i++) {
        const struct risk_segment *s = &e->segments[i];
        report_cell(&t, "%s", s->name);
        report_cell(&t, "%d", s->moments);
        report_cell(&t, "%d", s->shoppers);
        report_cell(&t, "%.1f %%", 100 * s->lost);
        report_cell(&t, "%.1f %%", 100 * s->of[c].predicted);
        report_cell_number(&t, s->of[c].auc, 3);
        report_cell_number(&t, s->of[c].log_loss, 4);
        report_cell_number(&t, s->of[RISK_BASE_RATE].log_loss, 4);
        report_cell_number(&t, skill_of(s, c), 3);
    }
    write(out, &t);
}

static void write_idle(const struct risk_evaluation *e, table_writer *write, struct buf *out)
{
    static const char *const columns[] = {"idle", "moments", "lost", "95 % interval", "foretold"};
    CLEANUP(report_table_free) struct report_table t = {.columns = columns, .column_count = 5};
    for (int i = 0; i < IDLE_BANDS; i++) {
        const struct idle_band *b = &e->idle[i];
        if (b->moments > 0) {
            report_cell(&t, "%s", idle_band_name(i));
            report_cell(&t, "%d", b->moments);
            report_cell(&t, "%.1f %%", 100 * b->lost.value);
            report_cell(&t, "%.1f to %.1f %%", 100 * b->lost.low, 100 * b->lost.high);
            report_cell(&t, "%.1f %%", 100 * b->predicted[risk_main_contender(e)]);
        }
    }
    write(out, &t);
}

/* Horizons with a figure; 0 where the model has no intervals. */
static int horizons_of(const struct risk_evaluation *e)
{
    int count = 0;
    for (int i = 0; i < RISK_AHEAD_INTERVALS; i++) {
        count += e->ahead[i].rows > 0;
    }
    return count;
}

static void write_ahead(const struct risk_evaluation *e, table_writer *write, struct buf *out)
{
    if (horizons_of(e) == 0) {
        return;
    }
    static const char *const columns[] = {"no purchase within",
                                          "moments",
                                          "happened",
                                          "foretold",
                                          "calibration error",
                                          "Brier score",
                                          "that of the base rate"};
    CLEANUP(report_table_free) struct report_table t = {.columns = columns, .column_count = 7};
    for (int i = 0; i < RISK_AHEAD_INTERVALS; i++) {
        const struct risk_horizon *h = &e->ahead[i];
        char within[CLOCK_TEXT_MAX];
        if (h->rows > 0) {
            report_cell(&t, "%s", clock_format_duration(h->within_us, within));
            report_cell(&t, "%d", h->rows);
            report_cell(&t, "%.1f %%", 100 * h->lost);
            report_cell(&t, "%.1f %%", 100 * h->predicted);
            report_cell(&t, "%.4f", h->ece);
            report_cell(&t, "%.4f", h->brier);
            report_cell(&t, "%.4f", h->base_brier);
        }
    }
    write(out, &t);
}

static int drifted(const struct risk_evaluation *e)
{
    int count = 0;
    while (count < FEATURE_COUNT && e->drift[count].psi > DRIFT_ALARM) {
        count++;
    }
    return count;
}

static void write_drift(const struct risk_evaluation *e, table_writer *write, struct buf *out)
{
    static const char *const columns[] = {"drift", "PSI", "what it is"};
    CLEANUP(report_table_free)
    struct report_table t = {.columns = columns, .column_count = 3, .last_is_text = true};
    report_cell(&t, "the score itself");
    report_cell_number(&t, e->score_psi, 3);
    report_cell(&t, "risk foretold in the second half of the later window, against the first half");
    for (int i = 0; i < DRIFT_SHOWN; i++) {
        const struct feature_def *f = feature_def(e->drift[i].feature);
        report_cell(&t, "%s", f->name);
        report_cell_number(&t, e->drift[i].psi, 3);
        report_cell(&t, "%s", f->meaning);
    }
    write(out, &t);
}

void risk_evaluation_text(const struct risk_evaluation *e, struct buf *out)
{
    char from[CLOCK_TEXT_MAX];
    char cut[CLOCK_TEXT_MAX];
    char until[CLOCK_TEXT_MAX];
    char horizon[CLOCK_TEXT_MAX];
    buf_printf(out, "log from %s to %s, cut at %s\n%s\n\n",
               evaluate_time_text(e->later->window.from_us, from),
               evaluate_time_text(e->later->window.as_of_us, until),
               evaluate_time_text(e->later->cut_us, cut), e->serving);
    buf_printf(out,
               "%d moments of %d later shoppers, %.1f %% of them lost (no purchase within %s)\n\n",
               e->later->after->count, e->later->shoppers, 100 * e->lost_share,
               clock_format_duration(e->later->window.horizon_us, horizon));
    write_quality(e, report_table_text, out);
    buf_add_char(out, '\n');
    write_segments(e, report_table_text, out);
    buf_add_char(out, '\n');
    write_idle(e, report_table_text, out);
    buf_add_char(out, '\n');
    write_ahead(e, report_table_text, out);
    buf_add_char(out, '\n');
    write_drift(e, report_table_text, out);
}

/* ---- JSON ---- */

static void json_interval(struct jenc *j, const char *key, const struct interval *i)
{
    jenc_object(j, key);
    jenc_f64(j, "value", i->value);
    jenc_f64(j, "low", i->low);
    jenc_f64(j, "high", i->high);
    jenc_object_end(j);
}

static void json_contender(struct jenc *j, const struct risk_scored *s)
{
    jenc_object(j, NULL);
    jenc_str(j, "model", s->name);
    for (int m = 0; m < MEASURES; m++) {
        json_interval(j, measures[m].key, measure_of(s, m));
    }
    jenc_array(j, "reliability");
    for (int b = 0; b < s->bins; b++) {
        jenc_object(j, NULL);
        jenc_i64(j, "moments", s->bin[b].count);
        jenc_f64(j, "foretold", s->bin[b].mean_probability);
        json_interval(j, "lost", &s->bin_rate[b]);
        jenc_object_end(j);
    }
    jenc_array_end(j);
    jenc_object_end(j);
}

static void json_segments(struct jenc *j, const struct risk_evaluation *e)
{
    jenc_array(j, "segments");
    for (int i = 0; i < e->segment_count; i++) {
        const struct risk_segment *s = &e->segments[i];
        jenc_object(j, NULL);
        jenc_str(j, "carts_of", s->name);
        jenc_i64(j, "moments", s->moments);
        jenc_i64(j, "shoppers", s->shoppers);
        jenc_f64(j, "lost", s->lost);
        jenc_array(j, "models");
        for (int c = 0; c < RISK_CONTENDERS; c++) {
            if (e->scored[c].took_part) {
                jenc_object(j, NULL);
                jenc_str(j, "model", e->scored[c].name);
                jenc_f64(j, "foretold", s->of[c].predicted);
                jenc_f64(j, "auc", s->of[c].auc);
                jenc_f64(j, "log_loss", s->of[c].log_loss);
                jenc_f64(j, "brier_skill", skill_of(s, (enum risk_contender)c));
                jenc_object_end(j);
            }
        }
        jenc_array_end(j);
        jenc_object_end(j);
    }
    jenc_array_end(j);
}

static void json_idle(struct jenc *j, const struct risk_evaluation *e)
{
    jenc_array(j, "idle");
    for (int i = 0; i < IDLE_BANDS; i++) {
        if (e->idle[i].moments > 0) {
            jenc_object(j, NULL);
            jenc_str(j, "idle", idle_band_name(i));
            jenc_i64(j, "moments", e->idle[i].moments);
            json_interval(j, "lost", &e->idle[i].lost);
            jenc_f64(j, "foretold", e->idle[i].predicted[risk_main_contender(e)]);
            jenc_object_end(j);
        }
    }
    jenc_array_end(j);
}

void risk_evaluation_json(const struct risk_evaluation *e, struct buf *out)
{
    struct jenc j = jenc_begin(out);
    char horizon[CLOCK_TEXT_MAX];
    jenc_object(&j, NULL);
    jenc_str(&j, "kind", "risk");
    jenc_time(&j, "from", e->later->window.from_us);
    jenc_time(&j, "cut", e->later->cut_us);
    jenc_time(&j, "as_of", e->later->window.as_of_us);
    jenc_str(&j, "horizon", clock_format_duration(e->later->window.horizon_us, horizon));
    jenc_i64(&j, "seed", (int64_t)e->options->seed);
    jenc_str(&j, "serving", e->serving);
    jenc_i64(&j, "moments", e->later->after->count);
    jenc_i64(&j, "shoppers", e->later->shoppers);
    jenc_f64(&j, "lost", e->lost_share);
    jenc_f64(&j, "lost_before", e->later->base_rate);
    jenc_array(&j, "models");
    for (int c = 0; c < RISK_CONTENDERS; c++) {
        if (e->scored[c].took_part) {
            json_contender(&j, &e->scored[c]);
        }
    }
    jenc_array_end(&j);
    json_segments(&j, e);
    json_idle(&j, e);
    risk_horizons_json(e->ahead, &j);
    jenc_f64(&j, "score_psi", e->score_psi);
    jenc_object(&j, "feature_psi");
    for (int i = 0; i < FEATURE_COUNT; i++) {
        jenc_f64(&j, feature_def(e->drift[i].feature)->name, e->drift[i].psi);
    }
    jenc_object_end(&j);
    jenc_object_end(&j);
    buf_add_char(out, '\n');
}

/* ---- the page ---- */

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
        .x = {.label = "risk foretold", .to = 1, .percent = true},
        .y = {.label = "share lost", .to = 1, .percent = true},
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
        perfect[i] = e->lost_share > 0 ? fmin(1, share[i] / e->lost_share) : 0;
    }
    for (int c = 0; c < RISK_BASE_RATE; c++) {
        const struct risk_scored *s = &e->scored[c];
        if (s->took_part) {
            series[count++] = (struct plot_series){.name = s->name,
                                                   .colour = colours[c],
                                                   .mark = PLOT_LINE,
                                                   .count = GAIN_POINTS,
                                                   .x = share,
                                                   .y = s->gain};
        }
    }
    series[count++] = (struct plot_series){.name = "a seer",
                                           .colour = 3,
                                           .mark = PLOT_LINE,
                                           .count = GAIN_POINTS,
                                           .x = share,
                                           .y = perfect};
    const struct plot p = {
        .title = "Gain",
        .caption =
            "Taking the carts most at risk first: how many of those that will be lost are among them. "
            "The dotted line is what chance would find.",
        .x = {.label = "share of the cart moments, most at risk first", .to = 1, .percent = true},
        .y = {.label = "share of the lost ones", .to = 1, .percent = true},
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
    for (int c = 0; c < RISK_BASE_RATE; c++) {
        const struct risk_scored *s = &e->scored[c];
        if (s->took_part) {
            series[count++] = (struct plot_series){.name = s->name,
                                                   .colour = colours[c],
                                                   .mark = PLOT_LINE,
                                                   .count = s->pr_points,
                                                   .x = s->recall,
                                                   .y = s->precision};
        }
    }
    series[count++] = (struct plot_series){.name = "everybody at once",
                                           .colour = colours[RISK_BASE_RATE],
                                           .mark = PLOT_LINE,
                                           .count = 2,
                                           .x = ends,
                                           .y = rate};
    const struct plot p = {
        .title = "Precision and recall",
        .caption =
            "If so many of the lost carts are to be found, this share of those picked will really be lost.",
        .x = {.label = "recall: share of the lost ones found", .to = 1, .percent = true},
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
            series[count++] = (struct plot_series){.name = e->scored[c].name,
                                                   .colour = colours[c],
                                                   .mark = PLOT_LINE,
                                                   .count = filled,
                                                   .x = x,
                                                   .y = predicted[c]};
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
    if (horizons_of(e) == 0) {
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
        .x = {.label = "risk foretold", .to = 1, .percent = true},
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
    const struct plot_bars p = {
        .title = "Drift since the cut",
        .caption =
            "Population stability index of the score and of the features that moved most. Above 0.2 the shop is no "
            "longer the one the model learnt from: train again, and see what changed. Bars end at 1.",
        .axis = {.label = "population stability index"},
        .bars = bars,
        .count = count,
        .cap = 1,
        .marker = DRIFT_ALARM,
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
    report_heading(out, "How this was measured");
    report_text(out, "%s", e->serving);
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
    write_quality(e, report_table_html, out);
    report_heading(out, "For whom?");
    write_segments(e, report_table_html, out);
    report_heading(out, "When?");
    report_figures_begin(out);
    if (!page_idle_plot(e, out, err) || !page_ahead_plot(e, out, err)) {
        return false;
    }
    report_figures_end(out);
    write_idle(e, report_table_html, out);
    write_ahead(e, report_table_html, out);
    return true;
}

bool risk_evaluation_page(const struct risk_evaluation *e, struct buf *out, struct err *err)
{
    char subtitle[256];
    char from[CLOCK_TEXT_MAX];
    char cut[CLOCK_TEXT_MAX];
    char until[CLOCK_TEXT_MAX];
    (void)snprintf(
        subtitle, sizeof subtitle,
        "Log from %s to %s. Models learnt from what lies before %s and were judged on what came after.",
        evaluate_time_text(e->later->window.from_us, from),
        evaluate_time_text(e->later->window.as_of_us, until),
        evaluate_time_text(e->later->cut_us, cut));
    report_begin(out, "Can we tell which carts will be lost?", subtitle);
    page_tiles(e, out);
    if (!page_plots(e, out, err)) {
        return false;
    }
    report_heading(out, "Has the shop changed?");
    report_text(
        out,
        "%d of %d features moved by more than %.1f since the cut; the score by %.3f from the first half of the later window to the second.",
        drifted(e), (int)FEATURE_COUNT, DRIFT_ALARM, e->score_psi);
    report_text(
        out,
        "What counts from the beginning of the log on (visits so far, time since the first event) grows while the log is "
        "young, in every shop. A score that stays where it was means that the model takes it well.");
    report_figures_begin(out);
    if (!page_drift(e, out, err)) {
        return false;
    }
    report_figures_end(out);
    write_drift(e, report_table_html, out);
    page_method(e, out);
    report_end(out, "Made by cartwright evaluate risk.");
    return true;
}
