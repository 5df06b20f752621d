#ifndef LIVE_RISK_METRICS_H
#define LIVE_RISK_METRICS_H

#include "base/buf.h"
#include "store/risk_checks.h"

/* The newest daily check (train/risk/risk_check.h) in /metrics: the gauges cartwright_risk_* of
 * base/metric_table.inc, and one a feature, which that table cannot name. Any thread may call either
 * at any time. */
void risk_metrics_show(const struct risk_check *c);

/* Appends cartwright_risk_psi_feature{feature="..."}, text exposition format 0.0.4: all
 * features of the table, those the check does not name as 0; nothing before a check was shown. */
void risk_metrics_render(struct buf *out);

#endif
