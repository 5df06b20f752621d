#ifndef OUTREACH_LISTED_H
#define OUTREACH_LISTED_H

#include "store/carts.h"

/* A page of carts as they are shown to people: as store_carts_page, but what somebody else ordered (outreach/ordered.h) is bought, and among the bought
 * ones where those are asked for. For that some thousand open carts are looked at at most: a page may have fewer than its limit, or none, and not be
 * the last. wanted->or_status is set here. */
CAN_FAIL bool carts_listed(struct db *db, const struct cart_filter *wanted, struct arena *a,
                           struct cart_row **out, size_t *out_count, const char **out_next_cursor,
                           struct err *err);

#endif
