#ifndef FOREIGN_TABLE_H
#define FOREIGN_TABLE_H

#include "base/err.h"
#include "base/hash.h"
#include "foreign/csv.h"
#include "foreign/format.h"
#include "foreign/lookup.h"

/* For formats whose records are rows of separated text: finds the separator and the columns, gives
 * every row an id, and hands its fields over by name. */

/* A column and its names, the usual one first; "#2" is the second column of a file without header. */
enum { TABLE_NAMES_MAX = 6, TABLE_COLUMNS_MAX = 20, TABLE_LOOKUPS_MAX = 4 };
struct table_column {
    const char *names[TABLE_NAMES_MAX]; /* none: the format has no such column */
    bool optional;
    bool by_hand; /* whoever imports said its name, in --map */
};

/* Where a row holds several of something, column by column: "Lineitem {n} sku" is as many columns as there are numbers, from 1
 * on or from 0. */
#define TABLE_NTH "{n}"
struct table_row {
    const char *field[TABLE_COLUMNS_MAX]; /* by the table's columns; "" where one is not there */
    const char *const *name;              /* of each column, as the file calls it */
    int64_t number;
    const char *raw; /* as it came */
    size_t raw_len;
    /* Of each n the columns with {n} in their names, by the table's columns; NULL for those without. */
    size_t nth_first, nth_count;
    const char *(*nth)[TABLE_COLUMNS_MAX];
    /* Hex SHA-256 of format, raw row, and how many times this identical row came before: a second
     * import of a file gives the same ids, and identical rows of one file different ones. */
    char event_id[SHA256_HEX];
};

struct table {
    const struct table_column *columns;
    size_t column_count;
    bool header;      /* else every name is a place ("#1") */
    size_t width;     /* columns of a row, where there is no header; 0: as many as the first has */
    const char *join; /* what the other columns come from: "order_id=orders.csv"; NULL: nothing */
    /* ERR_INVALID: the row is malformed, the next may be good. */
    bool (*row)(struct foreign_parser *p, const struct table_row *row, struct err *err);
    /* A row's fields cannot be told apart, so that `row` has not seen it; NULL: all the same. */
    bool (*unread)(struct foreign_parser *p, struct err *err);
};

/* "Lineitem 2 sku" for "Lineitem {n} sku"; NULL for a name without. In arena. */
const char *table_nth_name(const char *name, size_t n, struct arena *a);

struct table_reading; /* of one source */

struct table_reading *table_open(const struct table *table); /* owns */
void table_close(struct table_reading **t);
/* What is known of the rows of another file by the column key joins every row; borrowed. Before the
 * first record. */
void table_join(struct table_reading *t, const struct lookup *lookup);

/* The member `record` of a format with a table. Its header, if it has one, is the first record. */
CAN_FAIL bool table_record(struct foreign_parser *p, const struct foreign_record *record,
                           struct err *err);
/* The same id for whatever says the same of what: hex SHA-256 of format, text, and how many times this
 * text came before. For orders, of which a later export shows other columns. */
void table_event_id(struct foreign_parser *p, const char *text, size_t len, char out[SHA256_HEX]);
/* What is known of its records by now. */
struct csv_shape table_shape(const struct table_reading *t);

/* How many of the table's columns a header has; 0 if one is missing that must be there. */
size_t table_fits(const struct table *table, const struct csv_row *header);

#endif
