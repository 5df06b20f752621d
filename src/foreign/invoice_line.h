#ifndef FOREIGN_INVOICE_LINE_H
#define FOREIGN_INVOICE_LINE_H

#include "foreign/format.h"
#include "foreign/table.h"

/* One row of Online Retail: a line of an invoice (online_retail.c). */

enum column { INVOICE, CODE, DESCRIPTION, QUANTITY, DATE, PRICE, CUSTOMER, COUNTRY, COLUMNS };

/* A row's values. */
struct invoice_line {
    const char *code; /* "": cannot be read, and the line is left out where events are judged */
    const char *text;
    int64_t quantity;    /* as in the file: negative in cancellations and corrections */
    int64_t price_minor; /* as in the file: negative for bad debt */
    struct native_unread unread;
    bool partial; /* something of it cannot be read: of a cancellation nothing may */
    bool sale;    /* of a product, or its return: an item of the event */
};

/* In the parser's scratch, or the row. */
CAN_FAIL bool invoice_line_read(struct foreign_parser *p, const struct table_row *row, bool refund,
                                struct invoice_line *out, struct err *err);
/* anybody: its invoice has a customer. */
bool invoice_line_is_sale(const struct invoice_line *l, bool refund, bool anybody);

#endif
