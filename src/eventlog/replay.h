#ifndef EVENTLOG_REPLAY_H
#define EVENTLOG_REPLAY_H

#include "base/config.h"
#include "base/err.h"
#include "store/database.h"

#include <stdio.h>

/* Rebuilds every shopper and cart from the log (and the bases retention left) and compares with
 * what is stored, byte for byte of the canonical dump: per shopper the document, per cart the row
 * with its state computed at at_us. Derived events are read from the log, none are derived. */
struct replay_result {
    int64_t events;
    int64_t shoppers;
    int64_t carts;
    int64_t differences;
    int64_t outdated; /* of them, folded by an older version or other settings; replay_rebuild folds
                         them anew, as does their shopper's next event */
    int64_t other_settings; /* of those, by settings that are not this process's: */
    int64_t settings;       /* the first's (shopper_rules_text) */
    int64_t unread;         /* events no consumer has folded yet: checked up to the cursors */
    char first[2000];       /* the first difference: key, stored and rebuilt text around the first
                         differing byte; "" for none */
};
CAN_FAIL bool replay_check(const struct database *database, const struct config *config,
                           int64_t at_us, struct replay_result *out, struct err *err);
/* The canonical dump itself, one line a shopper and a cart, ordered by lane and key (C order).
 * from_log: rebuilt, else as stored. */
CAN_FAIL bool replay_dump(const struct database *database, const struct config *config,
                          int64_t at_us, bool from_log, FILE *out, struct err *err);
/* Throws the stored fold away and writes what the log says, lane by lane, each lane in one
 * transaction under its cursor. A lane that another transaction holds is put off; held to the end, it fails with ERR_BUSY
 * and the others are done. */
CAN_FAIL bool replay_rebuild(const struct database *database, const struct config *config,
                             struct replay_result *out, struct err *err);

#endif
