#ifndef FOREIGN_MAPPING_H
#define FOREIGN_MAPPING_H

#include "base/arena.h"
#include "base/err.h"
#include "domain/shop/event.h"
#include "foreign/format.h"
#include "foreign/table.h"

/* Tables in which a row is one event about at most one product: which column is which member of it.
 * Every such format is a row of mapping_table.c; --map makes one of the command line. */

/* What a column may be. The order is that of TARGETS in mapping.c. */
enum target {
    TO_TIME,
    TO_TYPE,
    TO_CUSTOMER,
    TO_ANONYMOUS,
    TO_SESSION,
    TO_ORDER,
    TO_CART,
    TO_EVENT_ID,
    TO_PRODUCT,
    TO_QUANTITY,
    TO_PRICE, /* of one piece */
    TO_CURRENCY,
    TO_TOTAL, /* of the order */
    TO_TITLE,
    TO_CATEGORY,
    TO_BRAND,
    TO_CANCELLED, /* of the order: anything in it, and it was none */
    TARGETS
};
_Static_assert((int)TARGETS <= (int)TABLE_COLUMNS_MAX, "a row has room for all of them");

/* What a value of the type's column stands for. */
struct mapping_type {
    const char *value; /* "*": every other one; NULL ends the list */
    enum event_type type;
    bool left_out; /* the row is nothing that a shopper did */
};

struct mapping {
    const struct mapping_type *types;
    bool native_types; /* our own names stand for themselves */
    /* An order and a cart are known by their ids: their rows keep their event ids whatever else a later
     * export says of them, and what only an order's first row says holds for all of its rows. */
    bool by_order;
    bool codes; /* brand and category are codes to be spelled out; the title is made of them */
    bool title_names;   /* a product without an id is known by its title */
    bool order_is_cart; /* a row without customer is the order's own shopper */
    char
        list[TARGETS]; /* what parts the values of a column that holds several; NUL: it holds one */
    const char *pair[TARGETS]; /* of "name:Mug|sku:M-1" the value of this name; NULL: all of it */
};

/* The member `close` of a format whose state is struct order_rows (order_rows.h). */
void mapping_close(struct foreign_parser *p);

/* The member `row` of a mapped format's table. */
CAN_FAIL bool mapping_row(struct foreign_parser *p, const struct table_row *row, struct err *err);
/* Its member `unread`. */
CAN_FAIL bool mapping_unread(struct foreign_parser *p, struct err *err);

/* What a value of the type's column stands for; false: nothing that is known. */
CAN_FAIL bool mapping_type_find(const struct mapping *m, const char *text,
                                enum event_type *out_type, bool *out_left_out);

/* "occurred_at", as --map calls it. */
const char *mapping_target_name(enum target target);

extern const struct foreign_format mapped_formats[];
extern const size_t mapped_format_count;

/* The format that a command line says: map is "customer_id=user_no,type=action,...", types
 * "add_to_cart=cart_item_added,scroll=-,*=product_viewed" or NULL. base: a mapped format of which the
 * map says some columns otherwise; NULL: the map says all. ERR_INVALID, the path "--map" or "--types".
 * In arena. */
CAN_FAIL bool mapping_read(const char *map, const char *types, const struct foreign_format *base,
                           struct arena *a, const struct foreign_format **out, struct err *err);

#endif
