/* The risk model that serves: loading with every check, and the score. Writing is risk_file.c, why is
 * risk_contributions.c. */
#include "domain/risk/risk.h"

#include "base/mem.h"
#include "domain/risk/risk_internal.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool load_window(const struct model_file *file, struct risk_window *out, struct err *err)
{
    const int64_t *window = NULL;
    if (!model_file_i64(file, "window", 3, &window, err)) {
        return false;
    }
    if (window[0] > window[1] || window[2] <= 0) {
        return FAIL(err, ERR_INVALID,
                    "the risk model's training window or horizon is out of range");
    }
    *out = (struct risk_window){window[0], window[1], window[2]};
    return true;
}

static bool load_base_rate(struct risk *r, struct err *err)
{
    const double *rate = NULL;
    if (!model_file_f64(&r->file, "rate", 1, &rate, err)) {
        return false;
    }
    /* written so that NaN fails */
    if (!(rate[0] >= 0 && rate[0] <= 1)) {
        return FAIL(err, ERR_INVALID, "the base rate must be between 0 and 1, not %g", rate[0]);
    }
    r->rate = rate[0];
    return true;
}

static bool load_time(struct risk *r, struct err *err)
{
    uint64_t knots = 0;
    const double *at = NULL;
    const double *slope = NULL;
    const double *intercept = NULL;
    if (!model_file_count(&r->file, "time_at", MODEL_F64, &knots, err)) {
        return false;
    }
    /* the curve is copied into arrays of this size */
    if (knots > CALIB_KNOTS_MAX) {
        return FAIL(err, ERR_INVALID, "the risk model has %llu knots of time",
                    (unsigned long long)knots);
    }
    if (!model_file_f64(&r->file, "time_at", knots, &at, err) ||
        !model_file_f64(&r->file, "time_slope", knots, &slope, err) ||
        !model_file_f64(&r->file, "time_intercept", knots, &intercept, err)) {
        return false;
    }
    r->time.knots = (int)knots;
    for (uint64_t k = 0; k < knots; k++) {
        r->time.at[k] = at[k];
        r->time.slope[k] = slope[k];
        r->time.intercept[k] = intercept[k];
    }
    return calib_curve_ok(&r->time) ||
           FAIL(err, ERR_INVALID, "the risk model's calibration over time is out of range");
}

static bool load_blend(struct risk *r, struct err *err)
{
    const double *rest = NULL;
    if (!learner_load(&r->file, &r->learner, err)) {
        return false;
    }
    /* a row has FEATURE_COUNT cells, and the learner reads as many as it has columns */
    if (learner_columns(r->learner) != FEATURE_COUNT) {
        return FAIL(err, ERR_INVALID, "the risk model has %d columns, the feature table %d",
                    learner_columns(r->learner), (int)FEATURE_COUNT);
    }
    if (!load_time(r, err) || !model_file_f64(&r->file, "usual", FEATURE_COUNT, &r->usual, err) ||
        !model_file_f64(&r->file, "usual_rest", 1, &rest, err)) {
        return false;
    }
    r->usual_rest = rest[0];
    return risk_ahead_load(&r->file, &r->ahead, err);
}

static bool load(struct risk *r, struct err *err)
{
    uint8_t schema[SHA256_BYTES];
    risk_schema(schema);
    r->is_blend = strcmp(r->file.kind, RISK_KIND_BLEND) == 0;
    /* Said here with what to do about it: an update that changes the feature
     * table refuses every older model. */
    if (memcmp(r->file.schema, schema, sizeof schema) != 0 &&
        strncmp(r->file.kind, "risk-", 5) == 0) {
        return FAIL(err, ERR_INVALID,
                    "the risk model was trained with another feature table; train it again");
    }
    if (!model_file_expect(&r->file, r->is_blend ? RISK_KIND_BLEND : RISK_KIND_BASE_RATE, schema,
                           err) ||
        !load_window(&r->file, &r->window, err)) {
        return false;
    }
    return r->is_blend ? load_blend(r, err) : load_base_rate(r, err);
}

bool risk_load(struct model_file *file, const char *version, struct risk **out, struct err *err)
{
    struct risk *r = mem_alloc(sizeof *r);
    r->file = *file;
    snprintf(r->version, sizeof r->version, "%s", version);
    if (!load(r, err)) {
        /* not the file: it is still the caller's */
        learner_free(&r->learner);
        learner_free(&r->ahead);
        free(r);
        return false;
    }
    *file = (struct model_file){0};
    *out = r;
    return true;
}

void risk_free(struct risk **r)
{
    if (*r) {
        learner_free(&(*r)->learner);
        learner_free(&(*r)->ahead);
        model_file_close(&(*r)->file);
        mem_free(r);
    }
}

const char *risk_version(const struct risk *r)
{
    return r->version;
}

const char *risk_algorithm(const struct risk *r)
{
    return r->is_blend ? "blend" : r->is_prior ? "prior" : "base_rate";
}

int64_t risk_horizon_us(const struct risk *r)
{
    return r->window.horizon_us;
}

int64_t risk_as_of_us(const struct risk *r)
{
    return r->window.as_of_us;
}

void risk_shift(struct risk *r, double logit)
{
    assert(isfinite(logit));
    r->shift = logit;
}

double risk_shift_of(const struct risk *r)
{
    return r->shift;
}

double risk_margin(const struct risk *r, const struct risk_example *x)
{
    double slope;
    double intercept;
    calib_curve_at(&r->time, risk_position(x), &slope, &intercept);
    /* Slopes are above 0, so that at one idle time calibration is a monotone transform: it changes
     * how sure a score is, not who is riskier. */
    return slope * learner_margin(r->learner, x->cells) + intercept;
}

double risk_probability_of(const struct risk *r, const struct risk_example *x)
{
    const struct platt shifted = {1, r->shift};
    if (r->is_prior) {
        return calib_apply(&shifted, risk_prior_margin(r, x));
    }
    if (!r->is_blend) {
        /* the rate as it is: through its logit and back a rate of 0 or 1 would be clamped */
        return r->shift == 0 ? r->rate : calib_apply(&shifted, risk_base_logit(r->rate));
    }
    return calib_apply(&shifted, risk_margin(r, x));
}

double risk_probability(const struct risk *r, const struct features *x)
{
    struct risk_example example = risk_flatten(x);
    return risk_probability_of(r, &example);
}
