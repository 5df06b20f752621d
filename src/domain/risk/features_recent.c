/* Features of the last events: what kind they were, how fast they came, and what they had to do with
 * the cart. Part of the extractor of features.c. */
#include "domain/risk/features_internal.h"

#include "domain/shop/money.h"
#include "domain/shopper/cart.h"

#include <string.h>

enum { LAST_TYPES = 5, TYPES_LATELY = 10 };

/* Ten seconds, so that a pause after two events of the same second is not endless. */
static const double PACE_MIN = 1.0 / 6;

static int64_t last_time_of(const struct shopper *s, enum event_type type)
{
    /* from the newest on; 0 also for one that is too long ago to be among the last events */
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

static void take_last(const struct shopper *s, int64_t now_us, struct features *out)
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
        /* LAST_1 .. LAST_5 stand one after the other in the table */
        out->ids[FEATURE_LAST_1 + i] = event_type_name(s->recent[s->recent_count - 1 - i].type);
    }
    for (size_t i = s->recent_count; i > 0 && out->ids[FEATURE_VIEWED_PRODUCT] == NULL; i--) {
        if (s->recent[i - 1].type == EVENT_PRODUCT_VIEWED) {
            out->ids[FEATURE_VIEWED_PRODUCT] = s->recent[i - 1].product_id;
        }
    }
}

/* ---- the rhythm ---- */

/* Index of the first of the last events that belongs to the current visit. */
static size_t visit_start(const struct shopper *s)
{
    /* the caller has seen that there is an event */
    size_t i = s->recent_count - 1;
    while (i > 0 && s->recent[i].at_us - s->recent[i - 1].at_us <= SESSION_GAP_US) {
        i--;
    }
    return i;
}

static double returns_since(const struct shopper *s, int64_t opened_us)
{
    int count = 0;
    for (size_t i = 1; i < s->recent_count; i++) {
        /* The event after the gap decides: a visit that brought the
         * first item is no return to it. */
        count += s->recent[i].at_us > opened_us &&
                 s->recent[i].at_us - s->recent[i - 1].at_us > SESSION_GAP_US;
    }
    return count;
}

static double distinct_types(const struct shopper *s)
{
    size_t first = s->recent_count > TYPES_LATELY ? s->recent_count - TYPES_LATELY : 0;
    int distinct = 0;
    for (size_t i = first; i < s->recent_count; i++) {
        bool seen = false;
        for (size_t j = first; j < i && !seen; j++) {
            seen = s->recent[j].type == s->recent[i].type;
        }
        distinct += !seen;
    }
    return distinct;
}

static double minutes_between(const struct shopper *s, size_t from, size_t until)
{
    return (double)(s->recent[until].at_us - s->recent[from].at_us) / (double)MINUTES(1);
}

static void take_rhythm(const struct shopper *s, const struct cart *c, double *v)
{
    v[FEATURE_RETURNS] = returns_since(s, c->opened_us);
    v[FEATURE_DISTINCT_TYPES] = distinct_types(s);
    /* Not 0, which would be a shopper who acts without any pause. */
    v[FEATURE_GAP_1] = (double)NAN;
    v[FEATURE_GAP_MEAN] = (double)NAN;
    v[FEATURE_AWAY] = (double)NAN;
    v[FEATURE_IDLE_TO_PACE] = (double)NAN;
    if (s->recent_count == 0) {
        return;
    }
    size_t last = s->recent_count - 1;
    size_t first = visit_start(s);
    v[FEATURE_VISIT_EVENTS] = (double)(last - first + 1);
    v[FEATURE_VISIT_LENGTH] = minutes_between(s, first, last);
    if (last > 0) {
        v[FEATURE_GAP_1] = minutes_between(s, last - 1, last);
    }
    if (last > first) {
        v[FEATURE_GAP_MEAN] = v[FEATURE_VISIT_LENGTH] / (double)(last - first);
        /* Relative to the shopper's own pace: two idle minutes are much
         * for one and nothing for another. */
        v[FEATURE_IDLE_TO_PACE] = v[FEATURE_IDLE] / (v[FEATURE_GAP_MEAN] + PACE_MIN);
    }
    if (first > 0) {
        v[FEATURE_AWAY] = minutes_between(s, first - 1, first);
    }
}

/* ---- what they had to do with the cart ---- */

static const struct cart_line *line_of(const struct cart *c, const char *product_id)
{
    for (size_t i = 0; product_id != NULL && i < c->line_count; i++) {
        if (strcmp(c->lines[i].product_id, product_id) == 0) {
            return &c->lines[i];
        }
    }
    return NULL;
}

/* Whether one of the last events from `first` on is of this type and product. */
static bool happened(const struct shopper *s, size_t first, enum event_type type,
                     const char *product_id)
{
    for (size_t i = first; i < s->recent_count; i++) {
        const struct recent_event *e = &s->recent[i];
        if (e->type == type && e->product_id != NULL && strcmp(e->product_id, product_id) == 0) {
            return true;
        }
    }
    return false;
}

/* Events since the last of the type; NaN where there is none. only EVENT_UNKNOWN counts all. */
static double since_last(const struct shopper *s, enum event_type type, enum event_type only)
{
    int count = 0;
    for (size_t i = s->recent_count; i > 0; i--) {
        if (s->recent[i - 1].type == type) {
            return count;
        }
        count += only == EVENT_UNKNOWN || s->recent[i - 1].type == only;
    }
    return (double)NAN;
}

static double since_time(const struct shopper *s, int64_t at_us)
{
    int count = 0;
    for (size_t i = 0; i < s->recent_count; i++) {
        /* strictly, so that the event itself is not counted */
        count += s->recent[i].at_us > at_us;
    }
    return at_us == 0 ? (double)NAN : count;
}

/* Each product once: at its last view, its last removal. */
static void take_own(const struct shopper *s, const struct cart *c, int64_t now_us, double *v)
{
    int64_t viewed_us = 0;
    for (size_t i = 0; i < s->recent_count; i++) {
        const struct recent_event *e = &s->recent[i];
        const struct cart_line *line = line_of(c, e->product_id);
        /* "later again": with it, only a product's last view and last removal are counted */
        bool again = e->product_id != NULL && happened(s, i + 1, e->type, e->product_id);
        if (e->type == EVENT_PRODUCT_VIEWED && line != NULL) {
            viewed_us = e->at_us;
            v[FEATURE_VIEWED_AGAIN] += !again && e->at_us > line->added_us;
        } else if (e->type == EVENT_CART_ITEM_REMOVED && e->product_id != NULL && !again) {
            /* removed and yet in the cart: it was put back */
            v[line != NULL ? FEATURE_ADDED_AGAIN : FEATURE_TAKEN_OUT] += 1;
        } else if (e->type == EVENT_WISHLIST_ADDED) {
            v[FEATURE_WISHED] += 1;
        }
        if (e->type == EVENT_PRODUCT_VIEWED) {
            /* later views overwrite earlier ones: the last one stays */
            v[FEATURE_VIEWED_IN_CART] = line != NULL ? 1 : 0;
        }
    }
    v[FEATURE_VIEWED_AGAIN_AGE] = minutes_since(viewed_us, now_us);
    v[FEATURE_AFTER_ADD] = since_last(s, EVENT_CART_ITEM_ADDED, EVENT_UNKNOWN);
    v[FEATURE_VIEWS_AFTER_ADD] = since_last(s, EVENT_CART_ITEM_ADDED, EVENT_PRODUCT_VIEWED);
    v[FEATURE_AFTER_SHIPPING] = since_time(s, c->signals.shipping_shown_us);
}

static double mean_price(const struct shopper *s, enum event_type type)
{
    double sum = 0;
    int known = 0;
    for (size_t i = 0; i < s->recent_count; i++) {
        if (s->recent[i].type == type && s->recent[i].price_minor != MONEY_UNKNOWN) {
            sum += (double)s->recent[i].price_minor;
            known++;
        }
    }
    return ratio(sum, known);
}

static void take_prices(const struct shopper *s, const struct cart *c, double *v)
{
    double mine = cart_mean_price(c);
    int cheaper = 0;
    for (size_t i = 0; i < s->recent_count; i++) {
        const struct recent_event *e = &s->recent[i];
        /* false for a mean of NaN; below it is made missing */
        cheaper += e->type == EVENT_PRODUCT_VIEWED && e->price_minor != MONEY_UNKNOWN &&
                   (double)e->price_minor < mine;
    }
    v[FEATURE_CHEAPER_VIEWED] = isnan(mine) ? (double)NAN : cheaper;
    v[FEATURE_PRICE_TO_VIEWED] = ratio(mine, mean_price(s, EVENT_PRODUCT_VIEWED));
    v[FEATURE_PRICE_TO_BOUGHT] = ratio(mine, mean_price(s, EVENT_PURCHASE));
}

void features_recent(const struct shopper *s, const struct cart *c, int64_t now_us,
                     struct features *out)
{
    take_last(s, now_us, out);
    take_rhythm(s, c, out->values);
    take_own(s, c, now_us, out->values);
    take_prices(s, c, out->values);
}
