#include "bench/train_log_fill.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/rng.h"
#include "domain/shop/event.h"
#include "store/lanes.h"

#include <libpq-fe.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TASTES = 64, DAYS_LONG = 60, CHUNK_BYTES = 1 << 20, LINE_BYTES_MAX = 2048, TEXT_MAX = 1024 };

struct filler {
    const struct train_log_fill *fill;
    struct rng rng;
    int64_t offs[LANES];
    struct buf chunk;
};

/* Rank from 0, the smaller the more often. */
static int64_t power_law(struct rng *r, int64_t n)
{
    int64_t rank = (int64_t)((double)n * pow(rng_unit(r), 2.5));

    return rank < n ? rank : n - 1;
}

static const char *draw_type(struct rng *r)
{
    double at = rng_unit(r);

    return at < 0.83 ? "product_viewed" : at < 0.95 ? "cart_item_added" : "purchase";
}

/* Three of four within the taste: products of one taste are those of equal remainder. */
static int64_t draw_product(struct filler *f, int64_t shopper)
{
    int64_t product = power_law(&f->rng, f->fill->products);
    int64_t tasted = product - product % TASTES + shopper % TASTES;
    bool strays = rng_below(&f->rng, 4) == 0;

    return strays || tasted >= f->fill->products ? product : tasted;
}

/* As jsonb prints it, members in its order, so that the hash is the append's. */
static int body_text(char out[TEXT_MAX], struct filler *f, int64_t number, int64_t shopper,
                     const char *type, int64_t at_us)
{
    char time[CLOCK_TEXT_MAX];
    int64_t product = draw_product(f, shopper);

    return snprintf(
        out, TEXT_MAX,
        "{\"type\": \"%s\", \"items\": [{\"currency\": \"EUR\", \"quantity\": 1, \"product_id\": \"product-%07lld\", \"price_minor\": %lld}], "
        "\"context\": {\"device\": \"mobile\", \"locale\": \"de-DE\"}, \"event_id\": \"event-%010lld\", \"customer_id\": \"customer-%08lld\", "
        "\"occurred_at\": \"%s\"}",
        type, (long long)product, (long long)(500 + product * 37 % 20000), (long long)number,
        (long long)shopper, clock_format_rfc3339(at_us, time));
}

static void add_row(struct filler *f, int64_t number, int64_t at_us)
{
    char body[TEXT_MAX];
    char key[64];
    char hash[2 * SHA256_BYTES + 1];
    char time[CLOCK_TEXT_MAX];
    char line[LINE_BYTES_MAX];
    uint8_t digest[SHA256_BYTES];
    int64_t shopper = power_law(&f->rng, f->fill->shoppers);
    const char *type = draw_type(&f->rng);
    int body_len = body_text(body, f, number, shopper, type, at_us);

    hash_sha256(body, (size_t)body_len, digest);
    hash_hex(digest, sizeof digest, hash);
    (void)snprintf(key, sizeof key, "c:customer-%08lld", (long long)shopper);
    int lane = event_lane(key);
    clock_format_rfc3339(at_us, time);
    int len = snprintf(
        line, sizeof line, "%d\t%lld\tevent-%010lld\t%s\t%s\tapi\t%s\t%s\t\\\\x%s\t%s\n", lane,
        (long long)++f->offs[lane], (long long)number, key, type, time, time, hash, body);
    buf_add(&f->chunk, line, (size_t)len);
}

static bool send_chunk(struct filler *f, PGconn *conn, struct err *err)
{
    if (PQputCopyData(conn, f->chunk.data, (int)f->chunk.len) != 1) {
        return FAIL(err, ERR_INTERNAL, "COPY: %.200s", PQerrorMessage(conn));
    }
    f->chunk.len = 0;
    return true;
}

static bool copy_rows(struct filler *f, PGconn *conn, struct err *err)
{
    int64_t step_us = DAYS(DAYS_LONG) / (f->fill->events + 1);

    for (int64_t i = 0; i < f->fill->events; i++) {
        add_row(f, i, f->fill->end_us - (f->fill->events - i) * step_us);
        if (f->chunk.len > CHUNK_BYTES && !send_chunk(f, conn, err)) {
            return false;
        }
    }
    return send_chunk(f, conn, err);
}

static bool ended(PGconn *conn, struct err *err)
{
    PGresult *result = PQputCopyEnd(conn, NULL) == 1 ? PQgetResult(conn) : NULL;
    bool ok = result != NULL && PQresultStatus(result) == PGRES_COMMAND_OK;

    if (!ok) {
        (void)FAIL(err, ERR_INTERNAL, "COPY: %.200s", PQerrorMessage(conn));
    }
    PQclear(result);
    while ((result = PQgetResult(conn)) != NULL) {
        PQclear(result);
    }
    return ok;
}

bool train_log_fill(struct db *db, const struct train_log_fill *fill, struct err *err)
{
    static const char copy[] =
        "COPY cartwright.event (lane, off, event_id, key, type, origin, occurred_at, received_at, body_hash, body) FROM STDIN";
    PGconn *conn = db_conn(db);
    struct filler f = {
        .fill = fill, .rng = rng_seed(fill->seed), .chunk = buf_make((size_t)2 * CHUNK_BYTES)};
    PGresult *begun = PQexec(conn, copy);
    bool ok = PQresultStatus(begun) == PGRES_COPY_IN;

    PQclear(begun);
    if (!ok) {
        (void)FAIL(err, ERR_INTERNAL, "COPY: %.200s", PQerrorMessage(conn));
    }
    ok = ok && copy_rows(&f, conn, err) && ended(conn, err);
    buf_free(&f.chunk);
    return ok;
}
