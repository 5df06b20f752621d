#ifndef FOREIGN_TAKEN_H
#define FOREIGN_TAKEN_H

#include "foreign/format.h"

/* Quantities, prices and totals, by one rule for every format: an order is taken without what of them cannot be read (native_goes_on), and how often a
 * column could not be is counted, since where it never can it is most likely another one. */

/* A value was read, or was not, and err says why. The column is the one that was told by foreign_at; text "" tells nothing. */
CAN_FAIL bool taken_value(struct foreign_parser *p, bool read, enum event_type type,
                          const char *text, const char **out_unread, struct err *err);

/* A column that could be read in none of ten or more lines of orders; NULL: there is none. */
const struct foreign_column *taken_never(const struct foreign_parser *p);

#endif
