#include "store/pg/db.h"

#include "base/clock.h"
#include "base/mem.h"
#include "store/pg/conninfo.h"
#include "store/pg/db_internal.h"
#include "store/pg/distribute.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

/* One connection: connect, run, transactions. It knows no table; those are the store_*
 * files. Never logs. Preparing is db_prepare.c's, large results are
 * db_stream.c's, how long anything may take is db_wait.c's. */

/* Told, not assumed: an operator may have set another default, and append_rows is wrong in any other. */
static const char begin_sql[] = "BEGIN ISOLATION LEVEL READ COMMITTED";

/* ---- connect ---- */

static PGresult *last_result(struct db *db);

/* Asked of the database itself, so that no program that was not told can send it what it does not take. */
static bool ask_form(struct db *db, struct err *err)
{
    CLEANUP(rows_clear)
    PGresult *res = PQsendQuery(db->conn, DISTRIBUTED_SQL) == 1 ? last_result(db) : NULL;
    if (!db_done(res)) {
        return db_failed(db, res, "connect", err);
    }
    db->distributed = strcmp(PQgetvalue(res, 0, 0), "t") == 0;
    return true;
}

bool db_open_by(const char *conninfo, bool prepared, int64_t until_us, struct db **out,
                struct err *err)
{
    PGconn *conn;
    if (!conninfo_connect(conninfo, until_us, &conn, err)) {
        return false;
    }
    struct db *db = mem_alloc(sizeof *db);
    *db = (struct db){.conn = conn,
                      .prepared = prepared,
                      .until_us = until_us,
                      .patience_us = DB_PATIENCE_US,
                      .opened_us = clock_monotonic_us()};
    /* What does not fit into the socket waits in memory, so that a server that reads no more cannot
     * hold us in a write. */
    if (PQsetnonblocking(conn, 1) != 0 || !ask_form(db, err)) {
        db_close(&db);
        return false;
    }
    db->until_us = INT64_MAX;
    *out = db;
    return true;
}

bool db_open(const char *conninfo, bool prepared, struct db **out, struct err *err)
{
    return db_open_by(conninfo, prepared, INT64_MAX, out, err);
}

void db_close(struct db **db)
{
    if (*db != NULL) {
        PQfinish((*db)->conn);
        mem_free(db);
    }
}

bool db_alive(const struct db *db)
{
    return !db->broken && PQstatus(db->conn) == CONNECTION_OK;
}

bool db_still_alive(struct db *db)
{
    struct pollfd fd = {.fd = PQsocket(db->conn), .events = POLLIN};
    /* An idle connection has nothing to say but notices and good-bye; the end comes behind the latter. */
    while (db_alive(db) && poll(&fd, 1, 0) > 0) {
        db->broken = PQconsumeInput(db->conn) == 0;
    }
    return db_alive(db);
}

PGconn *db_conn(struct db *db)
{
    return db->conn;
}

bool db_retryable(const struct db *db)
{
    return db->retryable;
}

bool db_locked_out(const struct db *db)
{
    return db->locked;
}

int64_t db_age_us(const struct db *db)
{
    return clock_monotonic_us() - db->opened_us;
}

bool db_distributed(const struct db *db)
{
    return db->distributed;
}

void db_bound(struct db *db, int64_t until_us)
{
    db->until_us = until_us;
}

void db_patience(struct db *db, int64_t us)
{
    db->patience_us = us;
}

/* ---- queries ---- */

void db_begin_call(struct db *db)
{
    db->retryable = false;
    db->locked = false;
}

bool db_failed(struct db *db, const PGresult *res, const char *name, struct err *err)
{
    if (db->late) { /* what libpq thinks of a connection that was given up on does not matter */
        db_begin_call(db);
        return FAIL(err, ERR_BUSY, "%s: the database does not answer", name);
    }
    struct db_fault fault = db_fault_fill(db->conn, res, name, err);
    db->broken = db->broken || fault.broken;
    db->retryable = fault.retryable;
    db->locked = fault.locked;
    return false;
}

bool db_done(const PGresult *res)
{
    ExecStatusType status = PQresultStatus(res);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

bool db_send(struct db *db, enum query_id q, const struct params *p)
{
    static const struct params none;
    const struct query_def *def = &query_defs[q];
    const struct params *with = p == NULL ? &none : p;

    return (db->prepared ? PQsendQueryPrepared(db->conn, def->name, with->count, with->values,
                                               with->lengths, with->formats, BINARY)
                         : PQsendQueryParams(db->conn, query_sql(q, db->distributed), with->count,
                                             with->types, with->values, with->lengths,
                                             with->formats, BINARY)) == 1;
}

/* The last result of what was sent, and the NULL behind it. */
static PGresult *last_result(struct db *db)
{
    PGresult *last = NULL;
    PGresult *res;

    while ((res = db_result(db)) != NULL) {
        /* An error stays what is told, though statements sent with it may have results as well. */
        if (last != NULL && !db_done(last)) {
            PQclear(res);
            continue;
        }
        PQclear(last);
        last = res;
    }
    return last;
}

bool db_query(struct db *db, enum query_id q, const struct params *p, PGresult **out,
              struct err *err)
{
    if (!db_prepare(db, &q, 1, err)) {
        return false;
    }
    db_begin_call(db);
    PGresult *res = db_send(db, q, p) ? last_result(db) : NULL;
    if (!db_done(res)) {
        (void)db_failed(db, res, query_defs[q].name, err);
        PQclear(res);
        return false;
    }
    *out = res;
    return true;
}

bool db_list(struct db *db, enum query_id q, const struct params *p, size_t size, db_read_fn *read,
             struct db_rows *out, struct err *err)
{
    CLEANUP(rows_clear) PGresult *rows = NULL;
    if (!db_query(db, q, p, &rows, err)) {
        return false;
    }
    int count = PQntuples(rows);
    char *all = arena_array(p->arena, (size_t)count, size);
    for (int r = 0; r < count; r++) {
        read(rows, r, p->arena, all + (size_t)r * size);
    }
    *out = (struct db_rows){.all = all, .count = (size_t)count};
    return true;
}

/* "UPDATE 3" -> 3; "" for statements that count nothing. */
static int64_t affected(PGresult *res)
{
    int64_t n = 0;
    for (const char *c = PQcmdTuples(res); *c >= '0' && *c <= '9'; c++) {
        n = n * 10 + (*c - '0');
    }
    return n;
}

bool db_exec(struct db *db, enum query_id q, const struct params *p, int64_t *out_affected,
             struct err *err)
{
    CLEANUP(rows_clear) PGresult *res = NULL;
    if (!db_query(db, q, p, &res, err)) {
        return false;
    }
    /* Also of a statement with rows: "SELECT 3" and "INSERT 0 3" count alike. */
    if (out_affected != NULL) {
        *out_affected = affected(res);
    }
    return true;
}

/* ---- several queries in one round trip ---- */

/* What is left of the bound, for statement_timeout. */
static long long statement_ms(const struct db *db)
{
    int64_t left_us = db->until_us - clock_monotonic_us();
    /* 0 would mean: without bound */
    return db->until_us == INT64_MAX ? 0 : left_us < 1000 ? 1 : (long long)(left_us / 1000);
}

/* The beginning of a transaction with its bounds, in a pipeline. */
static bool send_begin(struct db *db)
{
    char bounds[BOUNDS_SQL_MAX];

    (void)snprintf(
        bounds, sizeof bounds,
        "SELECT set_config('lock_timeout', '%lld', true), set_config('statement_timeout', '%lld', true),"
        " set_config('idle_in_transaction_session_timeout', '%lld', true)",
        (long long)(db->patience_us / 1000), statement_ms(db), (long long)(DB_PAUSE_US / 1000));
    return PQsendQueryParams(db->conn, begin_sql, 0, NULL, NULL, NULL, NULL, BINARY) == 1 &&
           PQsendQueryParams(db->conn, bounds, 0, NULL, NULL, NULL, NULL, BINARY) == 1;
}

/* Before the pipeline that asks them: what is asked there is prepared. */
static bool prepare_calls(struct db *db, const struct db_call *calls, int count, struct err *err)
{
    bool ok = true;

    for (int i = 0; ok && i < count; i++) {
        ok = db_prepare(db, &calls[i].query, 1, err);
    }
    return ok;
}

/* To the end of the pipeline. */
static bool send_calls(struct db *db, const struct db_call *calls, int count)
{
    bool sent = true;

    for (int i = 0; sent && i < count; i++) {
        sent = db_send(db, calls[i].query, &calls[i].params);
    }
    return sent && PQpipelineSync(db->conn) == 1;
}

/* The answer to one of them: its result, then the NULL that ends it. */
static bool take_answer(struct db *db, const char *name, PGresult **out, struct err *err)
{
    CLEANUP(rows_clear) PGresult *res = db_result(db);
    PGresult *end;

    while ((end = db_result(db)) != NULL) {
        PQclear(end);
    }
    if (!db_done(res)) {
        return db_failed(db, res, name, err);
    }
    *out = res;
    res = NULL;
    return true;
}

void db_leave_pipeline(struct db *db)
{
    bool synced = false;

    while (!synced && !db->broken && PQstatus(db->conn) == CONNECTION_OK) {
        /* NULL parts the answers and ends none of it; only the sync does. */
        PGresult *res = db_result(db);
        synced = PQresultStatus(res) == PGRES_PIPELINE_SYNC;
        PQclear(res);
    }
    /* Half a pipeline can only be thrown away with its connection. */
    db->broken = db->broken || !synced || PQexitPipelineMode(db->conn) != 1;
}

static bool take_calls(struct db *db, struct db_call *calls, int count, struct err *err)
{
    bool ok = true;

    for (int i = 0; ok && i < count; i++) {
        ok = take_answer(db, query_defs[calls[i].query].name, &calls[i].rows, err);
    }
    return ok;
}

bool db_pipeline_failed(struct db *db, struct err *err)
{
    db->broken = true;
    return db_failed(db, NULL, "pipeline", err);
}

bool db_ask(struct db *db, struct db_call *calls, int count, struct err *err)
{
    assert(!db_in_transaction(db));
    if (!prepare_calls(db, calls, count, err)) {
        return false;
    }
    db_begin_call(db);
    if (PQenterPipelineMode(db->conn) != 1 || !send_calls(db, calls, count)) {
        return db_pipeline_failed(db, err);
    }
    const bool ok = take_calls(db, calls, count, err);
    db_leave_pipeline(db);
    return ok;
}

bool db_begin_with(struct db *db, struct db_call *calls, int count, struct err *err)
{
    CLEANUP(rows_clear) PGresult *begun = NULL;
    CLEANUP(rows_clear) PGresult *bounded = NULL;

    assert(!db_in_transaction(db));
    if (!prepare_calls(db, calls, count, err)) {
        return false;
    }
    db_begin_call(db);
    if (PQenterPipelineMode(db->conn) != 1 || !send_begin(db) || !send_calls(db, calls, count)) {
        return db_pipeline_failed(db, err);
    }
    const bool ok = take_answer(db, begin_sql, &begun, err) &&
                    take_answer(db, "transaction bounds", &bounded, err) &&
                    take_calls(db, calls, count, err);
    db_leave_pipeline(db);
    return ok;
}

void db_calls_clear(struct db_call *calls, int count)
{
    for (int i = 0; i < count; i++) {
        rows_clear(&calls[i].rows);
    }
}

/* ---- transactions ---- */

/* name: what an error calls it. */
static bool command(struct db *db, const char *sql, const char *name, struct err *err)
{
    db_begin_call(db);
    CLEANUP(rows_clear)
    PGresult *res = PQsendQuery(db->conn, sql) == 1 ? last_result(db) : NULL;
    return db_done(res) || db_failed(db, res, name, err);
}

bool db_begin(struct db *db, struct err *err)
{
    char sql[BOUNDS_SQL_MAX];

    assert(!db_in_transaction(db));
    /* SET LOCAL in the same breath as BEGIN, since behind a pooler nothing else is certain to reach
     * the session that will work. */
    (void)snprintf(sql, sizeof sql,
                   "%s; SET LOCAL lock_timeout = %lld; SET LOCAL statement_timeout = %lld;"
                   " SET LOCAL idle_in_transaction_session_timeout = %lld",
                   begin_sql, (long long)(db->patience_us / 1000), statement_ms(db),
                   (long long)(DB_PAUSE_US / 1000));
    return command(db, sql, begin_sql, err);
}

bool db_begin_snapshot(struct db *db, struct err *err)
{
    assert(!db_in_transaction(db));
    /* Read only: it takes no locks that a fold would wait for, and cannot fail to serialize. So it may also take its time:
     * training reads the log in one statement, and thinks between two. */
    return command(db,
                   "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = "
                   "0; SET LOCAL idle_in_transaction_session_timeout = 0",
                   "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);
}

bool db_settle(struct db *db, int64_t statement_us, struct err *err)
{
    char sql[BOUNDS_SQL_MAX];

    /* A pooler cannot tell the process that will serve us: there a session is not ours to change, and the WHERE finds
     * another one. */
    (void)snprintf(
        sql, sizeof sql,
        "SELECT set_config('lock_timeout', '%lld', false), set_config('statement_timeout', '%lld', false),"
        " set_config('idle_in_transaction_session_timeout', '%lld', false) WHERE pg_backend_pid() = %d",
        (long long)(DB_PATIENCE_US / 1000), (long long)(statement_us / 1000),
        (long long)(DB_PAUSE_US / 1000), PQbackendPID(db->conn));
    return command(db, sql, "session bounds", err);
}

bool db_ping(struct db *db, struct err *err)
{
    return command(db, "SELECT 1", "ping", err);
}

bool db_commit(struct db *db, struct err *err)
{
    /* COMMIT of a failed transaction answers "ROLLBACK" and no error. */
    if (PQtransactionStatus(db->conn) == PQTRANS_INERROR) {
        db_rollback(db);
        return FAIL(err, ERR_INTERNAL, "commit of a transaction that had failed");
    }
    return command(db, "COMMIT", "COMMIT", err);
}

void db_rollback(struct db *db)
{
    struct err ignored = {0};
    /* both belong to the failure that made the caller roll back */
    bool retryable = db->retryable;
    bool locked = db->locked;
    switch (PQtransactionStatus(db->conn)) {
    case PQTRANS_INTRANS:
    case PQTRANS_INERROR:
        /* A connection that cannot even roll back is of no use to the next one who leases it. */
        if (!command(db, "ROLLBACK", "ROLLBACK", &ignored)) {
            db->broken = true;
        }
        break;
    case PQTRANS_ACTIVE: /* a statement was left half read */
    case PQTRANS_UNKNOWN:
        db->broken = true;
        break;
    case PQTRANS_IDLE:
        break;
    }
    db->retryable = retryable;
    db->locked = locked;
}

bool db_in_transaction(const struct db *db)
{
    PGTransactionStatusType status = PQtransactionStatus(db->conn);
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}
