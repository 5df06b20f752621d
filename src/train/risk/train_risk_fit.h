#ifndef TRAIN_RISK_TRAIN_RISK_FIT_H
#define TRAIN_RISK_TRAIN_RISK_FIT_H

#include "domain/risk/risk_file.h"
#include "train/common/training.h"
#include "train/risk/train_risk_ahead.h"
#include "train/risk/train_rows.h"

/* What may be learnt with, the plainest first. Few shoppers teach no more than logistic regression;
 * and where a product is in the carts of few, its name stands for them, and what is learnt of it is
 * about them. */
enum risk_recipe {
    RISK_LOGISTIC,         /* logistic regression on the learner's table */
    RISK_WITHOUT_PRODUCTS, /* all parts; any product counts as one that was never seen */
    RISK_ALL_PARTS,
    RISK_RECIPES,
};
const char *risk_recipe_name(enum risk_recipe recipe); /* for cards and people */

struct risk_fit {
    struct trained file;
    struct learner_fit learnt;
    enum risk_recipe recipe;
    struct calib_curve time; /* of the learner's margins, by idle time */
    struct risk_ahead_fit ahead;
};

/* What is asked for: a model of the window, with a card. */
typedef void risk_card_fn(void *ctx, const struct risk_fit *fit, struct buf *out);
struct risk_wish {
    struct risk_window window;
    const struct moments *seen; /* by time, up to the window's end, labelled or not */
    risk_card_fn *card;         /* may look at the fit, but for its file */
    void *ctx;
    enum risk_recipe recipe;
    bool plain; /* as risk_fit_plain has it: without a calibration by idle time */
};

/* One learner from the moments; shoppers are held out as a whole to stop it and to weigh and
 * calibrate its parts. Needs both labels among the moments. */
CAN_FAIL bool risk_fit_learner(const struct training *t, const struct moments *m,
                               const struct risk_wish *wish, struct risk_fit *out, struct err *err);
void risk_fit_free(struct risk_fit *fit);

/* The learner alone, as it is before its calibration by idle time. Owned: learner_free. */
CAN_FAIL bool risk_fit_plain(const struct training *t, const struct moments *m,
                             enum risk_recipe recipe, struct learner **out, struct err *err);

#endif
