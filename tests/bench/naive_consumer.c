#include "bench/naive_consumer.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "eventlog/shopper_log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 2 };

struct consumer {
    pthread_t thread;
    const struct database *database;
    int number;
    int64_t events;
    bool ok;
    struct err err;
};

static bool run(PGconn *conn, const char *sql, struct err *err)
{
    PGresult *res = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(res);

    PQclear(res);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
           FAIL(err, ERR_INTERNAL, "%.60s: %.150s", sql, PQerrorMessage(conn));
}

static bool prepare(PGconn *conn, struct err *err)
{
    return run(conn,
               "PREPARE naive_read (int, text) AS SELECT doc FROM naive_shopper WHERE lane = $1 AND key = $2",
               err) &&
           run(conn,
               "PREPARE naive_write (int, text, text) AS INSERT INTO naive_shopper VALUES ($1, $2, $3) "
               "ON CONFLICT (lane, key) DO UPDATE SET doc = excluded.doc",
               err);
}

/* One event: read, fold, write. An event out of order is skipped: sorting it in is what the product does. */
static bool consume_event(PGconn *conn, const struct log_event *e, struct arena *a, struct err *err)
{
    char lane[16];
    const char *values[3] = {lane, e->key, NULL};
    struct shopper *s;
    struct event event;
    struct err skipped;

    (void)snprintf(lane, sizeof lane, "%d", e->lane);
    PGresult *res = PQexecPrepared(conn, "naive_read", 2, values, NULL, NULL, 0);
    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        PQclear(res);
        return FAIL(err, ERR_INTERNAL, "naive read: %.150s", PQerrorMessage(conn));
    }
    bool ok =
        shopper_from_doc(e->key, PQntuples(res) == 0 ? NULL : PQgetvalue(res, 0, 0), a, &s, err);
    PQclear(res);
    if (!ok) {
        return false;
    }
    if (log_event_decode(e, a, &event, &skipped)) {
        (void)shopper_apply(s, &event, a);
    }
    values[2] = shopper_to_doc(s, a);
    res = PQexecPrepared(conn, "naive_write", 3, values, NULL, NULL, 0);
    ok = PQresultStatus(res) == PGRES_COMMAND_OK;
    PQclear(res);
    return ok || FAIL(err, ERR_INTERNAL, "naive write: %.150s", PQerrorMessage(conn));
}

static bool consume_batch(struct db *db, struct lane_lease *lanes, int lane_count,
                          int64_t *out_count, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(arena_free) struct arena one = {0};
    struct log_event *events;
    size_t count;

    if (!store_events_after(db, lanes, lane_count, (struct events_most){NAIVE_BATCH, INT64_MAX}, &a,
                            &events, &count, err) ||
        !db_begin(db, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        arena_reset(&one);
        if (!consume_event(db_conn(db), &events[i], &one, err)) {
            return false;
        }
        for (int l = 0; l < lane_count; l++) {
            lanes[l].off = lanes[l].lane == events[i].lane ? events[i].off : lanes[l].off;
        }
    }
    *out_count = (int64_t)count;
    return db_commit(db, err);
}

static bool consume(struct consumer *c, struct err *err)
{
    CLEANUP(db_close) struct db *db = NULL;
    struct lane_lease lanes[LANES / THREADS];
    int64_t count = 1;

    for (int i = 0; i < LANES / THREADS; i++) {
        lanes[i] = (struct lane_lease){.lane = THREADS * i + c->number};
    }
    if (!database_connect(c->database, &db, err) || !prepare(db_conn(db), err)) {
        return false;
    }
    while (count > 0) {
        if (!consume_batch(db, lanes, LANES / THREADS, &count, err)) {
            return false;
        }
        c->events += count;
    }
    return true;
}

static void *consumer_main(void *arg)
{
    struct consumer *c = arg;

    c->ok = consume(c, &c->err);
    return NULL;
}

bool naive_consume(const struct database *database, int64_t *out_events, struct err *err)
{
    CLEANUP(db_close) struct db *db = NULL;
    struct consumer consumers[THREADS];
    bool ok = true;

    if (!database_connect(database, &db, err) ||
        !run(
            db_conn(db),
            "CREATE TABLE naive_shopper (lane int, key text, doc text NOT NULL, PRIMARY KEY (lane, key))",
            err)) {
        return false;
    }
    for (int i = 0; i < THREADS; i++) {
        consumers[i] = (struct consumer){.database = database, .number = i};
        if (pthread_create(&consumers[i].thread, NULL, consumer_main, &consumers[i]) != 0) {
            abort();
        }
    }
    *out_events = 0;
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(consumers[i].thread, NULL);
        *out_events += consumers[i].events;
        if (!consumers[i].ok) {
            *err = consumers[i].err;
            ok = false;
        }
    }
    return ok;
}
