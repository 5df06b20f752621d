#ifndef OUTREACH_OUTREACH_METRICS_H
#define OUTREACH_OUTREACH_METRICS_H

#include "base/buf.h"

#include <stdbool.h>

/* Decisions that stand, by what was decided and the rule that decided. Any thread may call either at any
 * time. */
void outreach_metrics_count(bool send, const char *rule);

/* Appends cartwright_outreach_decisions_total{decision="...",reason="..."}: all there may be. */
void outreach_metrics_render(struct buf *out);

#endif
