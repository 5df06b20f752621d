/* Training of the risk model: labels, the window that judges, the gate, the models that are kept. The label and its moments: README, "Models". */
#include "flow/train_risk.h"

#include "flow/train_risk_slices.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "ml/calib.h"
#include "ml/drift.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOMENTS_MIN = 10,        /* for any model */
    LEARN_SHOPPERS_MIN = 20, /* of each outcome, to train a learner */
    JUDGE_SHOPPERS_MIN = 10, /* of each outcome, to judge one */
    RISK_CARD_MAX = 1 << 16,
    WHY_MAX = 200,
};
static const double CALIBRATION_SLACK = 0.02;

struct risk_training {
    const struct training *t;
    struct train_context context;
    struct moment_set set;
};

bool risk_training_new(const struct training *t, struct risk_training **out, struct err *err)
{
    struct risk_training *r = mem_alloc(sizeof *r);
    r->t = t;
    if (!train_context_open(t, &r->context, err)) {
        risk_training_free(&r);
        return false;
    }
    r->set.context = &r->context;
    *out = r;
    return true;
}

void risk_training_free(struct risk_training **r)
{
    if (*r) {
        moment_set_free(&(*r)->set);
        train_context_free(&(*r)->context);
        mem_free(r);
    }
}

bool risk_training_key(struct risk_training *r, const struct train_key *k, struct err *err)
{
    (void)err;
    moment_set_take(&r->set, k);
    return true;
}

/* ---- windows ---- */

/* Everything the two halves of a training share. */
struct run {
    const struct training *t;
    struct risk_window window;
    struct moments seen;  /* all, by time */
    struct moments known; /* the first of them: labelled */
    int64_t cut_us;
    struct moments before; /* moments whose outcome was known at the cut */
    struct moments after;
    int shoppers_after;
    int32_t *shopper_of; /* (after.count) 0 .. shoppers_after-1 */
    struct champion champion;
    bool champion_judged;
    struct risk_fit judged; /* trained on what was before the cut */
    struct risk_fit kept;   /* trained on everything */
    double before_rate;
    double known_rate;
    struct quality {
        double log_loss, auc, average_precision, brier, ece;
    } challenger, baseline, logistic, rival;
    struct risk_slice slices[RISK_SLICES_MAX];
    int slice_count;
    struct risk_horizon ahead[RISK_AHEAD_INTERVALS]; /* of the challenger */
    struct risk_drift drift; /* of the features, from before the cut to after it */
    double psi_score; /* of the challenger's, from the first half after the cut to the second */
    struct verdict verdict;
    struct risk_choice choice;
    /* of what was chosen to the logistic regression that stands for it; 0: what was chosen stands itself */
    double behind;
};

static void run_free(struct run *r)
{
    free(r->seen.all); /* known looks into it */
    free(r->before.all);
    free(r->after.all);
    free(r->shopper_of);
    champion_free(&r->champion);
    risk_fit_free(&r->judged);
    risk_fit_free(&r->kept);
}

static int by_time(const void *a, const void *b)
{
    const struct moment *x = *(const struct moment *const *)a;
    const struct moment *y = *(const struct moment *const *)b;
    if (x->at_us != y->at_us) {
        return x->at_us < y->at_us ? -1 : 1;
    }
    return (x > y) - (x < y); /* one array: its order settles equal times */
}

static int lost_of(const struct moments *m)
{
    int lost = 0;
    for (int i = 0; i < m->count; i++) {
        lost += m->all[i]->lost;
    }
    return lost;
}

static double rate_of(const struct moments *m)
{
    return (lost_of(m) + 1.0) / (m->count + 2); /* never 0 or 1: both would be too sure */
}

/* Moments later than the end of the log less the horizon have no label. */
static void label_moments(struct run *r, struct moment_set *set)
{
    const int64_t until_us = r->window.as_of_us - r->window.horizon_us;
    r->seen.all = mem_array(set->count + 1, sizeof(void *));
    for (size_t i = 0; i < set->count; i++) {
        struct moment *m = &set->all[i];
        m->lost = moment_is_lost(m, r->window.horizon_us);
        r->seen.all[r->seen.count++] = m;
    }
    qsort(r->seen.all, (size_t)r->seen.count, sizeof(void *), by_time);
    r->known.all = r->seen.all;
    while (r->known.count < r->seen.count && r->known.all[r->known.count]->at_us <= until_us) {
        r->known.count++;
    }
    r->known_rate = rate_of(&r->known);
}

/* What had been seen at the cut. */
static struct moments seen_before(const struct run *r)
{
    struct moments m = {.all = r->seen.all};
    while (m.count < r->seen.count && m.all[m.count]->at_us < r->cut_us) {
        m.count++;
    }
    return m;
}

struct outcomes {
    int lost;   /* shoppers with a lost moment */
    int bought; /* shoppers with another */
};

static struct outcomes outcomes_of(const struct moments *m, int32_t keys)
{
    uint8_t *seen = mem_array((size_t)keys + 1, sizeof *seen);
    struct outcomes o = {0};
    for (int i = 0; i < m->count; i++) {
        uint8_t *bits = &seen[m->all[i]->key_number];
        uint8_t bit = m->all[i]->lost ? 1 : 2;
        o.lost += bit == 1 && !(*bits & 1);
        o.bought += bit == 2 && !(*bits & 2);
        *bits |= bit;
    }
    free(seen);
    return o;
}

static void window_cut(struct run *r, int64_t cut_us)
{
    moment_parts_free(&(struct moment_parts){r->before, r->after});
    const struct moment_parts parts = moments_part(&r->known, cut_us, r->window.horizon_us);
    r->before = parts.before;
    r->after = parts.after;
    r->cut_us = cut_us;
}

static bool enough_after(const struct run *r, int32_t keys)
{
    struct outcomes o = outcomes_of(&r->after, keys);
    return o.lost >= JUDGE_SHOPPERS_MIN && o.bought >= JUDGE_SHOPPERS_MIN;
}

/* Where the champion was trained on part of the later window, the cut moves to the end of its log if enough lies behind it: only what neither has seen
 * can judge both. */
static void choose_cut(struct run *r, int32_t keys)
{
    if (r->champion.found && !r->champion.is_baseline &&
        r->champion.as_of_us > moments_cut_us(&r->known)) {
        window_cut(r, r->champion.as_of_us);
        if (enough_after(r, keys)) {
            return;
        }
    }
    window_cut(r, moments_cut_us(&r->known));
}

/* Of the moments before the cut, those before the usual one: what is learnt with must not depend on who serves. */
static struct moments choice_moments(const struct run *r)
{
    const int64_t until_us = moments_cut_us(&r->known) - r->window.horizon_us;
    struct moments m = r->before;
    while (m.count > 0 && m.all[m.count - 1]->at_us > until_us) {
        m.count--;
    }
    return m;
}

/* ---- judging ---- */

static struct quality quality_of(const double *p, const uint8_t *labels, int count)
{
    return (struct quality){
        .log_loss = calib_log_loss(p, labels, count),
        .auc = calib_auc(p, labels, count),
        .average_precision = calib_average_precision(p, labels, count),
        .brier = calib_brier(p, labels, count),
        .ece = calib_ece(p, labels, count),
    };
}

/* Less of the shopper's log loss is better, so its negative is the shopper's value. */
static double *values_of(const struct run *r, const double *p, const uint8_t *labels)
{
    double *values = mem_array((size_t)r->shoppers_after, sizeof *values);
    for (int i = 0; i < r->after.count; i++) {
        values[r->shopper_of[i]] -= calib_log_loss(&p[i], &labels[i], 1);
    }
    return values;
}

static void number_shoppers(struct run *r, int32_t keys)
{
    int32_t *number = mem_array((size_t)keys + 1, sizeof *number);
    free(r->shopper_of);
    r->shopper_of = mem_array((size_t)r->after.count + 1, sizeof *r->shopper_of);
    r->shoppers_after = 0;
    for (int i = 0; i < r->after.count; i++) {
        int32_t *mine = &number[r->after.all[i]->key_number];
        *mine = *mine ? *mine : ++r->shoppers_after;
        r->shopper_of[i] = *mine - 1;
    }
    free(number);
}

struct scores {
    uint8_t *labels;
    double *challenger, *baseline, *logistic, *champion; /* probabilities by row */
    double *values[4];                                   /* by shopper, same order */
};

static void scores_free(struct scores *s)
{
    free(s->labels);
    free(s->challenger);
    free(s->baseline);
    free(s->logistic);
    free(s->champion);
    for (int i = 0; i < 4; i++) {
        free(s->values[i]);
    }
}

static double *probabilities_of(const struct moments *m, const struct risk *model, double rate)
{
    double *p = mem_array((size_t)m->count + 1, sizeof *p);
    for (int i = 0; i < m->count; i++) {
        p[i] = model ? risk_probability_of(model, &m->all[i]->x) : rate;
    }
    return p;
}

static double *logistic_of(const struct moments *m, const struct learner *logistic)
{
    double *p = mem_array((size_t)m->count + 1, sizeof *p);
    for (int i = 0; i < m->count; i++) {
        p[i] = learner_probability(logistic, m->all[i]->x.cells);
    }
    return p;
}

/* All contenders by segment. */
static void say_slices(const struct run *r)
{
    for (int i = 0; i < r->slice_count; i++) {
        const struct risk_slice *slice = &r->slices[i];
        char champion[40] = "";
        if (r->champion_judged) {
            snprintf(champion, sizeof champion, ", champion %.4f", slice->log_loss[3]);
        }
        train_say(
            r->t, "risk",
            "  %-18s %6d moments, %4.1f %% lost: log loss %.4f, base rate %.4f, logistic %.4f%s, AUC %.3f",
            slice->name, slice->rows, 100 * slice->lost_share, slice->log_loss[0],
            slice->log_loss[1], slice->log_loss[2], champion, slice->auc);
    }
}

/* The curve over the time ahead: means over its horizons, and the largest calibration error of one. */
static void say_ahead(const struct run *r)
{
    double brier = 0;
    double base = 0;
    double ece = 0;
    int horizons = 0;
    for (int i = 0; i < RISK_AHEAD_INTERVALS; i++) {
        const struct risk_horizon *h = &r->ahead[i];
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

static void say_quality(const struct run *r, const char *name, const struct quality *q)
{
    train_say(
        r->t, "risk",
        "  %-21s log loss %.4f, AUC %.3f, average precision %.3f, Brier %.4f, calibration error %.3f",
        name, q->log_loss, q->auc, q->average_precision, q->brier, q->ece);
}

static void say_choice(const struct run *r)
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

static void say_judged(const struct run *r)
{
    char cut[CLOCK_TEXT_MAX];
    train_say(
        r->t, "risk",
        "judged on %d moments (%d lost) of %d shoppers from %s on, having learnt from %d (%d lost) before",
        r->after.count, lost_of(&r->after), r->shoppers_after, clock_format_rfc3339(r->cut_us, cut),
        r->before.count, lost_of(&r->before));
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
}

static void score_all(struct run *r, const struct risk *challenger, const struct learner *logistic,
                      struct scores *s)
{
    s->labels = mem_array((size_t)r->after.count + 1, sizeof *s->labels);
    for (int i = 0; i < r->after.count; i++) {
        s->labels[i] = r->after.all[i]->lost;
    }
    s->challenger = probabilities_of(&r->after, challenger, 0);
    s->baseline = probabilities_of(&r->after, NULL, r->before_rate);
    r->challenger = quality_of(s->challenger, s->labels, r->after.count);
    s->logistic = logistic_of(&r->after, logistic);
    r->baseline = quality_of(s->baseline, s->labels, r->after.count);
    r->logistic = quality_of(s->logistic, s->labels, r->after.count);
    s->values[0] = values_of(r, s->challenger, s->labels);
    s->values[1] = values_of(r, s->baseline, s->labels);
    s->values[2] = values_of(r, s->logistic, s->labels);
    if (r->champion_judged) {
        s->champion = probabilities_of(&r->after, r->champion.risk, 0);
        r->rival = quality_of(s->champion, s->labels, r->after.count);
        s->values[3] = values_of(r, s->champion, s->labels);
    }
    /* Within the later window: of the moments it learnt from a model is too sure, so they are no measure of those to come. */
    const int half = r->after.count / 2;
    r->psi_score =
        drift_psi(s->challenger, half, s->challenger + half, r->after.count - half, RISK_MISSING);
    r->drift = risk_drift_of(&r->before, &r->after);
}

/* Log loss may be won by a shift of the rate alone; a model that serves must also rank, and be honest. Bins of few shoppers miss their rate by chance:
 * about as far as the spread of a coin thrown once for each shopper of a bin. */
static void judge_shape(struct run *r)
{
    struct verdict *v = &r->verdict;
    double chance = sqrt(0.25 * CALIB_BINS / r->shoppers_after);
    if (v->passed && r->challenger.auc <= 0.5) {
        v->passed = false;
        snprintf(v->reason, sizeof v->reason, "AUC of %.3f: it does not tell carts apart",
                 r->challenger.auc);
    } else if (v->passed && r->challenger.ece > r->baseline.ece + CALIBRATION_SLACK + chance) {
        v->passed = false;
        snprintf(v->reason, sizeof v->reason,
                 "calibration error of %.3f against %.3f of the base rate", r->challenger.ece,
                 r->baseline.ece);
    }
}

/* The challenger trained before the cut, and who stands beside it. */
static bool prepare(struct run *r, int32_t keys, struct risk **out_challenger, struct err *err)
{
    struct model_file file = {0};
    const struct trained *made = &r->judged.file;
    if (!model_file_view(made->bytes.data, made->bytes.len, &file, err) ||
        !risk_load(&file, "challenger", out_challenger, err)) {
        return false;
    }
    number_shoppers(r, keys);
    r->champion_judged = r->champion.risk && !r->champion.is_baseline &&
                         r->champion.as_of_us <= r->cut_us &&
                         risk_horizon_us(r->champion.risk) == r->window.horizon_us;
    return true;
}

static bool judge(struct run *r, int32_t keys, struct err *err)
{
    CLEANUP(scores_free) struct scores s = {0};
    CLEANUP(risk_free) struct risk *challenger = NULL;
    CLEANUP(learner_free) struct learner *logistic = NULL;
    if (!prepare(r, keys, &challenger, err) ||
        !risk_fit_plain(r->t, &r->before, RISK_LOGISTIC, &logistic, err)) {
        return false;
    }
    score_all(r, challenger, logistic, &s);
    const struct contest c = {
        .metric = "log loss",
        .challenger = s.values[0],
        .baseline = s.values[1],
        .simple = s.values[2],
        .simple_name = "logistic regression",
        .champion = s.values[3],
        .count = r->shoppers_after,
        .per = r->after.count,
        .as_of_us = r->window.as_of_us,
        .seed = r->t->options->seed,
    };
    r->verdict = gate_judge(&c, &r->champion);
    judge_shape(r);
    const double *const p[RISK_SLICE_MODELS] = {s.challenger, s.baseline, s.logistic, s.champion};
    r->slice_count = risk_slices(&r->after, s.labels, p, r->slices);
    risk_horizons_judge(challenger, &r->before, r->cut_us, &r->after, r->window.as_of_us, r->ahead);
    return true;
}

/* ---- cards ---- */

static void card_quality(struct jenc *j, const char *name, const struct quality *q)
{
    jenc_object(j, name);
    jenc_f64(j, "log_loss", q->log_loss);
    jenc_f64(j, "auc", q->auc);
    jenc_f64(j, "average_precision", q->average_precision);
    jenc_f64(j, "brier", q->brier);
    jenc_f64(j, "calibration_error", q->ece);
    jenc_object_end(j);
}

/* How the learner was chosen, before the cut. */
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

/* The curve by horizon: what was said, and what happened. */
static void card_ahead(const struct run *r, struct jenc *j)
{
    char within[CLOCK_TEXT_MAX];
    jenc_array(j, "by_horizon");
    for (int i = 0; i < RISK_AHEAD_INTERVALS; i++) {
        const struct risk_horizon *h = &r->ahead[i];
        if (h->rows > 0) {
            jenc_object(j, NULL);
            jenc_str(j, "within", clock_format_duration(h->within_us, within));
            jenc_i64(j, "rows", h->rows);
            jenc_f64(j, "lost", h->lost);
            jenc_f64(j, "predicted", h->predicted);
            jenc_f64(j, "brier", h->brier);
            jenc_f64(j, "base_rate_brier", h->base_brier);
            jenc_f64(j, "calibration_error", h->ece);
            jenc_object_end(j);
        }
    }
    jenc_array_end(j);
}

static void card_gate(const struct run *r, struct jenc *j)
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
        jenc_f64(j, "log_loss", slice->log_loss[0]);
        jenc_f64(j, "base_rate_log_loss", slice->log_loss[1]);
        jenc_f64(j, "logistic_log_loss", slice->log_loss[2]);
        if (r->champion_judged) {
            jenc_f64(j, "champion_log_loss", slice->log_loss[3]);
        }
        jenc_f64(j, "auc", slice->auc);
        jenc_object_end(j);
    }
    jenc_array_end(j);
    card_ahead(r, j);
    jenc_object(j, "drift");
    jenc_f64(j, "psi_score", r->psi_score);
    risk_drift_json(&r->drift, "psi", j);
    jenc_object_end(j);
    jenc_object_end(j);
}

static void card_part(struct jenc *j, const char *name, const struct learner_measure *m)
{
    jenc_object(j, name);
    jenc_f64(j, "log_loss", m->log_loss);
    jenc_f64(j, "auc", m->auc);
    jenc_f64(j, "average_precision", m->average_precision);
    jenc_f64(j, "brier", m->brier);
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

/* The file's card must be the same for the same log and seed. The gate's window may depend on who serves by now, so it is told in the row's only. */
static void card_write(const struct run *r, const struct risk_fit *fit, bool of_row,
                       struct buf *out)
{
    struct jenc j = jenc_begin(out);
    char horizon[CLOCK_TEXT_MAX];
    train_card_begin(r->t, &j, "risk", fit ? "blend" : "base_rate");
    jenc_str(&j, "horizon", clock_format_duration(r->window.horizon_us, horizon));
    jenc_i64(&j, "rows", r->known.count);
    jenc_i64(&j, "lost", lost_of(&r->known));
    jenc_f64(&j, "lost_share", r->known_rate);
    if (fit) {
        card_learner(&j, fit);
    }
    if (of_row) {
        card_gate(r, &j);
    }
    jenc_object_end(&j);
}

static void file_card(void *ctx, const struct risk_fit *fit, struct buf *out)
{
    card_write(ctx, fit, false, out);
}

/* ---- the training ---- */

static bool write_baseline(const struct run *r, struct trained *out, struct err *err)
{
    struct buf card = buf_make(RISK_CARD_MAX);
    card_write(r, NULL, false, &card);
    out->made = risk_write_base_rate(r->known_rate, &r->window, buf_text(&card), &out->bytes,
                                     out->sha256, err);
    buf_free(&card);
    return out->made;
}

static bool keep(struct run *r, struct train_result *out, struct err *err)
{
    struct trained baseline = {0};
    struct buf card = buf_make(RISK_CARD_MAX);
    struct buf baseline_card = buf_make(RISK_CARD_MAX);
    card_write(r, &r->kept, true, &card);
    card_write(r, NULL, true, &baseline_card);
    bool ok = write_baseline(r, &baseline, err);
    const struct trained_pair pair = {
        .kind = "risk",
        .baseline_algorithm = "base_rate",
        .challenger_algorithm = "blend",
        .baseline = &baseline,
        .challenger = &r->kept.file,
        .baseline_card = buf_text(&baseline_card),
        .challenger_card = buf_text(&card),
    };
    ok = ok && train_store(r->t, &pair, &r->verdict, &r->champion, out, err);
    buf_free(&baseline.bytes);
    buf_free(&card);
    buf_free(&baseline_card);
    return ok;
}

/* What everything up to a time is learnt with: what was chosen, or the logistic regression that stands for it. */
static struct risk_wish wish_of(struct run *r, const struct moments *seen, int64_t as_of_us)
{
    struct risk_wish wish = {.window = r->window,
                             .seen = seen,
                             .card = file_card,
                             .ctx = r,
                             .recipe = r->behind > 0 ? RISK_LOGISTIC : r->choice.recipe,
                             .plain = r->behind > 0};
    wish.window.as_of_us = as_of_us;
    return wish;
}

static bool fit_and_judge(struct run *r, int32_t keys, struct err *err)
{
    const struct moments seen = seen_before(r);
    const struct risk_wish wish = wish_of(r, &seen, r->cut_us);
    risk_fit_free(&r->judged);
    return risk_fit_learner(r->t, &r->before, &wish, &r->judged, err) && judge(r, keys, err);
}

/* What is trained before the cut and judged after it; with which learner is chosen before the cut too. Where the later window shows that the gate would
 * refuse it beside logistic regression, this stands for it, as it was judged: better than the base rate, and its figures are but little too good. */
static bool fit_judged(struct run *r, int32_t keys, struct err *err)
{
    const struct moments told = choice_moments(r);
    r->before_rate = rate_of(&r->before);
    if (!risk_choose(r->t, &told, r->window.horizon_us, &r->choice, err) ||
        !fit_and_judge(r, keys, err)) {
        return false;
    }
    r->behind = r->verdict.behind_simple;
    return !(r->behind > 0) || fit_and_judge(r, keys, err);
}

/* Whether a learner can be trained before the cut and judged after it; if not, why. */
static bool enough(const struct run *r, int32_t keys, char why[WHY_MAX])
{
    struct outcomes learn = outcomes_of(&r->before, keys);
    struct outcomes later = outcomes_of(&r->after, keys);
    snprintf(
        why, WHY_MAX,
        "too little to train a learner: %d shoppers who left and %d who bought before the cut (%d needed), %d and %d after (%d)",
        learn.lost, learn.bought, LEARN_SHOPPERS_MIN, later.lost, later.bought, JUDGE_SHOPPERS_MIN);
    return learn.lost >= LEARN_SHOPPERS_MIN && learn.bought >= LEARN_SHOPPERS_MIN &&
           enough_after(r, keys);
}

/* Trains before the cut, judges after it, and if there was enough to judge trains again on everything: what is kept is the procedure. */
static bool challenge(struct run *r, int32_t keys, struct err *err)
{
    char why[WHY_MAX];
    if (!enough(r, keys, why)) {
        r->verdict = gate_without_challenger(&r->champion, why);
        return true;
    }
    if (!fit_judged(r, keys, err)) {
        return false;
    }
    say_judged(r);
    say_slices(r);
    const struct risk_wish all = wish_of(r, &r->seen, r->window.as_of_us);
    return risk_fit_learner(r->t, &r->known, &all, &r->kept, err);
}

/* Labels, and the champion that stands; refuses a log with too few moments. */
static bool run_begin(struct run *r, struct risk_training *training, struct err *err)
{
    const struct training *t = training->t;
    char horizon[CLOCK_TEXT_MAX];
    r->t = t;
    r->window = (struct risk_window){.from_us = t->log.first_us,
                                     .as_of_us = t->log.last_us,
                                     .horizon_us = t->options->horizon_us};
    label_moments(r, &training->set);
    clock_format_duration(r->window.horizon_us, horizon);
    train_say(
        t, "risk",
        "%d moments of %d shoppers with a cart have a known outcome within %s, %.1f %% of them lost",
        r->known.count, (int)training->set.keys, horizon, 100 * r->known_rate);
    if (r->known.count < MOMENTS_MIN) {
        return FAIL(err, ERR_REFUSED,
                    "risk needs %d cart moments whose outcome within %s is known, the log has %d",
                    MOMENTS_MIN, horizon, r->known.count);
    }
    return champion_load(t, "risk", &r->champion, err);
}

bool risk_training_finish(struct risk_training *training, struct train_result *out, struct err *err)
{
    CLEANUP(run_free) struct run r = {0};
    if (!run_begin(&r, training, err)) {
        return false;
    }
    choose_cut(&r, training->set.keys);
    return challenge(&r, training->set.keys, err) && keep(&r, out, err);
}

bool risk_training_later(struct risk_training *training, int64_t cut_us, risk_later_fn *fn,
                         void *ctx, struct err *err)
{
    CLEANUP(run_free) struct run r = {0};
    CLEANUP(risk_free) struct risk *challenger = NULL;
    char why[WHY_MAX];
    if (!run_begin(&r, training, err)) {
        return false;
    }
    if (cut_us == INT64_MIN) {
        choose_cut(&r, training->set.keys);
    } else {
        window_cut(&r, cut_us);
    }
    if (!enough(&r, training->set.keys, why)) {
        return FAIL(err, ERR_REFUSED, "%s", why);
    }
    if (!fit_judged(&r, training->set.keys, err) ||
        !prepare(&r, training->set.keys, &challenger, err)) {
        return false;
    }
    const struct risk_later later = {
        .window = r.window,
        .cut_us = r.cut_us,
        .before = &r.before,
        .after = &r.after,
        .shopper_of = r.shopper_of,
        .shoppers = r.shoppers_after,
        .base_rate = r.before_rate,
        .challenger = challenger,
        .champion = &r.champion,
        .champion_judged = r.champion_judged,
    };
    return fn(ctx, &later, err);
}
