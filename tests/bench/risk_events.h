#ifndef BENCH_RISK_EVENTS_H
#define BENCH_RISK_EVENTS_H

#include "bench/risk_rows.h"

/* Rows full of ids out of a shop's event file: one for each event that is no purchase, with the
 * visitor, the five items seen last and their categories; the label says whether one of the
 * visitor's next ten events is a purchase. In order of time; group is the visitor. */
enum { RISK_EVENT_ITEMS = 5, RISK_EVENT_COLUMNS = 1 + 2 * RISK_EVENT_ITEMS };

/* Both files are taken as they lie in shared/data: retailrocket (with its item categories) or
 * taobao. Owned by the caller. */
CAN_FAIL bool risk_events_retailrocket(const char *events, const char *categories,
                                       struct risk_rows *out, struct err *err);
CAN_FAIL bool risk_events_taobao(const char *events, struct risk_rows *out, struct err *err);

#endif
