/* What is known about one shopper, for GET /v1/customers/{id} and its recommendations. Reads only.
 */
#include "outreach/customer.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/stop.h"
#include "eventlog/view.h"
#include "outreach/answer.h"
#include "outreach/decide.h"
#include "outreach/gather.h"
#include "outreach/ordered.h"

#include <math.h>
#include <string.h>

/* The customer of that id; where no such customer is known, the anonymous shopper of that id, or
 * whoever that one turned out to be. Neither known: the customer's empty view. */
static bool read_shopper(struct db *db, const char *id, struct arena *a, struct view *out,
                         struct err *err)
{
    const struct view_ask anonymous = {.key = arena_printf(a, "a:%s", id), .until_us = INT64_MAX};
    struct view v;
    struct view found = {0};

    if (!view_read(db, arena_printf(a, "c:%s", id), INT64_MAX, a, &v, err) ||
        (!v.known && !view_find(db, &anonymous, a, &found, err))) {
        return false;
    }
    /* A customer's id wins over a browser's of the same text: shops that hand out both from one
     * counter mean the customer. */
    *out = found.key != NULL ? found : v;
    return true;
}

/* Whether the log already says whose browser this is, and the fold does not yet. Who is a customer is known by the first event that names it. */
static bool read_pending(struct db *db, const char *id, const struct view *v, struct arena *a,
                         struct joins_pending *out, struct err *err)
{
    const char *key = arena_printf(a, "a:%s", id);
    const struct joins joins = {.lane = event_lane(key),
                                .key = key,
                                .last_off = v->known ? v->last_off : 0,
                                .news = view_has_news(v)};

    *out = (struct joins_pending){0};
    return (v->known && v->key[0] == 'c') || store_joins_pending(db, &joins, a, out, err);
}

/* As outreach does, waits for the fold where an event of a moment ago says who an anonymous shopper is: nobody is unknown who was just
 * acknowledged. The lease is given back meanwhile, and held at the end. */
static bool read_joined(const struct outreach_means *m, const char *id, struct arena *a,
                        struct lease *lease, struct view *out, struct err *err)
{
    const int64_t until_us =
        clock_monotonic_us() + m->config->database_wait + m->config->database_timeout;

    for (;;) {
        struct joins_pending pending;
        if (!pool_lease(m->pool, lease, err) || !read_shopper(lease->db, id, a, out, err) ||
            !read_pending(lease->db, id, out, a, &pending, err)) {
            return false;
        }
        if (!pending.any && !pending.moved) {
            return true;
        }
        pool_return(lease);
        if (clock_monotonic_us() >= until_us || stop_wait_us(OUTREACH_PENDING_WAIT_US)) {
            return FAIL(err, ERR_BUSY, OUTREACH_PENDING_TEXT);
        }
    }
}

static void put_identity(struct jenc *j, const struct view *v)
{
    bool customer = v->key[0] == 'c';

    jenc_str(j, customer ? "customer_id" : "anonymous_id", v->key + 2);
    jenc_str(j, "identity", customer ? "customer" : "anonymous");
}

static void put_consents(struct jenc *j, const struct shopper *s)
{
    jenc_array(j, "consent");
    for (size_t i = 0; i < s->consent_count; i++) {
        jenc_object(j, NULL);
        jenc_str(j, "channel", s->consents[i].channel);
        jenc_str(j, "status", s->consents[i].given ? "given" : "withdrawn");
        jenc_time(j, "at", s->consents[i].at_us);
        jenc_object_end(j);
    }
    jenc_array_end(j);
}

static void put_history(struct jenc *j, const struct shopper *s)
{
    jenc_object(j, "history");
    jenc_time(j, "first_seen_at", s->first_us);
    if (s->last_us != 0) { /* 0: nothing yet that was the shopper's own doing */
        jenc_time(j, "last_seen_at", s->last_us);
    }
    jenc_i64(j, "events", s->events);
    jenc_i64(j, "views", s->views);
    jenc_i64(j, "sessions", s->sessions);
    jenc_i64(j, "orders", s->orders_total);
    if (s->last_order_us != 0) {
        jenc_time(j, "last_order_at", s->last_order_us);
    }
    jenc_bool(j, "bot", s->bot);
    jenc_object_end(j);
}

/* The cart that is shown; NULL: none is open. */
static bool cart_to_show(struct db *db, const struct view *v, struct arena *a,
                         const struct cart **out, struct err *err)
{
    const struct cart *cart = shopper_open_cart(v->shopper);
    bool ordered = false;

    if (cart != NULL) {
        const struct cart_row row = {.lane = v->lane,
                                     .key = v->key,
                                     .cart_id = cart->id,
                                     .status = cart_status_name(cart->status),
                                     .changed_us = cart->changed_us};
        if (!outreach_ordered(db, &row, 1, a, &ordered, err)) {
            return false;
        }
    }
    *out = ordered ? NULL : cart;
    return true;
}

bool customer_read(const struct outreach_means *m, const char *customer_id, struct arena *a,
                   struct buf *out, bool *out_found, struct err *err)
{
    CLEANUP(pool_return) struct lease lease = {.pool = m->pool};
    CLEANUP(live_use_end) struct live_use use = live_use(m->live);
    const struct cart_clock clock = cart_clock_of(m->config);
    struct view v;
    struct product *products;
    const struct cart *cart;
    int64_t now_us = clock_now_us();

    if (!read_joined(m, customer_id, a, &lease, &v, err)) {
        return false;
    }
    *out_found = v.known;
    if (!v.known) {
        return true;
    }
    if (!cart_to_show(lease.db, &v, a, &cart, err) ||
        !cart_products_read(lease.db, cart, a, &products, err)) {
        return false;
    }
    pool_return(&lease); /* what is left is reckoning: somebody else may read meanwhile */
    const struct score_terms terms = outreach_score_terms(m->config);
    struct answer_score score = {.model = use.set->risk};
    if (cart != NULL && use.set->risk != NULL) {
        score = answer_score_of(use.set->risk, v.shopper, cart, now_us, &use.set->context, &terms,
                                arena_alloc(a, sizeof(struct features)));
    }
    const struct message_reader reader = answer_reader(m->config, v.shopper);
    struct jenc j = jenc_begin(out);
    jenc_object(&j, NULL);
    put_identity(&j, &v);
    if (v.unread) {
        jenc_bool(&j, "unread", true);
    }
    answer_cart(&j, cart, v.shopper, products, &clock, now_us);
    answer_risk(&j, &score, &reader);
    put_consents(&j, v.shopper);
    put_history(&j, v.shopper);
    jenc_time(&j, "at", now_us);
    jenc_object_end(&j);
    return true;
}

bool customer_recommendations(const struct outreach_means *m, const char *customer_id,
                              const struct pick_wish *wish, struct arena *a, struct buf *out,
                              bool *out_found, struct err *err)
{
    if (!live_meet(m->live, m->pool, err)) {
        return false;
    }
    CLEANUP(pool_return) struct lease lease = {.pool = m->pool};
    CLEANUP(live_use_end) struct live_use use = live_use(m->live);
    struct picks_wanted want = {.model = use.set->affinity, .wish = *wish};
    struct shown_picks shown;
    struct view v;

    if (!read_joined(m, customer_id, a, &lease, &v, err)) {
        return false;
    }
    /* What the caller wished for stays; who, when and what is in stock is for here to say. */
    want.wish.shopper = v.shopper;
    want.wish.now_us = clock_now_us();
    want.wish.shelf = use.set->shelf;
    picks_wish_of_shop(m->config, &want.wish);
    if (!picks_show(lease.db, &want, a, &shown, err)) {
        return false;
    }
    *out_found = true; /* a shopper never seen gets the popular products, and the answer says so */
    const struct message_reader reader = answer_reader(m->config, v.shopper);
    struct jenc j = jenc_begin(out);
    jenc_object(&j, NULL);
    put_identity(&j, &v);
    jenc_bool(&j, "known", v.known);
    answer_picks(&j, use.set->affinity, &shown, &reader);
    jenc_object_end(&j);
    return true;
}
