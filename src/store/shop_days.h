#ifndef STORE_SHOP_DAYS_H
#define STORE_SHOP_DAYS_H

#include "domain/shop/shop_days.h"
#include "store/pg/db.h"

/* Writes the days before until_day that the log has and the table has not; a day that is there stays
 * as it is. *out_added may be NULL. */
CAN_FAIL bool store_shop_days_fill(struct db *db, int64_t until_day, int64_t *out_added,
                                   struct err *err);

/* All of them, ascending, in arena; nothing where there are still as many as the caller knows (0: it
 * knows none). */
CAN_FAIL bool store_shop_days_read(struct db *db, size_t known, struct arena *a,
                                   struct shop_days *out, struct err *err);

#endif
