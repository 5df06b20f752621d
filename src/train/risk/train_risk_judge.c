/* The gate's figures: challenger, base rate, logistic regression and champion on the moments after
 * the cut. Trains nothing but the logistic regression. */
#include "train/risk/train_risk_judge.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/judge/calib.h"
#include "ml/judge/drift.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double CALIBRATION_SLACK = 0.02;

static struct risk_quality quality_of(const double *p, const uint8_t *labels, int count)
{
    return (struct risk_quality){learner_measure_of(p, labels, count), calib_ece(p, labels, count)};
}

/* Less of the shopper's log loss is better, so its negative is the shopper's value. */
static double *values_of(const struct risk_run *r, const double *p, const uint8_t *labels)
{
    double *values = mem_array((size_t)r->shoppers_after, sizeof *values);
    for (int i = 0; i < r->after.count; i++) {
        values[r->shopper_of[i]] -= calib_log_loss(&p[i], &labels[i], 1);
    }
    return values;
}

static void number_shoppers(struct risk_run *r, int32_t keys)
{
    int32_t *number = mem_array((size_t)keys + 1, sizeof *number);
    /* a second time where the logistic regression is judged in the
     * challenger's place (fit_judged) */
    free(r->shopper_of);
    r->shopper_of = mem_array((size_t)r->after.count + 1, sizeof *r->shopper_of);
    r->shoppers_after = 0;
    for (int i = 0; i < r->after.count; i++) {
        /* Numbers from 1 on, since 0 means not met yet. */
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

static void score_all(struct risk_run *r, const struct risk *challenger,
                      const struct learner *logistic, struct scores *s)
{
    s->labels = mem_array((size_t)r->after.count + 1, sizeof *s->labels);
    for (int i = 0; i < r->after.count; i++) {
        s->labels[i] = r->after.all[i]->lost;
    }
    s->challenger = probabilities_of(&r->after, challenger, 0);
    /* The rate before the cut, though the one after it is known by now: what a baseline could have
     * said then. */
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
    /* Within the later window: of the moments it learnt from a model is too sure, so they are no
     * measure of those to come. */
    const int half = r->after.count / 2;
    r->psi_score =
        drift_psi(s->challenger, half, s->challenger + half, r->after.count - half, RISK_MISSING);
    r->drift = risk_drift_of(&r->before, &r->after);
}

/* Log loss may be won by a shift of the rate alone; a model that serves must also rank, and be
 * honest. Bins of few shoppers miss their rate by chance: about as far as the spread of a coin
 * thrown once for each shopper of a bin. */
static void judge_shape(struct risk_run *r)
{
    struct verdict *v = &r->verdict;
    /* Standard deviation of the rate of n draws at its largest, sqrt(1/4 / n), with n the
     * shoppers of one of the bins of equal size. */
    double chance = sqrt(0.25 * CALIB_BINS / r->shoppers_after);
    /* The base rate's AUC is .5: a model that gained in log loss without passing it has only
     * moved the mean. */
    if (v->passed && r->challenger.measure.auc <= 0.5) {
        v->passed = false;
        snprintf(v->reason, sizeof v->reason, "AUC of %.3f: it does not tell carts apart",
                 r->challenger.measure.auc);
    } else if (v->passed && r->challenger.ece > r->baseline.ece + CALIBRATION_SLACK + chance) {
        v->passed = false;
        snprintf(v->reason, sizeof v->reason,
                 "calibration error of %.3f against %.3f of the base rate", r->challenger.ece,
                 r->baseline.ece);
    }
}

bool risk_run_open(struct risk_run *r, int32_t keys, struct risk **out_challenger, struct err *err)
{
    struct model_file file = {0};
    const struct trained *made = &r->judged.file;
    if (!model_file_view(made->bytes.data, made->bytes.len, &file, err) ||
        !risk_load(&file, "challenger", out_challenger, err)) {
        return false;
    }
    number_shoppers(r, keys);
    /* A champion that foretells another horizon answers another question, and its probabilities
     * would be wrong by what lies between the two. */
    r->champion_judged = r->champion.risk && !r->champion.is_baseline &&
                         r->champion.as_of_us <= r->cut_us &&
                         risk_horizon_us(r->champion.risk) == r->window.horizon_us;
    return true;
}

bool risk_run_judge(struct risk_run *r, int32_t keys, struct err *err)
{
    CLEANUP(scores_free) struct scores s = {0};
    CLEANUP(risk_free) struct risk *challenger = NULL;
    CLEANUP(learner_free) struct learner *logistic = NULL;
    if (!risk_run_open(r, keys, &challenger, err) ||
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
        /* Sums by shopper, divided by all moments: the mean log loss that the card tells. */
        .per = r->after.count,
        .as_of_us = r->window.as_of_us,
        .seed = r->t->options->seed,
    };
    /* the gate first: judge_shape only takes back what it has passed */
    r->verdict = gate_judge(&c, &r->champion);
    judge_shape(r);
    const double *const p[RISK_SLICE_MODELS] = {[RISK_SLICE_CHALLENGER] = s.challenger,
                                                [RISK_SLICE_BASE_RATE] = s.baseline,
                                                [RISK_SLICE_LOGISTIC] = s.logistic,
                                                [RISK_SLICE_CHAMPION] = s.champion};
    r->slice_count = risk_slices(&r->before, &r->after, s.labels, p, r->slices);
    risk_horizons_judge(challenger, &r->before, r->cut_us, &r->after, r->window.as_of_us, r->ahead);
    return true;
}
