/* Names of what the evaluation of affinity tells apart. */
#include "evaluate/evaluate_affinity_result.h"

#include <assert.h>

const char *affinity_task_name(enum affinity_task task)
{
    return task == TASK_ANY ? "any product" : "new products";
}

const char *affinity_segment_name(int segment)
{
    static const char *const names[SEGMENTS] = {"first visit",     "came back",
                                                "bought before",   "never bought before",
                                                "known customers", "anonymous visitors"};
    assert(segment >= 0 && segment < SEGMENTS);
    return names[segment];
}

double affinity_most_coverage(const struct affinity_evaluation *e, int k)
{
    const double most = (double)e->lists * k / e->items;
    return most < 1 ? most : 1;
}

bool contender_answers(const struct contender *c, enum affinity_task task)
{
    return c->took_part && (task == TASK_ANY || c->model);
}
