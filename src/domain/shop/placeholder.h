#ifndef DOMAIN_SHOP_PLACEHOLDER_H
#define DOMAIN_SHOP_PLACEHOLDER_H

#include "base/err.h"
#include "base/json/jval.h"

#include <stdbool.h>

/* Words that stand where an id is missing ("undefined", "null", "guest"): taken for ids, they would make one
 * huge shopper of everybody who has none, and one order of all orders. */

/* What an id names. Of an event only what stands for nothing at all is refused, no numbers: 0 may be the
 * first of a file. Carts and orders may also be called "guest". */
enum id_of { ID_OF_SHOPPER, ID_OF_CART, ID_OF_ORDER, ID_OF_EVENT };

/* Whether id is a word of placeholder_table.inc, nothing but zeros and hyphens (0, an all-zero UUID),
 * nothing that can be seen, or a template that was not filled in ("{{ customer.id }}", "${id}"). allowed:
 * words that are ids of this shop nevertheless, parted by commas (setting ids_allowed); NULL: none. */
bool placeholder_is(const char *id, enum id_of of, const char *allowed);

/* False where an id of an event, or of a request that names a shopper, is a placeholder: the members
 * customer_id, anonymous_id, cart_id, order_id, event_id of doc, which was read with the arena, each with its fault (err_add). The log is never
 * asked: what it holds stays readable. */
CAN_FAIL bool placeholders_refuse(struct jval doc, const char *allowed, struct arena *a,
                                  struct err *err);

#endif
