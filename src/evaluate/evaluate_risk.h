#ifndef EVALUATE_EVALUATE_RISK_H
#define EVALUATE_EVALUATE_RISK_H

#include "evaluate/evaluate_common.h"

/* t: connected, log not read yet. */
CAN_FAIL bool evaluate_risk(struct training *t, const struct evaluate_options *o,
                            struct evaluated *out, struct err *err);

#endif
