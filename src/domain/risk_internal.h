#ifndef DOMAIN_RISK_INTERNAL_H
#define DOMAIN_RISK_INTERNAL_H

#include "domain/risk_file.h"

/* What risk.c, risk_file.c and risk_reasons.c share; nobody else includes this. */
#define RISK_KIND_FM        "risk-fm"
#define RISK_KIND_BASE_RATE "risk-base_rate"
#define RISK_PROBE_ERROR    1e-6

struct risk {
    struct model_file file; /* owned; everything below may look into it */
    char version[64];
    struct risk_window window;
    bool is_fm;
    double rate;                 /* base_rate only */
    struct risk_encoder encoder; /* the rest: fm only */
    struct fm fm;
    struct platt calibration;
    const double *usual;
};

#endif
