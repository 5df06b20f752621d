#ifndef ML_ITEMS_RANK_MODEL_H
#define ML_ITEMS_RANK_MODEL_H

#include "base/err.h"
#include "ml/als/als.h"
#include "ml/als/als_serve.h"
#include "ml/items/item_item.h"
#include "ml/linear/csr.h"
#include "ml/linear/mat.h"

#include <stdbool.h>
#include <stdint.h>

/* What ranks items for a shopper: factors, item-item weights, or both in one formula. With a_j the factors' score of item j, b_j the
 * item-item model's, and |x| = sqrt(mean over all n items of x_j^2),
 *
 *     score_j = (1 - item_share) a_j / |a|  +  item_share b_j / |b|
 *
 * A part whose norm is zero adds nothing. Factors are folded in from the shopper's own entries, as when they serve. */
enum rank_kind { RANK_ALS, RANK_ITEM, RANK_BLEND };
const char *rank_kind_name(enum rank_kind kind); /* "als", "item", "blend" */

struct rank_settings {
    enum rank_kind kind;
    struct als_options als;        /* unless RANK_ITEM */
    struct item_item_options item; /* unless RANK_ALS */
    float item_share;              /* 0 .. 1, of RANK_BLEND */
};

/* Owns its arrays; those of the part that is not there are empty. */
struct rank_model {
    struct rank_settings settings;
    int items;          /* n */
    struct mat factors; /* (n, k), in the eigenbasis of their Gram matrix */
    float *spectrum;    /* (k) its diagonal */
    float *item_scale;  /* (n) of als_item_scales */
    double shopper_mean;
    struct csr weights; /* (n, n), by source item */
};

/* Trains what the settings name on interactions (m, n). Fails like als_train and item_item_train. */
CAN_FAIL bool rank_model_train(const struct csr *interactions, const struct rank_settings *settings,
                               struct rank_model *out, struct err *err);

/* Puts item factors (n, k) of a training on the interactions into a model that has none; copies them. */
CAN_FAIL bool rank_model_set_factors(struct rank_model *model, const struct csr *interactions,
                                     const struct mat *items, struct err *err);
void rank_model_free(struct rank_model *model); /* accepts {0} */

/* The most that rank_model_train takes beside the interactions, the result included. */
size_t rank_model_memory_bytes(const struct csr *interactions,
                               const struct rank_settings *settings);

/* Norm |a| of the scores that a shopper's factors (k) give all n items, without computing them: sqrt(sum of spectrum w^2 / n). */
double rank_factor_norm(const float *spectrum, const float *factors, int k, int n);

/* A model as it answers. Borrows the model and owns nothing. */
struct rank_scorer {
    const struct rank_model *model;
    struct als_server server;
};
CAN_FAIL bool rank_scorer_open(const struct rank_model *model, struct rank_scorer *out,
                               struct err *err);

/* Scores of all n items for one shopper by the formula above, out (n). */
CAN_FAIL bool rank_scores(const struct rank_scorer *s, const struct als_entries *done, float *out,
                          struct err *err);

/* The parts before they are mixed, for count shoppers (rows `which` of interactions (m, n)): factors' scores into out_als (count, n) with norms
 * (count), item-item scores into out_item (count, n), raw. A part the model has not is left alone. */
struct rank_parts {
    struct mat als;
    double *als_norm;
    struct mat item;
};
CAN_FAIL bool rank_score_parts(const struct rank_scorer *s, const struct csr *interactions,
                               const int32_t *which, int count, struct rank_parts *out,
                               struct err *err);

/* The formula for one shopper: als, item (n) or NULL where a part is missing; out (n). target_scale (n) multiplies item; NULL for 1. */
void rank_mix(const float *als, double als_norm, const float *item, const float *target_scale,
              double item_share, int n, float *out);

#endif
