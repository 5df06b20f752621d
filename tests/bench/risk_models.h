#ifndef BENCH_RISK_MODELS_H
#define BENCH_RISK_MODELS_H

#include "bench/risk_rows.h"

/* The models an evaluation sets side by side, each tuned on the training rows alone. */
enum risk_model { RISK_OURS, RISK_LOGISTIC, RISK_XGBOOST, RISK_MODELS };

const char *risk_model_name(enum risk_model model);

/* Trains on `train` and fills the margins of `test`; seconds is the training's, tuning included. fit
 * is only filled for ours. XGBoost averages as many models as ours averages trees' bags, and is tuned on
 * the same parts of the table. */
struct risk_trained {
    double seconds;
    int bags;  /* models of trees averaged (logistic regression: 1) */
    int folds; /* parts held out, one by one, to choose settings */
    struct learner_fit fit;
};
CAN_FAIL bool risk_model_run(enum risk_model model, const struct risk_rows *train,
                             const struct risk_rows *test, int threads, uint64_t seed,
                             double *margins, struct risk_trained *out, struct err *err);

#endif
