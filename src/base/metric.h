#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

/* Prometheus counters, gauges and histograms: one row in metric_table.inc each, atomics, no locks.
 * METRIC(id, type, "name", "help"). Types: counter; gauge, a whole number; real, a gauge that is a double; seconds, a
 * gauge that is set in microseconds and shown in seconds; histogram, of seconds. Names are in base units, as
 * `promtool check metrics` wants them. Labels of a row are fixed at compile time: one row per label value, e.g.
 * name "cartwright_events_total{status=\"stored\"}"; families with others write themselves (below). */
enum metric_id {
#define METRIC(id, type, name, help) METRIC_##id,
#include "base/metric_table.inc"
#undef METRIC
    METRIC_COUNT
};

void metric_add(enum metric_id id, uint64_t n);
void metric_sub(enum metric_id id, uint64_t n); /* gauges that count things held, never counters */
void metric_set(enum metric_id id, int64_t value);     /* gauges; of type seconds: microseconds */
void metric_set_real(enum metric_id id, double value); /* type real */
void metric_observe_us(enum metric_id id, int64_t us); /* histogram rows: buckets 100us .. 10s */
uint64_t metric_value(enum metric_id id);              /* of a histogram: how many were observed */
void metric_render(struct buf *out);                   /* text exposition format 0.0.4 */

/* A family whose labels are known at run time only, for whoever keeps its numbers: first the family, then
 * its rows. Values of labels may hold any character. */
struct metric_label {
    const char *name;
    const char *value;
};
void metric_write_family(struct buf *out, const char *name, const char *type, const char *help);
void metric_write_row(struct buf *out, const char *name, const struct metric_label *labels,
                      size_t count, double value);

#endif
