#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include "base/buf.h"

#include <stdint.h>

/* Prometheus counters, gauges and histograms: one row in metric_table.inc each, atomics, no locks.
 * METRIC(id, type, "name", "help"). Labels are fixed at compile time: one row per label value, e.g.
 * name "cartwright_events_total{status=\"stored\"}". */
enum metric_id {
#define METRIC(id, type, name, help) METRIC_##id,
#include "base/metric_table.inc"
#undef METRIC
    METRIC_COUNT
};

void metric_add(enum metric_id id, uint64_t n);
void metric_sub(enum metric_id id, uint64_t n); /* gauges that count things held, never counters */
void metric_set(enum metric_id id, int64_t value);
void metric_observe_us(enum metric_id id, int64_t us); /* histogram rows: buckets 100us .. 10s */
uint64_t metric_value(enum metric_id id);              /* of a histogram: how many were observed */
void metric_render(struct buf *out);                   /* text exposition format 0.0.4 */

#endif
