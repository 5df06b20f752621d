#ifndef FOREIGN_CSV_H
#define FOREIGN_CSV_H

#include "base/arena.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* One line of comma-separated text (RFC 4180, but a quoted field ends on its line: a quote that was
 * cut off must not swallow the rows behind it). */
enum { CSV_FIELDS_MAX = 32 };

struct csv_row {
    size_t count;
    const char *field[CSV_FIELDS_MAX]; /* terminated, quotes resolved, in arena */
};

/* Fails with ERR_INVALID: open quote, text behind a closing quote, a NUL byte, too many fields. */
CAN_FAIL bool csv_split(const char *line, size_t len, struct arena *a, struct csv_row *out,
                        struct err *err);
/* Position of the column in a header row, ASCII case ignored; -1 if it has none. */
int csv_column(const struct csv_row *header, const char *name);

/* Fields as values; all fail with ERR_INVALID and "NAME ...". */
CAN_FAIL bool field_id(const char *name, const char *text, struct err *err); /* 1 .. 200 bytes */
CAN_FAIL bool field_i64(const char *name, const char *text, int64_t *out, struct err *err);
/* A count of seconds (unit_us 1000000), milliseconds (1000), ... since 1970. */
CAN_FAIL bool field_unix(const char *name, const char *text, int64_t unit_us, int64_t *out_us,
                         struct err *err);
/* "2019-10-01 00:00:00", with or without " UTC" behind it; both are UTC. */
CAN_FAIL bool field_time(const char *name, const char *text, int64_t *out_us, struct err *err);

#endif
