#ifndef TRAIN_RISK_RISK_DRIFT_H
#define TRAIN_RISK_RISK_DRIFT_H

#include "base/jenc.h"
#include "train/risk/train_rows.h"

/* How far the risk features have moved between two windows: the population stability index
 * (ml/judge/drift.h) of each. Above RISK_DRIFT_ALARM: look into it. */
#define RISK_DRIFT_ALARM 0.2
struct risk_drift {
    double psi[FEATURE_COUNT];
    double largest;
    int alarms; /* features above RISK_DRIFT_ALARM */
};
struct risk_drift risk_drift_of(const struct moments *before, const struct moments *after);

/* An object, feature name -> index. */
void risk_drift_json(const struct risk_drift *d, const char *name, struct jenc *j);

#endif
