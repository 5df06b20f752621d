#ifndef FOREIGN_TABLE_H
#define FOREIGN_TABLE_H

#include "base/err.h"
#include "base/hash.h"
#include "foreign/format.h"

/* For formats whose records are rows of comma-separated text: finds the columns, gives every row an
 * id, and hands its fields over by name. */

/* A column and its names, the usual one first. */
struct table_column {
    const char *names[3];
    bool optional;
};

enum { TABLE_COLUMNS_MAX = 12 };

struct table_row {
    const char *field[TABLE_COLUMNS_MAX]; /* by the table's columns; "" where an optional one is not
                                             there */
    const int *spelling;                  /* which of its names the header used, by column */
    int64_t number;
    /* Hex SHA-256 of format, raw row, and how many times this identical row came before: a second
     * import of a file gives the same ids, and identical rows of one file different ones. */
    char event_id[SHA256_HEX];
};

struct table {
    const struct table_column *columns; /* by name from the header, or in this order without one */
    size_t column_count;
    bool header;
    /* ERR_INVALID: the row is malformed, the next may be good. */
    bool (*row)(struct foreign_parser *p, const struct table_row *row, struct err *err);
};

struct table_reading; /* of one source */

struct table_reading *table_open(const struct table *table); /* owns */
void table_close(struct table_reading **t);

/* The member `record` of a format with a table. Its header, if it has one, is the first record. */
CAN_FAIL bool table_record(struct foreign_parser *p, const struct foreign_record *record,
                           struct err *err);

#endif
