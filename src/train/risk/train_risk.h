#ifndef TRAIN_RISK_TRAIN_RISK_H
#define TRAIN_RISK_TRAIN_RISK_H

#include "domain/risk/risk_file.h"
#include "train/risk/risk_drift.h"
#include "train/risk/train_moments.h"
#include "train/risk/train_risk_ahead.h"
#include "train/train_internal.h"

/* What train_risk.c (moments, gate), train_risk_choice.c (which learner) and train_risk_fit.c (the
 * learner) share. */

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

/* Each product of a row becomes an id of its own, as one that serving has never seen. */
void risk_hide_products(union learner_cell *cells, int64_t row);

/* The learner alone, as it is before its calibration by idle time. Owned: learner_free. */
CAN_FAIL bool risk_fit_plain(const struct training *t, const struct moments *m,
                             enum risk_recipe recipe, struct learner **out, struct err *err);

/* Labelled moments on both sides of a cut: those whose outcome was known then, and those from it
 * on. Both arrays are owned: moment_parts_free. */
struct moment_parts {
    struct moments before, after;
};
int moments_lost(const struct moments *m); /* how many of the labels say so */

/* The cut with three quarters of the moments before it. */
int64_t moments_cut_us(const struct moments *m);
struct moment_parts moments_part(const struct moments *m, int64_t cut_us, int64_t horizon_us);
void moment_parts_free(struct moment_parts *p);

/* How the recipes do on the later part of the moments (labelled, by time), each trained on what was
 * known when that part began, and as the daily correction would have it. */
struct risk_choice {
    /* the plainest that none beats by a standard error; logistic regression where there is too
     * little to tell */
    enum risk_recipe recipe;
    int rows; /* that told; 0: too little */
    double log_loss[RISK_RECIPES];
};
CAN_FAIL bool risk_choose(const struct training *t, const struct moments *m, int64_t horizon_us,
                          struct risk_choice *out, struct err *err);
/* Whether the losses of the moments are lower than those of a plainer learner by more than one
 * standard error, each shopper one draw. */
bool risk_choice_beats(const struct moments *m, const double *losses, const double *plainer);

/* The later window as training's gate sees it. Borrowed until the callback returns. */
struct risk_later {
    struct risk_window window;
    int64_t cut_us;
    const struct moments *before; /* their outcome was known at the cut */
    const struct moments *after;  /* labelled, by time */
    const int32_t *shopper_of;    /* (after->count) 0 .. shoppers-1 */
    int shoppers;
    double base_rate;              /* share lost before the cut */
    const struct risk *challenger; /* trained on what lies before the cut */
    const struct champion *champion;
    bool champion_judged; /* its log ended before the cut, and it foretells the same */
};
typedef bool risk_later_fn(void *ctx, const struct risk_later *later, struct err *err);
/* Trains what training would have made at the cut (INT64_MIN: training's own cut) and hands the
 * later window to fn; stores nothing. Fails with ERR_REFUSED where that is too little. */
CAN_FAIL bool risk_training_later(struct risk_training *training, int64_t cut_us, risk_later_fn *fn,
                                  void *ctx, struct err *err);

#endif
