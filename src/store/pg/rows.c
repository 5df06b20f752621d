#include "store/pg/rows.h"

#include "store/pg/pgtype.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Decodes cells of a binary result. A cell of another type than asked for is a defect of the query:
 * assert. */

void rows_clear(PGresult **rows)
{
    PQclear(*rows);
    *rows = NULL;
}

bool row_null(const PGresult *r, int row, int col)
{
    return PQgetisnull(r, row, col) != 0;
}

int64_t row_i64_or(const PGresult *r, int row, int col, int64_t null_value)
{
    if (row_null(r, row, col)) {
        return null_value;
    }
    const char *cell = PQgetvalue(r, row, col);
    /* By the column's own type: whether a query counts in 32 or 64 bits need not concern who reads
     * it. */
    switch (PQftype(r, col)) {
    case PG_INT8:
        return pg_get64(cell);
    case PG_INT4:
        return pg_get32(cell);
    case PG_INT2:
        return (int16_t)(uint16_t)((unsigned char)cell[0] << 8 | (unsigned char)cell[1]);
    default:
        assert(!"the column is no integer");
        return null_value;
    }
}

int64_t row_i64(const PGresult *r, int row, int col)
{
    return row_i64_or(r, row, col, 0);
}

int32_t row_i32(const PGresult *r, int row, int col)
{
    /* Read as 32 bits an int8 would lose its upper half without a word. */
    assert(PQftype(r, col) != PG_INT8);
    return (int32_t)row_i64(r, row, col);
}

double row_f64(const PGresult *r, int row, int col)
{
    if (row_null(r, row, col)) {
        return (double)NAN;
    }
    const char *cell = PQgetvalue(r, row, col);
    if (PQftype(r, col) == PG_FLOAT4) {
        int32_t bits = pg_get32(cell);
        float v;
        memcpy(&v, &bits, sizeof v);
        return (double)v;
    }
    assert(PQftype(r, col) == PG_FLOAT8);
    int64_t bits = pg_get64(cell);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

bool row_bool(const PGresult *r, int row, int col)
{
    assert(PQftype(r, col) == PG_BOOL);
    return !row_null(r, row, col) && *PQgetvalue(r, row, col) != 0;
}

/* jsonb travels as a version byte and its text. */
static size_t prefix_of(const PGresult *r, int col)
{
    return PQftype(r, col) == PG_JSONB ? 1 : 0;
}

const char *row_text(const PGresult *r, int row, int col)
{
    /* libpq puts a zero byte behind every value, also of binary results: text may be used where it
     * lies. */
    return row_null(r, row, col) ? NULL : PQgetvalue(r, row, col) + prefix_of(r, col);
}

size_t row_len(const PGresult *r, int row, int col)
{
    return row_null(r, row, col) ? 0 : (size_t)PQgetlength(r, row, col) - prefix_of(r, col);
}

const void *row_bytes(const PGresult *r, int row, int col)
{
    return row_null(r, row, col) ? NULL : PQgetvalue(r, row, col);
}

int64_t row_time(const PGresult *r, int row, int col)
{
    if (row_null(r, row, col)) {
        return 0;
    }
    assert(PQftype(r, col) == PG_TIMESTAMPTZ);
    int64_t v = pg_get64(PQgetvalue(r, row, col));
    return v == INT64_MAX || v == INT64_MIN ? v : v + PG_EPOCH_US;
}

const char *row_text_copy(const PGresult *r, int row, int col, struct arena *a)
{
    const char *text = row_text(r, row, col);
    return text == NULL ? NULL : arena_strndup(a, text, row_len(r, row, col));
}

const char **row_text_array(const PGresult *r, int row, int col, size_t *out_count, struct arena *a)
{
    assert(PQftype(r, col) == PG_TEXT_ARRAY);
    const char *at = row_bytes(r, row, col);
    if (at == NULL || pg_get32(at) == 0) {
        *out_count = 0;
        return NULL;
    }
    /* Dimensions: text[][] has no meaning here. */
    assert(pg_get32(at) == 1);
    size_t n = (size_t)pg_get32(at + 12); /* dimensions, nulls, type, then the length */
    at += 20;
    const char **out = arena_array(a, n, sizeof *out);
    for (size_t i = 0; i < n; i++) {
        int32_t len = pg_get32(at);
        at += sizeof len;
        if (len >= 0) {
            out[i] = arena_strndup(a, at, (size_t)len);
            at += len;
        }
    }
    *out_count = n;
    return out;
}
