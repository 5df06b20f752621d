#ifndef STORE_OUTREACH_H
#define STORE_OUTREACH_H

#include "store/pg/db.h"

struct outreach_row {
    int lane;
    const char *cart_id;
    int32_t round;
    int32_t step;
    const char *outreach_id;
    const char *key;
    const char *decision; /* send, silence */
    const char *reason;
    int64_t decided_us;
    const char *summary; /* JSON object */
    const char *why;     /* JSON object */
    const char *message; /* JSON; NULL for a silence */
};

/* Inserts, or overwrites a stored silence; *out_stored false: a send is already there (unchanged).
 */
CAN_FAIL bool store_outreach_put(struct db *db, const struct outreach_row *row, bool *out_stored,
                                 struct err *err);
CAN_FAIL bool store_outreach_by_key(struct db *db, int lane, const char *cart_id, int round,
                                    int step, struct arena *a, struct outreach_row *out,
                                    bool *out_found, struct err *err);
CAN_FAIL bool store_outreach_by_id(struct db *db, int lane, const char *outreach_id,
                                   struct arena *a, struct outreach_row *out, bool *out_found,
                                   struct err *err);

#endif
