/* Ours, logistic regression on the same bins, and XGBoost: trained and tuned on the same rows. */
#include "bench/risk_models.h"

#include "base/cleanup.h"
#include "bench/risk_score.h"
#include "bench/xgb_peer.h"

const char *risk_model_name(enum risk_model model)
{
    static const char *const names[RISK_MODELS] = {"cartwright", "logistic", "xgboost"};
    return names[model];
}

static bool ours(const struct learner_table *table, const struct learner_options *options,
                 const struct risk_rows *test, double *margins, struct learner_fit *fit,
                 struct err *err)
{
    CLEANUP(learner_free) struct learner *l = NULL;
    if (!learner_train(table, options, &l, fit, err)) {
        return false;
    }
    learner_margins(l, test->cells, test->rows, margins);
    return true;
}

/* The penalty with the least log loss on rows held out. */
static bool logistic_regression(const struct learner_table *table, struct learner_options o,
                                const struct risk_rows *test, double *margins, struct err *err)
{
    static const float penalties[] = {1e-5F, 1e-4F, 1e-3F, 1e-2F};
    struct learner_options best = o;
    double best_loss = 1e300;
    struct learner_fit fit = {0};
    for (size_t i = 0; i < sizeof penalties / sizeof *penalties; i++) {
        CLEANUP(learner_free) struct learner *l = NULL;
        o.machine.factors = 0;
        o.machine.l2_linear = penalties[i];
        o.machine_bags = 1;
        o.boosting_bags = 0;
        if (!learner_train(table, &o, &l, &fit, err)) {
            return false;
        }
        if (fit.machine.log_loss < best_loss) {
            best_loss = fit.machine.log_loss;
            best = o;
        }
    }
    return ours(table, &best, test, margins, &fit, err);
}

/* As many models averaged as the learner has bags of trees, settings chosen on the same parts of the table: what is
 * compared is the two ways of learning, not one model beside the mean of twelve. */
static bool xgboost(const struct risk_rows *train, const struct learner_holdout *hold,
                    const struct learner_options *o, const struct risk_rows *test, double *margins,
                    int *out_bags, struct err *err)
{
    struct xgb_settings s;
    return xgb_tune(train, hold, o->threads, o->seed, &s, err) &&
           xgb_bags(train, test, &s, o->boosting_bags, margins, out_bags, err);
}

// NOLINTNEXTLINE(readability-function-size): margins and figures are two outputs
bool risk_model_run(enum risk_model model, const struct risk_rows *train,
                    const struct risk_rows *test, int threads, uint64_t seed, double *margins,
                    struct risk_trained *out, struct err *err)
{
    const struct learner_table table = risk_rows_table(train);
    struct learner_options o = learner_defaults(train->rows);
    double start = risk_seconds();
    bool ok = false;
    *out = (struct risk_trained){0};
    o.threads = threads;
    o.seed = seed;
    CLEANUP(learner_holdout_free) struct learner_holdout hold = learner_holdout_make(&table, &o);
    out->folds = hold.folds;
    switch (model) {
    case RISK_OURS:
        out->bags = o.boosting_bags;
        ok = ours(&table, &o, test, margins, &out->fit, err);
        break;
    case RISK_LOGISTIC:
        out->bags = 1;
        ok = logistic_regression(&table, o, test, margins, err);
        break;
    case RISK_XGBOOST:
    case RISK_MODELS:
    default:
        ok = xgboost(train, &hold, &o, test, margins, &out->bags, err);
    }
    out->seconds = risk_seconds() - start;
    return ok;
}
