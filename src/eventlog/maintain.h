#ifndef EVENTLOG_MAINTAIN_H
#define EVENTLOG_MAINTAIN_H

#include "base/config.h"
#include "base/err.h"
#include "store/database.h"

/* First the shop's days that have ended, then retention, lane by lane: stores each shopper as of the new floor as its base, deletes the folded
 * events below it, sets floor_off, in one transaction a lane. Safe to repeat and to interrupt. The floor stays lower, for up to 30 days, where it would part a shopper from an
 * event that belongs before one already removed (out of order, or an identity that came late). */
struct maintain_result {
    int64_t days; /* of the shop, written for the features of risk (domain/shop/shop_days.h) */
    int64_t lanes;
    int64_t deleted;
    int64_t bases;
    int64_t cart_ids; /* that nobody has named for as long, forgotten */
    int64_t
        held; /* lanes left out, because another transaction held them all the time; the next run finds them */
};
CAN_FAIL bool maintain_run(const struct database *database, const struct config *config,
                           int64_t now_us, struct maintain_result *out, struct err *err);

#endif
