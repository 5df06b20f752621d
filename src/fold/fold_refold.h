#ifndef FOLD_FOLD_REFOLD_H
#define FOLD_FOLD_REFOLD_H

#include "fold/fold_stale.h"
#include "store/refolding.h"

/* Shoppers of which everything has to be folded again, and that is more than a page: a page at a time, each in a transaction of its own, so that nobody else waits for
 * longer than for one, and no more than one is in memory. How far it is lies beside it (sql/migrations/0036_refolding.sql): who takes over goes on from there. Nothing
 * of it shows until all is folded; what comes in meanwhile is folded afterwards. For fold_stale.c only. */

/* Everything up to last_off is to be folded; from_off: of the document that is stored. */
CAN_FAIL bool fold_refold_begin(const struct stale_means *m, struct history_key key,
                                int64_t from_off, int64_t last_off, struct err *err);
enum refold_end {
    REFOLD_MORE,  /* there are more pages */
    REFOLD_DONE,  /* the shopper is written */
    REFOLD_BROKEN /* what was there is of another version: it is as if it had not begun */
};
/* One page, of who stands at r, which is brought on; start_us: when the page began, monotonic. */
CAN_FAIL bool fold_refold_page(const struct stale_means *m, struct history_key key,
                               int64_t start_us, struct refolding *r, enum refold_end *out,
                               struct err *err);

#endif
