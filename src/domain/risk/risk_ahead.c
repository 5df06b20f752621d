/* When a purchase comes, if one does: the score at the model's horizon, spread over the time ahead.
 */
#include "domain/risk/risk_ahead.h"

#include "base/clock.h"
#include "domain/risk/risk_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const int64_t ends[RISK_AHEAD_INTERVALS] = {
    SECONDS(30), MINUTES(1), MINUTES(3), MINUTES(10), MINUTES(30), HOURS(1),         HOURS(3),
    HOURS(8),    HOURS(24),  DAYS(2),    DAYS(4),     DAYS(7),     RISK_AHEAD_END_US};

const int64_t *risk_ahead_ends(void)
{
    return ends;
}

void risk_ahead_row(const struct risk_example *x, int interval,
                    union learner_cell out[RISK_AHEAD_COLUMNS])
{
    assert(interval >= 0 && interval < RISK_AHEAD_INTERVALS);
    memcpy(out, x->cells, sizeof x->cells);
    /* A number and no id: intervals have an order, and the machine's wider bins join neighbours,
     * where purchases in one of them are few. */
    out[FEATURE_COUNT].number = interval;
}

void risk_ahead_kinds(uint8_t out[RISK_AHEAD_COLUMNS])
{
    risk_kinds(out);
    out[FEATURE_COUNT] = LEARNER_NUMBER;
}

/* The sum of -log(1 - hazard) up to the end of each interval; above 0, as no probability is below
 * 1e-9 (calib_apply). */
static void cumulate(const struct risk *r, const struct risk_example *x,
                     double out[RISK_AHEAD_INTERVALS])
{
    union learner_cell row[RISK_AHEAD_COLUMNS];
    double sum = 0;
    for (int i = 0; r->is_prior && i < RISK_AHEAD_INTERVALS; i++) {
        out[i] = risk_prior_hazard(x, ends[i]);
    }
    for (int i = 0; !r->is_prior && i < RISK_AHEAD_INTERVALS; i++) {
        risk_ahead_row(x, i, row);
        /* Survival is the product of 1 - hazard; its logarithm adds up without underflow, and log1p
         * keeps the digits of small hazards. */
        sum -= log1p(-learner_probability(r->ahead, row));
        out[i] = sum;
    }
}

/* The same up to any time: within the first interval evenly, within the others evenly in its
 * logarithm. */
static double cumulated_at(const double cumulated[RISK_AHEAD_INTERVALS], int64_t within_us)
{
    int i = 0;
    while (i < RISK_AHEAD_INTERVALS - 1 && within_us > ends[i]) {
        i++;
    }
    /* The ends are spaced by their logarithm; the first interval begins at 0, which has none. */
    const double from = i > 0 ? cumulated[i - 1] : 0;
    const double part = i > 0 ? log((double)within_us / (double)ends[i - 1]) /
                                    log((double)ends[i] / (double)ends[i - 1])
                              : (double)within_us / (double)ends[0];
    /* beyond the last end nothing is known, and nothing is added */
    return from + fmin(part, 1) * (cumulated[i] - from);
}

/* Of one moment: what both answers below are read from. */
struct ahead {
    double score; /* at the horizon */
    int64_t horizon_us;
    double cumulated[RISK_AHEAD_INTERVALS];
    double at_horizon;
};

static struct ahead ahead_of(const struct risk *r, const struct risk_example *x)
{
    struct ahead a = {.score = risk_probability_of(r, x), .horizon_us = r->window.horizon_us};
    if (risk_has_ahead(r)) {
        cumulate(r, x, a.cumulated);
        /* divided by: above 0, as no probability is 0 (calib_apply) */
        a.at_horizon = cumulated_at(a.cumulated, a.horizon_us);
    }
    return a;
}

/* The hazards give the curve its shape, the score its height at the horizon. */
static double no_purchase(const struct ahead *a, int64_t within_us)
{
    /* S(t) = score^(H(t) / H(horizon)): one factor for the hazards of all times (proportional
     * hazards), so that the curve falls as before and meets the judged score. At the horizon
     * not within rounding but exactly. */
    return within_us == a->horizon_us
               ? a->score
               : exp(log(a->score) * cumulated_at(a->cumulated, within_us) / a->at_horizon);
}

bool risk_has_ahead(const struct risk *r)
{
    return r->ahead != NULL || r->is_prior;
}

double risk_no_purchase_within(const struct risk *r, const struct risk_example *x,
                               int64_t within_us)
{
    assert(within_us > 0 && risk_has_ahead(r));
    const struct ahead a = ahead_of(r, x);
    return no_purchase(&a, within_us);
}

int risk_ahead(const struct risk *r, const struct features *x,
               struct risk_within out[RISK_AHEAD_INTERVALS])
{
    const struct risk_example example = risk_flatten(x);
    const struct ahead a = ahead_of(r, &example);
    if (!risk_has_ahead(r)) {
        out[0] = (struct risk_within){a.horizon_us, a.score};
        return 1;
    }
    for (int i = 0; i < RISK_AHEAD_INTERVALS; i++) {
        out[i] = (struct risk_within){ends[i], no_purchase(&a, ends[i])};
    }
    return RISK_AHEAD_INTERVALS;
}

/* ---- in the file: a model file of its own as one section ---- */

/* What a row means: the features, and when the intervals end. */
static void ahead_schema(uint8_t out[SHA256_BYTES])
{
    struct hash_state h;
    risk_schema(out);
    hash_begin(&h);
    hash_add(&h, out, SHA256_BYTES);
    /* the same columns under other borders would be other questions */
    hash_add(&h, ends, sizeof ends);
    hash_end(&h, out);
}

bool risk_ahead_write(const struct learner *l, struct buf *out, struct err *err)
{
    uint8_t schema[SHA256_BYTES];
    uint8_t sha256[SHA256_BYTES];
    assert(learner_columns(l) == RISK_AHEAD_COLUMNS);
    ahead_schema(schema);
    struct model_builder b = model_builder_make(RISK_KIND_AHEAD, schema);
    learner_save(l, &b);
    return model_builder_finish(&b, out, sha256, err);
}

bool risk_ahead_load(const struct model_file *outer, struct learner **out, struct err *err)
{
    uint64_t bytes = 0;
    const uint8_t *at = NULL;
    uint8_t schema[SHA256_BYTES];
    struct model_file file = {0};
    ahead_schema(schema);
    if (!model_file_count(outer, "ahead", MODEL_U8, &bytes, err)) {
        return false;
    }
    /* too few purchases to learn intervals from: the model serves without */
    if (bytes == 0) {
        return true;
    }
    /* A file within the file is checked like one of its own: its section has a
     * checksum, its learner a self-test. */
    if (!model_file_u8(outer, "ahead", bytes, &at, err) ||
        !model_file_view(at, bytes, &file, err) ||
        !model_file_expect(&file, RISK_KIND_AHEAD, schema, err) || !learner_load(&file, out, err)) {
        return false;
    }
    return learner_columns(*out) == RISK_AHEAD_COLUMNS ||
           FAIL(err, ERR_INVALID, "the risk model's intervals have %d columns, not %d",
                learner_columns(*out), (int)RISK_AHEAD_COLUMNS);
}
