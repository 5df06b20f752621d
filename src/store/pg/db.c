#include "store/pg/db.h"

#include "base/mem.h"
#include "store/pg/conninfo.h"
#include "store/pg/db_error.h"
#include "store/pg/pgtype.h"

#include <assert.h>
#include <poll.h>
#include <string.h>

/* One connection: connect, prepare, run, transactions. It knows no table; those are the store_*
 * files. Never logs. */

enum { BINARY = 1 };

/* Told, not assumed: an operator may have set another default, and append_rows is wrong in any other. */
static const char begin_sql[] = "BEGIN ISOLATION LEVEL READ COMMITTED";

struct db {
    PGconn *conn;
    bool prepared;
    bool broken;    /* the connection must be replaced, whatever libpq thinks of it */
    bool retryable; /* about the last failure */
};

/* ---- connect ---- */

/* The answer to one PQsendPrepare: its result, then the NULL that ends it. */
static bool prepare_answer(PGconn *conn, const char *name, struct err *err)
{
    PGresult *res = PQgetResult(conn);
    bool ok = PQresultStatus(res) == PGRES_COMMAND_OK;
    if (!ok) {
        (void)db_fault_fill(conn, res, name, err);
    }
    PQclear(res);
    while ((res = PQgetResult(conn)) != NULL) {
        PQclear(res);
    }
    return ok;
}

/* All queries in one round trip; a query that no longer fits the schema fails here, with its name.
 */
static bool prepare_all(PGconn *conn, struct err *err)
{
    /* Some 70 statements: one by one they would cost a connect 70 round trips. */
    bool sent = PQenterPipelineMode(conn) == 1;
    for (int q = 0; sent && q < Q_COUNT; q++) {
        /* No types: every parameter is cast where it stands in the text. */
        sent = PQsendPrepare(conn, query_defs[q].name, query_defs[q].sql, 0, NULL) == 1;
    }
    if (!sent || PQpipelineSync(conn) != 1) {
        (void)db_fault_fill(conn, NULL, "prepare", err);
        return false;
    }
    for (int q = 0; q < Q_COUNT; q++) {
        if (!prepare_answer(conn, query_defs[q].name, err)) {
            return false; /* the caller closes the connection, and what is left of the pipeline with
                             it */
        }
    }
    PGresult *sync = PQgetResult(conn);
    bool ok = PQresultStatus(sync) == PGRES_PIPELINE_SYNC && PQexitPipelineMode(conn) == 1;
    if (!ok) {
        (void)db_fault_fill(conn, NULL, "prepare", err);
    }
    PQclear(sync);
    return ok;
}

bool db_open(const char *conninfo, bool prepared, struct db **out, struct err *err)
{
    PGconn *conn;
    if (!conninfo_connect(conninfo, &conn, err)) {
        return false;
    }
    if (prepared && !prepare_all(conn, err)) {
        PQfinish(conn);
        return false;
    }
    /* Only now: until here there was nothing for the caller to close. */
    struct db *db = mem_alloc(sizeof *db);
    *db = (struct db){.conn = conn, .prepared = prepared};
    *out = db;
    return true;
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

/* ---- queries ---- */

/* Always false. */
static bool failed(struct db *db, const PGresult *res, const char *name, struct err *err)
{
    struct db_fault fault = db_fault_fill(db->conn, res, name, err);
    db->broken = db->broken || fault.broken;
    db->retryable = fault.retryable;
    return false;
}

static bool done(const PGresult *res)
{
    ExecStatusType status = PQresultStatus(res);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

bool db_query(struct db *db, enum query_id q, const struct params *p, PGresult **out,
              struct err *err)
{
    static const struct params none;
    const struct query_def *def = &query_defs[q];
    const struct params *with = p == NULL ? &none : p;

    db->retryable = false;
    PGresult *res = db->prepared ? PQexecPrepared(db->conn, def->name, with->count, with->values,
                                                  with->lengths, with->formats, BINARY)
                                 : PQexecParams(db->conn, def->sql, with->count, with->types,
                                                with->values, with->lengths, with->formats, BINARY);
    if (!done(res)) {
        (void)failed(db, res, def->name, err);
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

static bool send_call(struct db *db, const struct db_call *call)
{
    const struct query_def *def = &query_defs[call->query];
    const struct params *p = &call->params;

    return (db->prepared ? PQsendQueryPrepared(db->conn, def->name, p->count, p->values, p->lengths,
                                               p->formats, BINARY)
                         : PQsendQueryParams(db->conn, def->sql, p->count, p->types, p->values,
                                             p->lengths, p->formats, BINARY)) == 1;
}

static bool send_calls(struct db *db, const struct db_call *calls, int count)
{
    bool sent = PQenterPipelineMode(db->conn) == 1 &&
                PQsendQueryParams(db->conn, begin_sql, 0, NULL, NULL, NULL, NULL, BINARY) == 1;

    for (int i = 0; sent && i < count; i++) {
        sent = send_call(db, &calls[i]);
    }
    return sent && PQpipelineSync(db->conn) == 1;
}

/* The answer to one of them: its result, then the NULL that ends it. */
static bool take_answer(struct db *db, const char *name, PGresult **out, struct err *err)
{
    CLEANUP(rows_clear) PGresult *res = PQgetResult(db->conn);
    PGresult *end;

    while ((end = PQgetResult(db->conn)) != NULL) {
        PQclear(end);
    }
    if (!done(res)) {
        return failed(db, res, name, err);
    }
    *out = res;
    res = NULL;
    return true;
}

/* To the sync, over the queries that were not run because one before them failed. */
static void leave_pipeline(struct db *db)
{
    bool synced = false;

    while (!synced && PQstatus(db->conn) == CONNECTION_OK) {
        /* NULL parts the answers and ends none of it; only the sync does. */
        PGresult *res = PQgetResult(db->conn);
        synced = PQresultStatus(res) == PGRES_PIPELINE_SYNC;
        PQclear(res);
    }
    /* Half a pipeline can only be thrown away with its connection. */
    db->broken = db->broken || !synced || PQexitPipelineMode(db->conn) != 1;
}

bool db_begin_with(struct db *db, struct db_call *calls, int count, struct err *err)
{
    CLEANUP(rows_clear) PGresult *begun = NULL;

    assert(!db_in_transaction(db));
    db->retryable = false;
    if (!send_calls(db, calls, count)) {
        db->broken = true;
        return failed(db, NULL, "pipeline", err);
    }
    bool ok = take_answer(db, begin_sql, &begun, err);
    for (int i = 0; ok && i < count; i++) {
        ok = take_answer(db, query_defs[calls[i].query].name, &calls[i].rows, err);
    }
    leave_pipeline(db);
    return ok;
}

void db_calls_clear(struct db_call *calls, int count)
{
    for (int i = 0; i < count; i++) {
        rows_clear(&calls[i].rows);
    }
}

/* ---- streams ---- */

/* Asks the server to stop. */
static void stream_cancel(struct db *db)
{
    char why[256];
    /* By a connection of its own: this one is full of rows that nobody wants. */
    PGcancel *cancel = PQgetCancel(db->conn);
    if (cancel == NULL || PQcancel(cancel, why, sizeof why) == 0) {
        db->broken = true; /* reading the rest could take for ever */
    }
    PQfreeCancel(cancel);
}

/* Ends a stream early, and reads what was under way. */
static void stream_abandon(struct db *db)
{
    PGresult *res;
    stream_cancel(db);
    while (!db->broken && (res = PQgetResult(db->conn)) != NULL) {
        PQclear(res);
    }
}

static bool stream_rows(struct db *db, const char *name, db_row_fn *fn, void *ctx, struct err *err)
{
    PGresult *res;
    bool ok = true;
    while (ok && (res = PQgetResult(db->conn)) != NULL) {
        if (PQresultStatus(res) == PGRES_SINGLE_TUPLE) {
            ok = fn(ctx, res, err);
            if (!ok) {
                stream_abandon(db);
            }
        } else if (!done(res)) {
            ok = failed(db, res, name, err);
        }
        PQclear(res);
    }
    /* Until NULL, or the next query on this connection would get the rest of this one. */
    while (!ok && !db->broken && (res = PQgetResult(db->conn)) != NULL) {
        PQclear(res);
    }
    return ok;
}

bool db_stream(struct db *db, enum query_id q, const struct params *p, db_row_fn *fn, void *ctx,
               struct err *err)
{
    static const struct params none;
    const struct query_def *def = &query_defs[q];
    const struct params *with = p == NULL ? &none : p;

    db->retryable = false;
    /* Single rows: libpq would else gather the whole log before it hands out the first. */
    int sent = db->prepared ? PQsendQueryPrepared(db->conn, def->name, with->count, with->values,
                                                  with->lengths, with->formats, BINARY)
                            : PQsendQueryParams(db->conn, def->sql, with->count, with->types,
                                                with->values, with->lengths, with->formats, BINARY);
    if (sent != 1 || PQsetSingleRowMode(db->conn) != 1) {
        return failed(db, NULL, def->name, err);
    }
    return stream_rows(db, def->name, fn, ctx, err);
}

/* ---- COPY ---- */

/* Bytes of the header that opens the first message: signature, flags, and an extension of a told length. */
static int copy_header(const char *data, int len)
{
    static const char signature[11] = "PGCOPY\n\377\r\n";
    enum { FIXED = sizeof signature + 4 + 4 };

    if (len < FIXED || memcmp(data, signature, sizeof signature) != 0) {
        return 0;
    }
    return FIXED + pg_get32(data + sizeof signature + 4);
}

/* False at the trailer. The byte behind a field is the next one's length, read before it becomes the zero that ends the field; libpq puts a zero
 * behind the last. */
static bool copy_row_at(char *data, int len, struct copy_row *out)
{
    char *at = data;
    out->count = (int16_t)(uint16_t)((unsigned char)at[0] << 8 | (unsigned char)at[1]);
    assert(out->count <= COPY_FIELDS_MAX);
    at += 2;
    for (int i = 0; i < out->count; i++) {
        out->len[i] = pg_get32(at);
        *at = '\0';
        at += 4;
        out->data[i] = out->len[i] < 0 ? NULL : at;
        at += out->len[i] < 0 ? 0 : out->len[i];
    }
    assert(out->count < 0 || at == data + len);
    return out->count >= 0;
}

/* Ends a COPY early, and reads what was under way. */
static void copy_abandon(struct db *db)
{
    char *data;
    stream_cancel(db);
    while (!db->broken && PQgetCopyData(db->conn, &data, 0) > 0) {
        PQfreemem(data);
    }
}

static bool copy_rows(struct db *db, const char *name, db_copy_fn *fn, void *ctx, struct err *err)
{
    struct copy_row row;
    char *data;
    int len;
    bool ok = true;
    bool first = true;
    while (ok && (len = PQgetCopyData(db->conn, &data, 0)) > 0) {
        int skip = first ? copy_header(data, len) : 0;
        first = false;
        if (skip < len && copy_row_at(data + skip, len - skip, &row)) {
            ok = fn(ctx, &row, err);
        }
        PQfreemem(data);
    }
    if (!ok) {
        copy_abandon(db);
        return false;
    }
    /* -2: libpq itself gave up; what the server has to say is in the result that the caller reads. */
    return len == -1 || failed(db, NULL, name, err);
}

bool db_copy_out(struct db *db, enum query_id q, db_copy_fn *fn, void *ctx, struct err *err)
{
    const struct query_def *def = &query_defs[q];

    db->retryable = false;
    int sent = db->prepared
                   ? PQsendQueryPrepared(db->conn, def->name, 0, NULL, NULL, NULL, BINARY)
                   : PQsendQueryParams(db->conn, def->sql, 0, NULL, NULL, NULL, NULL, BINARY);
    /* The first result only says that a COPY begins; the one behind it, read below, says whether the server got through. */
    CLEANUP(rows_clear) PGresult *begun = sent == 1 ? PQgetResult(db->conn) : NULL;
    bool ok = PQresultStatus(begun) == PGRES_COPY_OUT ? copy_rows(db, def->name, fn, ctx, err)
                                                      : failed(db, begun, def->name, err);
    PGresult *res;
    while (!db->broken && (res = PQgetResult(db->conn)) != NULL) {
        if (ok && !done(res)) {
            ok = failed(db, res, def->name, err);
        }
        PQclear(res);
    }
    return ok;
}

/* ---- transactions ---- */

static bool command(struct db *db, const char *sql, struct err *err)
{
    db->retryable = false;
    CLEANUP(rows_clear) PGresult *res = PQexec(db->conn, sql);
    return done(res) || failed(db, res, sql, err);
}

bool db_begin(struct db *db, struct err *err)
{
    assert(!db_in_transaction(db));
    return command(db, begin_sql, err);
}

bool db_begin_snapshot(struct db *db, struct err *err)
{
    assert(!db_in_transaction(db));
    /* Read only: it takes no locks that a fold would wait for, and cannot fail to serialize. */
    return command(db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);
}

bool db_commit(struct db *db, struct err *err)
{
    /* COMMIT of a failed transaction answers "ROLLBACK" and no error. */
    if (PQtransactionStatus(db->conn) == PQTRANS_INERROR) {
        db_rollback(db);
        return FAIL(err, ERR_INTERNAL, "commit of a transaction that had failed");
    }
    return command(db, "COMMIT", err);
}

void db_rollback(struct db *db)
{
    struct err ignored = {0};
    bool retryable = db->retryable; /* belongs to the failure that made the caller roll back */
    switch (PQtransactionStatus(db->conn)) {
    case PQTRANS_INTRANS:
    case PQTRANS_INERROR:
        /* A connection that cannot even roll back is of no use to the next one who leases it. */
        if (!command(db, "ROLLBACK", &ignored)) {
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
}

bool db_in_transaction(const struct db *db)
{
    PGTransactionStatusType status = PQtransactionStatus(db->conn);
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}
