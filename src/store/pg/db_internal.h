#ifndef STORE_PG_DB_INTERNAL_H
#define STORE_PG_DB_INTERNAL_H

#include "store/pg/db.h"
#include "store/pg/db_error.h"

/* What db.c, db_prepare.c, db_stream.c and db_wait.c share; for them and conninfo.c only. */

enum { BINARY = 1, BOUNDS_SQL_MAX = 300 };

struct db {
    PGconn *conn;
    bool prepared;
    bool distributed;    /* the database is; then some queries have another text */
    bool broken;         /* the connection must be replaced, whatever libpq thinks of it */
    bool late;           /* given up on: it did not answer in time */
    bool retryable;      /* about the last failure */
    bool locked;         /* the last failure was a lock that somebody else holds */
    int64_t until_us;    /* monotonic: nothing is waited for beyond this; INT64_MAX: no bound */
    int64_t patience_us; /* with locks, in transactions */
    int64_t opened_us;   /* monotonic */
    bool known[Q_COUNT]; /* prepared on this connection */
};

/* Forgets how the call before failed. */
void db_begin_call(struct db *db);
/* Always false. */
bool db_failed(struct db *db, const PGresult *res, const char *name, struct err *err);
bool db_done(const PGresult *res);
/* Of a query that is prepared (db_prepare), where queries are. p may be NULL. */
bool db_send(struct db *db, enum query_id q, const struct params *p);
/* To the sync, over the queries that were not run because one before them failed. */
void db_leave_pipeline(struct db *db);
bool db_pipeline_failed(struct db *db, struct err *err); /* always false */

/* ---- db_prepare.c ---- */

/* Prepares those that are not yet, in one round trip; does nothing where queries are sent as text. */
CAN_FAIL bool db_prepare(struct db *db, const enum query_id *queries, int count, struct err *err);

/* ---- db_wait.c ---- */

/* As PQgetResult, but waits no longer than until_us, nor beyond stop_cut: then NULL, and the connection is late and broken. */
PGresult *db_result(struct db *db);
/* As PQgetCopyData, likewise; -2 then. */
int db_copy_data(struct db *db, char **out);
/* Waits for the socket. False: it is until_us, or we stop. */
bool db_wait_socket(int fd, short events, int64_t until_us);

#endif
