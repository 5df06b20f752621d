#ifndef STORE_DB_H
#define STORE_DB_H

#include "base/arena.h"
#include "base/config.h"
#include "base/err.h"
#include "store/query.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One connection, used by one thread at a time. Queries are named blocks of sql/queries, prepared on connect in one pipeline
 * (or sent with their text where database_prepared is off). Binary parameters and results. */
struct db;

CAN_FAIL bool db_open(const char *conninfo, bool prepared, struct db **out, struct err *err); /* owns; close with db_close */
void db_close(struct db **db); /* CLEANUP(db_close) */
bool db_alive(const struct db *db);
PGconn *db_conn(struct db *db); /* borrowed, for COPY and tests */

/* Parameters of one query, built in call order ($1, $2, ...). Bytes live in the arena. At most PARAMS_MAX. */
enum { PARAMS_MAX = 20 };
struct params {
    struct arena *arena;
    int count;
    Oid types[PARAMS_MAX];
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX];
    int formats[PARAMS_MAX];
};
struct params params_make(struct arena *a);
void param_i32(struct params *p, int32_t v);
void param_i64(struct params *p, int64_t v);
void param_f64(struct params *p, double v);
void param_bool(struct params *p, bool v);
void param_text(struct params *p, const char *v); /* NULL -> SQL NULL */
void param_textn(struct params *p, const char *v, size_t len);
void param_jsonb(struct params *p, const char *json, size_t len); /* NULL -> SQL NULL */
void param_bytes(struct params *p, const void *v, size_t len);
void param_time(struct params *p, int64_t us); /* timestamptz */
void param_time_opt(struct params *p, int64_t us); /* 0 -> SQL NULL */
/* Arrays: NULL elements of text arrays are SQL NULL; INT64_MIN in i64/time arrays is SQL NULL; NaN in f64 arrays is SQL NULL. */
void param_i32_array(struct params *p, const int32_t *v, size_t n);
void param_i64_array(struct params *p, const int64_t *v, size_t n);
void param_f64_array(struct params *p, const double *v, size_t n);
void param_bool_array(struct params *p, const bool *v, size_t n);
void param_text_array(struct params *p, const char *const *v, size_t n);
void param_jsonb_array(struct params *p, const char *const *v, size_t n);
void param_time_array(struct params *p, const int64_t *us, size_t n);

/* Runs one query. Maps SQLSTATE to kinds: serialization, deadlock, lock timeout, connection loss, too many connections, disk full -> ERR_BUSY;
 * others -> ERR_INTERNAL with the query's name. *out is owned by the caller: CLEANUP(rows_clear) PGresult *rows = NULL. */
CAN_FAIL bool db_query(struct db *db, enum query_id q, const struct params *p, PGresult **out, struct err *err);
/* For statements without rows of interest; *out_affected may be NULL. */
CAN_FAIL bool db_exec(struct db *db, enum query_id q, const struct params *p, int64_t *out_affected, struct err *err);
/* Large results: row by row through a portal-free single-row mode; fn returns false to stop (its err is kept). */
typedef bool db_row_fn(void *ctx, const PGresult *row, struct err *err);
CAN_FAIL bool db_stream(struct db *db, enum query_id q, const struct params *p, db_row_fn *fn, void *ctx, struct err *err);

CAN_FAIL bool db_begin(struct db *db, struct err *err);
CAN_FAIL bool db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db); /* no transaction: does nothing */
/* True after an ERR_BUSY failure that a retry of the whole transaction may cure. */
bool db_retryable(const struct db *db);

void rows_clear(PGresult **rows);
/* Cells of a binary result; text is borrowed from the result (NULL for SQL NULL). */
int64_t row_i64(const PGresult *r, int row, int col); /* int2/int4/int8 */
double row_f64(const PGresult *r, int row, int col);  /* float4/float8; NaN for NULL */
bool row_bool(const PGresult *r, int row, int col);
const char *row_text(const PGresult *r, int row, int col); /* text; jsonb without its version byte */
size_t row_len(const PGresult *r, int row, int col); /* bytes of row_text / row_bytes */
const void *row_bytes(const PGresult *r, int row, int col);
int64_t row_time(const PGresult *r, int row, int col); /* timestamptz -> us since 1970; 0 for NULL; +-infinity -> INT64_MAX/MIN */
bool row_null(const PGresult *r, int row, int col);
/* Elements of a text[] cell, copied into the arena. */
const char **row_text_array(const PGresult *r, int row, int col, size_t *out_count, struct arena *a);

#endif
