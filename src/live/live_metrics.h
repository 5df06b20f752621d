#ifndef LIVE_LIVE_METRICS_H
#define LIVE_LIVE_METRICS_H

#include "base/buf.h"
#include "live/live.h"

/* Appends cartwright_model_info{kind="...",version="..."} 1 for every model that serves. */
void live_metrics_render(struct live *live, struct buf *out);

#endif
