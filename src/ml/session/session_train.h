#ifndef ML_SESSION_SESSION_TRAIN_H
#define ML_SESSION_SESSION_TRAIN_H

#include "base/err.h"
#include "ml/session/session_rank.h"

/* Learns a session model from a log alone. The ranker is taught on later blocks of the log by models of what came before them, so that what it
 * sees in training is what it will see in use; settings are chosen on the last block. */

struct session_train_options {
    int threads;     /* >= 1; does not change a bit of the result */
    int queries_max; /* that the ranker learns from, >= 1 */
    uint64_t seed;
    const struct session_settings *settings; /* NULL: they are chosen */
    /* NULL, or told what is going on: one line of text without a line's end, borrowed. */
    void (*progress)(void *ctx, const char *text);
    void *progress_ctx;
};

struct session_quality {
    int cases;
    double hit;             /* share of cases whose target is among the first 20 */
    double reciprocal_rank; /* mean of 1 / rank within the first 20, else 0 */
};

struct session_train_options session_train_defaults(void);
struct session_settings session_settings_defaults(int sessions, int threads);

/* Chooses settings, teaches the ranker and builds the model of the whole log. *out is owned by the caller. *out_valid: the quality of the chosen
 * settings on the last block, on which they were chosen; {0} where they were given. Fails with ERR_INVALID if the log has no session of two items to learn from. */
CAN_FAIL bool session_train(const struct session_log *log,
                            const struct session_train_options *options, struct session_model *out,
                            struct session_quality *out_valid, struct err *err);

/* Rank of target in hits from 1, where an equal score counts as better than the target's; 0 if it is not there. */
int session_rank_of(const struct session_hit *hits, int count, int32_t target);

#endif
