#ifndef FOREIGN_PARTS_H
#define FOREIGN_PARTS_H

#include "foreign/mapping.h"

/* The items of a row that holds several: in columns with {n} in their names, or as lists in its cells. */
struct parts {
    size_t count;
    const char *(*field)[TABLE_COLUMNS_MAX]; /* of each item by target; NULL: the row's own */
};

/* Whether this is one of an item, of which a row may have several. */
bool parts_target(enum target target);
/* "product_id, quantity, price, title, category and brand" */
#define PARTS_TARGETS "product_id, quantity, price, title, category and brand"
/* Whether rows of this mapping have several. */
bool parts_several(const struct mapping *m, const struct table_row *row);
/* Of pairs such as "name:Mug|sku:M-1" the value of this name; "" where it has none. In arena. A bar that no name follows is
 * part of the value before it. */
const char *parts_pair(const char *pairs, const char *name, struct arena *a);
/* ERR_INVALID: its lists are not equally long. In arena. */
CAN_FAIL bool parts_of(const struct mapping *m, const struct table_row *row, struct arena *a,
                       struct parts *out, struct err *err);

#endif
