#include "bench/consume_log.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "base/rng.h"
#include "store/events.h"

#include <math.h>
#include <stdio.h>

enum { PRODUCTS = 5000, BATCH = 2000, BODY_MAX = 4096, DAY_S = 86400 };

static const struct {
    const char *type;
    double share;
    bool items;
} mix[] = {
    {"product_viewed", 0.62, true},    {"list_viewed", 0.08, false},
    {"searched", 0.07, false},         {"cart_item_added", 0.11, true},
    {"cart_item_removed", 0.02, true}, {"checkout_started", 0.03, false},
    {"shipping_shown", 0.02, false},   {"payment_info", 0.01, false},
    {"purchase", 0.02, true},          {"page_viewed", 0.02, false},
};
enum { MIX = sizeof mix / sizeof *mix };

/* Rank from 0, the smaller the more often: about Zipf with exponent 1. */
static uint64_t zipf(struct rng *r, uint64_t n)
{
    double rank = pow((double)n + 1, rng_unit(r)) - 1;

    return rank < (double)n ? (uint64_t)rank : n - 1;
}

static size_t pick_type(struct rng *r)
{
    double at = rng_unit(r);
    size_t i = 0;

    while (i + 1 < MIX && at >= mix[i].share) {
        at -= mix[i++].share;
    }
    return i;
}

static void write_item(struct jenc *j, struct rng *r)
{
    char product[32];
    uint64_t rank = zipf(r, PRODUCTS);

    (void)snprintf(product, sizeof product, "product-%05d", (int)rank);
    jenc_array(j, "items");
    jenc_object(j, NULL);
    jenc_str(j, "product_id", product);
    jenc_i64(j, "quantity", 1 + (int64_t)rng_below(r, 2));
    jenc_i64(j, "price_minor", 500 + (int64_t)(rank * 37 % 20000));
    jenc_str(j, "currency", "EUR");
    jenc_object_end(j);
    jenc_array_end(j);
}

static void write_context(struct jenc *j, int64_t shopper)
{
    static const char *const devices[] = {"mobile", "desktop", "tablet"};

    jenc_object(j, "context");
    jenc_str(j, "locale", shopper % 3 == 0 ? "de-DE" : "en-GB");
    jenc_str(j, "timezone", "Europe/Berlin");
    jenc_str(j, "device", devices[shopper % 3]);
    jenc_str(j, "channel", "web");
    jenc_object_end(j);
}

/* One of fifty events of the anonymous fifth is the login of its shopper. */
static struct event_row an_event(struct rng *r, int64_t number, int64_t shoppers, int64_t at_us,
                                 struct arena *a)
{
    CLEANUP(buf_free) struct buf body = buf_make(BODY_MAX);
    struct jenc j = jenc_begin(&body);
    int64_t shopper = (int64_t)(rng_below(r, 3) == 0 ? zipf(r, (uint64_t)shoppers)
                                                     : rng_below(r, (uint64_t)shoppers));
    bool anonymous = shopper % 5 == 0;
    bool login = anonymous && rng_below(r, 50) == 0;
    size_t kind = pick_type(r);
    const char *type = login ? "identify" : mix[kind].type;
    const char *id =
        arena_printf(a, "%s-%lld", anonymous ? "browser" : "customer", (long long)shopper);
    const char *event_id = arena_printf(a, "event-%08lld", (long long)number);

    jenc_object(&j, NULL);
    jenc_str(&j, "event_id", event_id);
    jenc_str(&j, "type", type);
    jenc_str(&j, anonymous ? "anonymous_id" : "customer_id", id);
    if (login) {
        jenc_str(&j, "customer_id", arena_printf(a, "customer-%lld", (long long)shopper));
    }
    jenc_time(&j, "occurred_at", at_us);
    if (!login && mix[kind].items) {
        write_item(&j, r);
    }
    write_context(&j, shopper);
    jenc_object_end(&j);
    return (struct event_row){
        .event_id = event_id,
        .key = login ? arena_printf(a, "c:customer-%lld", (long long)shopper)
                     : arena_printf(a, "%s:%s", anonymous ? "a" : "c", id),
        .type = type,
        .occurred_us = at_us,
        .body = arena_strdup(a, buf_text(&body)),
    };
}

bool consume_log_write(struct db *db, const struct consume_log *log, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct rng r = rng_seed(log->seed);
    int64_t end_us = clock_now_us();
    int64_t step_us = SECONDS(DAY_S) / (log->events + 1);

    for (int64_t done = 0; done < log->events;) {
        int64_t left = log->events - done;
        size_t n = left < BATCH ? (size_t)left : BATCH;
        arena_reset(&a);
        struct event_row *rows = arena_array(&a, n, sizeof *rows);
        enum append_status *status = arena_array(&a, n, sizeof *status);
        for (size_t i = 0; i < n; i++, done++) {
            int64_t at_us = end_us - (log->events - done) * step_us;
            rows[i] = an_event(&r, done, log->shoppers, at_us, &a);
        }
        if (!store_events_append(db, rows, n, ORIGIN_API, end_us, status, err)) {
            return false;
        }
    }
    return true;
}
