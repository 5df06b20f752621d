#ifndef ML_ITEMS_EXPOSURE_H
#define ML_ITEMS_EXPOSURE_H

#include <stdint.h>

/* Spreading what is shown over the items (against popularity bias): of each item a lift, by which its score is multiplied, so that items nobody would be shown come up for
 * those whom they suit nearly as well as what they would be shown instead. The lifts are the prices of a linear program,
 *
 *     most total log score of what is shown,  subject to: item j is shown to at least `floor` of the mean number of shoppers,
 *
 * solved by projected subgradient steps on its dual over the lists of shoppers: log lift_j >= 0 grows while j is shown too seldom. They are bounded, so that no
 * item ever passes another whose score is more than the bound times its own: where that does not do, the floor is not reached. */

/* Items in falling order of score, list by list; scores above 0. */
struct exposure_lists {
    int lists;
    const int64_t *start; /* (lists + 1) */
    const int32_t *item;
    const float *score;
};

struct exposure_options {
    int shown; /* places of a list that are seen */
    int kept;  /* of them, the first so many are by score alone */
    double floor;
    double most; /* log of the bound; 0: nothing is lifted */
    int rounds;  /* of the solution */
};

/* log_lift (items) 0 .. most. The same lists give the same lifts. */
void exposure_lifts(const struct exposure_lists *l, int32_t items, const struct exposure_options *o,
                    float *log_lift);

/* How often each item is among the first o->shown places with these lifts; out (items). */
void exposure_count(const struct exposure_lists *l, int32_t items, const struct exposure_options *o,
                    const float *log_lift, int32_t *out);

#endif
