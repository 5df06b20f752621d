#ifndef EVALUATE_EVALUATE_AFFINITY_PAGE_H
#define EVALUATE_EVALUATE_AFFINITY_PAGE_H

#include "evaluate/evaluate_affinity_result.h"

CAN_FAIL bool affinity_evaluation_page(const struct affinity_evaluation *e, struct buf *out,
                                       struct err *err);

#endif
