/* What one event does to a shopper. Order, lateness and bindings were settled before it comes here. */
#include "domain/shopper/shopper_event.h"

#include "base/clock.h"
#include "domain/shop/money.h"
#include "domain/shop/quantity.h"
#include "domain/shopper/cart.h"
#include "domain/shopper/crawler.h"
#include "domain/shopper/page_concern.h"
#include "domain/shopper/shopper_carts.h"
#include "domain/shopper/shopper_identity.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Sums stay in a range in which differences of any two cannot overflow. */
static int64_t plus(int64_t sum, int64_t more)
{
    const int64_t limit = INT64_MAX / 2;

    return more > limit - sum ? limit : sum + more;
}

static int64_t larger(int64_t x, int64_t y)
{
    return x > y ? x : y;
}

/* ---- the shopper ---- */

static void note_context(char **kept, const char *seen, struct arena *a)
{
    if (seen != NULL && (*kept == NULL || strcmp(*kept, seen) != 0)) {
        *kept = arena_strdup(a, seen);
    }
}

static void note_presence(struct shopper *s, const struct event *e)
{
    int64_t at = e->occurred_us;

    if (s->events == 0 || at - s->last_us > SESSION_GAP_US) {
        s->sessions++;
    }
    if (s->events == 0 || at < s->first_us) {
        s->first_us = at; /* onto a base, an event may sort before its first */
    }
    s->last_us = larger(s->last_us, at);
    s->events++;
}

static void note_recent(struct shopper *s, const struct event *e, struct arena *a)
{
    if (e->type == EVENT_UNKNOWN || e->type == EVENT_IDENTIFY || e->type == EVENT_ALIAS) {
        return; /* they say who, not what; a tracker repeats them on every page, and they would crowd out the rest */
    }
    if (s->recent_count == RECENT_MAX) {
        memmove(&s->recent[0], &s->recent[1], (RECENT_MAX - 1) * sizeof s->recent[0]);
        s->recent_count--;
    }
    struct recent_event *r = &s->recent[s->recent_count++];
    *r = (struct recent_event){
        .type = e->type, .at_us = e->occurred_us, .price_minor = MONEY_UNKNOWN};
    if (e->item_count > 0) {
        r->product_id = arena_strdup(a, e->items[0].product_id);
        r->price_minor = e->items[0].price_minor;
    }
}

/* ---- consent ---- */

/* What may be forgotten first when a shopper has more channels than we keep: a given one before a
 * withdrawn one, the oldest, and never "all". */
static bool forgotten_before(const struct consent *x, const struct consent *y)
{
    bool x_all = strcmp(x->channel, "all") == 0;
    bool y_all = strcmp(y->channel, "all") == 0;

    if (x_all != y_all) {
        return y_all;
    }
    if (x->given != y->given) {
        return x->given;
    }
    return x->at_us < y->at_us;
}

static void forget_one(struct shopper *s)
{
    size_t victim = 0;

    for (size_t i = 1; i < s->consent_count; i++) {
        if (forgotten_before(&s->consents[i], &s->consents[victim])) {
            victim = i;
        }
    }
    memmove(&s->consents[victim], &s->consents[victim + 1],
            (s->consent_count - victim - 1) * sizeof s->consents[0]);
    s->consent_count--;
}

static void note_consent(struct shopper *s, const struct event *e, struct arena *a)
{
    const char *channel = e->subject == NULL ? "all" : e->subject;
    bool given = e->type == EVENT_CONSENT_GIVEN;
    size_t i = 0;

    while (i < s->consent_count && strcmp(s->consents[i].channel, channel) < 0) {
        i++;
    }
    if (i < s->consent_count && strcmp(s->consents[i].channel, channel) == 0) {
        /* At equal times the later in the order: consent_withdrawn has the higher rank, so it wins. */
        if (e->occurred_us >= s->consents[i].at_us) {
            s->consents[i].given = given;
            s->consents[i].at_us = e->occurred_us;
        }
        return;
    }
    if (s->consent_count == CONSENTS_MAX) {
        forget_one(s);
        i = 0; /* what was dropped may have stood before the place found */
        while (i < s->consent_count && strcmp(s->consents[i].channel, channel) < 0) {
            i++;
        }
    }
    memmove(&s->consents[i + 1], &s->consents[i], (s->consent_count - i) * sizeof s->consents[0]);
    s->consents[i] = (struct consent){
        .channel = arena_strdup(a, channel), .given = given, .at_us = e->occurred_us};
    s->consent_count++;
}

/* ---- orders ---- */

static bool same_order(const struct order_seen *order, const struct event *e)
{
    /* A row with an id and one without are never the same order: a shop names its orders or it does not. */
    if (order->order_id != NULL || e->order_id != NULL) {
        return order->order_id != NULL && e->order_id != NULL &&
               strcmp(order->order_id, e->order_id) == 0;
    }
    return llabs(e->occurred_us - order->at_us) <= ORDER_WINDOW_US;
}

/* ---- the rate ---- */

/* History comes as fast as its file was written, a refund is the shop's doing, and an order of many rows was one press of a
 * button: none of them tells a person from a program. */
static bool counts_for_rate(const struct shopper *s, const struct event *e)
{
    bool doing = e->origin != ORIGIN_IMPORT && e->type != EVENT_REFUND;

    for (size_t i = 0; doing && e->type == EVENT_PURCHASE && i < s->order_count; i++) {
        doing = !same_order(&s->orders[i], e);
    }
    return doing;
}

static void note_rate(struct shopper *s, const struct event *e)
{
    /* Minutes of the clock, not a sliding window: one pair of numbers, and the same in whatever batches the events come. */
    int64_t minute = e->occurred_us - e->occurred_us % MINUTES(1);

    s->bot = s->bot || (e->user_agent != NULL && crawler_agent(e->user_agent));
    if (!counts_for_rate(s, e)) {
        return;
    }
    if (minute != s->minute_us) {
        s->minute_us = minute;
        s->minute_events = 0;
    }
    s->minute_events++;
    s->bot = s->bot || s->minute_events > BOT_EVENTS_PER_MINUTE;
}

/* Puts the order last, as the one seen last; true if this is its first row. */
static bool note_order(struct shopper *s, const struct event *e, struct arena *a)
{
    struct order_seen order = {.at_us = e->occurred_us};
    size_t i = 0;

    while (i < s->order_count && !same_order(&s->orders[i], e)) {
        i++;
    }
    bool first = i == s->order_count;
    if (!first) {
        order.order_id = s->orders[i].order_id;
    } else if (e->order_id != NULL) {
        order.order_id = arena_strdup(a, e->order_id);
    }
    /* The list is in the order in which orders were seen last, so the first one is the longest unseen. */
    if (first && s->order_count == ORDERS_MAX) {
        i = 0;
        s->order_count--;
    } else if (!first) {
        s->order_count--;
    }
    memmove(&s->orders[i], &s->orders[i + 1], (s->order_count - i) * sizeof s->orders[0]);
    s->orders[s->order_count++] = order;
    return first;
}

/* Of those whose price is known. */
static int64_t sum_of(const struct event_item *items, size_t count)
{
    int64_t sum = 0;
    int64_t amount;

    for (size_t i = 0; i < count; i++) {
        if (items[i].price_minor != MONEY_UNKNOWN &&
            money_of_quantity(items[i].price_minor, items[i].quantity_milli, &amount)) {
            sum = plus(sum, amount);
        }
    }
    return sum;
}

static void spend(struct shopper *s, const struct event *e, bool first_row)
{
    for (size_t i = 0; i < e->item_count; i++) {
        s->units_bought = plus(s->units_bought, quantity_units(e->items[i].quantity_milli));
    }
    if (e->amount_minor == MONEY_UNKNOWN) {
        int64_t paid =
            sum_of(e->items, e->item_count) - sum_of(e->adjustments, e->adjustment_count);
        s->spent_minor = plus(s->spent_minor, larger(paid, 0));
    }
    /* total_minor stands for the whole order on each of its rows. */
    if (e->amount_minor != MONEY_UNKNOWN && first_row) {
        s->spent_minor = plus(s->spent_minor, e->amount_minor);
    }
}

static void buy(struct shopper *s, const struct event *e, struct arena *a)
{
    bool first_row = note_order(s, e, a);
    struct cart *named = e->cart_id == NULL ? NULL : carts_find(s, e->cart_id);

    spend(s, e, first_row);
    s->last_order_us = larger(s->last_order_us, e->occurred_us);
    if (!first_row) {
        return; /* a cart filled between two rows of one order is a new one, and stays open */
    }
    s->orders_total++;
    for (size_t i = 0; i < s->cart_count; i++) {
        struct cart *c = &s->carts[i];
        if (c->status == CART_OPEN && (named == NULL || named == c)) {
            cart_close(c, CART_BOUGHT, e);
        }
    }
}

/* ---- carts ---- */

/* Number of a checkout step: as sent, or where the shop names it. 1 for a name nobody knows. */
static int64_t step_number(const char *step)
{
    static const struct {
        const char *name;
        int64_t number;
    } names[] = {
        {"contact", 1}, {"information", 1}, {"address", 1}, {"shipping", 2}, {"delivery", 2},
        {"payment", 3}, {"billing", 3},     {"review", 4},  {"confirm", 4},
    };

    if (step == NULL) {
        return 1;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        /* by how it begins: "shipping_method", "paymentInfo" */
        if (strncasecmp(step, names[i].name, strlen(names[i].name)) == 0) {
            return names[i].number;
        }
    }
    long long number = strtoll(step, NULL, 10);
    return number < 1 ? 1 : number > 99 ? 99 : number;
}

static void note_page(struct cart_signals *n, const char *page)
{
    switch (page_concern(page)) {
    case PAGE_RETURNS:
        n->pages_returns++;
        break;
    case PAGE_SHIPPING:
        n->pages_shipping++;
        break;
    case PAGE_SIZE:
        n->pages_size++;
        break;
    case PAGE_REVIEWS:
        n->pages_reviews++;
        break;
    case PAGE_OTHER:
        break;
    }
}

/* What the event tells about the round of an open cart. */
static void note_signals(struct cart *c, const struct event *e)
{
    struct cart_signals *n = &c->signals;
    int64_t at = e->occurred_us;

    n->events++;
    switch ((int)e->type) {
    case EVENT_PRODUCT_VIEWED:
        n->views++;
        n->line_views += e->item_count > 0 && cart_has(c, e->items[0].product_id);
        break;
    case EVENT_SEARCHED:
        n->searches++;
        break;
    case EVENT_PAGE_VIEWED:
        note_page(n, e->subject);
        break;
    case EVENT_CART_ITEM_ADDED:
        n->adds++;
        break;
    case EVENT_CART_ITEM_REMOVED:
        n->removes++;
        break;
    case EVENT_CHECKOUT_STARTED:
        n->checkout_started_us = at; /* of the newest try; the step stays the highest of all */
        n->checkout_step = larger(n->checkout_step, 1);
        break;
    case EVENT_CHECKOUT_STEP:
        n->checkout_step = larger(n->checkout_step, step_number(e->subject));
        break;
    case EVENT_SHIPPING_SHOWN:
        n->shipping_shown_us = at;
        n->shipping_minor = e->amount_minor;
        break;
    case EVENT_PAYMENT_INFO:
        n->payment_info_us = at;
        break;
    case EVENT_PAYMENT_FAILED:
        n->payment_failed_us = at;
        break;
    case EVENT_COUPON_ENTERED:
        n->coupon_entered_us = at;
        break;
    case EVENT_COUPON_APPLIED:
        n->coupon_applied_us = at;
        break;
    case EVENT_COUPON_DENIED:
        n->coupon_denied_us = at;
        break;
    default:
        break;
    }
}

static void change_lines(struct shopper *s, const struct event *e, const char *side,
                         struct arena *a)
{
    /* Both tell the whole cart. A checkout without items says nothing about them, an empty snapshot that there are none. */
    bool replaces = e->type == EVENT_CART_SNAPSHOT || e->type == EVENT_CHECKOUT_STARTED;

    if (e->type == EVENT_CART_ITEM_ADDED && e->item_count == 0) {
        struct cart *c = carts_of_event(s, e, side);
        if (c != NULL && c->status == CART_OPEN) { /* a discount alone opens no cart */
            cart_add(c, e, a);
        }
    } else if (e->type == EVENT_CART_ITEM_ADDED) {
        cart_add(carts_for_items(s, e, side, a), e, a);
    } else if (replaces && e->item_count > 0) {
        cart_replace(carts_for_items(s, e, side, a), e, a);
    } else if (e->type == EVENT_CART_ITEM_REMOVED || e->type == EVENT_CART_SNAPSHOT) {
        struct cart *c = carts_of_event(s, e, side);
        if (c == NULL || c->status != CART_OPEN) {
            return;
        }
        if (e->type == EVENT_CART_SNAPSHOT) {
            cart_close(c, CART_EMPTIED, e);
        } else {
            cart_remove(c, e);
        }
    }
}

static void note_release(struct shopper *s, const struct event *e)
{
    struct cart *c = carts_find(s, e->cart_id);

    assert(e->step >= 1 && e->step <= STEPS_MAX);
    /* Not by the round it names: a refold may have numbered rounds anew, and what counts is that these lines had a message. */
    if (c != NULL) {
        c->released[e->step - 1] = e->occurred_us;
    }
}

void shopper_event(struct shopper *s, const struct event *e, struct arena *a)
{
    if (e->type == EVENT_DERIVED_OUTREACH_RELEASED) {
        note_release(s, e);
        return;
    }
    note_presence(s, e);
    note_rate(s, e);
    note_recent(s, e, a);
    note_context(&s->locale, e->locale, a);
    note_context(&s->timezone, e->timezone, a);
    note_context(&s->device, e->device, a);
    note_context(&s->channel, e->channel, a);
    note_context(&s->campaign, e->campaign, a);
    s->views += e->type == EVENT_PRODUCT_VIEWED;
    s->refunds += e->type == EVENT_REFUND;

    if (e->type == EVENT_CONSENT_GIVEN || e->type == EVENT_CONSENT_WITHDRAWN) {
        note_consent(s, e, a);
    } else if (e->type == EVENT_PURCHASE) {
        buy(s, e, a);
    } else if (e->type == EVENT_IDENTIFY || e->type == EVENT_ALIAS) {
        if (e->via ==
            NULL) { /* a forwarded one tells of somebody else's login on the same browser */
            identity_join(s, e, a);
        }
        return;
    }
    /* Lines first: a view of what was just added counts as one of the cart's own, and a purchase has closed it by now. */
    const char *side = identity_side(s, e);
    change_lines(s, e, side, a);
    struct cart *c = carts_of_event(s, e, side);
    if (c != NULL && c->status == CART_OPEN) {
        note_signals(c, e);
    }
}
