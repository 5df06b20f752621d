/* A risk training in words and in its card. */
#include "train/risk/train_risk_tell.h"

#include "base/clock.h"
#include "base/jenc.h"
#include "domain/shop/local_time.h"

#include <stdio.h>

/* ---- lines ---- */

/* All contenders by segment. */
static void say_slices(const struct risk_run *r)
{
    for (int i = 0; i < r->slice_count; i++) {
        const struct risk_slice *slice = &r->slices[i];
        char champion[40] = "";
        if (r->champion_judged) {
            snprintf(champion, sizeof champion, ", champion %.4f",
                     slice->log_loss[RISK_SLICE_CHAMPION]);
        }
        train_say(
            r->t, "risk",
            "  %-18s %6d moments, %4.1f %% lost: log loss %.4f, base rate %.4f, logistic %.4f%s, AUC %.3f",
            slice->name, slice->rows, 100 * slice->lost_share,
            slice->log_loss[RISK_SLICE_CHALLENGER], slice->log_loss[RISK_SLICE_BASE_RATE],
            slice->log_loss[RISK_SLICE_LOGISTIC], champion, slice->auc);
    }
}

/* The curve over the time ahead: means over its horizons, and the largest calibration error of one.
 */
static void say_ahead(const struct risk_run *r)
{
    double brier = 0;
    double base = 0;
    double ece = 0;
    int horizons = 0;
    for (int i = 0; i < RISK_AHEAD_INTERVALS; i++) {
        const struct risk_horizon *h = &r->ahead[i];
        /* Horizons without rows have zeros, and are not counted below. */
        brier += h->brier;
        base += h->base_brier;
        ece = h->rows > 0 && h->ece > ece ? h->ece : ece;
        horizons += h->rows > 0;
    }
    if (horizons > 0) {
        train_say(
            r->t, "risk",
            "  when the purchase comes: Brier %.4f, base rate %.4f, mean of %d horizons from 30 s to 14 d; calibration error at most %.3f",
            brier / horizons, base / horizons, horizons, ece);
    }
}

static void say_quality(const struct risk_run *r, const char *name, const struct risk_quality *q)
{
    train_say(
        r->t, "risk",
        "  %-21s log loss %.4f, AUC %.3f, average precision %.3f, Brier %.4f, calibration error %.3f",
        name, q->measure.log_loss, q->measure.auc, q->measure.average_precision, q->measure.brier,
        q->ece);
}

static void say_choice(const struct risk_run *r)
{
    const struct risk_choice *c = &r->choice;
    if (r->behind > 0) {
        train_say(
            r->t, "risk",
            "  what was chosen is behind logistic regression by %.4f beyond chance: it stands for it",
            r->behind);
    }
    if (c->rows == 0) {
        train_say(r->t, "risk", "  learnt with %s: too little for more",
                  risk_recipe_name(c->recipe));
        return;
    }
    train_say(
        r->t, "risk",
        "  learnt with %s; log loss on the last %d moments before: logistic regression %.4f, all parts %.4f, without products %.4f",
        risk_recipe_name(c->recipe), c->rows, c->log_loss[RISK_LOGISTIC],
        c->log_loss[RISK_ALL_PARTS], c->log_loss[RISK_WITHOUT_PRODUCTS]);
}

void risk_run_say(const struct risk_run *r)
{
    char cut[CLOCK_TEXT_MAX];
    train_say(
        r->t, "risk",
        "judged on %d moments (%d lost) of %d shoppers from %s on, having learnt from %d (%d lost) before",
        r->after.count, moments_lost(&r->after), r->shoppers_after,
        clock_format_rfc3339(r->cut_us, cut), r->before.count, moments_lost(&r->before));
    say_choice(r);
    say_quality(r, "challenger", &r->challenger);
    say_quality(r, "base rate", &r->baseline);
    say_quality(r, "logistic regression", &r->logistic);
    if (r->champion_judged) {
        say_quality(r, r->champion.version, &r->rival);
    }
    say_ahead(r);
    train_say(r->t, "risk",
              "  drift since the cut: of the score %.3f, of features at most %.3f, %d above %.1f",
              r->psi_score, r->drift.largest, r->drift.alarms, RISK_DRIFT_ALARM);
    say_slices(r);
}

/* ---- cards ---- */

/* The members of a measure, in an object that is open. */
static void card_measure(struct jenc *j, const struct learner_measure *m)
{
    jenc_f64(j, "log_loss", m->log_loss);
    jenc_f64(j, "auc", m->auc);
    jenc_f64(j, "average_precision", m->average_precision);
    jenc_f64(j, "brier", m->brier);
}

static void card_quality(struct jenc *j, const char *name, const struct risk_quality *q)
{
    jenc_object(j, name);
    card_measure(j, &q->measure);
    jenc_f64(j, "calibration_error", q->ece);
    jenc_object_end(j);
}

static void card_choice(const struct risk_choice *c, struct jenc *j)
{
    jenc_object(j, "choice");
    jenc_str(j, "recipe", risk_recipe_name(c->recipe));
    jenc_i64(j, "rows", c->rows);
    if (c->rows > 0) {
        jenc_f64(j, "logistic_regression", c->log_loss[RISK_LOGISTIC]);
        jenc_f64(j, "without_products", c->log_loss[RISK_WITHOUT_PRODUCTS]);
        jenc_f64(j, "all_parts", c->log_loss[RISK_ALL_PARTS]);
    }
    jenc_object_end(j);
}

static void card_gate(const struct risk_run *r, struct jenc *j)
{
    if (!r->judged.file.made) {
        return;
    }
    jenc_object(j, "gate");
    jenc_time(j, "cut", r->cut_us);
    jenc_i64(j, "rows_before", r->before.count);
    jenc_i64(j, "rows_after", r->after.count);
    jenc_i64(j, "shoppers_after", r->shoppers_after);
    card_choice(&r->choice, j);
    card_quality(j, "challenger", &r->challenger);
    card_quality(j, "base_rate", &r->baseline);
    card_quality(j, "logistic_regression", &r->logistic);
    if (r->champion_judged) {
        jenc_str(j, "champion_version", r->champion.version);
        card_quality(j, "champion", &r->rival);
    }
    jenc_f64(j, "gain", r->verdict.gain);
    jenc_f64(j, "gain_error", r->verdict.gain_error);
    jenc_array(j, "segments");
    for (int i = 0; i < r->slice_count; i++) {
        const struct risk_slice *slice = &r->slices[i];
        jenc_object(j, NULL);
        jenc_str(j, "segment", slice->name);
        jenc_i64(j, "rows", slice->rows);
        jenc_f64(j, "lost_share", slice->lost_share);
        jenc_f64(j, "log_loss", slice->log_loss[RISK_SLICE_CHALLENGER]);
        jenc_f64(j, "base_rate_log_loss", slice->log_loss[RISK_SLICE_BASE_RATE]);
        jenc_f64(j, "logistic_log_loss", slice->log_loss[RISK_SLICE_LOGISTIC]);
        if (r->champion_judged) {
            jenc_f64(j, "champion_log_loss", slice->log_loss[RISK_SLICE_CHAMPION]);
        }
        jenc_f64(j, "auc", slice->auc);
        jenc_object_end(j);
    }
    jenc_array_end(j);
    risk_horizons_json(r->ahead, j);
    jenc_object(j, "drift");
    jenc_f64(j, "psi_score", r->psi_score);
    risk_drift_json(&r->drift, "psi", j);
    jenc_object_end(j);
    jenc_object_end(j);
}

static void card_part(struct jenc *j, const char *name, const struct learner_measure *m)
{
    jenc_object(j, name);
    card_measure(j, m);
    jenc_object_end(j);
}

/* Each part alone, on the shoppers held out in training: nobody pays for what does not help. */
static void card_learner(struct jenc *j, const struct risk_fit *made)
{
    const struct learner_fit *fit = &made->learnt;
    jenc_object(j, "learner");
    jenc_str(j, "recipe", risk_recipe_name(made->recipe));
    jenc_bool(j, "logistic_regression_alone", made->recipe == RISK_LOGISTIC);
    jenc_i64(j, "columns", FEATURE_COUNT);
    jenc_i64(j, "machine_epochs", fit->machine_epochs);
    if (fit->boosting_trees > 0) {
        jenc_i64(j, "boosting_depth", fit->boosting_depth);
        jenc_i64(j, "boosting_trees", fit->boosting_trees);
    }
    if (fit->boosting_depth_beside > 0) { /* half of the bags */
        jenc_i64(j, "boosting_depth_beside", fit->boosting_depth_beside);
        jenc_i64(j, "boosting_trees_beside", fit->boosting_trees_beside);
    }
    jenc_f64(j, "weight_machine", fit->weight_machine);
    jenc_f64(j, "weight_boosting", fit->weight_boosting);
    jenc_f64(j, "intercept", fit->intercept);
    jenc_i64(j, "held_out_rows", fit->held_out_rows);
    if (fit->held_out_rows > 0) {
        card_part(j, "base_rate", &fit->base_rate);
        if (fit->machine_epochs > 0) {
            card_part(j, "machine_alone", &fit->machine);
        }
        if (fit->boosting_trees > 0) {
            card_part(j, "boosting_alone", &fit->boosting);
        }
        card_part(j, "blend", &fit->blend);
    }
    jenc_object_end(j);
    jenc_object(j, "intervals"); /* of the time ahead */
    jenc_i64(j, "rows", made->ahead.rows);
    jenc_i64(j, "bought", made->ahead.bought);
    jenc_f64(j, "weight_machine", made->ahead.learnt.weight_machine);
    jenc_f64(j, "weight_boosting", made->ahead.learnt.weight_boosting);
    jenc_object_end(j);
}

void risk_run_card(const struct risk_run *r, const struct risk_fit *fit, bool of_row,
                   struct buf *out)
{
    struct jenc j = jenc_begin(out);
    char horizon[CLOCK_TEXT_MAX];
    train_card_begin(r->t, &j, "risk", fit ? "blend" : "base_rate");
    jenc_str(&j, "horizon", clock_format_duration(r->window.horizon_us, horizon));
    jenc_i64(&j, "rows", r->known.count);
    jenc_i64(&j, "lost", moments_lost(&r->known));
    jenc_f64(&j, "lost_share", r->known_rate);
    jenc_str(&j, "tzdata", local_time_version()); /* local hours are among the features */
    if (fit) {
        card_learner(&j, fit);
    }
    if (of_row) {
        card_gate(r, &j);
    }
    jenc_object_end(&j);
}
