#ifndef OUTREACH_DECIDE_H
#define OUTREACH_DECIDE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/config.h"
#include "base/err.h"
#include "live/live.h"
#include "store/pg/pool.h"

/* The straight line of one decision: view -> features -> risk -> picks -> policy -> message ->
 * release. */
/* What deciding needs of the process; all borrowed. */
struct decide_means {
    struct pool *pool;
    struct live *live;
    const struct config *config;
};

struct decide_request {
    const char *customer_id; /* exactly one of the three */
    const char *anonymous_id;
    const char *cart_id;
    bool dry_run;
    int64_t at_us; /* dry runs only; 0: now */
};
enum decide_outcome {
    DECIDED_NEW,
    DECIDED_BEFORE,
    DECIDED_DRY,
    DECIDED_UNKNOWN /* no such shopper or cart */
};

/* Decides and, if it is no dry run, stores the row; a send appends outreach_released to the cart's
 * lane in the same transaction, in which everything is read again under the lane's lock. *out gets
 * the outreach as JSON (decision, reason, rules' outcome, risk, models, message). */
CAN_FAIL bool decide_outreach(const struct decide_means *m, const struct decide_request *request,
                              struct arena *a, struct buf *out, enum decide_outcome *out_outcome,
                              struct err *err);

/* GET /v1/outreach/{id} and /why; *out_found false: no such id. */
CAN_FAIL bool decide_read(const struct decide_means *m, const char *outreach_id, bool why,
                          struct arena *a, struct buf *out, bool *out_found, struct err *err);

/* GET /v1/customers/{id}: cart, risk with reasons, consent; and recommendations. at_us 0: now. */
CAN_FAIL bool decide_customer(const struct decide_means *m, const char *customer_id,
                              struct arena *a, struct buf *out, bool *out_found, struct err *err);
/* The products wished for: k, category and prices of the wish are read. */
CAN_FAIL bool decide_recommendations(const struct decide_means *m, const char *customer_id,
                                     const struct pick_wish *wish, struct arena *a, struct buf *out,
                                     bool *out_found, struct err *err);

#endif
