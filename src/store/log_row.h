#ifndef STORE_LOG_ROW_H
#define STORE_LOG_ROW_H

#include "store/events.h"

/* An event as its row of the log has it: the one reader and the one writer of that form (domain/shop/event_pack.h). For store/ only. */
struct log_cells {
    const char *id;
    size_t id_len;
    int32_t type;
    char origin; /* first letter of its name */
    const char *body;
    size_t body_len;
};

/* Columns of a result that have them. */
struct log_columns {
    int id, type, origin, body;
};
/* Borrowed from the result. */
struct log_cells log_cells_at(const PGresult *r, int row, struct log_columns at);

/* Fills id, type, origin and body of *e, in arena. Fails for an origin that is none. */
CAN_FAIL bool log_event_open(const struct log_cells *cells, struct arena *a, struct log_event *e,
                             struct err *err);
/* The same borrowed from the cells, without id and type. */
CAN_FAIL bool log_event_peek(const struct log_cells *cells, struct log_event *e, struct err *err);

/* Packed rows as parameters, each an array: ids, types and bodies. In arena. */
struct log_arrays {
    struct blob *ids;
    int32_t *types;
    const char **bodies;
};
struct log_arrays log_arrays_make(size_t count, struct arena *a);
void log_arrays_set(struct log_arrays *arrays, size_t i, const struct event_row *row,
                    struct arena *a);

#endif
