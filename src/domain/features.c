/* THE feature extractor: a pure function of a shopper's state, a cart and a moment. What a model
 * makes of the features is risk_encode.c's business. */
#include "domain/features.h"

#include "base/clock.h"
#include "domain/money.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const struct feature_def defs[FEATURE_COUNT] = {
#define FEATURE(id, name, unit, kind, meaning, words)                                              \
    [FEATURE_##id] = {name, unit, FEATURE_##kind, meaning, words},
#include "domain/feature_table.inc"
#undef FEATURE
};

const struct feature_def *feature_def(enum feature_id id)
{
    assert(id < FEATURE_COUNT);
    return &defs[id];
}

enum { LAST_TYPES = 5 };

/* Missing for a thing that has not happened (time 0). */
static double minutes_since(int64_t then_us, int64_t now_us)
{
    if (then_us == 0) {
        return (double)NAN;
    }
    return then_us >= now_us ? 0 : (double)(now_us - then_us) / (double)MINUTES(1);
}

static double days_since(int64_t then_us, int64_t now_us)
{
    return minutes_since(then_us, now_us) / (24 * 60);
}

static double amount(int64_t minor)
{
    return minor == MONEY_UNKNOWN ? (double)NAN : (double)minor;
}

static double flag(int64_t happened_us)
{
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

static void take_lines(const struct cart *c, struct features *out)
{
    int64_t max = MONEY_UNKNOWN;
    int64_t min = MONEY_UNKNOWN;
    int64_t newest_us = INT64_MIN;
    for (size_t i = 0; i < c->line_count; i++) {
        const struct cart_line *line = &c->lines[i];
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
        if (out->currency[0] == '\0') {
            memcpy(out->currency, line->currency, sizeof out->currency);
        }
    }
    out->values[FEATURE_LINES] = (double)c->line_count;
    out->values[FEATURE_UNITS] = (double)cart_units(c);
    out->values[FEATURE_PRICE_MAX] = amount(max);
    out->values[FEATURE_PRICE_MIN] = amount(min);
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
    v[FEATURE_SHIPPING_COST] =
        c->signals.shipping_shown_us != 0 ? amount(c->signals.shipping_minor) : (double)NAN;
    v[FEATURE_SHIPPING_SHARE] = total > 0 ? v[FEATURE_SHIPPING_COST] / (double)total : (double)NAN;
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
    out->ids[FEATURE_DEVICE] = s->device;
    out->ids[FEATURE_CHANNEL] = s->channel;
    out->ids[FEATURE_CAMPAIGN] = s->campaign;
    out->ids[FEATURE_LOCALE] = s->locale;
    out->ids[FEATURE_TIMEZONE] = s->timezone;
}

static int64_t last_time_of(const struct shopper *s, enum event_type type)
{
    for (size_t i = s->recent_count; i > 0; i--) {
        if (s->recent[i - 1].type == type) {
            return s->recent[i - 1].at_us;
        }
    }
    return 0;
}

/* Quadratic in RECENT_MAX: 40 short strings, and no memory needed. */
static double distinct_products(const struct shopper *s)
{
    int distinct = 0;
    for (size_t i = 0; i < s->recent_count; i++) {
        const char *id = s->recent[i].product_id;
        bool seen = id == NULL;
        for (size_t j = 0; j < i && !seen; j++) {
            seen = s->recent[j].product_id != NULL && strcmp(s->recent[j].product_id, id) == 0;
        }
        distinct += !seen;
    }
    return distinct;
}

static double recent_within(const struct shopper *s, int64_t now_us, int64_t window_us)
{
    int count = 0;
    for (size_t i = 0; i < s->recent_count; i++) {
        count += s->recent[i].at_us > now_us - window_us;
    }
    return count;
}

static void take_recent(const struct shopper *s, int64_t now_us, struct features *out)
{
    double *v = out->values;
    v[FEATURE_VIEW_AGE] = minutes_since(last_time_of(s, EVENT_PRODUCT_VIEWED), now_us);
    v[FEATURE_ADD_AGE] = minutes_since(last_time_of(s, EVENT_CART_ITEM_ADDED), now_us);
    v[FEATURE_REMOVE_AGE] = minutes_since(last_time_of(s, EVENT_CART_ITEM_REMOVED), now_us);
    v[FEATURE_SEARCH_AGE] = minutes_since(last_time_of(s, EVENT_SEARCHED), now_us);
    v[FEATURE_EVENTS_10M] = recent_within(s, now_us, MINUTES(10));
    v[FEATURE_EVENTS_60M] = recent_within(s, now_us, MINUTES(60));
    v[FEATURE_RECENT_PRODUCTS] = distinct_products(s);
    for (size_t i = 0; i < LAST_TYPES && i < s->recent_count; i++) {
        out->ids[FEATURE_LAST_1 + i] = event_type_name(s->recent[s->recent_count - 1 - i].type);
    }
    for (size_t i = s->recent_count; i > 0 && out->ids[FEATURE_VIEWED_PRODUCT] == NULL; i--) {
        if (s->recent[i - 1].type == EVENT_PRODUCT_VIEWED) {
            out->ids[FEATURE_VIEWED_PRODUCT] = s->recent[i - 1].product_id;
        }
    }
}

/* Times before 1970 do not occur in the log (EVENT_OCCURRED_MIN_US); 1970-01-01 was a Thursday. */
static void take_calendar(int64_t now_us, double *v)
{
    int64_t hours = now_us / HOURS(1);
    v[FEATURE_HOUR] = (double)(hours % 24);
    v[FEATURE_WEEKDAY] = (double)((hours / 24 + 3) % 7);
}

void features_of(const struct shopper *s, const struct cart *c, int64_t now_us,
                 struct features *out)
{
    assert(s != NULL && c != NULL && now_us >= 0);
    *out = (struct features){0};
    int64_t at_us = now_us > s->last_us ? now_us : s->last_us;
    take_lines(c, out);
    take_money(c, out);
    take_signals(c, at_us, out->values);
    take_shopper(s, at_us, out);
    take_recent(s, at_us, out);
    take_calendar(at_us, out->values);
}
