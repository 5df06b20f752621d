#ifndef BENCH_RISK_ROWS_H
#define BENCH_RISK_ROWS_H

#include "base/err.h"
#include "bench/csv_table.h"
#include "ml/learner/learner.h"

#include <stdbool.h>
#include <stdint.h>

/* A CSV table as the learner reads it. */

enum { RISK_NAMES_MAX = 256 };

/* Which column is what. Names are borrowed. */
struct risk_columns {
    const char *label;
    const char *group; /* or NULL; no feature */
    const char *time;  /* or NULL: a number, rows are put in its order; no feature */
    const char *id[RISK_NAMES_MAX];
    int ids;
    const char *drop[RISK_NAMES_MAX];
    int drops;
};

/* Rows with features, owned. Columns of both files of a pair are of the same kinds. */
struct risk_rows {
    int rows, columns;
    uint8_t *kind;
    const char **name; /* (columns) borrowed from the table */
    union learner_cell *cells;
    uint8_t *label;
    int not_numbers; /* cells with a text in a column of numbers: taken as missing */
    uint64_t *group; /* NULL without */
    double *time;    /* NULL without */
};

/* What a cell says: nothing ("", NA, NaN, null, none, ?), or a number (true/false and yes/no are 1/0). */
bool risk_text_is_missing(const char *text);
bool risk_text_number(const char *text, double *out);

/* Reads one table, or two of the same columns (second may be NULL). A column is an id if it is named one or holds a text that is no number in a row of
 * the first table that trains: `trains` (first->rows), NULL for all of them. What is to be foretold decides nothing. Fails with ERR_INVALID: a
 * column that is not there, a label or a time that is missing or no such value, one column or row too few. */
CAN_FAIL bool risk_rows_read(const struct csv_table *first, const struct csv_table *second,
                             const struct risk_columns *columns, const uint8_t *trains,
                             struct risk_rows out[2], struct err *err);
void risk_rows_free(struct risk_rows *r); /* accepts {0} */

/* The chosen rows, copied, in the order given; owned by the caller. */
struct risk_rows risk_rows_pick(const struct risk_rows *from, const int32_t *rows, int count);

/* Row numbers in order of time, owned by the caller; equal times in order of rows. */
int32_t *risk_rows_by_time(const struct risk_rows *r);

struct learner_table risk_rows_table(const struct risk_rows *r);

/* Keeps rows of `rows` whose group no row of `seen` has; returns how many are left. */
int risk_rows_unseen(const struct risk_rows *r, const struct risk_rows *seen, int32_t *rows,
                     int count);

#endif
