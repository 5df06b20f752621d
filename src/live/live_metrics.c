#include "live/live_metrics.h"

#include "base/cleanup.h"
#include "base/metric.h"

static void write_model(struct buf *out, const char *name, const char *kind, const char *version)
{
    const struct metric_label labels[] = {{"kind", kind}, {"version", version}};

    metric_write_row(out, name, labels, sizeof labels / sizeof *labels, 1);
}

void live_metrics_render(struct live *live, struct buf *out)
{
    static const char name[] = "cartwright_model_info";
    CLEANUP(live_use_end) struct live_use use = live_use(live);

    metric_write_family(out, name, "gauge", "1 for each model that serves, by kind and version.");
    if (use.set->affinity != NULL) {
        write_model(out, name, "affinity", affinity_version(use.set->affinity));
    }
    if (use.set->risk != NULL) {
        write_model(out, name, "risk", risk_version(use.set->risk));
    }
}
