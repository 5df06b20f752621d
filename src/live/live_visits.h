#ifndef LIVE_LIVE_VISITS_H
#define LIVE_LIVE_VISITS_H

#include "domain/affinity/affinity.h"
#include "domain/shop/event.h"
#include "store/pg/db.h"

/* Keeps the visits of the affinity model that serves fresh: whoever folds an event tells it, and a model that is loaded first hears what was folded
 * since its log ended. A process hears of the lanes it folds; what other processes fold it learns with the next model it loads. */

/* One folded event of a shopper. Events from before the end of the model's log are in it already, forwarded ones were told under their first key. */
void live_visits_tell(const struct affinity *model, const char *key, const struct event *e);

/* Tells a model that was just loaded what was folded since its log ended, of the last LIVE_VISITS_LANE_MAX events of each lane. */
enum { LIVE_VISITS_LANE_MAX = 200 };
CAN_FAIL bool live_visits_catch_up(struct db *db, const struct affinity *model, struct err *err);

#endif
