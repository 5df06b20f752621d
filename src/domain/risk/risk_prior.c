/* The published figures, and the score that follows from them. */
#include "domain/risk/risk_prior.h"

#include "base/clock.h"
#include "base/mem.h"
#include "domain/risk/risk_internal.h"
#include "ml/judge/calib.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

/* The share of carts that are never bought: the mean of the studies, the lowest and the highest of them. */
static const struct {
    double mean, low, high;
    const char *source, *date;
} abandoned = {.7022, .55, .84,
               "Baymard Institute, cart abandonment rate statistics: average of 50 studies, and "
               "the range they span",
               "2025"};

/* Of those who buy, the share that has bought so long after filling the cart: half after 20 minutes, 72 % after 12 hours; nobody after the 28 days that
 * were watched. What lies between is ours: even in time within the first step, in the logarithm of time within the others. */
static const struct {
    int64_t after_us;
    double bought;
} returns[] = {{0, 0}, {MINUTES(20), .50}, {HOURS(12), .72}, {DAYS(28), 1}};
enum { RETURNS = sizeof returns / sizeof *returns };
static const char *const returns_source =
    "SeeWhy, Understanding shopping cart abandonment: 20 minutes (taken as the median) and 72 % "
    "within 12 hours, of 28 days; log-linear between";
static const char *const returns_date = "2012";

static double bought_by(int64_t after_us)
{
    int i = 1;
    while (i < RETURNS - 1 && after_us > returns[i].after_us) {
        i++;
    }
    const double to = (double)returns[i].after_us;
    const double from = (double)returns[i - 1].after_us;
    /* the first step begins at 0, which has no logarithm */
    const double part =
        i == 1 ? (double)after_us / to : log((double)after_us / from) / log(to / from);
    return returns[i - 1].bought + fmin(part, 1) * (returns[i].bought - returns[i - 1].bought);
}

/* The share of carts not bought so long after they were filled. */
static double kept(double never, int64_t after_us)
{
    return 1 - (1 - never) * bought_by(after_us);
}

static int64_t idle_of(const struct risk_example *x)
{
    const double minutes = x->cells[FEATURE_IDLE].number;
    /* 0 for NaN, too; bounded, as a double may be beyond what an integer holds */
    return minutes > 0 ? (int64_t)(fmin(minutes, 1e7) * (double)MINUTES(1)) : 0;
}

/* The time without an event stands for the time since the cart was filled: all that a shopper did in between would only make the cart younger. */
static double not_bought(double never, int64_t idle_us, int64_t within_us)
{
    return kept(never, idle_us + within_us) / kept(never, idle_us);
}

static double margin_at(double never, int64_t idle_us, int64_t horizon_us)
{
    return risk_base_logit(not_bought(never, idle_us, horizon_us));
}

double risk_prior_margin(const struct risk *r, const struct risk_example *x)
{
    return margin_at(abandoned.mean, idle_of(x), r->window.horizon_us);
}

double risk_prior_usual(const struct risk *r)
{
    return margin_at(abandoned.mean, 0, r->window.horizon_us);
}

double risk_prior_hazard(const struct risk_example *x, int64_t within_us)
{
    /* divided by: not 0 even where all who buy have bought */
    return fmax(-log(not_bought(abandoned.mean, idle_of(x), within_us)), 1e-9);
}

struct risk *risk_prior_make(int64_t horizon_us)
{
    struct risk *r = mem_alloc(sizeof *r);
    assert(horizon_us > 0);
    r->is_prior = true;
    r->window.horizon_us = horizon_us;
    (void)snprintf(r->version, sizeof r->version, "%s", RISK_PRIOR_VERSION);
    return r;
}

bool risk_prior_range(const struct risk *r, const struct features *x, double *out_low,
                      double *out_high)
{
    if (!r->is_prior) {
        return false;
    }
    const struct platt shifted = {1, r->shift};
    const struct risk_example example = risk_flatten(x);
    const int64_t idle_us = idle_of(&example);
    *out_low = calib_apply(&shifted, margin_at(abandoned.low, idle_us, r->window.horizon_us));
    *out_high = calib_apply(&shifted, margin_at(abandoned.high, idle_us, r->window.horizon_us));
    return true;
}

void risk_prior_card(struct jenc *j)
{
    char after[CLOCK_TEXT_MAX];
    jenc_str(j, "kind", "risk");
    jenc_str(j, "algorithm", "prior");
    jenc_bool(j, "prior", true);
    jenc_object(j, "never_bought");
    jenc_f64(j, "share", abandoned.mean);
    jenc_f64(j, "low", abandoned.low);
    jenc_f64(j, "high", abandoned.high);
    jenc_str(j, "source", abandoned.source);
    jenc_str(j, "date", abandoned.date);
    jenc_object_end(j);
    jenc_object(j, "of_those_who_buy");
    jenc_array(j, "have_bought");
    for (int i = 1; i < RETURNS; i++) {
        jenc_object(j, NULL);
        jenc_str(j, "after", clock_format_duration(returns[i].after_us, after));
        jenc_f64(j, "share", returns[i].bought);
        jenc_object_end(j);
    }
    jenc_array_end(j);
    jenc_str(j, "source", returns_source);
    jenc_str(j, "date", returns_date);
    jenc_object_end(j);
}
