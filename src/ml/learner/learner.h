#ifndef ML_LEARNER_LEARNER_H
#define ML_LEARNER_LEARNER_H

#include "base/err.h"
#include "ml/file/model_file.h"
#include "ml/judge/calib.h"
#include "ml/learner/fm_field.h"
#include "ml/learner/gbdt.h"

#include <stdbool.h>
#include <stdint.h>

/* The one learner of yes-or-no questions: a table of numbers and ids in, a calibrated and explained
 * probability out. Two models see the same bins:
 *
 *   a logistic factorization machine (ml/learner/fm_field.h) over ids and over the bins of the numbers at
 *   three resolutions, and histogram gradient boosting (ml/learner/gbdt.h);
 *
 * the margin is intercept + weight_machine * machine + weight_boosting * boosting, in logit. The
 * weights and the intercept are fitted to margins of rows that the models which made them had not
 * seen; a weight may be 0, and that part is then left out. Same table, options and seed: same
 * bytes, on any number of threads. Nothing here answers NaN. */

enum learner_kind {
    LEARNER_NUMBER, /* any double; NaN is missing, and infinite is very large or very small */
    LEARNER_ID,     /* a hash of what is named; 0 is missing. Ids only differ, they have no order */
};

union learner_cell {
    double number;
    uint64_t id;
};

/* Examples to learn from. Borrows. */
struct learner_table {
    int rows;                        /* 1 .. LEARNER_ROWS_MAX */
    int columns;                     /* 1 .. LEARNER_COLUMNS_MAX */
    const uint8_t *kind;             /* (columns) enum learner_kind */
    const union learner_cell *cells; /* (rows, columns) */
    const uint8_t *label;            /* (rows) 0 or 1 */
    /* (rows), or NULL: rows of one group (a shopper) are held out together or not at all */
    const uint64_t *group;
    bool in_time_order; /* rows are: what is held out is the end of the table */
};

enum {
    LEARNER_COLUMNS_MAX = 1024,
    LEARNER_ROWS_MAX = 1 << 24,
    LEARNER_FOLDS_MAX = 10,
    LEARNER_BAGS_MAX = 16,
    LEARNER_PROBES = 16,
};

struct learner_options {
    struct fm_field_options machine; /* factors 0: logistic regression on the bins */
    struct gbdt_options boosting;    /* trees_max 0: no boosting */
    /* 0, or a second depth of trees, with penalty and shares of rows and columns of their own:
     * those with the least loss on rows held out are taken. The others get half of the bags beside
     * them (where there are several), unless they lose more in every part held out. */
    int other_depth;
    double other_l2, other_row_share, other_column_share;
    /* A table in order of time: how fast old rows lose weight is chosen on the rows held out, from
     * not at all down to half in a twelfth of the table. They keep it unless that loses more in
     * every window held out. */
    bool forgets;
    int machine_bags;  /* machines averaged, 0 (none) .. LEARNER_BAGS_MAX */
    int boosting_bags; /* the same for boosting; each has its own seed */
    int folds; /* 2 .. LEARNER_FOLDS_MAX; how many parts the table is held out in, one by one */
    /* How many of the folds are run: 1 .. folds. One costs least; all of them use every row for the
     * weights. Of a table in order of time the last 1/folds is held out, in as many windows (at
     * most 4), each judged by models of what lies before it. */
    int folds_run;
    int id_rows_min; /* ids in fewer rows of the table are taken as one: rare; >= 1 */
    int threads;     /* 1 .. PARALLEL_THREADS_MAX; changes nothing but the time */
    uint64_t seed;
};

/* What is measured of margins of rows held out. */
struct learner_measure {
    double log_loss;
    double auc;
    double average_precision;
    double brier;
};
struct learner_measure learner_measure_of(const double *probabilities, const uint8_t *labels,
                                          int count);

/* How a training went, for the model card. */
struct learner_fit {
    int rows, positives;
    int held_out_rows,
        held_out_positives;             /* what the weights were fitted to; 0: nothing could be */
    int machine_epochs, boosting_trees; /* of one bag */
    int boosting_depth;
    /* of the trees that got the other half of the bags; 0: there are none */
    int boosting_depth_beside, boosting_trees_beside;
    double half_life; /* rows after which a row counts half; 0: all count the same */
    double weight_machine, weight_boosting, intercept;
    struct learner_measure base_rate, machine, boosting, blend; /* each alone, calibrated */
};

struct learner;

/* Everything on, for a table of this size: small ones get more care. */
struct learner_options learner_defaults(int rows);

/* Trains; *out is owned by the caller (learner_free). Where one class is too rare to hold rows out,
 * the weights stay 1 to 1 and the fit says held_out_rows = 0. Fails with ERR_INVALID on sizes or
 * options out of range, a label that is not 0 or 1, an unknown kind, or rows of one class only. */
CAN_FAIL bool learner_train(const struct learner_table *table,
                            const struct learner_options *options, struct learner **out,
                            struct learner_fit *out_fit, struct err *err);
void learner_free(struct learner **l); /* accepts a pointer to NULL */

int learner_columns(const struct learner *l);

/* The calibrated margin in logit, finite; its probability is learner_probability. A row is
 * `columns` cells of the kinds trained on. Ids never seen count as rare ones. */
double learner_margin(const struct learner *l, const union learner_cell *row);
double learner_probability(const struct learner *l, const union learner_cell *row);

/* Many rows: (rows, columns) in, margins out, bit for bit those of learner_margin. */
void learner_margins(const struct learner *l, const union learner_cell *rows, int count,
                     double *out);

/* What each column adds to the margin, in logit: its terms of the machine, half of each
 * interaction, and the steps of the trees' paths that ask for it (Saabas 2014), times the weights.
 * Returns the part that no column has: it + the sum of out = learner_margin within 1e-5 of 1 + the
 * sum of their sizes, since the machine's margin is summed in float. out (columns). */
double learner_contributions(const struct learner *l, const union learner_cell *row, double *out);

/* Moves the intercept, e.g. to what matured labels say (calib_refit_intercept). */
void learner_shift(struct learner *l, double by);

/* The sections, all of them named "learner.": borrowed from l until model_builder_finish. */
void learner_save(const struct learner *l, struct model_builder *b);

/* A learner out of a checked file; it may look into the file, which must outlive it. Every index is
 * checked, and examples of the training must score as they did there. Fails with ERR_INVALID. */
CAN_FAIL bool learner_load(const struct model_file *file, struct learner **out, struct err *err);

#endif
