#ifndef FOREIGN_ORDER_ROWS_H
#define FOREIGN_ORDER_ROWS_H

#include "foreign/kept_rows.h"
#include "foreign/mapping.h"

/* The rows of one order, of formats whose orders have several (mapping.by_order): what its first row said, and which go together. */
struct order_rows {
    struct arena arena;
    const char *id; /* of the order or cart; NULL: none yet */
    const char *field[TARGETS];
    struct kept_rows kept;
    bool within; /* the row that was read last is of it */
};

/* "" for a row of no order. */
const char *order_of(const char *const field[TARGETS]);
/* Fills what an order's row leaves out with what its first row said. */
void order_fill(struct order_rows *o, const char *field[TARGETS]);
/* Keeps the row, or what goes with it where it was refused. */
CAN_FAIL bool order_keep(struct foreign_parser *p, const struct table_row *row, bool refused,
                         struct err *err);

#endif
