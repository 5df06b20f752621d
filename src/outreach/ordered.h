#ifndef OUTREACH_ORDERED_H
#define OUTREACH_ORDERED_H

#include "domain/shopper/shopper.h"
#include "store/carts.h"
#include "store/outreach.h"

/* Which of the carts somebody else has ordered since anything in them was put in, who was joined with nobody by it: no decision speaks about them
 * (rule buyer), and whoever shows carts must not show them as open. Reads lane, key, cart_id, status and changed_us. One round trip, and another
 * where somebody else did order one; none where no cart is open under an id that tells it apart. out has count elements. */
CAN_FAIL bool outreach_ordered(struct db *db, const struct cart_row *carts, size_t count,
                               struct arena *a, bool *out, struct err *err);

/* The keys of the shopper, and when they are its own: a browser's is its customer's while they are logged in. What another of its owners does in
 * the name of one of the carts, or a guest there, is somebody else's doing. In arena, but for key. */
struct own_time *outreach_own_times(const struct shopper *s, const char *key, struct arena *a,
                                    size_t *out_count);

#endif
