#ifndef TRAIN_RISK_TRAIN_ROWS_H
#define TRAIN_RISK_TRAIN_ROWS_H

#include "train/risk/train_moments.h"

/* Moments as rows of a training: those of a window of time, the time split of them into training and later (holdout) rows, and what of them a learner
 * is shown. */

/* Moments by pointer, as a window of time selects them. Borrows. */
struct moments {
    const struct moment **all;
    int count;
};

int moments_lost(const struct moments *m); /* how many of the labels say so */

/* The cut with three quarters of the moments before it. */
int64_t moments_cut_us(const struct moments *m);

/* Labelled moments on both sides of a cut: those whose outcome was known then, and those from it
 * on. Both arrays are owned: moment_parts_free. */
struct moment_parts {
    struct moments before, after;
};
struct moment_parts moments_part(const struct moments *m, int64_t cut_us, int64_t horizon_us);
void moment_parts_free(struct moment_parts *p);

/* Each product of a row becomes an id of its own, as one that serving has never seen. */
void risk_hide_products(union learner_cell *cells, int64_t row);

#endif
