#ifndef FOREIGN_CSV_H
#define FOREIGN_CSV_H

#include "base/arena.h"
#include "base/err.h"

#include <stddef.h>

/* Rows of separated text (RFC 4180): a field in quotes may hold separators, line breaks and doubled
 * quotes. */
enum { CSV_FIELDS_MAX = 1024 };

struct csv_row {
    size_t count;
    const char *field[CSV_FIELDS_MAX]; /* terminated, quotes resolved, in arena */
};

/* One record, without the end of its last line. Fails with ERR_INVALID: open quote, text behind a
 * closing quote, a NUL byte, too many fields. */
CAN_FAIL bool csv_split(const char *text, size_t len, char separator, struct arena *a,
                        struct csv_row *out, struct err *err);
/* Position of the column in a header row, ASCII case and blanks around a cell ignored; -1 if it has
 * none. */
int csv_column(const struct csv_row *header, const char *name);

/* The one of , ; tab | that stands most often outside of quotes; a comma where none does. */
char csv_separator(const char *text, size_t len);
/* "semicolons" */
const char *csv_separator_name(char separator);

/* What is known of a file's records before one is read. */
struct csv_shape {
    bool rows;      /* false: a line is a record, and quotes mean nothing */
    char separator; /* 0: not known yet */
    size_t width;   /* fields of a row; 0: any number */
};
/* The record that begins at text, of which the text may show the first part only. A quote that was cut
 * off must not swallow the rows behind it: a record of several lines has its quotes closed and as many
 * fields as it must have; what does not is one line. */
struct csv_cut {
    size_t len;    /* without the end of its last line */
    size_t breaks; /* ends of lines inside it */
};
struct csv_cut csv_cut(const char *text, size_t len, const struct csv_shape *shape);
/* Whether a quoted field is still open where the line ends. */
bool csv_stays_open(const char *line, size_t len, const struct csv_shape *shape);

#endif
