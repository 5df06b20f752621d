#ifndef ML_ALS_ALS_SERVE_H
#define ML_ALS_ALS_SERVE_H

#include "ml/als/als.h"

/* A trained factorization as it answers requests: a shopper the model has not seen is folded in, and its scores are explained, in the
 * eigenbasis of the items' Gram matrix, where only the vectors of the shopper's own items are touched. */
struct als_server {
    struct mat items;        /* (n, k), rotated so that their Gram matrix is diagonal; borrowed */
    const float *item_scale; /* (n) t_i of the training; NULL: all 1; borrowed */
    double shopper_mean;     /* mean C of the training's shoppers, > 0 */
    struct als_options
        options; /* of the training: reg, reg_exponent, unobserved_weight, shopper_exponent are read */
    float dense[ALS_FACTORS_MAX]; /* a0 * spectrum; zero behind k */
};

/* Rotates items (n, k) in place into the eigenbasis of their Gram matrix, whose diagonal out_spectrum (k) tells, falling. Shoppers'
 * factors of the same training are no longer theirs. Fails with ERR_INVALID where the items are not finite. */
CAN_FAIL bool als_rotate(struct mat *items, int threads, float *out_spectrum, struct err *err);

/* A server over rotated items, which it borrows together with item_scale. Fails with ERR_INVALID where a number is out of range. */
CAN_FAIL bool als_server_open(const struct mat *items, const float *spectrum,
                              const float *item_scale, double shopper_mean,
                              const struct als_options *options, struct als_server *out,
                              struct err *err);

/* Factors of a shopper the model has not seen, from what they did: minimises the objective for that
 * one row with the items fixed, to five digits. out_factors (k): all zero when nothing was done. Allocates nothing for up to
 * ALS_SERVE_ENTRIES entries. Fails with ERR_INVALID on an item out of range or a weight that is not finite and > 0. */
enum { ALS_SERVE_ENTRIES = 256 };
CAN_FAIL bool als_fold_in(const struct als_server *server, const struct als_entries *done,
                          float *out_factors, struct err *err);

/* The same exactly, by Cholesky: what als_fold_in is tested against. */
CAN_FAIL bool als_fold_in_cholesky(const struct als_server *server, const struct als_entries *done,
                                   float *out_factors, struct err *err);

/* What each entry of a shopper adds to the score of item `target`, out (done->count): folded-in
 * factors are linear in the entries, given the system they are solved from, so that the sum is the
 * target's score within rounding. Fails like als_fold_in, and on a target out of range. */
CAN_FAIL bool als_explain(const struct als_server *server, const struct als_entries *done,
                          int target, float *out, struct err *err);

#endif
