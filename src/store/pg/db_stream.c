#include "store/pg/db.h"
#include "store/pg/db_internal.h"
#include "store/pg/pgtype.h"

#include <assert.h>
#include <string.h>

/* Large results, row by row: they are never in memory whole. */

/* ---- streams ---- */

/* Asks the server to stop. */
static void stream_cancel(struct db *db)
{
    char why[256];
    if (db->broken) { /* nor would it answer this */
        return;
    }
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
    while (!db->broken && (res = db_result(db)) != NULL) {
        PQclear(res);
    }
}

static bool stream_rows(struct db *db, const char *name, db_row_fn *fn, void *ctx, struct err *err)
{
    PGresult *res;
    bool ok = true;
    while (ok && (res = db_result(db)) != NULL) {
        if (PQresultStatus(res) == PGRES_SINGLE_TUPLE) {
            ok = fn(ctx, res, err);
            if (!ok) {
                stream_abandon(db);
            }
        } else if (!db_done(res)) {
            ok = db_failed(db, res, name, err);
        }
        PQclear(res);
    }
    /* Until NULL, or the next query on this connection would get the rest of this one. */
    while (!ok && !db->broken && (res = db_result(db)) != NULL) {
        PQclear(res);
    }
    return ok;
}

bool db_stream(struct db *db, enum query_id q, const struct params *p, db_row_fn *fn, void *ctx,
               struct err *err)
{
    const char *name = query_defs[q].name;

    if (!db_prepare(db, &q, 1, err)) {
        return false;
    }
    db_begin_call(db);
    /* Single rows: libpq would else gather the whole log before it hands out the first. */
    if (!db_send(db, q, p) || PQsetSingleRowMode(db->conn) != 1) {
        return db_failed(db, NULL, name, err);
    }
    return stream_rows(db, name, fn, ctx, err);
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
    while (!db->broken && db_copy_data(db, &data) > 0) {
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
    while (ok && (len = db_copy_data(db, &data)) > 0) {
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
    return len == -1 || db_failed(db, NULL, name, err);
}

bool db_copy_out(struct db *db, enum query_id q, db_copy_fn *fn, void *ctx, struct err *err)
{
    const char *name = query_defs[q].name;

    if (!db_prepare(db, &q, 1, err)) {
        return false;
    }
    db_begin_call(db);
    /* The first result only says that a COPY begins; the one behind it, read below, says whether the server got through. */
    CLEANUP(rows_clear) PGresult *begun = db_send(db, q, NULL) ? db_result(db) : NULL;
    bool ok = PQresultStatus(begun) == PGRES_COPY_OUT ? copy_rows(db, name, fn, ctx, err)
                                                      : db_failed(db, begun, name, err);
    PGresult *res;
    while (!db->broken && (res = db_result(db)) != NULL) {
        if (ok && !db_done(res)) {
            ok = db_failed(db, res, name, err);
        }
        PQclear(res);
    }
    return ok;
}
