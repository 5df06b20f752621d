#ifndef FOREIGN_FORMAT_H
#define FOREIGN_FORMAT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/jenc.h"
#include "domain/shop/event.h"
#include "domain/shop/product.h"
#include "foreign/csv.h"
#include "foreign/lines.h"
#include "foreign/repeat.h"

/* What a foreign file says, line by line: native events as JSON text, and facts about products.
 * Pure: no database, no clock. A format is one file import_NAME.c and one row in import_format.c.
 */

/* Where they go. Everything handed over is borrowed during the call. */
struct import_sink {
    void *ctx;
    /* One native event. A sink that finds it invalid reports it at `line` itself, sets *out_valid
     * false and returns true. */
    bool (*event)(void *ctx, const char *json, size_t len, int64_t line, bool *out_valid,
                  struct err *err);
    /* What a row says about a product; updated_us is when it said so. */
    bool (*product)(void *ctx, const struct product *facts, struct err *err);
};

/* A column and its names, the usual one first. */
struct import_column {
    const char *names[3];
    bool optional;
};

enum { IMPORT_COLUMNS_MAX = 12 };

struct import_row {
    const char *field[IMPORT_COLUMNS_MAX]; /* by the format's columns; "" where an optional one is
                                              not there */
    int64_t line;
    char event_id[SHA256_HEX];
};

struct import_parser;
struct import_format {
    const char *name;
    const char
        *currency; /* of its prices; "": it has none; NULL: it has, and the user says in what */
    const struct import_column *columns; /* by name from the header, or in this order without one;
                                            NULL: lines are JSON events */
    size_t column_count;
    bool header;
    size_t state_bytes; /* zero-filled at the start of a file */
    /* ERR_INVALID: the row is malformed, the file goes on. */
    bool (*row)(struct import_parser *p, const struct import_row *row, struct err *err);
    bool (*finish)(struct import_parser *p,
                   struct err *err);        /* end of the file; NULL: nothing waits */
    void (*close)(struct import_parser *p); /* frees what state owns; NULL: nothing */
};

/* One file being read. */
struct import_parser {
    const struct import_format *format;
    char currency[4];
    struct import_sink sink;
    struct repeat_table *repeats;
    struct arena scratch;             /* of one line */
    struct buf json;                  /* the event being written */
    int position[IMPORT_COLUMNS_MAX]; /* of each column in the file; -1: not there */
    int spelling[IMPORT_COLUMNS_MAX]; /* which of its names the header used */
    size_t width;                     /* columns in the file; 0: the header has not come */
    int64_t rows;                     /* data rows so far, malformed ones too */
    bool cut_off; /* the last line is malformed and has no end: the file breaks off in it */
    void *state;
};

/* NULL for a name nobody knows. */
const struct import_format *import_format_of(const char *name);
/* "retailrocket|rees46|..." in arena. */
const char *import_format_names(struct arena *a);

/* currency NULL: the format's own. */
void import_parser_open(const struct import_format *format, const char *currency,
                        struct import_sink sink, struct import_parser *out);
/* ERR_INVALID: this line is malformed, go on. ERR_REFUSED: the header is not the format's. Others
 * come from the sink. */
CAN_FAIL bool import_parser_line(struct import_parser *p, const struct line *line, struct err *err);
CAN_FAIL bool import_parser_finish(struct import_parser *p, struct err *err);
void import_parser_close(struct import_parser *p); /* CLEANUP; accepts {0} */

/* For formats: begins a native event with its envelope (NULL and "" are left out), is followed by
 * items and properties, and ends by handing it to the sink. */
struct import_envelope {
    const char *event_id;
    enum event_type type;
    const char *customer_id;
    const char *anonymous_id;
    const char *session_id;
    const char *order_id;
    int64_t occurred_us;
};
struct jenc import_event_begin(struct import_parser *p, const struct import_envelope *e);
void import_item_add(struct jenc *j, const struct event_item *item); /* inside the array "items" */
/* *out_valid false: the sink refused and reported it. */
CAN_FAIL bool import_event_end(struct import_parser *p, struct jenc *j, int64_t line,
                               bool *out_valid, struct err *err);
/* The usual event: the envelope and one product. */
CAN_FAIL bool import_event_one(struct import_parser *p, const struct import_envelope *e,
                               const struct event_item *item, int64_t line, bool *out_valid,
                               struct err *err);

extern const struct import_format import_retailrocket, import_rees46, import_taobao,
    import_online_retail, import_ndjson;

#endif
