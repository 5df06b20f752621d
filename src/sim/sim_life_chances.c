/* Chances of the simulated carts. Must not know what the product's features are. */
#include "sim/sim_life_chances.h"

#include "base/clock.h"
#include "domain/shop/local_time.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { NONE, BROWSING, COMPARING, SHIPPING, DOUBT, PAYMENT };

/* Shape of the log-logistic time away: above 1 the hazard first rises, then falls. */
static const double AWAY_SHAPE = 1.15;
static const double LEVEL_STEP = 0.55;

double life_level_share(int level)
{
    static const double shares[LIFE_LEVELS] = {.06, .12, .2, .24, .2, .12, .06};
    return shares[level];
}

double life_concern_share(int concern)
{
    static const double shares[LIFE_CONCERNS] = {.26, .26, .14, .14, .11, .09};
    return shares[concern];
}

/* Everybody's inclination on a day: a season, a slow decline, and a week of promotion. */
static double drift(const struct life_view *v)
{
    double day = (double)(v->at_us - v->from_us) / (double)DAYS(1);
    bool promotion = fmod(day, 37) >= 24 && fmod(day, 37) < 30;
    return 0.3 * sin(2 * M_PI * day / 17) - 0.006 * day + (promotion ? 0.5 : 0);
}

struct mood {
    double level;
    double drift;
    int concern;
    bool mobile, working, evening;
};

static struct mood mood_of(const struct life_view *v, int cell)
{
    int seconds = 0;
    if (!local_time_offset(v->shopper->timezone, v->at_us, &seconds)) {
        seconds = 0;
    }
    int64_t hours = (v->at_us + SECONDS(seconds)) / HOURS(1);
    int64_t hour = hours % 24;
    /* 1970-01-01 was a Thursday: + 3 makes Monday 0 */
    bool weekday = (hours / 24 + 3) % 7 < 5;
    int step = cell / LIFE_CONCERNS - LIFE_LEVELS / 2;
    return (struct mood){
        .level = LEVEL_STEP * (double)step,
        .drift = drift(v),
        .concern = cell % LIFE_CONCERNS,
        .mobile = strcmp(v->shopper->device, "mobile") == 0,
        .working = weekday && hour >= 9 && hour < 17,
        .evening = hour >= 18 && hour < 23,
    };
}

/* Utility of buying now: shipping cost weighs by its share of the cart for those who mind it, and a
 * payment that failed for those who had trouble before. */
static double buying(const struct life_cart *c, const struct mood *m)
{
    /* + 1 keeps an empty cart from a division by 0; below, shares count up to a quarter, or a small
     * cart would be hopeless */
    double share = (double)c->shipping_minor / (double)(c->total_minor + 1);
    double u = 0.7 + m->level + m->drift - 0.22 * log((double)(c->total_minor + 100) / 8000);
    u -= m->concern == SHIPPING ? 14 * fmin(share, 0.25) : 2 * fmin(share, 0.25);
    u -= (m->concern == PAYMENT ? 1.2 : 0.5) * c->fails;
    u -= m->concern == DOUBT && c->doubts == 0 ? 1.3 : 0;
    u += m->concern == NONE ? 0.7 : m->concern == BROWSING ? -1.0 : 0;
    u += m->mobile && m->evening ? 0.6 : 0;
    return u + (c->visits > 0 && m->concern == COMPARING ? 0.9 : 0);
}

static double leaving(const struct life_cart *c, const struct mood *m)
{
    double u = 0.1 + 0.06 * c->steps - 0.25 * m->level - 0.3 * m->drift;
    u += m->mobile && m->working ? 0.6 : 0;
    u += m->concern == BROWSING ? 0.5 : m->concern == COMPARING ? 0.3 : 0;
    u += m->concern == SHIPPING && c->shipping ? 1.0 : 0;
    return u + 0.5 * c->fails;
}

static void utilities(const struct life_cart *c, const struct mood *m, double u[DEED_COUNT])
{
    /* becomes a chance of exactly 0 in life_chances */
    const double never = -1000;
    u[DEED_OTHER] = (m->concern == BROWSING ? 1.0 : 0.3) - (c->checkout ? 1.5 : 0);
    u[DEED_OWN] = m->concern == COMPARING ? 0.3 : -0.7;
    /* the array of the cart ends there */
    u[DEED_ADD] = c->lines < SIM_CART_MAX ? -1.2 - 0.25 * c->lines : never;
    u[DEED_REMOVE] =
        -3.0 + (m->concern == SHIPPING && c->total_minor > 15000 ? 0.8 : 0) + 0.1 * c->lines;
    u[DEED_DOUBT] = (m->concern == DOUBT ? -0.1 : -3.0) - 0.7 * c->doubts;
    u[DEED_CHECKOUT] = c->checkout ? never : -1.0 + 0.5 * m->level - (m->concern == BROWSING);
    /* the order of a checkout: begun, shipping cost shown, paid or failed */
    u[DEED_SHIPPING] = c->checkout && !c->shipping ? 1.8 : never;
    u[DEED_FAIL] = c->shipping ? (m->concern == PAYMENT ? 0.4 : -2.8) - 0.4 * c->fails : never;
    u[DEED_PURCHASE] = c->shipping ? buying(c, m) : never;
    u[DEED_LEAVE] = leaving(c, m);
}

void life_chances(const struct life_view *v, int cell, struct life_chances *out)
{
    struct mood m = mood_of(v, cell);
    double u[DEED_COUNT];
    double sum = 0;
    utilities(v->cart, &m, u);
    /* A softmax of the utilities. Exactly 0 for what is impossible: the filter would otherwise
     * believe in states that cannot be. */
    for (int i = 0; i < DEED_COUNT; i++) {
        out->deed[i] = u[i] < -100 ? 0 : exp(u[i]);
        sum += out->deed[i];
    }
    for (int i = 0; i < DEED_COUNT; i++) {
        out->deed[i] /= sum;
    }
    /* returns are a logit of their own: who is inclined to buy comes back, each time less likely */
    double back = -0.2 + 0.7 * m.level + 0.7 * m.drift - 0.35 * v->cart->visits +
                  (v->shopper->known ? 0.3 : -0.3);
    back += m.concern == BROWSING ? -0.9 : m.concern == COMPARING ? 0.5 : 0;
    back += v->cart->fails > 0 && m.concern == PAYMENT ? 0.4 : 0;
    out->back = 1 / (1 + exp(-back));
    double hours = m.concern == PAYMENT ? 0.4 : m.concern == COMPARING ? 9 : 3.5;
    out->scale_us = hours * (m.working ? 1.8 : 1) * (double)HOURS(1);
    out->pace_us = (m.mobile ? 28 : 40) * (double)SECONDS(1);
}

/* ---- time ---- */

static double away_survival(const struct life_chances *c, double gap_us)
{
    /* log-logistic for its heavy tail: some return after days, which an exponential makes next to
     * impossible */
    return 1 / (1 + pow(gap_us / c->scale_us, AWAY_SHAPE));
}

double life_survival(const struct life_chances *c, int64_t gap_us)
{
    double leave = c->deed[DEED_LEAVE];
    /* A mixture: still there and slow, gone for good, or away and not back yet. */
    double stay = (1 - leave) * exp(-(double)gap_us / c->pace_us);
    return stay + leave * (1 - c->back + c->back * away_survival(c, (double)gap_us));
}

double life_density(const struct life_chances *c, enum life_deed deed, int64_t gap_us)
{
    double gap = (double)gap_us;
    double density = c->deed[deed] * exp(-gap / c->pace_us) / c->pace_us;
    if (deed == DEED_OWN) { /* what a return begins with */
        double x = gap / c->scale_us;
        double s = away_survival(c, gap);
        /* minus the derivative of away_survival */
        double away = AWAY_SHAPE / c->scale_us * pow(x, AWAY_SHAPE - 1) * s * s;
        /* two ways to such a view, within the visit or as a return: the likelihood is their sum */
        density += c->deed[DEED_LEAVE] * c->back * away;
    }
    return density;
}

static enum life_deed draw_deed(const struct life_chances *c, struct rng *r)
{
    /* given that the shopper stays, so DEED_LEAVE is left out of the sum */
    double u = rng_unit(r) * (1 - c->deed[DEED_LEAVE]);
    for (int i = 0; i < DEED_LEAVE; i++) {
        u -= c->deed[i];
        if (u < 0) {
            return (enum life_deed)i;
        }
    }
    /* what rounding leaves */
    return DEED_OTHER;
}

enum life_deed life_next(const struct life_chances *c, int64_t idle_us, struct rng *r,
                         int64_t *out_gap_us)
{
    double leave = c->deed[DEED_LEAVE];
    /* The three parts of life_survival after that silence: in which of them the shopper is, is
     * drawn first. */
    double stays = (1 - leave) * exp(-(double)idle_us / c->pace_us);
    double s = away_survival(c, (double)idle_us);
    double returns = leave * c->back * s;
    double u = rng_unit(r) * (stays + returns + leave * (1 - c->back));
    double gap;
    if (u < stays) {
        /* the exponential has no memory: what is still to come does not depend on the silence */
        gap = (double)idle_us - c->pace_us * log(1 - rng_unit(r));
        /* + 1, so that the gap is longer than the silence after it was cut to whole microseconds */
        *out_gap_us = (int64_t)gap + 1;
        return draw_deed(c, r);
    }
    if (u < stays + returns) {
        /* by inversion: survival is uniform between 0 and what it is after the silence */
        double left = s * (1 - rng_unit(r));
        gap = c->scale_us * pow(1 / left - 1, 1 / AWAY_SHAPE);
        /* a return after the shop has emptied the cart is no return to it */
        *out_gap_us = gap < (double)LIFE_KEPT_US ? (int64_t)gap + 1 : LIFE_KEPT_US;
        return gap < (double)LIFE_KEPT_US ? DEED_OWN : DEED_LEAVE;
    }
    *out_gap_us = LIFE_KEPT_US;
    return DEED_LEAVE;
}
