/* THE feature extractor: a pure function of a shopper's state, a cart, a moment, and what may be known
 * of the shop by then. The last events are features_recent.c's; what a model makes of the features is
 * risk_encode.c's business. */
#include "domain/risk/features.h"

#include "domain/affinity/affinity_taste.h"
#include "domain/risk/features_internal.h"
#include "domain/shop/local_time.h"
#include "domain/shop/money.h"
#include "domain/shop/quantity.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const struct feature_def defs[FEATURE_COUNT] = {
#define FEATURE(id, name, unit, kind, group, known, meaning)                                       \
    [FEATURE_##id] = {name, unit, FEATURE_##kind, GROUP_##group, KNOWN_##known, meaning},
#include "domain/risk/feature_table.inc"
#undef FEATURE
};

const struct feature_def *feature_def(enum feature_id id)
{
    assert(id < FEATURE_COUNT);
    return &defs[id];
}

const char *feature_group_name(enum feature_group group)
{
    static const char *const names[GROUP_COUNT] = {
        [GROUP_TIME] = "time",         [GROUP_CART] = "cart",         [GROUP_PRICE] = "price",
        [GROUP_INTEREST] = "interest", [GROUP_PACE] = "pace",         [GROUP_CHECKOUT] = "checkout",
        [GROUP_SHIPPING] = "shipping", [GROUP_PAYMENT] = "payment",   [GROUP_COUPON] = "coupon",
        [GROUP_DOUBT] = "doubt",       [GROUP_CONTACT] = "contact",   [GROUP_SHOPPER] = "shopper",
        [GROUP_CONTEXT] = "context",   [GROUP_CALENDAR] = "calendar", [GROUP_TASTE] = "taste",
        [GROUP_SHOP] = "shop",
    };

    assert(group < GROUP_COUNT);
    return names[group];
}

static double days_since(int64_t then_us, int64_t now_us)
{
    return minutes_since(then_us, now_us) / (24 * 60);
}

static double amount(int64_t minor)
{
    /* missing and not 0: a model would learn what free products do */
    return minor == MONEY_UNKNOWN ? (double)NAN : (double)minor;
}

static double flag(int64_t happened_us)
{
    /* "not yet" is an answer, so flags are 0 and never missing */
    return happened_us != 0 ? 1 : 0;
}

static double messages_released(const struct cart *c)
{
    int count = 0;
    for (int step = 0; step < STEPS_MAX; step++) {
        count += c->released[step] != 0;
    }
    return count;
}

double cart_mean_price(const struct cart *c)
{
    double sum = 0;
    int known = 0;
    /* each line once, whatever its quantity: the level of prices, not the amount */
    for (size_t i = 0; i < c->line_count; i++) {
        if (c->lines[i].price_minor != MONEY_UNKNOWN) {
            sum += (double)c->lines[i].price_minor;
            known++;
        }
    }
    return ratio(sum, known);
}

static double share_of_dearest(const struct cart *c, int64_t total)
{
    double most = 0;
    for (size_t i = 0; i < c->line_count && total > 0; i++) {
        /* A total is known only where every price is (cart_total), so no
         * MONEY_UNKNOWN is multiplied here. */
        most = fmax(most, (double)c->lines[i].price_minor * (double)c->lines[i].quantity_milli /
                              QUANTITY_ONE);
    }
    return total > 0 ? most / (double)total : (double)NAN;
}

static void take_line_ages(const struct cart *c, int64_t now_us, double *v)
{
    int64_t oldest_us = 0;
    int64_t newest_us = 0;
    for (size_t i = 0; i < c->line_count; i++) {
        /* when it came in, not when its quantity last changed: that is `unchanged` */
        int64_t at_us = c->lines[i].added_us;
        oldest_us = oldest_us == 0 || at_us < oldest_us ? at_us : oldest_us;
        newest_us = at_us > newest_us ? at_us : newest_us;
    }
    v[FEATURE_LINE_AGE_MAX] = minutes_since(oldest_us, now_us);
    v[FEATURE_LINE_AGE_MIN] = minutes_since(newest_us, now_us);
}

static void take_lines(const struct cart *c, struct features *out)
{
    int64_t max = MONEY_UNKNOWN;
    int64_t min = MONEY_UNKNOWN;
    int64_t newest_us = INT64_MIN;
    for (size_t i = 0; i < c->line_count; i++) {
        const struct cart_line *line = &c->lines[i];
        /* strictly: of lines touched at once the first by product id,
         * whatever order events came in */
        if (line->touched_us > newest_us) {
            newest_us = line->touched_us;
            out->ids[FEATURE_NEWEST_PRODUCT] = line->product_id;
        }
        if (line->price_minor == MONEY_UNKNOWN) {
            continue;
        }
        if (max == MONEY_UNKNOWN || line->price_minor > max) {
            max = line->price_minor;
            out->ids[FEATURE_DEAREST_PRODUCT] = line->product_id;
        }
        if (min == MONEY_UNKNOWN || line->price_minor < min) {
            min = line->price_minor;
        }
        /* for words only: amounts are features in the minor units they came in */
        if (out->currency[0] == '\0') {
            memcpy(out->currency, line->currency, sizeof out->currency);
        }
    }
    out->values[FEATURE_LINES] = (double)c->line_count;
    out->values[FEATURE_UNITS] = (double)cart_units(c);
    out->values[FEATURE_PRICE_MAX] = amount(max);
    out->values[FEATURE_PRICE_MIN] = amount(min);
    out->values[FEATURE_UNITS_PER_LINE] =
        ratio(out->values[FEATURE_UNITS], out->values[FEATURE_LINES]);
    out->values[FEATURE_PRICE_MEAN] = cart_mean_price(c);
    out->values[FEATURE_PRICE_SPREAD] =
        ratio(out->values[FEATURE_PRICE_MAX], out->values[FEATURE_PRICE_MIN]);
}

static void take_money(const struct cart *c, struct features *out)
{
    int64_t total = MONEY_UNKNOWN;
    char currency[4] = "";
    double *v = out->values;
    if (cart_total(c, &total, currency)) {
        memcpy(out->currency, currency, sizeof out->currency);
    }
    v[FEATURE_TOTAL] = amount(total);
    /* missing before it was shown: a cost of 0 is free shipping */
    v[FEATURE_SHIPPING_COST] =
        c->signals.shipping_shown_us != 0 ? amount(c->signals.shipping_minor) : (double)NAN;
    v[FEATURE_SHIPPING_SHARE] = total > 0 ? v[FEATURE_SHIPPING_COST] / (double)total : (double)NAN;
    v[FEATURE_TOP_SHARE] = share_of_dearest(c, total);
}

static int64_t latest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Ages, and what follows from several signals. */
static void take_signal_ages(const struct shopper *s, const struct cart *c, int64_t now_us,
                             double *v)
{
    const struct cart_signals *g = &c->signals;
    /* the last sign of life within the checkout */
    int64_t in_checkout_us = latest(g->checkout_started_us, g->shipping_shown_us);
    in_checkout_us = latest(in_checkout_us, latest(g->payment_info_us, g->payment_failed_us));
    int64_t coupon_us =
        latest(g->coupon_entered_us, latest(g->coupon_applied_us, g->coupon_denied_us));
    v[FEATURE_SHIPPING_AGE] = minutes_since(g->shipping_shown_us, now_us);
    v[FEATURE_PAYMENT_INFO_AGE] = minutes_since(g->payment_info_us, now_us);
    v[FEATURE_PAYMENT_FAILED_AGE] = minutes_since(g->payment_failed_us, now_us);
    v[FEATURE_COUPON_AGE] = minutes_since(coupon_us, now_us);
    v[FEATURE_DOUBT_PAGES] =
        (double)(g->pages_returns + g->pages_shipping + g->pages_size + g->pages_reviews);
    v[FEATURE_CHANGED_SINCE_CHECKOUT] =
        g->checkout_started_us != 0 && c->changed_us > g->checkout_started_us ? 1 : 0;
    /* nothing of the shopper came after it: views or changes elsewhere would be later */
    v[FEATURE_CHECKOUT_QUIET] =
        g->checkout_started_us != 0 && latest(in_checkout_us, coupon_us) >= s->last_us ? 1 : 0;
    v[FEATURE_REMOVED_SHARE] = ratio((double)g->removes, (double)(g->adds + g->removes));
    /* views counts all, those of the cart's own products included */
    v[FEATURE_OTHER_VIEWS] = (double)(g->views - g->line_views);
    v[FEATURE_VIEWS_PER_LINE] = ratio((double)g->line_views, (double)c->line_count);
}

static void take_signals(const struct cart *c, int64_t now_us, double *v)
{
    const struct cart_signals *g = &c->signals;
    v[FEATURE_ADDS] = (double)g->adds;
    v[FEATURE_REMOVES] = (double)g->removes;
    v[FEATURE_VIEWS] = (double)g->views;
    v[FEATURE_LINE_VIEWS] = (double)g->line_views;
    v[FEATURE_SEARCHES] = (double)g->searches;
    v[FEATURE_ROUND_EVENTS] = (double)g->events;
    v[FEATURE_CHECKOUT] = flag(g->checkout_started_us);
    v[FEATURE_CHECKOUT_AGE] = minutes_since(g->checkout_started_us, now_us);
    v[FEATURE_CHECKOUT_STEP] = (double)g->checkout_step;
    v[FEATURE_SHIPPING] = flag(g->shipping_shown_us);
    v[FEATURE_PAYMENT_INFO] = flag(g->payment_info_us);
    v[FEATURE_PAYMENT_FAILED] = flag(g->payment_failed_us);
    v[FEATURE_COUPON_ENTERED] = flag(g->coupon_entered_us);
    v[FEATURE_COUPON_APPLIED] = flag(g->coupon_applied_us);
    v[FEATURE_COUPON_DENIED] = flag(g->coupon_denied_us);
    v[FEATURE_PAGES_RETURNS] = (double)g->pages_returns;
    v[FEATURE_PAGES_SHIPPING] = (double)g->pages_shipping;
    v[FEATURE_PAGES_SIZE] = (double)g->pages_size;
    v[FEATURE_PAGES_REVIEWS] = (double)g->pages_reviews;
    v[FEATURE_ROUND] = (double)c->round;
    v[FEATURE_CONTACTED] = messages_released(c);
    v[FEATURE_OPEN] = minutes_since(c->opened_us, now_us);
    v[FEATURE_UNCHANGED] = minutes_since(c->changed_us, now_us);
}

static void take_shopper(const struct shopper *s, int64_t now_us, struct features *out)
{
    double *v = out->values;
    v[FEATURE_IDLE] = minutes_since(s->last_us, now_us);
    v[FEATURE_CUSTOMER] = strncmp(s->key, "c:", 2) == 0 ? 1 : 0;
    v[FEATURE_EVENTS] = (double)s->events;
    v[FEATURE_ALL_VIEWS] = (double)s->views;
    v[FEATURE_ORDERS] = (double)s->orders_total;
    v[FEATURE_REFUNDS] = (double)s->refunds;
    v[FEATURE_SPENT] = (double)s->spent_minor;
    v[FEATURE_SESSIONS] = (double)s->sessions;
    v[FEATURE_KNOWN] = days_since(s->first_us, now_us);
    v[FEATURE_ORDER_AGE] = days_since(s->last_order_us, now_us);
    v[FEATURE_UNITS_BOUGHT] = (double)s->units_bought;
    v[FEATURE_REFUND_SHARE] = ratio((double)s->refunds, (double)s->orders_total);
    /* spent_minor sums known amounts only: 0 with orders means that none was known */
    v[FEATURE_ORDER_VALUE] =
        s->spent_minor > 0 ? ratio((double)s->spent_minor, (double)s->orders_total) : (double)NAN;
    v[FEATURE_TOTAL_TO_ORDER] = ratio(v[FEATURE_TOTAL], v[FEATURE_ORDER_VALUE]);
    v[FEATURE_ORDERS_PER_VISIT] = ratio((double)s->orders_total, (double)s->sessions);
    v[FEATURE_EVENTS_PER_VISIT] = ratio((double)s->events, (double)s->sessions);
    /* The first week counts whole: a rate over the ten minutes since a first
     * visit would be in the thousands. */
    v[FEATURE_VISITS_PER_WEEK] = (double)s->sessions / fmax(v[FEATURE_KNOWN] / 7, 1);
    out->ids[FEATURE_DEVICE] = s->device;
    out->ids[FEATURE_CHANNEL] = s->channel;
    out->ids[FEATURE_CAMPAIGN] = s->campaign;
    out->ids[FEATURE_LOCALE] = s->locale;
    out->ids[FEATURE_TIMEZONE] = s->timezone;
}

/* Times before 1970 do not occur in the log (EVENT_OCCURRED_MIN_US); 1970-01-01 was a Thursday. */
static void take_calendar(int64_t now_us, double *v)
{
    int64_t hours = now_us / HOURS(1);
    v[FEATURE_HOUR] = (double)(hours % 24);
    v[FEATURE_WEEKDAY] = (double)((hours / 24 + 3) % 7);
}

static void take_local_time(const struct shopper *s, int64_t now_us, double *v)
{
    int seconds = 0;
    bool known = local_time_offset(s->timezone, now_us, &seconds);
    int64_t hours = (now_us + SECONDS(seconds)) / HOURS(1);
    v[FEATURE_LOCAL_HOUR] = known ? (double)(hours % 24) : (double)NAN;
    /* by UTC where the zone is unknown: a flag has no missing value */
    v[FEATURE_LOCAL_WEEKEND] = (hours / 24 + 3) % 7 >= 5 ? 1 : 0;
}

/* Nothing of the context is used before its time. Rates of the shop are rounded: exact ones would tell one day from another, and a model would learn what
 * was special about days that do not come again. */
static void take_context(const struct shopper *s, const struct cart *c, int64_t now_us,
                         const struct feature_context *context, double *v)
{
    struct affinity_taste taste = {(double)NAN, (double)NAN, (double)NAN};
    struct shop_rates rates = {(double)NAN, (double)NAN};
    /* Guards against leakage: a model trained on events after this moment
     * would tell what happened then. */
    if (context != NULL && context->affinity != NULL &&
        affinity_as_of_us(context->affinity) <= now_us) {
        taste = affinity_taste_of(context->affinity, s, c, now_us);
    }
    if (context != NULL && context->days != NULL) {
        rates = shop_days_rates(context->days, now_us);
    }
    /* from -1 .. 1 to 0 .. 1: no feature is negative, and RISK_MISSING is -1 (risk_encode.h) */
    v[FEATURE_TASTE] = (1 + taste.fit) / 2;
    v[FEATURE_COHERENCE] = (1 + taste.coherence) / 2;
    v[FEATURE_KNOWN_LINES] = taste.known;
    v[FEATURE_SHOP_BUYING] = round(rates.buying * 50) / 50;
    v[FEATURE_SHOP_TREND] = round(rates.trend * 10) / 10;
}

void features_of(const struct shopper *s, const struct cart *c, int64_t now_us,
                 const struct feature_context *context, struct features *out)
{
    assert(s != NULL && c != NULL && now_us >= 0);
    /* zero is "none" for counts and ids; what cannot be known is set to NaN where it is taken */
    *out = (struct features){0};
    int64_t at_us = now_us > s->last_us ? now_us : s->last_us;
    /* In this order: take_shopper reads the total, features_recent the idle time. */
    take_lines(c, out);
    take_line_ages(c, at_us, out->values);
    take_money(c, out);
    take_signals(c, at_us, out->values);
    take_signal_ages(s, c, at_us, out->values);
    take_shopper(s, at_us, out);
    features_recent(s, c, at_us, out);
    take_calendar(at_us, out->values);
    take_local_time(s, at_us, out->values);
    take_context(s, c, at_us, context, out->values);
}
