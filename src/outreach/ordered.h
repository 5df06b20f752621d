#ifndef OUTREACH_ORDERED_H
#define OUTREACH_ORDERED_H

#include "store/carts.h"

/* Which of the carts somebody else has ordered since they changed last, who was joined with nobody by it: no decision speaks about them
 * (rule buyer), and whoever shows carts must not show them as open. Reads lane, key, cart_id, status and changed_us. One round trip;
 * none where no cart is open under an id that tells it apart. out has count elements. */
CAN_FAIL bool outreach_ordered(struct db *db, const struct cart_row *carts, size_t count,
                               struct arena *a, bool *out, struct err *err);

#endif
