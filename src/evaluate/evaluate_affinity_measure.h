#ifndef EVALUATE_EVALUATE_AFFINITY_MEASURE_H
#define EVALUATE_EVALUATE_AFFINITY_MEASURE_H

#include "evaluate/evaluate_affinity_result.h"

/* Once all cases are ranked: intervals, differences, spread. */
void affinity_evaluation_measure(struct affinity_evaluation *e);

#endif
