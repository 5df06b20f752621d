#ifndef EVALUATE_EVALUATE_AFFINITY_H
#define EVALUATE_EVALUATE_AFFINITY_H

#include "evaluate/evaluate_common.h"

/* t: connected, log not read yet. */
CAN_FAIL bool evaluate_affinity(struct training *t, const struct evaluate_options *o,
                                struct evaluated *out, struct err *err);

#endif
