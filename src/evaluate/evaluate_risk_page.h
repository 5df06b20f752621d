#ifndef EVALUATE_EVALUATE_RISK_PAGE_H
#define EVALUATE_EVALUATE_RISK_PAGE_H

#include "evaluate/evaluate_risk_result.h"

CAN_FAIL bool risk_evaluation_page(const struct risk_evaluation *e, struct buf *out,
                                   struct err *err);

#endif
