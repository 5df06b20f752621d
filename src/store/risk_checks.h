#ifndef STORE_RISK_CHECKS_H
#define STORE_RISK_CHECKS_H

#include "store/pg/db.h"

/* One day's check of a risk model; see sql/migrations/0009_risk_checks.sql. */
struct risk_check {
    int64_t day; /* since 1970-01-01 */
    double shift;
    int64_t moments;
    double brier, brier_base;
    double psi_score;
    const char *psi;    /* JSON object: feature -> index */
    double psi_max;     /* of the features; read only */
    int64_t psi_alarms; /* features above 0.2; read only */
};

/* *out_stored false: the version has a check of that day. */
CAN_FAIL bool store_risk_check_put(struct db *db, const char *version, const struct risk_check *c,
                                   int64_t now_us, bool *out_stored, struct err *err);
/* The newest of the version, texts in arena; *out_found false: {0}, there is none. */
CAN_FAIL bool store_risk_check_newest(struct db *db, const char *version, struct arena *a,
                                      struct risk_check *out, bool *out_found, struct err *err);

#endif
