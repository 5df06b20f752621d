#ifndef STORE_HANDING_H
#define STORE_HANDING_H

#include "store/history.h"

/* Anonymous shoppers whose events are on their way to whom they belong (sql/migrations/0034_bounded_fold.sql). When they go, fold/ says. */

/* Of the shopper's events those behind done_off, up to last_off, that occurred at from_us (INT64_MIN: ever) or later. */
struct handing {
    int64_t done_off;
    int64_t last_off;
    int64_t from_us;
    const char *doc; /* of the shopper, as stored; NULL: there is none. Not to be put */
};

/* All but the claim in the transaction of the folder that holds the lane's cursor. */

/* These as well: what of them was passed on already goes once more, after all the others. */
CAN_FAIL bool store_handing_put(struct db *db, struct history_key key, const struct handing *h,
                                struct err *err);
/* Of some lanes the one whose turn was longest ago (key in arena, NULL: there is none). */
CAN_FAIL bool store_handing_claim(struct db *db, const int32_t *lanes, size_t count,
                                  struct arena *a, struct history_key *out, struct err *err);
CAN_FAIL bool store_handing_read(struct db *db, struct history_key key, struct arena *a,
                                 struct handing *out, bool *out_found, struct err *err);
/* Up to here they are passed on, and all of them will be by due_us. */
CAN_FAIL bool store_handing_move(struct db *db, struct history_key key, int64_t done_off,
                                 int64_t due_us, struct err *err);
/* All of them are: those begin that go once more, or it is done. */
CAN_FAIL bool store_handing_end(struct db *db, struct history_key key, struct err *err);

#endif
