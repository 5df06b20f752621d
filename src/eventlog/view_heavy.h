#ifndef EVENTLOG_VIEW_HEAVY_H
#define EVENTLOG_VIEW_HEAVY_H

#include "eventlog/view.h"

/* Shoppers of very many events, for view.c only. */

/* Reads one from the newest checkpoint that stands for it at that time. *out_read false: that does not do, or takes too many events; then
 * only last_off and due_us are set. */
CAN_FAIL bool view_read_heavy(struct db *db, int64_t until_us, struct arena *a, struct view *v,
                              bool *out_read, struct err *err);

#endif
