#ifndef OUTREACH_OUTREACH_H
#define OUTREACH_OUTREACH_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/config.h"
#include "base/err.h"
#include "live/live.h"
#include "store/pg/pool.h"

/* Outreach on request: the four steps of a decision (gather.h, decide.h, release.h, tell.h), one
 * after the other, and what was decided read back. */

/* What deciding needs of the process; all borrowed. */
struct outreach_means {
    struct pool *pool;
    struct live *live;
    const struct config *config;
};

struct outreach_request {
    const char *customer_id; /* at most one of these two, and: */
    const char *anonymous_id;
    const char *cart_id; /* this cart of theirs; where neither is named, of whoever keeps it */
    bool dry_run;
    int64_t at_us; /* dry runs only; 0: now */
};
enum outreach_outcome {
    OUTREACH_NEW,
    OUTREACH_BEFORE,
    OUTREACH_DRY,     /* nothing was stored: a dry run, or a shopper without a cart */
    OUTREACH_UNKNOWN, /* no such shopper or cart */
    OUTREACH_SHARED   /* several people keep a cart of that id, and none of them was named */
};

/* Decides and, if it is no dry run, stores the row; a send appends outreach_released to the cart's
 * lane in the same transaction, in which everything is read again under the lane's lock. *out gets
 * the outreach as JSON (decision, reason, rules' outcome, risk, models, message). */
CAN_FAIL bool outreach_ask(const struct outreach_means *m, const struct outreach_request *request,
                           struct arena *a, struct buf *out, enum outreach_outcome *out_outcome,
                           struct err *err);

/* GET /v1/outreach/{id} and /why; *out_found false: no such id. A send is decided about once more, and told without its message where a
 * rule speaks against it by now; ERR_BUSY where what might do so is still being folded. */
CAN_FAIL bool outreach_read(const struct outreach_means *m, const char *outreach_id, bool why,
                            struct arena *a, struct buf *out, bool *out_found, struct err *err);

#endif
