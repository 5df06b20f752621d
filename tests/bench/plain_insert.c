/* Prepared single-row INSERTs over libpq, one thread a connection. */
#include "bench/plain_insert.h"

#include "base/clock.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS = 9 };

struct plain {
    const struct plain_plan *plan;
    atomic_size_t next; /* the next transaction's first row */
    atomic_size_t done; /* transactions */
    pthread_barrier_t start;
    int64_t *latencies; /* by transaction */
    int64_t until_us;   /* set before the threads leave the barrier */
};

static void check(PGconn *conn, PGresult *res, const char *what)
{
    if (PQresultStatus(res) != PGRES_COMMAND_OK) {
        (void)fprintf(stderr, "plain insert: %s: %s\n", what, PQerrorMessage(conn));
        exit(1);
    }
    PQclear(res);
}

void plain_create(PGconn *conn)
{
    check(
        conn,
        PQexec(
            conn,
            "CREATE TABLE plain_event (lane int NOT NULL, off bigint NOT NULL CHECK (off > 0),"
            " event_id text COLLATE \"C\" NOT NULL, key text COLLATE \"C\" NOT NULL, type text NOT NULL,"
            " origin text NOT NULL, occurred_at timestamptz NOT NULL, received_at timestamptz NOT NULL,"
            " body jsonb NOT NULL, PRIMARY KEY (lane, off), UNIQUE (lane, event_id));"
            "CREATE INDEX ON plain_event (lane, key, off)"),
        "create");
}

static PGconn *connect_prepared(const char *conninfo)
{
    PGconn *conn = PQconnectdb(conninfo);
    if (PQstatus(conn) != CONNECTION_OK) {
        (void)fprintf(stderr, "plain insert: %s\n", PQerrorMessage(conn));
        exit(1);
    }
    check(conn,
          PQprepare(conn, "put",
                    "INSERT INTO plain_event (lane, off, event_id, key, type, origin, occurred_at,"
                    " received_at, body) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)",
                    0, NULL),
          "prepare");
    return conn;
}

static const int binary[COLUMNS] = {1, 1, 1, 1, 1, 1, 1, 1, 1};

struct row {
    const char *values[COLUMNS];
    int lengths[COLUMNS];
};

static struct row row_of(const PGresult *stored, int row)
{
    struct row r;

    for (int c = 0; c < COLUMNS; c++) {
        r.values[c] = PQgetvalue(stored, row, c);
        r.lengths[c] = PQgetlength(stored, row, c);
    }
    return r;
}

static void insert_row(PGconn *conn, const PGresult *stored, int row)
{
    struct row r = row_of(stored, row);

    check(conn, PQexecPrepared(conn, "put", COLUMNS, r.values, r.lengths, binary, 1), "insert");
}

static void sent(PGconn *conn, int ok)
{
    if (!ok) {
        (void)fprintf(stderr, "plain insert: pipeline: %s\n", PQerrorMessage(conn));
        exit(1);
    }
}

/* What stands before one sync is one transaction. */
static void insert_pipelined(PGconn *conn, const PGresult *stored, size_t first, size_t n)
{
    sent(conn, PQenterPipelineMode(conn));
    for (size_t i = 0; i < n; i++) {
        struct row r = row_of(stored, (int)(first + i));
        sent(conn, PQsendQueryPrepared(conn, "put", COLUMNS, r.values, r.lengths, binary, 1));
    }
    sent(conn, PQpipelineSync(conn));
    for (size_t i = 0; i < n; i++) {
        check(conn, PQgetResult(conn), "insert");
        PQclear(PQgetResult(conn)); /* the end of its results */
    }
    PGresult *sync = PQgetResult(conn);
    sent(conn, PQresultStatus(sync) == PGRES_PIPELINE_SYNC);
    PQclear(sync);
    sent(conn, PQexitPipelineMode(conn));
}

static void insert_transaction(PGconn *conn, const struct plain_plan *plan, size_t first)
{
    size_t n = plan->rows_per_transaction;

    if (plan->pipelined) {
        insert_pipelined(conn, plan->rows->stored, first, n);
        return;
    }
    if (n > 1) {
        check(conn, PQexec(conn, "BEGIN"), "begin");
    }
    for (size_t i = 0; i < n; i++) {
        insert_row(conn, plan->rows->stored, (int)(first + i));
    }
    if (n > 1) {
        check(conn, PQexec(conn, "COMMIT"), "commit");
    }
}

static void *inserter(void *arg)
{
    struct plain *p = arg;
    size_t n = p->plan->rows_per_transaction;
    PGconn *conn = connect_prepared(p->plan->conninfo);

    (void)pthread_barrier_wait(&p->start); /* all are connected */
    (void)pthread_barrier_wait(&p->start); /* the clock runs */
    for (int64_t now_us = clock_monotonic_us(); now_us < p->until_us;) {
        size_t first = atomic_fetch_add(&p->next, n);
        if (first + n > p->plan->rows->count) {
            break;
        }
        insert_transaction(conn, p->plan, first);
        int64_t then_us = now_us;
        now_us = clock_monotonic_us();
        p->latencies[atomic_fetch_add(&p->done, 1)] = now_us - then_us;
    }
    (void)pthread_barrier_wait(&p->start); /* the clock is read */
    PQfinish(conn);
    return NULL;
}

struct plain_report plain_run(const struct plain_plan *plan)
{
    struct plain p = {.plan = plan};
    pthread_t *threads = mem_array((size_t)plan->connections, sizeof *threads);

    p.latencies = mem_array(plan->rows->count / plan->rows_per_transaction, sizeof *p.latencies);
    (void)pthread_barrier_init(&p.start, NULL, (unsigned)plan->connections + 1);
    for (int i = 0; i < plan->connections; i++) {
        if (pthread_create(&threads[i], NULL, inserter, &p) != 0) {
            (void)fprintf(stderr, "plain insert: no thread %d\n", i);
            exit(1);
        }
    }
    (void)pthread_barrier_wait(&p.start);
    int64_t began_us = clock_monotonic_us();
    p.until_us = began_us + plan->time_us;
    (void)pthread_barrier_wait(&p.start);
    (void)pthread_barrier_wait(&p.start);
    struct plain_report report = {.elapsed_us = clock_monotonic_us() - began_us};
    for (int i = 0; i < plan->connections; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    size_t done = atomic_load(&p.done);
    report.rows = done * plan->rows_per_transaction;
    report.p50_ms = load_quantile(p.latencies, done, 0.5) / 1000;
    report.p99_ms = load_quantile(p.latencies, done, 0.99) / 1000;
    mem_free(&p.latencies);
    (void)pthread_barrier_destroy(&p.start);
    mem_free(&threads);
    return report;
}
