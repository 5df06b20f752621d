#ifndef STORE_CARRY_H
#define STORE_CARRY_H

#include "store/events.h"

/* A log of before migration 31, on its way into the form of today (sql/migrations/0031_log_bytes.sql). */

struct carry_state {
    bool left;      /* there is something to carry, or to be put away behind it */
    int64_t events; /* all in all, about */
    int64_t moved;
    int64_t bytes; /* of what has not been put away yet, with indexes */
};
CAN_FAIL bool store_carry_state(struct db *db, struct carry_state *out, struct err *err);

/* Moves the first events of the lane that lie behind *off, no more than `most` (but one that is larger by itself), and sets *off behind them; *out_moved 0: there is none, or somebody else was there
 * first (*off stays: look again). Locks the lane meanwhile, in a transaction of its own. */
CAN_FAIL bool store_carry_page(struct db *db, int lane, struct events_most most, int64_t *off,
                               bool *out_empty, int64_t *out_moved, struct err *err);

/* Puts away what is empty. *out_done false: not all of it yet, since there are events left or somebody looks at a moment when there were; ask again a
 * little later. ERR_BUSY likewise. */
CAN_FAIL bool store_carry_end(struct db *db, bool *out_done, struct err *err);

#endif
