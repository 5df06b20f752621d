#ifndef EVENTLOG_VIEW_H
#define EVENTLOG_VIEW_H

#include "domain/shopper/shopper.h"
#include "store/pg/db.h"

/* A shopper as of now: the stored fold plus the events of the key that no consumer has folded yet,
 * so that an answer never lags behind an event that was acknowledged. Read only: nothing is stored.
 */
struct view {
    int lane;
    const char *key;
    struct shopper *shopper; /* in arena; an empty one where the key is unknown */
    bool known;
    int64_t last_off; /* newest event of the key taken into account */
};

/* until_us: INT64_MAX reads the present; otherwise the shopper is folded again from the log as it was then
 * (events that occurred later left out). */
CAN_FAIL bool view_read(struct db *db, const char *key, int64_t until_us, struct arena *a,
                        struct view *out, struct err *err);

/* Finds the key a request means: "c:" + customer, "a:" + anonymous, or through the cart id; follows
 * a bound anonymous shopper to its customer. out_key NULL: unknown. Exactly one of the three is
 * given. */
CAN_FAIL bool view_resolve(struct db *db, const char *customer_id, const char *anonymous_id,
                           const char *cart_id, struct arena *a, const char **out_key,
                           struct err *err);

#endif
