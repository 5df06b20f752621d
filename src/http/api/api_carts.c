/* GET /v1/carts: pages of carts by computed state; and what is known of one customer. */
#include "base/cleanup.h"
#include "base/jenc.h"
#include "domain/shop/money.h"
#include "domain/shop/product.h"
#include "domain/shopper/shopper.h"
#include "http/api/router.h"
#include "http/wire/respond.h"
#include "outreach/customer.h"
#include "outreach/listed.h"
#include "store/shoppers.h"

#include <math.h>
#include <string.h>

enum { PAGE_DEFAULT = 50, PAGE_MAX = 500 };

/* States that can be asked for, and their names in the query. */
static const enum cart_state state_of[] = {STATE_ACTIVE,  STATE_IDLE,   STATE_ABANDONED,
                                           STATE_EXPIRED, STATE_BOUGHT, STATE_EMPTIED,
                                           STATE_MERGED};
static const char *const state_names[] = {"active", "idle",    "abandoned", "expired",
                                          "bought", "emptied", "merged"};
enum { STATES = sizeof state_names / sizeof *state_names };

static const enum cart_order order_of[] = {CARTS_BY_SEEN, CARTS_BY_RISK};
static const char *const order_names[] = {"seen", "risk"};
enum { ORDERS = sizeof order_names / sizeof *order_names };

/* The bounds on seen_at between which cart_state says this. */
static void bound(struct cart_filter *f, enum cart_state state, const struct cart_clock *clock,
                  int64_t now_us)
{
    /* + 1, since cart_state turns at exactly the limit and the bounds are from (inclusive) and
     * until (exclusive): what the query finds and what cart_state says of it must agree. */
    int64_t idle = now_us - clock->idle_after_us + 1;
    int64_t abandoned = now_us - clock->abandoned_after_us + 1;
    int64_t expired = now_us - clock->expired_after_us + 1;

    f->status = cart_status_name(state == STATE_BOUGHT    ? CART_BOUGHT
                                 : state == STATE_EMPTIED ? CART_EMPTIED
                                 : state == STATE_MERGED  ? CART_MERGED
                                                          : CART_OPEN);
    if (state == STATE_ACTIVE) {
        f->seen_from_us = idle;
    } else if (state == STATE_IDLE) {
        f->seen_from_us = abandoned;
        f->seen_until_us = idle;
    } else if (state == STATE_ABANDONED) {
        f->seen_from_us = expired;
        f->seen_until_us = abandoned;
    } else if (state == STATE_EXPIRED) {
        f->seen_until_us = expired;
    }
}

/* Carts that can still be lost. One that was closed keeps the score it had, which says nothing any more; one that has
 * expired is lost, with the highest score of all, and would stand before every other. */
static void bound_at_risk(struct cart_filter *f, const struct cart_clock *clock, int64_t now_us)
{
    bound(f, STATE_EXPIRED, clock, now_us);
    f->seen_from_us = f->seen_until_us;
    f->seen_until_us = INT64_MAX;
}

/* Index into state_names; -1: all. A form with nothing chosen sends "state=". */
CAN_FAIL static bool read_state(const struct request *rq, int *out, struct err *err)
{
    const char *text = request_param(rq, "state");

    if (text == NULL || text[0] == '\0') {
        *out = -1;
        return true;
    }
    return request_param_enum(rq, "state", state_names, STATES, out, err);
}

CAN_FAIL static bool read_filter(struct request *rq, const struct cart_clock *clock,
                                 struct cart_filter *out, struct err *err)
{
    struct cart_filter f = {.seen_from_us = INT64_MIN,
                            .seen_until_us = INT64_MAX,
                            .cursor = request_param(rq, "cursor")};
    int state = -1;
    int order = -1;
    int64_t limit = 0;

    if (!read_state(rq, &state, err) ||
        !request_param_enum(rq, "order", order_names, ORDERS, &order, err) ||
        !request_param_i64(rq, "limit", 1, PAGE_MAX, PAGE_DEFAULT, &limit, err)) {
        return false;
    }
    f.order = order >= 0 ? order_of[order] : CARTS_BY_SEEN;
    /* would be answered with no cart, and look as if there were none */
    if (f.order == CARTS_BY_RISK && state >= 0 &&
        (state_of[state] == STATE_BOUGHT || state_of[state] == STATE_EMPTIED ||
         state_of[state] == STATE_MERGED)) {
        return FAIL_AT(
            err, ERR_INVALID, "order",
            "risk is known of open carts only, and none with state=%s is: leave order away",
            state_names[state]);
    }
    if (state >= 0) {
        bound(&f, state_of[state], clock, rq->received_us);
    } else if (f.order == CARTS_BY_RISK) {
        bound_at_risk(&f, clock, rq->received_us);
    }
    f.limit = (int)limit;
    *out = f;
    return true;
}

static enum cart_status status_of(const char *name)
{
    static const enum cart_status all[] = {CART_OPEN, CART_BOUGHT, CART_EMPTIED, CART_MERGED};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(cart_status_name(all[i]), name) == 0) {
            return all[i];
        }
    }
    return CART_OPEN;
}

static void write_cart(struct jenc *j, const struct cart_row *row, const struct cart_clock *clock,
                       int64_t now_us)
{
    struct cart cart = {.status = status_of(row->status), .changed_us = row->changed_us};
    bool customer = strncmp(row->key, "c:", 2) == 0;

    jenc_object(j, NULL);
    jenc_str(j, "cart_id", row->cart_id);
    /* keys are c:CUSTOMER or a:ANONYMOUS; the prefix is ours */
    jenc_str(j, customer ? "customer_id" : "anonymous_id", row->key + 2);
    jenc_i64(j, "round", row->round);
    /* Computed when asked: nothing happens to a cart that becomes idle, so a stored state would
     * stay as it was. */
    jenc_str(j, "state", cart_state_name(cart_state(&cart, row->seen_us, clock, now_us)));
    jenc_i64(j, "lines", row->lines);
    jenc_i64(j, "units", row->units);
    /* unknown where a price is missing or currencies differ; 0 would be an amount */
    if (row->total_minor != INT64_MIN) {
        jenc_i64(j, "total_minor", row->total_minor);
    } else {
        jenc_null(j, "total_minor");
    }
    jenc_str(j, "currency", row->currency);
    jenc_time(j, "opened_at", row->opened_us);
    jenc_time(j, "changed_at", row->changed_us);
    jenc_time(j, "seen_at", row->seen_us);
    jenc_i64(j, "contacted", row->contacted);
    jenc_bool(j, "bot", row->bot);
    jenc_bool(j, "imported", row->imported);
    jenc_f64(j, "risk", row->risk); /* null: never scored */
    jenc_str(j, "risk_model", row->risk_model);
    if (isnan(row->risk)) {
        jenc_null(j, "scored_at");
    } else {
        jenc_time(j, "scored_at", row->scored_us);
    }
    jenc_object_end(j);
}

CAN_FAIL bool api_carts_list(struct request *rq, struct err *err)
{
    CLEANUP(pool_return) struct lease lease = {.pool = rq->app->pool};
    struct cart_clock clock = cart_clock_of(rq->app->config);
    struct cart_filter filter;
    struct cart_row *rows = NULL;
    size_t count = 0;
    const char *next = NULL;

    if (!read_filter(rq, &clock, &filter, err) || !pool_lease(rq->app->pool, &lease, err) ||
        !carts_listed(lease.db, &filter, &rq->arena, &rows, &count, &next, err)) {
        return false;
    }
    struct buf body = buf_make(ANSWER_MAX);
    struct jenc j = jenc_begin(&body);
    jenc_object(&j, NULL);
    jenc_array(&j, "data");
    for (size_t i = 0; i < count; i++) {
        /* the moment of the filter, or a page of idle carts could show an abandoned one */
        write_cart(&j, &rows[i], &clock, rq->received_us);
    }
    jenc_array_end(&j);
    jenc_str(&j, "next_cursor", next);
    jenc_object_end(&j);
    answer_json(rq, 200, &body);
    return true;
}

/* Takes the body over, which was read and is of somebody known, or is nothing to answer with. */
CAN_FAIL static bool answer_customer(struct request *rq, bool read, bool found, struct buf *body,
                                     struct err *err)
{
    if (read && found) {
        answer_json(rq, 200, body);
        return true;
    }
    buf_free(body);
    return read ? FAIL(err, ERR_NOT_FOUND, "no event of this customer was ever seen") : false;
}

CAN_FAIL bool api_customer_get(struct request *rq, struct err *err)
{
    const struct app *app = rq->app;
    struct buf body = buf_make(ANSWER_MAX);
    bool found = false;

    bool read = customer_read(&app->outreach, rq->id, &rq->arena, &body, &found, err);
    return answer_customer(rq, read, found, &body, err);
}

/* A category is compared without regard to the case of ASCII; a price band holds for products with a known price. */
static bool read_wish(const struct request *rq, struct pick_wish *out, struct err *err)
{
    enum { K_DEFAULT = 10 };
    struct pick_wish w = {.category = request_param(rq, "category")};
    int64_t k = 0;

    if (!request_param_i64(rq, "k", 1, PICKS_MAX, K_DEFAULT, &k, err) ||
        !request_param_i64(rq, "price_min", 0, MONEY_MINOR_MAX, 0, &w.price_min, err) ||
        !request_param_i64(rq, "price_max", 0, MONEY_MINOR_MAX, MONEY_MINOR_MAX, &w.price_max,
                           err)) {
        return false;
    }
    if (w.category != NULL &&
        (w.category[0] == '\0' || strlen(w.category) > PRODUCT_CATEGORY_MAX)) {
        return FAIL(err, ERR_INVALID, "category must have 1 to %d bytes", PRODUCT_CATEGORY_MAX);
    }
    /* an empty band would be answered with no product, and look like a catalogue without any */
    if (w.price_min > w.price_max) {
        return FAIL(err, ERR_INVALID, "price_min must not be above price_max");
    }
    w.k = (int)k;
    /* a product without a known price is left out only where a price was asked for */
    w.priced = request_param(rq, "price_min") != NULL || request_param(rq, "price_max") != NULL;
    *out = w;
    return true;
}

CAN_FAIL bool api_customer_recommendations(struct request *rq, struct err *err)
{
    const struct app *app = rq->app;
    struct pick_wish wish;
    bool found = false;

    if (!read_wish(rq, &wish, err)) {
        return false;
    }
    struct buf body = buf_make(ANSWER_MAX);
    bool read =
        customer_recommendations(&app->outreach, rq->id, &wish, &rq->arena, &body, &found, err);
    return answer_customer(rq, read, found, &body, err);
}
