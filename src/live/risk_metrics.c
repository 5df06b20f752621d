/* Gauges of the newest daily check. Atomics, no locks: a scrape may see half of a new check. */
#include "live/risk_metrics.h"

#include "base/cleanup.h"
#include "base/jdec.h"
#include "base/metric.h"
#include "domain/risk/features.h"

#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

static atomic_int_fast64_t psi_milli[FEATURE_COUNT];
static atomic_bool shown;

static int64_t milli(double x)
{
    /* Gauges are whole numbers (base/metric.h). */
    return (int64_t)round(x * 1e3);
}

/* psi is what risk_drift_json wrote: numbers by feature. */
static void show_features(const char *psi)
{
    struct err unused = {0};
    CLEANUP(jdec_free) json_t *by_name = jdec_parse(psi, strlen(psi), &unused);
    for (int f = 0; f < FEATURE_COUNT; f++) {
        /* Of a name that is missing, and of no object at all, jansson makes 0. */
        const json_t *value = json_object_get(by_name, feature_def((enum feature_id)f)->name);
        atomic_store(&psi_milli[f], milli(json_number_value(value)));
    }
    atomic_store(&shown, true);
}

void risk_metrics_show(const struct risk_check *c)
{
    metric_set(METRIC_risk_shift, milli(c->shift));
    metric_set(METRIC_risk_brier, (int64_t)round(c->brier * 1e6));
    metric_set(METRIC_risk_brier_base, (int64_t)round(c->brier_base * 1e6));
    metric_set(METRIC_risk_psi_score, milli(c->psi_score));
    metric_set(METRIC_risk_psi_max, milli(c->psi_max));
    metric_set(METRIC_risk_psi_alarms, c->psi_alarms);
    show_features(c->psi ? c->psi : "{}");
}

void risk_metrics_render(struct buf *out)
{
    if (!atomic_load(&shown)) {
        return;
    }
    buf_printf(out,
               "# HELP cartwright_risk_psi_feature_milli Population stability index of a feature "
               "of the risk model, lately against before, in thousandths.\n"
               "# TYPE cartwright_risk_psi_feature_milli gauge\n");
    for (int f = 0; f < FEATURE_COUNT; f++) {
        buf_printf(out, "cartwright_risk_psi_feature_milli{feature=\"%s\"} %" PRIdFAST64 "\n",
                   feature_def((enum feature_id)f)->name, atomic_load(&psi_milli[f]));
    }
}
