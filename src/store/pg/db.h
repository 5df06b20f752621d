#ifndef STORE_PG_DB_H
#define STORE_PG_DB_H

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "store/pg/params.h"
#include "store/pg/query.h"
#include "store/pg/rows.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

/* One connection, used by one thread at a time. Queries are named blocks of sql/queries, each
 * prepared when the connection is asked it first (or sent with its text where `prepared` is off). Binary parameters
 * and results. */
struct db;

CAN_FAIL bool db_open(const char *conninfo, bool prepared, struct db **out,
                      struct err *err); /* owns; close with db_close */
/* The same, connecting no longer than until that monotonic time. */
CAN_FAIL bool db_open_by(const char *conninfo, bool prepared, int64_t until_us, struct db **out,
                         struct err *err);
/* Prepares every query, in one round trip: one that does not fit the schema fails here, with its name. */
CAN_FAIL bool db_prepare_all(struct db *db, struct err *err);
void db_close(struct db **db); /* CLEANUP(db_close) */

/* ---- bounds ----
 * Whatever waits for PostgreSQL waits for a while only: for a lock as long as its patience, for an answer until the bound of its
 * connection. Where the server stands still its own timeouts do not tick; the bound does, and the connection is then broken. */

#define DB_PATIENCE_US INT64_C(2000000) /* with a lock that another transaction holds */
#define DB_PAUSE_US                                                                                \
    INT64_C(10000000) /* between two statements: who sleeps longer with locks loses them */

/* Nothing on this connection is waited for beyond this monotonic time; INT64_MAX: no bound. Also the statement timeout of the
 * transactions that begin from now on. */
void db_bound(struct db *db, int64_t until_us);
/* How long the transactions that begin from now on wait for a lock. */
void db_patience(struct db *db, int64_t us);
/* The same for statements outside of transactions: a lock is waited for DB_PATIENCE_US, a statement may take statement_us (0: no bound).
 * Does nothing behind a pooler, where a session is not ours: there the role's settings hold (sql/README.md). */
CAN_FAIL bool db_settle(struct db *db, int64_t statement_us, struct err *err);
/* The last failure was a lock that somebody else holds, and kept for longer than our patience. */
bool db_locked_out(const struct db *db);
int64_t db_age_us(const struct db *db);
bool db_distributed(
    const struct db *db); /* the database is: what is asked there may have another text */

bool db_alive(const struct db *db);
/* The same, and looks whether the server has hung up while the connection was idle. No round trip.
 */
bool db_still_alive(struct db *db);
CAN_FAIL bool db_ping(struct db *db, struct err *err); /* a round trip, and nothing else */
PGconn *db_conn(struct db *db);                        /* borrowed, for COPY and tests */

/* Runs one query. Maps SQLSTATE to kinds: serialization, deadlock, lock timeout, connection loss,
 * too many connections, disk full -> ERR_BUSY; others -> ERR_INTERNAL with the query's name. *out
 * is owned by the caller: CLEANUP(rows_clear) PGresult *rows = NULL. */
CAN_FAIL bool db_query(struct db *db, enum query_id q, const struct params *p, PGresult **out,
                       struct err *err);
/* Runs one query and reads its rows into an array, both in the arena of `p`. `read` fills one element, of `size` zeroed bytes, from row r;
 * what it keeps of the result it copies. */
struct db_rows {
    void *all; /* never NULL */
    size_t count;
};
typedef void db_read_fn(const PGresult *rows, int r, struct arena *a, void *out);
CAN_FAIL bool db_list(struct db *db, enum query_id q, const struct params *p, size_t size,
                      db_read_fn *read, struct db_rows *out, struct err *err);
/* For statements without rows of interest; *out_affected may be NULL. */
CAN_FAIL bool db_exec(struct db *db, enum query_id q, const struct params *p, int64_t *out_affected,
                      struct err *err);
/* Large results, row by row (row number 0 of each `row`); fn returns false to stop (its err is
 * kept; an open transaction is then aborted). */
typedef bool db_row_fn(void *ctx, const PGresult *row, struct err *err);
CAN_FAIL bool db_stream(struct db *db, enum query_id q, const struct params *p, db_row_fn *fn,
                        void *ctx, struct err *err);

/* Fields of one row of a binary COPY, in its buffer; NULL for SQL NULL. A byte of zero follows each. */
enum { COPY_FIELDS_MAX = 16 };
struct copy_row {
    int count;
    const char *data[COPY_FIELDS_MAX];
    int len[COPY_FIELDS_MAX];
};
/* A query that is COPY (...) TO STDOUT (FORMAT binary), row by row, at less cost a row than db_stream: for reading tables whole. It takes no
 * parameters; fn as there. */
typedef bool db_copy_fn(void *ctx, const struct copy_row *row, struct err *err);
CAN_FAIL bool db_copy_out(struct db *db, enum query_id q, db_copy_fn *fn, void *ctx,
                          struct err *err);

CAN_FAIL bool db_begin(struct db *db, struct err *err); /* READ COMMITTED, with the bounds above */
/* A query, what it asks, and what came back. */
struct db_call {
    enum query_id query;
    struct params params;
    PGresult *rows; /* owned: db_calls_clear */
};
/* Runs the queries in one round trip, each of which sees what is committed when its turn comes. The first that fails ends it, and the rest is not
 * run: for reading. What a query asks cannot depend on the answer to one before it. */
CAN_FAIL bool db_ask(struct db *db, struct db_call *calls, int count, struct err *err);
/* Begins a transaction (READ COMMITTED: each query sees what is committed when its turn comes) and runs the queries in it, all in one round
 * trip. The first that fails ends it, the rest is not run, and the transaction is to be rolled back. */
CAN_FAIL bool db_begin_with(struct db *db, struct db_call *calls, int count, struct err *err);
void db_calls_clear(struct db_call *calls, int count);
/* Read only, everything as of one moment: for reports and comparisons that take several queries. Without bounds. */
CAN_FAIL bool db_begin_snapshot(struct db *db, struct err *err);
CAN_FAIL bool db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db); /* no transaction: does nothing */
bool db_in_transaction(const struct db *db);
/* True after an ERR_BUSY failure that a retry of the whole transaction may cure. */
bool db_retryable(const struct db *db);

#endif
