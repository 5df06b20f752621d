#ifndef STORE_PG_ROWS_H
#define STORE_PG_ROWS_H

#include "base/arena.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Cells of a binary result. Numbers of a NULL cell are 0 (NaN for row_f64); text is borrowed from
 * the result. */
void rows_clear(PGresult **rows); /* CLEANUP(rows_clear) */

bool row_null(const PGresult *r, int row, int col);
int64_t row_i64(const PGresult *r, int row, int col); /* int2, int4, int8 */
int32_t row_i32(const PGresult *r, int row, int col); /* int2, int4 */
/* int8, or null_value for SQL NULL */
int64_t row_i64_or(const PGresult *r, int row, int col, int64_t null_value);
double row_f64(const PGresult *r, int row, int col); /* float4, float8 */
bool row_bool(const PGresult *r, int row, int col);
const char *row_text(const PGresult *r, int row,
                     int col); /* NULL for SQL NULL; jsonb without its version byte */
size_t row_len(const PGresult *r, int row, int col); /* bytes of row_text and row_bytes */
const void *row_bytes(const PGresult *r, int row, int col);
int64_t row_time(const PGresult *r, int row,
                 int col); /* us since 1970; 0 for NULL; +-infinity -> INT64_MAX, INT64_MIN */

/* The same, copied into the arena. */
const char *row_text_copy(const PGresult *r, int row, int col, struct arena *a);
/* Elements of a text[] cell; a NULL element is a NULL pointer. */
const char **row_text_array(const PGresult *r, int row, int col, size_t *out_count,
                            struct arena *a);

#endif
