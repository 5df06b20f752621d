/* What the evaluation of risk found: plain tables and one JSON object. Measures nothing. */
#include "evaluate/evaluate_risk_table.h"

#include "base/cleanup.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

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

void risk_write_quality(const struct risk_evaluation *e, report_table_writer *write,
                        struct buf *out)
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
    /* A segment in which the base rate errs nowhere leaves nothing to be better at: no figure
     * rather than 0, which would read as "no better". */
    double base = s->of[RISK_BASE_RATE].brier;
    return base > 0 ? 1 - s->of[c].brier / base : (double)NAN;
}

void risk_write_segments(const struct risk_evaluation *e, report_table_writer *write,
                         struct buf *out)
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

void risk_write_idle(const struct risk_evaluation *e, report_table_writer *write, struct buf *out)
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

void risk_write_ahead(const struct risk_evaluation *e, report_table_writer *write, struct buf *out)
{
    if (risk_horizons_filled(e) == 0) {
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

void risk_write_drift(const struct risk_evaluation *e, report_table_writer *write, struct buf *out)
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
    char horizon[CLOCK_TEXT_MAX];
    evaluate_heading_text(&e->heading, out);
    buf_add_char(out, '\n');
    buf_printf(out,
               "%d moments of %d later shoppers, %.1f %% of them lost (no purchase within %s)\n\n",
               e->later->after->count, e->later->shoppers, 100 * e->lost_share,
               clock_format_duration(e->later->window.horizon_us, horizon));
    risk_write_quality(e, report_table_text, out);
    buf_add_char(out, '\n');
    risk_write_segments(e, report_table_text, out);
    buf_add_char(out, '\n');
    risk_write_idle(e, report_table_text, out);
    buf_add_char(out, '\n');
    risk_write_ahead(e, report_table_text, out);
    buf_add_char(out, '\n');
    risk_write_drift(e, report_table_text, out);
}

/* ---- JSON ---- */

static void json_contender(struct jenc *j, const struct risk_scored *s)
{
    jenc_object(j, NULL);
    jenc_str(j, "model", s->name);
    for (int m = 0; m < MEASURES; m++) {
        evaluate_json_interval(j, measures[m].key, measure_of(s, m));
    }
    jenc_array(j, "reliability");
    for (int b = 0; b < s->bins; b++) {
        jenc_object(j, NULL);
        jenc_i64(j, "moments", s->bin[b].count);
        jenc_f64(j, "foretold", s->bin[b].mean_probability);
        evaluate_json_interval(j, "lost", &s->bin_rate[b]);
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
                /* The writer turns a NaN (one outcome only) into null. */
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
            evaluate_json_interval(j, "lost", &e->idle[i].lost);
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
    evaluate_heading_json(&e->heading, &j);
    jenc_str(&j, "horizon", clock_format_duration(e->later->window.horizon_us, horizon));
    jenc_i64(&j, "seed", (int64_t)e->options->seed);
    jenc_str(&j, "serving", e->heading.serving);
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
