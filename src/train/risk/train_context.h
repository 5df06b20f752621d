#ifndef TRAIN_RISK_TRAIN_CONTEXT_H
#define TRAIN_RISK_TRAIN_CONTEXT_H

#include "base/arena.h"
#include "domain/risk/features.h"
#include "train/common/training.h"

/* What a score could know of the shop at a moment of the past: the days as they were written, and the
 * affinity models that ever served, each for moments from the end of its own log on. A moment before
 * the first of them has no affinity features, as it had none when it was the present; a shop that has
 * its first training may run `train affinity --as-of` some weeks back before `train risk`. */
enum { TRAIN_AFFINITIES_MAX = 8 }; /* newest */

struct train_context {
    struct affinity *affinities[TRAIN_AFFINITIES_MAX]; /* by the end of their log; owned */
    void *bytes[TRAIN_AFFINITIES_MAX];                 /* their files; owned */
    int64_t promoted_us[TRAIN_AFFINITIES_MAX];         /* last time */
    int count;
    struct arena arena; /* days */
    struct shop_days days;
};

/* Writes the days that have ended by then and are missing, and reads all. Models that do not load any
 * more are passed over. {0} is one that knows nothing. */
CAN_FAIL bool train_context_open(const struct training *t, struct train_context *out,
                                 struct err *err);
void train_context_free(struct train_context *c);

/* Borrowed from c. */
struct feature_context train_context_at(const struct train_context *c, int64_t at_us);

#endif
