/* What one event does to a shopper. Order, lateness and bindings were settled before it comes here. */
#include "domain/shopper/shopper_event.h"

#include "base/clock.h"
#include "domain/shop/money.h"
#include "domain/shopper/cart.h"
#include "domain/shopper/crawler.h"
#include "domain/shopper/page_concern.h"
#include "domain/shopper/shopper_cancel.h"
#include "domain/shopper/shopper_carts.h"
#include "domain/shopper/shopper_identity.h"
#include "domain/shopper/shopper_orders.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

    if (s->events == 0 || at < s->first_us) {
        s->first_us = at; /* onto a base, an event may sort before its first */
    }
    s->events++;
    /* The idle time is how long the shopper has done nothing, whatever the shop does meanwhile. */
    if (event_is_own_doing(e->type)) {
        s->sessions += s->sessions == 0 || at - s->last_us > SESSION_GAP_US;
        s->last_us = larger(s->last_us, at);
    }
}

static bool says_who(const struct event *e)
{
    return e->type == EVENT_IDENTIFY || e->type == EVENT_ALIAS || e->type == EVENT_LOGGED_OUT;
}

static void note_recent(struct shopper *s, const struct event *e, struct arena *a)
{
    if (e->type == EVENT_UNKNOWN || says_who(e)) {
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

static char all_channels[] = "all";

/* What may be forgotten first when a shopper has more channels than we keep: a given one before a
 * withdrawn one, the oldest, and never "all", which a forgotten withdrawal becomes. */
static bool forgotten_before(const struct consent *x, const struct consent *y)
{
    bool x_all = strcmp(x->channel, all_channels) == 0;
    bool y_all = strcmp(y->channel, all_channels) == 0;

    if (x_all != y_all) {
        return y_all;
    }
    if (x->given != y->given) {
        return x->given;
    }
    return x->at_us < y->at_us;
}

static size_t consent_index(const struct shopper *s, const char *channel, bool *out_found)
{
    size_t i = 0;

    while (i < s->consent_count && strcmp(s->consents[i].channel, channel) < 0) {
        i++;
    }
    *out_found = i < s->consent_count && strcmp(s->consents[i].channel, channel) == 0;
    return i;
}

static struct consent forget_one(struct shopper *s)
{
    size_t victim = 0;

    for (size_t i = 1; i < s->consent_count; i++) {
        if (forgotten_before(&s->consents[i], &s->consents[victim])) {
            victim = i;
        }
    }
    const struct consent forgotten = s->consents[victim];
    memmove(&s->consents[victim], &s->consents[victim + 1],
            (s->consent_count - victim - 1) * sizeof s->consents[0]);
    s->consent_count--;
    return forgotten;
}

static void put_consent(struct shopper *s, struct consent consent)
{
    bool found;
    size_t i = consent_index(s, consent.channel, &found);

    if (found) {
        const bool later = consent.at_us > s->consents[i].at_us;
        /* of a moment that has both the no counts, whatever told it */
        if (later ||
            (consent.at_us == s->consents[i].at_us && (!consent.given || s->consents[i].given))) {
            s->consents[i].given = consent.given;
            s->consents[i].at_us = consent.at_us;
            s->consents[i].cart_id =
                consent.cart_id != NULL ? consent.cart_id : s->consents[i].cart_id;
        }
        return;
    }
    while (s->consent_count == CONSENTS_MAX) {
        const struct consent forgotten = forget_one(s);
        if (!forgotten
                 .given) { /* it must not be forgotten that something was withdrawn: it is for all then; once, "all" is kept */
            put_consent(s, (struct consent){.channel = all_channels, .at_us = forgotten.at_us});
        }
    }
    i = consent_index(s, consent.channel,
                      &found); /* what was dropped may have stood before the place found */
    memmove(&s->consents[i + 1], &s->consents[i], (s->consent_count - i) * sizeof s->consents[0]);
    s->consents[i] = consent;
    s->consent_count++;
}

/* Who may have been anybody can say no for the shopper; yes says the shopper alone. */
static void note_consent(struct shopper *s, const struct event *e, struct arena *a)
{
    if (e->type == EVENT_CONSENT_GIVEN && !identity_is_own_word(s, e)) {
        return;
    }
    put_consent(s, (struct consent){.channel = e->subject == NULL ? all_channels
                                                                  : arena_strdup(a, e->subject),
                                    .given = e->type == EVENT_CONSENT_GIVEN,
                                    .at_us = e->occurred_us,
                                    .cart_id = !event_withdraws(e) || e->cart_id == NULL
                                                   ? NULL
                                                   : arena_strdup(a, e->cart_id)});
}

/* ---- the rate ---- */

/* History comes as fast as its file was written, the shop's doings are not the shopper's, and an order of many rows was one
 * press of a button: none of them tells a person from a program. */
static bool counts_for_rate(const struct shopper *s, const struct event *e)
{
    return e->origin != ORIGIN_IMPORT && event_is_own_doing(e->type) &&
           !(e->type == EVENT_PURCHASE && orders_know(s, e));
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

/* The shop's hook fires once more after the order, with the lines that were just bought: that begins nothing. */
static void replace_lines(struct shopper *s, const struct event *e, const char *side,
                          struct arena *a)
{
    const struct event still = orders_without_echo(s, carts_of_event(s, e, side), e, a);

    if (still.item_count > 0) {
        cart_replace(carts_for_items(s, &still, side, a), &still, a);
    }
}

/* A removal, or a snapshot of nothing. */
static void take_out_lines(struct shopper *s, const struct event *e, const char *side)
{
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

/* Items are added, or told as all of the cart's. */
static void bring_lines(struct shopper *s, const struct event *e, const char *side, struct arena *a)
{
    struct order_seen *order = orders_dated_before(s, e);

    if (order == NULL && (orders_foretold(s, e) || orders_have_taken(s, e))) {
        return;
    }
    if (e->type == EVENT_CART_ITEM_ADDED) {
        cart_add(carts_for_items(s, e, side, a), e, a);
    } else {
        replace_lines(s, e, side, a);
    }
    struct cart *c = order == NULL ? NULL : carts_of_event(s, e, side);
    if (c != NULL && c->status == CART_OPEN) {
        orders_take_cart(s, order, c, e, a);
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
    } else if (e->type == EVENT_CART_ITEM_ADDED || (replaces && e->item_count > 0)) {
        bring_lines(s, e, side, a);
    } else if (e->type == EVENT_CART_ITEM_REMOVED || e->type == EVENT_CART_SNAPSHOT) {
        take_out_lines(s, e, side);
    }
}

static void note_release(struct shopper *s, const struct event *e)
{
    struct cart *c = carts_find(s, e->cart_id);

    s->contacted_us = larger(s->contacted_us, e->occurred_us);
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
    if (e->type == EVENT_DERIVED_SHOPPER_NAMED) {
        identity_join(s, e, a);
        return; /* nobody did anything */
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

    if (identity_names(s, e)) {
        /* before it does anything to the carts: it does it to the joined one */
        identity_join(s, e, a);
    }
    if (e->type == EVENT_LOGGED_OUT) {
        identity_leave(s, e);
    }
    if (event_says_consent(e)) {
        note_consent(s, e, a); /* which may be said beside something else */
    }
    if (e->type == EVENT_PURCHASE) {
        orders_buy(s, e, a);
    } else if (e->type == EVENT_ORDER_CANCELLED || e->type == EVENT_PAYMENT_FAILED) {
        orders_cancel(s, e, a);
    } else if (says_who(e)) {
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
