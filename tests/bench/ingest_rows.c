/* A shop's ordinary events: about 330 bytes each, 5,000 shoppers, so that batches spread over all
 * lanes. */
#include "bench/ingest_rows.h"

#include "base/clock.h"
#include "base/jenc.h"
#include "base/mem.h"
#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>

enum { SHOPPERS = 5000, PRODUCTS = 20000, BODY_MAX = 1 << 20, SEED = 1 };

static void put_item(struct jenc *j, struct rng *rng)
{
    char id[32];

    (void)snprintf(id, sizeof id, "sku-%05d", (int)rng_below(rng, PRODUCTS));
    jenc_array(j, "items");
    jenc_object(j, NULL);
    jenc_str(j, "product_id", id);
    jenc_i64(j, "quantity", 1 + (int64_t)rng_below(rng, 3));
    jenc_i64(j, "price_minor", 199 + (int64_t)rng_below(rng, 20000));
    jenc_str(j, "currency", "EUR");
    jenc_object_end(j);
    jenc_array_end(j);
}

static void put_event(struct jenc *j, struct rng *rng, size_t number, int64_t now_us)
{
    static const char *const types[] = {"product_viewed",  "product_viewed", "product_viewed",
                                        "cart_item_added", "list_viewed",    "cart_item_removed"};
    char id[64];
    char shopper[32];
    char session[40];

    (void)snprintf(id, sizeof id, "evt-%08zu-%016llx", number, (unsigned long long)rng_u64(rng));
    (void)snprintf(shopper, sizeof shopper, "customer-%04d", (int)rng_below(rng, SHOPPERS));
    (void)snprintf(session, sizeof session, "s-%016llx", (unsigned long long)rng_u64(rng));
    jenc_object(j, NULL);
    jenc_str(j, "event_id", id);
    jenc_str(j, "type", types[rng_below(rng, sizeof types / sizeof *types)]);
    jenc_str(j, "customer_id", shopper);
    jenc_time(j, "occurred_at", now_us - HOURS(1) + (int64_t)number * 1000);
    jenc_str(j, "session_id", session);
    put_item(j, rng);
    jenc_object(j, "context");
    jenc_str(j, "locale", "de-DE");
    jenc_str(j, "device", "mobile");
    jenc_object_end(j);
    jenc_object_end(j);
}

/* Events number first .. first + n - 1 as one body: an array, or for n = 1 the bare event. */
static void put_body(struct buf *body, struct rng *rng, size_t first, size_t n, int64_t now_us)
{
    struct jenc j = jenc_begin(body);

    buf_reset(body);
    if (n > 1) {
        jenc_array(&j, NULL);
    }
    for (size_t i = 0; i < n; i++) {
        put_event(&j, rng, first + i, now_us);
    }
    if (n > 1) {
        jenc_array_end(&j);
    }
}

static struct load_request *make_requests(size_t events, size_t each, const char *key,
                                          size_t *out_bytes)
{
    int64_t now_us = clock_now_us() / SECONDS(1) * SECONDS(1);
    struct load_request *requests = mem_array(events / each, sizeof *requests);
    struct buf body = buf_make(BODY_MAX);
    struct rng rng = rng_seed(SEED);

    *out_bytes = 0;
    for (size_t i = 0; i < events / each; i++) {
        put_body(&body, &rng, i * each, each, now_us);
        requests[i] = load_request_make("/v1/events", key, buf_text(&body), body.len);
        *out_bytes += body.len;
    }
    buf_free(&body);
    return requests;
}

struct ingest_rows ingest_rows_make(size_t count, const char *key)
{
    struct ingest_rows rows = {.count = count, .batch_count = count / INGEST_BATCH};
    size_t batch_bytes;

    rows.singles = make_requests(count, 1, key, &rows.body_bytes);
    rows.batches = make_requests(count, INGEST_BATCH, key, &batch_bytes);
    return rows;
}

void ingest_rows_read_back(struct ingest_rows *rows, PGconn *conn)
{
    rows->stored = PQexecParams(conn,
                                "SELECT lane, off, event_id, key, type, origin, occurred_at,"
                                " received_at, body FROM cartwright.event"
                                " ORDER BY event_id",
                                0, NULL, NULL, NULL, NULL, 1);
    if (PQntuples(rows->stored) != (int)rows->count) {
        (void)fprintf(stderr, "bench: %d of %zu events are in the log; %s\n",
                      PQntuples(rows->stored), rows->count, PQerrorMessage(conn));
        exit(1);
    }
}

void ingest_rows_free(struct ingest_rows *rows)
{
    load_requests_free(rows->singles, rows->count);
    load_requests_free(rows->batches, rows->batch_count);
    PQclear(rows->stored);
}
