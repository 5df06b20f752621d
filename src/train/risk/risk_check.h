#ifndef TRAIN_RISK_RISK_CHECK_H
#define TRAIN_RISK_RISK_CHECK_H

#include "base/config.h"
#include "base/err.h"
#include "store/database.h"
#include "store/risk_checks.h"

/* Calibration in life: once a day the risk model that serves is scored on moments whose outcome is
 * known by now (their horizon has passed) and that it has not learnt from. The shift in logit that
 * makes the mean score of the last RISK_CHECK_LATELY days their rate of lost moments is stored with
 * the model's version; every replica applies the newest one (live/live.h). Beside it: Brier of
 * these days, unshifted, and the population stability index of the score, against those of the
 * RISK_CHECK_BEFORE days before that it has not learnt from either (both 0 where these are fewer
 * than RISK_CHECK_ROWS_MIN moments: the model is too young), and that of every feature against all
 * of them. */
enum {
    RISK_CHECK_LATELY = 7,     /* days */
    RISK_CHECK_BEFORE = 28,    /* days */
    RISK_CHECK_ROWS_MIN = 200, /* fewer moments: no shift, no baseline */
};

/* Margins (logit) of lately matured moments, what became of them (1 lost), how many. Drawn towards
 * 0: an unlucky day of a small shop must not turn its scores around. */
double risk_check_shift(const double *margins, const uint8_t *lost, int count);

/* Stores a check of the champion as of now. Of the log it reads shoppers who can have a moment in
 * these days, with all their events. *out_made false: no risk model serves, or the version has its
 * check of the day already. Texts of *out live in the arena. */
CAN_FAIL bool risk_check_run(const struct database *database, const struct config *config,
                             int64_t now_us, struct arena *a, struct risk_check *out,
                             bool *out_made, struct err *err);

/* A check in one line, for people; returns out. Where nothing has matured since the model's
 * training it says so: there is no Brier then. */
enum { RISK_CHECK_TEXT_MAX = 320 };
const char *risk_check_text(const struct risk_check *c, char out[RISK_CHECK_TEXT_MAX]);

#endif
