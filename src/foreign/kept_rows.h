#ifndef FOREIGN_KEPT_ROWS_H
#define FOREIGN_KEPT_ROWS_H

#include "base/arena.h"
#include "foreign/native.h"

/* The rows of one order as they came, for who keeps what was refused (native_sink.row): a row that is mended and imported alone would lack
 * what only the others of its order say. Of an order with a refused row all others are told; what is in the log of them is not
 * stored twice. Nothing is kept where nobody keeps rows, and of an order no more than some hundred KB. */
struct kept_row;
struct kept_rows {
    struct kept_row *first, *last;
    size_t bytes;
    bool spoilt; /* a row was refused */
};

/* A row that was taken. Its text is copied into the arena, where the others are. */
CAN_FAIL bool kept_rows_add(struct kept_rows *h, struct arena *a, const struct native_writer *out,
                            const char *text, size_t len, struct err *err);
/* One was refused, which the sink has by itself: tells the others so far. */
CAN_FAIL bool kept_rows_spoil(struct kept_rows *h, const struct native_writer *out,
                              struct err *err);

#endif
