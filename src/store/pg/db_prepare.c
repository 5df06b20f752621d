/* Which queries a connection has prepared. A connection is asked few of the hundred and more that there are: each is
 * prepared when it is asked first, since parsing all of them costs a connect tens of milliseconds of the server's
 * processor, and its process their memory. */
#include "store/pg/db_internal.h"

/* The answer to one PQsendPrepare: its result, then the NULL that ends it. */
static bool prepare_answer(struct db *db, enum query_id q, struct err *err)
{
    PGresult *res = db_result(db);
    const bool ok = PQresultStatus(res) == PGRES_COMMAND_OK;

    if (!ok) {
        (void)db_failed(db, res, query_defs[q].name, err);
    }
    PQclear(res);
    while ((res = db_result(db)) != NULL) {
        PQclear(res);
    }
    return ok;
}

static bool send_prepares(struct db *db, const enum query_id *queries, int count)
{
    bool sent = PQenterPipelineMode(db->conn) == 1;

    for (int i = 0; sent && i < count; i++) {
        /* No types: every parameter is cast where it stands in the text. */
        sent = PQsendPrepare(db->conn, query_defs[queries[i]].name,
                             query_sql(queries[i], db->distributed), 0, NULL) == 1;
    }
    return sent && PQpipelineSync(db->conn) == 1;
}

static bool prepare(struct db *db, const enum query_id *queries, int count, struct err *err)
{
    bool ok = true;

    db_begin_call(db);
    if (!send_prepares(db, queries, count)) {
        return db_pipeline_failed(db, err);
    }
    for (int i = 0; i < count; i++) {
        ok = ok && prepare_answer(db, queries[i], err);
        db->known[queries[i]] = ok; /* what comes behind a failure is not run */
    }
    db_leave_pipeline(db);
    return ok;
}

bool db_prepare(struct db *db, const enum query_id *queries, int count, struct err *err)
{
    enum query_id missing[Q_COUNT];
    int n = 0;

    for (int i = 0; db->prepared && i < count; i++) {
        if (!db->known[queries[i]]) {
            missing[n++] = queries[i];
            db->known[queries[i]] = true; /* so that a query that is asked twice is prepared once */
        }
    }
    return n == 0 || prepare(db, missing, n, err);
}

bool db_prepare_all(struct db *db, struct err *err)
{
    enum query_id all[Q_COUNT];

    for (int q = 0; q < Q_COUNT; q++) {
        all[q] = (enum query_id)q;
    }
    return db_prepare(db, all, Q_COUNT, err);
}
