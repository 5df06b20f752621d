#ifndef FOREIGN_FORMAT_H
#define FOREIGN_FORMAT_H

#include "base/arena.h"
#include "base/err.h"
#include "foreign/csv.h"
#include "foreign/native.h"

/* A foreign vocabulary: how one record of it (a line of a file, a delivery) becomes native events and
 * facts about products. Pure: no database, no clock, no files. A format is a row of
 * mapping_table.c, or a file of its own and a row in format.c. */
struct foreign_record {
    const char *text; /* borrowed, not terminated */
    size_t len;
    int64_t number; /* from 1; told with its errors and its events */
    bool torn;      /* its source ended in the middle of it, as far as can be told */
};

struct foreign_parser;
struct table;
struct table_reading;
struct lookup;
struct mapping;

struct foreign_format {
    const char *name;
    const char
        *currency; /* of its prices; "": it has none; NULL: it has, and the user says which */
    const struct table *table;     /* the columns of one that comes in rows; NULL: it does not */
    const struct mapping *mapping; /* what they mean; NULL: the format's own code knows */
    const char *
        ids_allowed; /* ids of its files that look like placeholders, parted by commas; NULL: none */
    size_t state_bytes; /* zero-filled at the start */
    /* ERR_INVALID: the record is malformed, the next may be good. ERR_REFUSED: the whole source is
     * none of this format. */
    bool (*record)(struct foreign_parser *p, const struct foreign_record *record, struct err *err);
    bool (*finish)(struct foreign_parser *p,
                   struct err *err);         /* there are no more; NULL: nothing waits */
    void (*close)(struct foreign_parser *p); /* frees what state owns; NULL: nothing */
};

/* What starts a line that says why a row was refused (import/refusals.h): no format has such a row, and each passes over it. */
#define FOREIGN_COMMENT "#refused "

/* A column of which an order is taken without what cannot be read (foreign/taken.h), and how often that was. */
enum { FOREIGN_COLUMNS_MAX = 8, FOREIGN_COLUMN_NAME_MAX = 64 };
struct foreign_column {
    char name[FOREIGN_COLUMN_NAME_MAX]; /* cut where it is longer */
    int64_t lines, unread; /* of orders, in which it tells something, or nothing that can be read */
    char first[FOREIGN_COLUMN_NAME_MAX]; /* that could not be */
};

/* One source being read. */
struct foreign_parser {
    const struct foreign_format *format;
    char currency[4];
    struct native_writer out;
    struct arena scratch; /* of one record */
    int64_t records;      /* so far, malformed ones too; a header is none */
    int64_t left_out;     /* of them: good, and nothing that a shopper did */
    bool dates_1904;      /* its spreadsheet counts days from there */
    bool cut_off;         /* the last record is malformed, and torn */
    enum cause cause;     /* what is wrong where what is being read now is malformed */
    const char *field;    /* and the column it is of; "": of none alone */
    struct foreign_column columns[FOREIGN_COLUMNS_MAX]; /* the first of them */
    size_t column_count;
    struct table_reading *reading; /* of a format with a table */
    void *state;
};

/* What is read next; true, so that it stands in front of what reads it: foreign_at(p, CAUSE_BAD_TIME, name) && field_time(...). */
static inline bool foreign_at(struct foreign_parser *p, enum cause cause, const char *field)
{
    p->cause = cause;
    p->field = field;
    return true;
}

/* NULL for a name nobody knows. */
const struct foreign_format *foreign_format_of(const char *name);
/* "retailrocket|rees46|..." in arena. */
const char *foreign_format_names(struct arena *a);
/* The n-th of all; NULL behind the last. */
const struct foreign_format *foreign_format_at(size_t n);

/* currency NULL: the format's own. */
void foreign_parser_open(const struct foreign_format *format, const char *currency,
                         struct native_sink sink, struct foreign_parser *out);
/* Whether a record is such a line. */
bool foreign_is_comment(const char *text, size_t len);
/* ERR_INVALID: this record is malformed, go on; its cause and field say how. ERR_REFUSED: the source is not of this format. Others
 * come from the sink. An empty record says nothing. */
CAN_FAIL bool foreign_parser_record(struct foreign_parser *p, const struct foreign_record *record,
                                    struct err *err);
/* The rows of another file, for a format with a table; borrowed. Before the first record. */
void foreign_parser_join(struct foreign_parser *p, const struct lookup *lookup);
/* By what its records are told apart: lines, or rows of which some have several (csv_cut). */
struct csv_shape foreign_parser_shape(const struct foreign_parser *p);
/* Counts a record that its reader could not hand over. */
void foreign_parser_skip(struct foreign_parser *p);
CAN_FAIL bool foreign_parser_finish(struct foreign_parser *p, struct err *err);
void foreign_parser_close(struct foreign_parser *p); /* CLEANUP; accepts {0} */

extern const struct foreign_format foreign_ga4_json, foreign_online_retail, foreign_ndjson;

#endif
