#ifndef BENCH_CSV_TABLE_H
#define BENCH_CSV_TABLE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* A whole CSV file in memory (RFC 4180: quotes, quotes doubled inside them, line ends of either kind,
 * also within quotes), its first row the names of the columns. */
struct csv_table {
    const char *path; /* borrowed; NULL: out of memory */
    char *text;       /* owned: the file's bytes, cut into fields */
    int rows, columns;
    const char **name; /* (columns) owned array */
    const char **cell; /* (rows, columns) owned array; "" where nothing stands */
    int *line;         /* (rows) where the row starts in the file, from 1 */
};

/* Fails with ERR_INVALID and the line: no header, a repeated or empty name, too few or too many
 * fields, an open quote, text behind a closing one, a NUL byte. */
/* path is borrowed by the table. */
CAN_FAIL bool csv_table_read(const char *path, struct csv_table *out, struct err *err);
/* The same out of memory; takes text (len bytes and a NUL), which is malloced. */
CAN_FAIL bool csv_table_parse(char *text, size_t len, struct csv_table *out, struct err *err);
void csv_table_free(struct csv_table *t); /* accepts {0} */

/* Position of the column, case and all; -1: there is none. */
int csv_table_column(const struct csv_table *t, const char *name);

static inline const char *csv_table_cell(const struct csv_table *t, int row, int column)
{
    return t->cell[(size_t)row * (size_t)t->columns + (size_t)column];
}

#endif
