#ifndef OUTREACH_SHARERS_H
#define OUTREACH_SHARERS_H

#include "base/arena.h"
#include "base/err.h"
#include "store/pg/db.h"

#include <stdbool.h>
#include <stdint.h>

/* Customers that a browser which is nobody's may be: they ordered a cart whose id it named as well, or named one that somebody ordered. Had nobody
 * else done so, the two would be one. It may be that they are, and all the same a third used the id: what these customers bought or said no to
 * counts for the browser. What other browsers did does not: nobody would ever have been joined with them. Who they are the log says
 * (joins_pending), not what was folded first. */
struct sharers {
    int64_t ordered_us; /* of the last order of any; 0: none has bought */
    int64_t
        withdrawn_us; /* the last time that one withdrew consent who has not given it anew; 0: none did */
    int64_t unread_until_us; /* one of them is not known to the end until then; 0: all are */
    bool wait;               /* somebody is about to join one of them */
    bool too_many;           /* to be one of */
};

struct sharers_ask {
    const char *told;    /* who they are, as struct joins_pending has them */
    const char *browser; /* its anonymous id */
    int64_t now_us;
};
/* Two round trips each. */
CAN_FAIL bool outreach_sharers_read(struct db *db, const struct sharers_ask *ask, struct arena *a,
                                    struct sharers *out, struct err *err);

#endif
