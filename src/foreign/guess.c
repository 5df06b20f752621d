/* Which format a first record looks like. A hint for people: nothing is imported by it. */
#include "foreign/guess.h"

#include "base/cleanup.h"
#include "foreign/csv.h"
#include "foreign/field.h"
#include "foreign/mapping.h"
#include "foreign/table.h"

#include <string.h>
#include <strings.h>

/* The value of a column of a format without header. */
static const char *placed(const struct foreign_format *format, const struct csv_row *row,
                          enum target target)
{
    const char *name = format->table->columns[target].names[0];
    return row->field[name[1] - '1']; /* "#4"; no such format has ten columns */
}

/* Whether a row says a type and a time where this format, which has no header, has them. */
static bool row_fits(const struct foreign_format *format, const struct csv_row *row)
{
    int64_t at_us = 0;
    struct err unread = {0};
    if (row->count != format->table->width ||
        !field_time("time", placed(format, row, TO_TIME), &at_us, &unread)) {
        return false;
    }
    const char *type = placed(format, row, TO_TYPE);
    const struct mapping_type *t = format->mapping->types;
    while (t->value != NULL && strcasecmp(t->value, type) != 0) {
        t++;
    }
    return t->value != NULL;
}

const char *foreign_guess(const char *text, size_t len)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct csv_row row;
    struct err unread = {0};
    const struct foreign_format *format = NULL;
    const char *best = NULL;
    size_t best_columns = 0;
    if (len > 0 && (text[0] == '{' || text[0] == '[')) {
        bool ga4 = memmem(text, len, "\"user_pseudo_id\"", strlen("\"user_pseudo_id\"")) != NULL;
        return ga4 ? foreign_ga4_json.name : foreign_ndjson.name;
    }
    if (!csv_split(text, len, csv_separator(text, len), &a, &row, &unread)) {
        return NULL;
    }
    for (size_t n = 0; (format = foreign_format_at(n)) != NULL; n++) {
        if (format->table == NULL) {
            continue;
        }
        size_t columns = format->table->header
                             ? table_fits(format->table, &row)
                             : (row_fits(format, &row) ? format->table->width : 0);
        /* Of several the one that knows most of the columns. */
        if (columns > best_columns) {
            best = format->name;
            best_columns = columns;
        }
    }
    return best;
}
