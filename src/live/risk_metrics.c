/* Gauges of the newest daily check. Atomics, no locks: a scrape may see half of a new check. */
#include "live/risk_metrics.h"

#include "base/cleanup.h"
#include "base/json/jdec.h"
#include "base/metric.h"
#include "domain/risk/features.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

static _Atomic double psi_of[FEATURE_COUNT];
static atomic_bool shown;

/* psi is what risk_drift_json wrote: numbers by feature. */
static void show_features(const char *psi)
{
    struct err unused = {0};
    CLEANUP(jdec_free) json_t *by_name = jdec_parse(psi, strlen(psi), &unused);
    for (int f = 0; f < FEATURE_COUNT; f++) {
        /* Of a name that is missing, and of no object at all, jansson makes 0. */
        const json_t *value = json_object_get(by_name, feature_def((enum feature_id)f)->name);
        atomic_store(&psi_of[f], json_number_value(value));
    }
    atomic_store(&shown, true);
}

void risk_metrics_show(const struct risk_check *c)
{
    metric_set_real(METRIC_risk_shift, c->shift);
    metric_set_real(METRIC_risk_brier, c->brier);
    metric_set_real(METRIC_risk_brier_base, c->brier_base);
    metric_set_real(METRIC_risk_psi_score, c->psi_score);
    metric_set_real(METRIC_risk_psi_max, c->psi_max);
    metric_set(METRIC_risk_psi_alarms, c->psi_alarms);
    show_features(c->psi ? c->psi : "{}");
}

void risk_metrics_render(struct buf *out)
{
    static const char name[] = "cartwright_risk_psi_feature";

    if (!atomic_load(&shown)) {
        return;
    }
    metric_write_family(out, name, "gauge",
                        "Population stability index of a feature of the risk model, lately "
                        "against before.");
    for (int f = 0; f < FEATURE_COUNT; f++) {
        const struct metric_label label = {"feature", feature_def((enum feature_id)f)->name};
        metric_write_row(out, name, &label, 1, atomic_load(&psi_of[f]));
    }
}
