#ifndef ML_ALS_ALS_INTERNAL_H
#define ML_ALS_ALS_INTERNAL_H

#include "ml/als/als.h"

/* What the als_*.c files share; nobody else but their tests includes this. */

/* begin <= row < end */
struct als_range {
    int begin;
    int end;
};

/* One side of the problem: its rows, with the weights and ridges of the objective, cut into parts of about equal work. */
struct als_side {
    struct csr entries; /* (rows, others); weights s t c */
    bool owns_entries;  /* else only the weights, where they are not the caller's */
    bool owns_weight;
    float *ridge; /* (rows) reg (C + a0 others)^e */
    struct als_range *part;
    int parts; /* heaviest first */
};
struct als_problem {
    struct als_side shoppers;
    struct als_side items;
};
struct als_problem als_problem_make(const struct csr *interactions,
                                    const struct als_options *options);
void als_problem_free(struct als_problem *p);
double als_problem_loss(const struct als_problem *p, const struct als_options *options,
                        const struct mat *shoppers, const struct mat *items);

/* Bytes of what als_problem_make allocates, and of what half a sweep needs for itself. */
size_t als_problem_bytes(int rows, int cols, int64_t entries, const struct als_options *options);
size_t als_half_bytes(const struct als_options *options);

enum {
    ALS_GRAM_PARTS = 16
}; /* partial Gram matrices; fixed, so that their sum does not depend on threads */

/* reg (weight_sum + a0 others)^e: the ridge of a row that holds weight_sum and faces `others` rows.
 */
double als_ridge(const struct als_options *options, double weight_sum, int others);

/* Row borders of part `part` of `parts` equal parts. */
struct als_range als_part(int rows, int parts, int part);

/* The first row that could not be solved, whichever thread met it; one of these a worker. */
struct als_failure {
    bool any;
    int row;
    struct err err;
};
void als_failure_note(struct als_failure *failure, int row, const struct err *err);
CAN_FAIL bool als_failures_told(const struct als_failure *failures, int workers, struct err *err);

/* One half of a sweep: all rows of a side given the other, whose factors may be rotated together with the rows'. */
struct als_half {
    const struct als_side *side;
    const struct als_options *options;
    int steps;        /* of conjugate gradients */
    uint16_t *packed; /* room for the others in half precision; NULL: they are read as they are */
    struct mat *rows;
    struct mat *others;
};
typedef bool als_half_solver(const struct als_half *half, struct err *err);
CAN_FAIL als_half_solver als_eigen_half;
CAN_FAIL als_half_solver als_cholesky_half;
CAN_FAIL als_half_solver als_plain_half;

/* The unit of others packed in half precision: the power of two that makes every rotated entry less than 2^14 units, and the largest that there
 * can be at least 2^13. A column's squares add up to its eigenvalue, so that no entry is above the root of the largest. */
float als_half_unit(float largest_eigenvalue);

/* One row by Cholesky given the other side (others, k) and its Gram matrix, out (k), which is padded. Allocates. */
CAN_FAIL bool als_cholesky_row(const struct mat *others, const struct mat *gram,
                               float unobserved_weight, float ridge,
                               const struct als_entries *entries, float *out, struct err *err);

bool als_objective_ok(const struct als_options *options);
bool als_weight_ok(float weight);

#endif
