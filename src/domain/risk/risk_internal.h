#ifndef DOMAIN_RISK_RISK_INTERNAL_H
#define DOMAIN_RISK_RISK_INTERNAL_H

#include "domain/risk/risk_ahead.h"
#include "domain/risk/risk_file.h"

/* What risk*.c share; nobody else includes this. */
#define RISK_KIND_BLEND     "risk-blend"
#define RISK_KIND_BASE_RATE "risk-base_rate"
#define RISK_KIND_AHEAD     "risk-ahead" /* within a blend */

struct risk {
    struct model_file file; /* owned; everything below may look into it */
    char version[64];
    struct risk_window window;
    bool is_blend;
    bool is_prior;           /* neither of the two: base_rate; a prior has no file */
    double rate;             /* base_rate only */
    struct learner *learner; /* the rest: blend only; owned */
    struct calib_curve time;
    const double *usual;   /* (FEATURE_COUNT) */
    double usual_rest;     /* what no feature adds */
    struct learner *ahead; /* of intervals (risk_ahead.h); owned; NULL: there are none */
    double shift;          /* in logit; for either */
};

/* The learner of intervals out of the section "ahead"; leaves NULL where that is empty. */
CAN_FAIL bool risk_ahead_load(const struct model_file *outer, struct learner **out,
                              struct err *err);

/* The learner's margin, calibrated by time, without the shift. */
double risk_margin(const struct risk *r, const struct risk_example *x);

/* The same of a prior: for an example, and for a shopper who has just acted. */
double risk_prior_margin(const struct risk *r, const struct risk_example *x);
double risk_prior_usual(const struct risk *r);
/* Its sum of -log(1 - hazard) over the time ahead; above 0. */
double risk_prior_hazard(const struct risk_example *x, int64_t within_us);

/* Of a rate that may be 0 or 1. */
double risk_base_logit(double rate);

#endif
