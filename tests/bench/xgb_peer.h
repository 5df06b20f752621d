#ifndef BENCH_XGB_PEER_H
#define BENCH_XGB_PEER_H

#include "bench/risk_rows.h"
#include "ml/learner/learner_holdout.h"

/* XGBoost (Debian's libxgboost, its C API) on the same rows. Where it was not installed at build
 * time, xgb_available says false and the rest fails with ERR_NOT_FOUND. */

/* How ids become numbers: a column an id, sparse; each id's rank by frequency; or that rank as a category, which trees part into sets. */
enum xgb_ids { XGB_ONE_HOT, XGB_CODES, XGB_CATEGORIES };

struct xgb_settings {
    int depth, rounds, bins;
    double rate, l2, child_weight, row_share, column_share;
    int threads;
    enum xgb_ids ids;
    uint64_t seed;
};

struct xgb_model;

bool xgb_available(void);
struct xgb_settings xgb_defaults(void);

/* Trains `hist`. out_seconds: of building its matrix and of boosting, not of our encoding. With
 * validation rows (or NULL) it stops after 30 rounds without a better log loss there, and tells the
 * best round and loss. */
struct xgb_fit {
    double seconds;
    int rounds;
    double validation_loss;
};
CAN_FAIL bool xgb_train(const struct risk_rows *train, const struct risk_rows *validation,
                        const struct xgb_settings *settings, struct xgb_model **out,
                        struct xgb_fit *out_fit, struct err *err);
void xgb_free(struct xgb_model **m);

/* Margins of the first out_fit.rounds rounds. */
CAN_FAIL bool xgb_margins(const struct xgb_model *m, const struct risk_rows *rows, double *out,
                          struct err *err);

/* Margins of dense rows of floats (rows, columns), all of them numbers, by its in-place prediction. */
CAN_FAIL bool xgb_score_dense(const struct xgb_model *m, const float *cells, int rows, int columns,
                              float *out, struct err *err);

/* The best of a grid over depth and child weight, and its number of rounds, by log loss on the parts that `hold` (of
 * these rows) holds out one by one: what the learner beside it does with its own trees. Where none could be held out, the
 * defaults and XGB_BLIND_ROUNDS. */
enum { XGB_BLIND_ROUNDS = 30 };
CAN_FAIL bool xgb_tune(const struct risk_rows *train, const struct learner_holdout *hold,
                       int threads, uint64_t seed, struct xgb_settings *out, struct err *err);

/* The mean margins of `bags` models of seeds of their own, all trained on all rows; out_trained counts them. */
CAN_FAIL bool xgb_bags(const struct risk_rows *train, const struct risk_rows *test,
                       const struct xgb_settings *settings, int bags, double *margins,
                       int *out_trained, struct err *err);

#endif
