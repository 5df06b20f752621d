/* Drift of the risk features between two windows of moments: what training's card, the daily check
 * and the evaluation tell. */
#include "train/risk/risk_drift.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/judge/drift.h"

#include <math.h>

static double *column_of(const struct moments *m, enum feature_id feature)
{
    double *values = mem_array((size_t)m->count + 1, sizeof *values);
    for (int i = 0; i < m->count; i++) {
        values[i] = risk_value(&m->all[i]->x, feature);
    }
    return values;
}

static double psi_of(const struct moments *before, const struct moments *after, enum feature_id f)
{
    CLEANUP(mem_free) double *b = column_of(before, f);
    CLEANUP(mem_free) double *a = column_of(after, f);
    /* Ids are hashes: a bin of neighbouring ones would mean nothing. */
    return feature_def(f)->kind == FEATURE_ID
               ? drift_psi_names(b, before->count, a, after->count)
               : drift_psi(b, before->count, a, after->count, RISK_MISSING);
}

struct risk_drift risk_drift_of(const struct moments *before, const struct moments *after)
{
    struct risk_drift d = {0};
    for (int f = 0; f < FEATURE_COUNT; f++) {
        d.psi[f] = psi_of(before, after, (enum feature_id)f);
        d.largest = fmax(d.largest, d.psi[f]);
        d.alarms += d.psi[f] > RISK_DRIFT_ALARM;
    }
    return d;
}

void risk_drift_json(const struct risk_drift *d, const char *name, struct jenc *j)
{
    jenc_object(j, name);
    for (int f = 0; f < FEATURE_COUNT; f++) {
        jenc_f64(j, feature_def((enum feature_id)f)->name, d->psi[f]);
    }
    jenc_object_end(j);
}
