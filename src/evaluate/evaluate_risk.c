/* Risk on the later part of the log: the moments, models and cut of training's gate, looked at closely. Measures, and leaves the telling to
 * evaluate_risk_table.c and evaluate_risk_page.c. */
#include "evaluate/evaluate_risk.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "evaluate/evaluate_risk_page.h"
#include "evaluate/evaluate_risk_table.h"
#include "ml/judge/curves.h"
#include "ml/judge/drift.h"

#include <math.h>
#include <stdlib.h>

/* ---- figures with intervals: shoppers are drawn, each with all its moments ---- */

static double *drawn_p(const double *p, const int32_t *rows, int count)
{
    double *out = mem_array((size_t)count + 1, sizeof *out);
    for (int i = 0; i < count; i++) {
        out[i] = p[rows[i]];
    }
    return out;
}

static uint8_t *drawn_labels(const uint8_t *labels, const int32_t *rows, int count)
{
    uint8_t *out = mem_array((size_t)count + 1, sizeof *out);
    for (int i = 0; i < count; i++) {
        out[i] = labels[rows[i]];
    }
    return out;
}

typedef double quality_fn(const double *p, const uint8_t *labels, int count);

struct quality_ctx {
    const double *p;
    const double *against; /* the base rate's, for the skill; NULL */
    const uint8_t *labels;
    quality_fn *fn;
};

static double quality_of(void *ctx, const int32_t *rows, int count)
{
    const struct quality_ctx *q = ctx;
    double *p = drawn_p(q->p, rows, count);
    uint8_t *labels = drawn_labels(q->labels, rows, count);
    /* Measured anew on each resample, the base rate's figure too: both rise and fall together
     * with the shoppers drawn, and their ratio varies less than either. */
    double value = q->fn(p, labels, count);
    if (q->against) {
        double *base = drawn_p(q->against, rows, count);
        double worst = q->fn(base, labels, count);
        value = worst > 0 ? 1 - value / worst : 0;
        free(base);
    }
    free(p);
    free(labels);
    return value;
}

static struct bootstrap_rows rows_of(const struct risk_evaluation *e, int rounds)
{
    return (struct bootstrap_rows){.group = e->later->shopper_of,
                                   .count = e->later->after->count,
                                   .groups = e->later->shoppers,
                                   .rounds = rounds,
                                   .seed = e->options->seed};
}

static struct interval quality_interval(const struct risk_evaluation *e, const double *p,
                                        const double *against, quality_fn *fn)
{
    /* The same seed for every figure and contender: all are measured on the same resamples of
     * shoppers, and differ by the contender alone. */
    const struct bootstrap_rows rows = rows_of(e, RISK_ROUNDS);
    struct quality_ctx q = {p, against, e->lost, fn};
    return bootstrap_groups(&rows, quality_of, &q);
}

/* Share lost among some of the moments. */
static struct interval lost_interval(const struct risk_evaluation *e, const int32_t *moments,
                                     int count)
{
    int32_t *group = mem_array((size_t)count + 1, sizeof *group);
    double *labels = mem_array((size_t)count + 1, sizeof *labels);
    int32_t *number = mem_array((size_t)e->later->shoppers + 1, sizeof *number);
    /* Shoppers among these moments only are numbered anew: a resample draws from those who are
     * there. */
    struct bootstrap_rows rows = {
        .group = group, .count = count, .rounds = RISK_ROUNDS, .seed = e->options->seed};
    for (int i = 0; i < count; i++) {
        /* Numbers from 1 on, since 0 means not met yet. */
        int32_t *mine = &number[e->later->shopper_of[moments[i]]];
        *mine = *mine ? *mine : ++rows.groups;
        group[i] = *mine - 1;
        labels[i] = e->lost[moments[i]];
    }
    struct interval interval = bootstrap_groups(&rows, bootstrap_row_mean, labels);
    free(group);
    free(labels);
    free(number);
    return interval;
}

/* ---- one contender ---- */

struct ordered {
    double p;
    int32_t moment;
};

static int by_probability(const void *a, const void *b)
{
    const struct ordered *x = a;
    const struct ordered *y = b;
    if (x->p != y->p) {
        return x->p < y->p ? -1 : 1;
    }
    return (x->moment > y->moment) - (x->moment < y->moment);
}

/* Bins of ascending probability hold consecutive moments of that order. */
static void measure_reliability(const struct risk_evaluation *e, struct risk_scored *s)
{
    int count = e->later->after->count;
    struct ordered *order = mem_array((size_t)count + 1, sizeof *order);
    int32_t *moments = mem_array((size_t)count + 1, sizeof *moments);
    int first = 0;
    for (int i = 0; i < count; i++) {
        order[i] = (struct ordered){s->p[i], i};
    }
    /* The same order that calib_reliability cuts its bins from, ties by place. */
    qsort(order, (size_t)count, sizeof *order, by_probability);
    for (int i = 0; i < count; i++) {
        moments[i] = order[i].moment;
    }
    s->bins = calib_reliability(s->p, e->lost, count, CALIB_BINS, s->bin);
    for (int b = 0; b < s->bins; b++) {
        s->bin_rate[b] = lost_interval(e, moments + first, s->bin[b].count);
        first += s->bin[b].count;
    }
    free(order);
    free(moments);
}

static void measure_contender(const struct risk_evaluation *e, struct risk_scored *s)
{
    int count = e->later->after->count;
    s->log_loss = quality_interval(e, s->p, NULL, calib_log_loss);
    s->brier = quality_interval(e, s->p, NULL, calib_brier);
    /* Needs the base rate's probabilities, which is why all enter before any is measured. */
    s->skill = quality_interval(e, s->p, e->scored[RISK_BASE_RATE].p, calib_brier);
    s->auc = quality_interval(e, s->p, NULL, calib_auc);
    s->ap = quality_interval(e, s->p, NULL, calib_average_precision);
    s->ece = quality_interval(e, s->p, NULL, calib_ece);
    measure_reliability(e, s);
    curve_gain(s->p, e->lost, count, GAIN_POINTS, s->gain);
    s->pr_points = curve_precision_recall(s->p, e->lost, count, PR_POINTS, s->recall, s->precision);
}

static void enter(struct risk_evaluation *e, enum risk_contender which, const struct risk *model,
                  const char *name)
{
    struct risk_scored *s = &e->scored[which];
    const struct moments *after = e->later->after;
    s->took_part = true;
    (void)snprintf(s->name, sizeof s->name, "%s", name);
    s->p = mem_array((size_t)after->count + 1, sizeof *s->p);
    for (int i = 0; i < after->count; i++) {
        /* Of later moments through the code that serves; the base rate gives every cart the share
         * lost before the cut, which is what could be known then. */
        s->p[i] = model ? risk_probability_of(model, &after->all[i]->x) : e->later->base_rate;
    }
}

/* ---- idle time ---- */

static void measure_idle(struct risk_evaluation *e)
{
    int count = e->later->after->count;
    int32_t *moments = mem_array((size_t)count + 1, sizeof *moments);
    for (int band = 0; band < IDLE_BANDS; band++) {
        struct idle_band *b = &e->idle[band];
        for (int i = 0; i < count; i++) {
            if (idle_band_of(risk_value(&e->later->after->all[i]->x, FEATURE_IDLE)) == band) {
                moments[b->moments++] = i;
            }
        }
        b->lost = lost_interval(e, moments, b->moments);
        for (int c = 0; c < RISK_CONTENDERS; c++) {
            for (int i = 0; e->scored[c].took_part && i < b->moments; i++) {
                b->predicted[c] += e->scored[c].p[moments[i]] / b->moments;
            }
        }
    }
    free(moments);
}

/* ---- the time ahead ---- */

static void measure_ahead(struct risk_evaluation *e)
{
    const struct risk *model =
        risk_main_contender(e) == RISK_SERVING ? e->later->champion->risk : e->later->challenger;
    risk_horizons_judge(model, e->later->before, e->later->cut_us, e->later->after,
                        e->later->window.as_of_us, e->ahead);
}

/* ---- segments ---- */

static double mean_of(const double *values, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += values[i];
    }
    return sum / count;
}

static void measure_segment(struct risk_evaluation *e, const struct risk_segment_range *range)
{
    const struct moments *after = e->later->after;
    int32_t *rows = mem_array((size_t)after->count + 1, sizeof *rows);
    uint8_t *seen = mem_array((size_t)e->later->shoppers + 1, sizeof *seen);
    struct risk_segment s = {.name = range->name};
    for (int i = 0; i < after->count; i++) {
        if (risk_segment_has(range, &after->all[i]->x)) {
            rows[s.moments++] = i;
            s.lost += e->lost[i];
            s.shoppers += !seen[e->later->shopper_of[i]];
            seen[e->later->shopper_of[i]] = 1;
        }
    }
    uint8_t *labels = drawn_labels(e->lost, rows, s.moments);
    /* Before the sum becomes a share. */
    bool both = s.lost > 0 && s.lost < s.moments;
    s.lost /= s.moments > 0 ? s.moments : 1;
    for (int c = 0; c < RISK_CONTENDERS; c++) {
        if (e->scored[c].took_part && s.moments > 0) {
            double *p = drawn_p(e->scored[c].p, rows, s.moments);
            s.of[c].predicted = mean_of(p, s.moments);
            /* One class has no pairs to rank: no figure rather than one half. */
            s.of[c].auc = both ? calib_auc(p, labels, s.moments) : (double)NAN;
            s.of[c].brier = calib_brier(p, labels, s.moments);
            s.of[c].log_loss = calib_log_loss(p, labels, s.moments);
            free(p);
        }
    }
    if (s.moments > 0) {
        e->segments[e->segment_count++] = s;
    }
    free(rows);
    free(seen);
    free(labels);
}

static void measure_segments(struct risk_evaluation *e)
{
    struct risk_segment_range ranges[RISK_SEGMENTS];
    /* Bounds of "small" and "large" carts come from before the cut: drawn from what is judged, they
     * would move with it. */
    risk_segments_of(e->later->before, ranges);
    for (int i = 0; i < RISK_SEGMENTS; i++) {
        measure_segment(e, &ranges[i]);
    }
}

/* ---- drift ---- */

static int largest_first(const void *a, const void *b)
{
    const struct feature_drift *x = a;
    const struct feature_drift *y = b;
    if (x->psi != y->psi) {
        return x->psi < y->psi ? 1 : -1;
    }
    return (x->feature > y->feature) - (x->feature < y->feature);
}

static void measure_drift(struct risk_evaluation *e)
{
    const struct risk_drift drift = risk_drift_of(e->later->before, e->later->after);
    for (int f = 0; f < FEATURE_COUNT; f++) {
        e->drift[f] = (struct feature_drift){(enum feature_id)f, drift.psi[f]};
    }
    qsort(e->drift, FEATURE_COUNT, sizeof *e->drift, largest_first);
}

/* Within the later window: of the moments it learnt from a model is too sure, so they are no measure of those to come. */
static void measure_score_drift(struct risk_evaluation *e)
{
    int count = e->later->after->count;
    const double *p = e->scored[RISK_TRAINED].p;
    /* Moments are ordered by time, so the halves are an earlier and a later one; -1: no score is
     * missing. */
    e->score_psi = drift_psi(p, count / 2, p + count / 2, count - count / 2, -1);
}

static void measure_scores(struct risk_evaluation *e)
{
    int count = e->later->after->count;
    for (int i = 0; i < count; i++) {
        int bin = (int)(e->scored[RISK_TRAINED].p[i] * SCORE_BINS);
        /* A probability of 1 belongs to the last bin. */
        e->score_share[bin < SCORE_BINS ? bin : SCORE_BINS - 1] += 1.0 / count;
    }
}

/* ---- the whole ---- */

static void enter_all(struct risk_evaluation *e)
{
    const struct champion *champion = e->later->champion;
    char name[CONTENDER_NAME_MAX];
    (void)snprintf(name, sizeof name, "%.40s, trained before the cut",
                   risk_algorithm(e->later->challenger));
    enter(e, RISK_TRAINED, e->later->challenger, name);
    enter(e, RISK_BASE_RATE, NULL, "base rate");
    evaluate_serving(&e->heading, champion, "base rate", e->later->champion_judged, name);
    if (e->later->champion_judged) {
        enter(e, RISK_SERVING, champion->risk, name);
    }
}

static void measure(struct risk_evaluation *e)
{
    for (int c = 0; c < RISK_CONTENDERS; c++) {
        if (e->scored[c].took_part) {
            measure_contender(e, &e->scored[c]);
        }
    }
    measure_idle(e);
    measure_ahead(e);
    measure_segments(e);
    measure_drift(e);
    measure_score_drift(e);
    measure_scores(e);
}

static void evaluation_free(struct risk_evaluation *e)
{
    for (int c = 0; c < RISK_CONTENDERS; c++) {
        free(e->scored[c].p);
    }
}

struct request {
    const struct evaluate_options *options;
    const struct training *training;
    struct evaluated *out;
};

static bool evaluate_later(void *ctx, const struct risk_later *later, struct err *err)
{
    const struct request *r = ctx;
    CLEANUP(evaluation_free)
    struct risk_evaluation e = {.heading = {.kind = "risk",
                                            .from_us = later->window.from_us,
                                            .cut_us = later->cut_us,
                                            .until_us = later->window.as_of_us},
                                .options = r->options,
                                .later = later};
    int count = later->after->count;
    uint8_t *lost = mem_array((size_t)count + 1, sizeof *lost);
    for (int i = 0; i < count; i++) {
        lost[i] = later->after->all[i]->lost;
        /* count > 0: training refuses a later window without shoppers of both outcomes. */
        e.lost_share += (double)lost[i] / count;
    }
    e.lost = lost;
    train_say(r->training, "risk", "judging %d moments of %d later shoppers", count,
              later->shoppers);
    enter_all(&e);
    measure(&e);
    risk_evaluation_text(&e, &r->out->text);
    risk_evaluation_json(&e, &r->out->json);
    bool ok = !r->options->report || risk_evaluation_page(&e, &r->out->page, err);
    free(lost);
    return ok;
}

static bool collect_key(void *ctx, const struct train_key *k, struct err *err)
{
    return risk_training_key(ctx, k, err);
}

bool evaluate_risk(struct training *t, const struct evaluate_options *o, struct evaluated *out,
                   struct err *err)
{
    CLEANUP(risk_training_free) struct risk_training *training = NULL;
    struct request r = {o, t, out};
    return risk_training_new(t, &training, err) &&
           evaluate_read_log(t, o, collect_key, training, err) &&
           risk_training_later(training, o->cut_us, evaluate_later, &r, err);
}
