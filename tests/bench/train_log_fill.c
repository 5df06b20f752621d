#include "bench/train_log_fill.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/rng.h"
#include "domain/shop/event.h"
#include "domain/shop/event_pack.h"
#include "store/lanes.h"

#include <libpq-fe.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TASTES = 64, DAYS_LONG = 60, CHUNK_BYTES = 1 << 20, TEXT_MAX = 1024 };

struct filler {
    const struct train_log_fill *fill;
    struct rng rng;
    int64_t offs[LANES];
    struct buf chunk;
    struct arena arena; /* of one row */
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

static int body_text(char out[TEXT_MAX], struct filler *f, const struct event_form *e,
                     int64_t shopper)
{
    char time[CLOCK_TEXT_MAX];
    int64_t product = draw_product(f, shopper);

    return snprintf(
        out, TEXT_MAX,
        "{\"event_id\":\"%s\",\"type\":\"%s\",\"customer_id\":\"%s\",\"occurred_at\":\"%s\",\"items\":[{\"product_id\":\"product-%07lld\","
        "\"quantity\":1,\"price_minor\":%lld,\"currency\":\"EUR\"}],\"context\":{\"locale\":\"de-DE\",\"device\":\"mobile\"}}",
        e->event_id, e->type, e->key + 2, clock_format_rfc3339(e->occurred_us, time),
        (long long)product, (long long)(500 + product * 37 % 20000));
}

/* As COPY wants it: the codes of a packed body may be tabs and ends of lines. */
static void add_escaped(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        const char *escape = *text == '\t'   ? "\\t"
                             : *text == '\n' ? "\\n"
                             : *text == '\r' ? "\\r"
                             : *text == '\\' ? "\\\\"
                                             : NULL;
        if (escape != NULL) {
            buf_add_str(out, escape);
        } else {
            buf_add_char(out, *text);
        }
    }
}

static void add_packed(struct filler *f, const struct event_form *e)
{
    struct event_packed packed;
    char time[CLOCK_TEXT_MAX];
    int lane = event_lane(e->key);

    arena_reset(&f->arena);
    event_pack(e, &f->arena, &packed);
    clock_format_rfc3339(e->occurred_us, time);
    buf_printf(&f->chunk, "%lld\t%s\t%s\t%d\t%d\ta\t\\\\x", (long long)++f->offs[lane], time, time,
               lane, (int)packed.type);
    for (size_t i = 0; i < packed.id_len; i++) {
        buf_printf(&f->chunk, "%02x", (unsigned)(unsigned char)packed.id[i]);
    }
    buf_printf(&f->chunk, "\t%s\t", e->key);
    add_escaped(&f->chunk, packed.body);
    buf_add_char(&f->chunk, '\n');
}

static void add_row(struct filler *f, int64_t number, int64_t at_us)
{
    char body[TEXT_MAX];
    char key[64];
    char id[32];
    int64_t shopper = power_law(&f->rng, f->fill->shoppers);
    struct event_form e = {
        .event_id = id, .key = key, .type = draw_type(&f->rng), .occurred_us = at_us, .body = body};

    (void)snprintf(key, sizeof key, "c:customer-%08lld", (long long)shopper);
    (void)snprintf(id, sizeof id, "event-%010lld", (long long)number);
    e.body_len = (size_t)body_text(body, f, &e, shopper);
    add_packed(f, &e);
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
        "COPY cartwright.log (off, occurred_at, received_at, lane, type, origin, id, key, body) FROM STDIN";
    PGconn *conn = db_conn(db);
    struct filler f = {
        .fill = fill, .rng = rng_seed(fill->seed), .chunk = buf_make((size_t)2 * CHUNK_BYTES)};
    PGresult *begun = PQexec(conn, copy);
    bool ok = PQresultStatus(begun) == PGRES_COPY_IN;

    PQclear(begun);
    if (!ok) {
        (void)FAIL(err, ERR_INTERNAL, "COPY: %.200s", PQerrorMessage(conn));
    }
    /* A connection that does not block keeps in memory what the server has not taken, and moves all of it up with each piece that it takes. */
    ok = ok && PQsetnonblocking(conn, 0) == 0 && copy_rows(&f, conn, err) && ended(conn, err) &&
         PQsetnonblocking(conn, 1) == 0;
    buf_free(&f.chunk);
    arena_free(&f.arena);
    return ok;
}
