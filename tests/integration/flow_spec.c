#include "flow_spec.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "base/stop.h"
#include "support/pg_fixture.h"
#include "support/spec.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 8 << 20 };

void must(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s: %s", err->path, err->text);
    }
}

void flow_open(struct flow_bench *b, const char *name)
{
    struct err err = {0};
    char program[] = "flow_test";
    char flag[] = "--database_url";
    *b = (struct flow_bench){.url = pg_fixture_database(name)};
    char *argv[] = {program, flag, b->url, NULL};
    int argc = 3;
    assert_true(config_load(&b->config, &argc, argv, &err));
    /* many small commits, none of which has to survive a crash of the server; a pooler would refuse the option */
    (void)snprintf(b->config.database_url, sizeof b->config.database_url, "%s%s", b->url,
                   pg_fixture_pooled() ? "" : "&options=-csynchronous_commit%3Doff");
    b->config.unsafe_database = true;
    b->config.fold_batch = 7;
    b->config.fold_lease = SECONDS(1);
    b->config.fold_poll = 1000;
    b->config.fold_workers = 2;
    if (!database_open(&b->config, &b->database, &err) ||
        !database_connect(&b->database, &b->db, &err)) {
        fail_msg("%s: %s", err.path, err.text);
    }
}

void flow_close(struct flow_bench *b)
{
    folder_close(&b->folder);
    db_close(&b->db);
    database_close(&b->database);
    pg_fixture_drop(b->url);
    arena_free(&b->arena);
}

static void write_item(struct jenc *j, const struct told *t)
{
    jenc_array(j, "items");
    jenc_object(j, NULL);
    jenc_str(j, "product_id", t->product);
    jenc_i64(j, "quantity", t->quantity == 0 ? 1 : t->quantity);
    if (t->price_minor > 0) {
        jenc_i64(j, "price_minor", t->price_minor);
        jenc_str(j, "currency", "EUR");
    }
    jenc_object_end(j);
    jenc_array_end(j);
}

struct event_row row_of(struct flow_bench *b, const struct told *t)
{
    CLEANUP(buf_free) struct buf body = buf_make(1 << 16);
    struct jenc j = jenc_begin(&body);
    jenc_object(&j, NULL);
    jenc_str(&j, "event_id", t->id);
    jenc_str(&j, "type", t->type);
    jenc_str_opt(&j, "customer_id", t->customer);
    jenc_str_opt(&j, "anonymous_id", t->anonymous);
    jenc_str_opt(&j, "cart_id", t->cart);
    jenc_str_opt(&j, "order_id", t->order);
    jenc_time(&j, "occurred_at", START_US + SECONDS(t->at_s));
    if (t->product != NULL) {
        write_item(&j, t);
    }
    jenc_object_end(&j);
    return (struct event_row){.event_id = arena_strdup(&b->arena, t->id),
                              .key = t->customer != NULL
                                         ? arena_printf(&b->arena, "c:%s", t->customer)
                                         : arena_printf(&b->arena, "a:%s", t->anonymous),
                              .type = arena_strdup(&b->arena, t->type),
                              .occurred_us = START_US + SECONDS(t->at_s),
                              .body = arena_strdup(&b->arena, buf_text(&body))};
}

void append(struct flow_bench *b, const struct event_row *rows, size_t count)
{
    struct err err = {0};
    enum append_status *status = arena_array(&b->arena, count, sizeof *status);
    if (!store_events_append(b->db, rows, count, ORIGIN_API, START_US + HOURS(1), status, &err)) {
        fail_msg("append: %s", err.text);
    }
}

void tell_all(struct flow_bench *b, const struct told *events, size_t count)
{
    struct event_row *rows = arena_array(&b->arena, count, sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        rows[i] = row_of(b, &events[i]);
    }
    append(b, rows, count);
}

void fold_to_end(struct flow_bench *b)
{
    struct err err = {0};
    struct log_lag lag = {.events = 1};
    const int64_t until_us =
        clock_monotonic_us() + SECONDS(120); /* of a machine that does much else */
    if (b->folder == NULL &&
        !folder_open(&b->database, &b->config, NULL, "spec", LANES, &b->folder, &err)) {
        fail_msg("folder: %s", err.text);
    }
    for (int idle = 0; (lag.events > 0 || lag.stale > 0) && clock_monotonic_us() < until_us;) {
        int64_t folded = 0;
        if (!folder_step(b->folder, &folded, &err) || !folder_lag(b->folder, &lag, &err)) {
            fail_msg("fold: %s", err.text);
        }
        /* Who was put off is left alone for a while: the server has better to do than to be asked again at once. */
        idle = folded > 0 ? 0 : idle + 1;
        if (idle > 3) {
            (void)stop_wait_us(10000);
        }
    }
    assert_int_equal(lag.events, 0);
    assert_int_equal(lag.stale, 0);
}

void forget_everything(struct flow_bench *b)
{
    run_sql(
        b,
        "DELETE FROM cartwright.log; DELETE FROM cartwright.shopper; "
        "DELETE FROM cartwright.cart; DELETE FROM cartwright.cart_lane; DELETE FROM cartwright.cart_party; "
        "DELETE FROM cartwright.heavy_shopper; DELETE FROM cartwright.heavy_event; "
        "DELETE FROM cartwright.heavy_checkpoint; DELETE FROM cartwright.derived_waiting; "
        "DELETE FROM cartwright.stale_shopper; DELETE FROM cartwright.handing_over; "
        "DELETE FROM cartwright.refolding; DELETE FROM cartwright.refolding_fact; DELETE FROM cartwright.refolding_name; "
        "UPDATE cartwright.lane_cursor SET off = 0, epoch = epoch + 1 WHERE off > 0");
}

void forget_models(struct flow_bench *b)
{
    run_sql(
        b,
        "TRUNCATE cartwright.risk_check, cartwright.model_promotion, cartwright.model_chunk, cartwright.model");
}

/* Drops ,"name":123 wherever it stands. */
static void drop_member(char *text, const char *name)
{
    const size_t len = strlen(name);
    char *at = text;

    while ((at = strstr(at, name)) != NULL) {
        const size_t digits = strspn(at + len, "0123456789");
        memmove(at, at + len + digits, strlen(at + len + digits) + 1);
    }
}

/* Drops the 4th member of every ["via",from,until,version,identified]. */
static void drop_versions(char *text)
{
    const char *in = text;
    char *out = text;
    bool inside = false; /* "bindings":[...] */
    int commas = 0;
    while (*in != '\0') {
        static const char member[] = "\"bindings\":[";
        if (!inside && strncmp(in, member, sizeof member - 1) == 0) {
            inside = true;
            memmove(out, in, sizeof member - 1);
            out += sizeof member - 1;
            in += sizeof member - 1;
            continue;
        }
        commas = *in == '[' ? 0 : commas + (*in == ',' ? 1 : 0);
        inside = inside && !(in[0] == ']' && in[1] == ']');
        if (!inside || commas != 3 || *in == ',') {
            *out++ = *in;
        }
        in++;
    }
    *out = '\0';
}

const char *dump_of(struct flow_bench *b, bool from_log)
{
    struct err err = {0};
    FILE *f = tmpfile();
    assert_non_null(f);
    if (!replay_dump(&b->database, &b->config, START_US + HOURS(2), from_log, f, &err)) {
        fail_msg("dump: %s", err.text);
    }
    char *text = arena_alloc(&b->arena, TEXT_MAX);
    rewind(f);
    size_t len = fread(text, 1, TEXT_MAX - 1, f);
    assert_true(len < TEXT_MAX - 1);
    assert_int_equal(fclose(f), 0);
    drop_versions(text);
    drop_member(text, ",\"bindings_seen\":");
    drop_member(text, ",\"bound_last_us\":");
    return text;
}

void assert_replay_is_clean(struct flow_bench *b)
{
    struct err err = {0};
    struct replay_result r = {0};
    if (!replay_check(&b->database, &b->config, START_US + HOURS(2), &r, &err)) {
        fail_msg("replay: %s", err.text);
    }
    if (r.differences != 0 || r.unread != 0) {
        fail_msg("%lld unread, %lld differences, first: %s", (long long)r.unread,
                 (long long)r.differences, r.first);
    }
}

const char *text_of(struct flow_bench *b, const char *sql)
{
    PGresult *rows = PQexec(db_conn(b->db), sql);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK || PQntuples(rows) == 0) {
        fail_msg("%s: %s", sql, PQerrorMessage(db_conn(b->db)));
    }
    const char *text = arena_strdup(&b->arena, PQgetvalue(rows, 0, 0));
    PQclear(rows);
    return text;
}

int64_t count_of(struct flow_bench *b, const char *sql)
{
    return strtoll(text_of(b, sql), NULL, 10);
}

void run_sql(struct flow_bench *b, const char *sql)
{
    PGresult *res = PQexec(db_conn(b->db), sql);
    if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(db_conn(b->db)));
    }
    PQclear(res);
}
