#ifndef UNIT_ML_SESSION_SPEC_H
#define UNIT_ML_SESSION_SPEC_H

/* Synthetic sessions that the tests of sessions share. */
#include "unit/ml/ml_spec.h"

#include "ml/session/session_train.h"

/* Sessions that wander along a ring of items: mostly to the next item or the one after, now and then back, seldom anywhere. What follows can
 * be learnt, and nothing else can. Owned by the caller. */
static inline struct session_log wandering_sessions(int sessions, int items, uint64_t seed)
{
    struct session_log log = {0};
    struct rng rng = rng_seed(seed);
    for (int s = 0; s < sessions; s++) {
        int32_t item[12];
        int count = 2 + (int)rng_below(&rng, 10);
        item[0] = (int32_t)rng_below(&rng, (uint64_t)items);
        for (int i = 1; i < count; i++) {
            double u = rng_unit(&rng);
            int32_t anywhere = (int32_t)rng_below(&rng, (uint64_t)items);
            int32_t onwards = (item[i - 1] + (u < .5 ? 1 : 2)) % items;
            item[i] = u < .7 ? onwards : anywhere;
            item[i] = u > .9 ? item[i > 1 ? i - 2 : 0] : item[i];
        }
        session_log_add(&log, item, count);
    }
    return log;
}

static inline struct session_settings settings_of(const struct session_log *log)
{
    return session_settings_defaults(log->sessions, 1);
}

#endif
