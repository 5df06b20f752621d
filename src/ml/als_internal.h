#ifndef ML_ALS_INTERNAL_H
#define ML_ALS_INTERNAL_H

#include "ml/als.h"

/* What als.c, als_solve.c and als_reference.c share; nobody else includes this. */

/* reg (weight_sum + a0 others)^e: the ridge of a row that holds weight_sum and faces `others` rows.
 */
double als_ridge(const struct als_options *options, double weight_sum, int others);

/* Row borders of part `part` of `parts` equal parts: begin <= row < end. */
struct als_range {
    int begin;
    int end;
};
struct als_range als_part(int rows, int parts, int part);

/* Memory to solve one row's system, made once a thread. */
struct als_scratch {
    struct mat system; /* (k, k) */
    struct mat rows;   /* (ALS_GATHER_ROWS, k): gathered factor rows, scaled */
    struct mat root;   /* (1, ALS_GATHER_ROWS) */
};
enum { ALS_GATHER_ROWS = 128 };

struct als_scratch als_scratch_make(int factors);
void als_scratch_free(struct als_scratch *s);

/* The system of one row, before it is solved: scratch->system (lower triangle) and right (k). */
void als_row_system(const struct mat *others, const struct mat *gram,
                    const struct als_options *options, const struct als_entries *entries,
                    struct als_scratch *scratch, float *right);

/* One row given the other side (others, k) and its Gram matrix (lower triangle read): out (k). */
CAN_FAIL bool als_solve_row(const struct mat *others, const struct mat *gram,
                            const struct als_options *options, const struct als_entries *entries,
                            struct als_scratch *scratch, float *out, struct err *err);

/* All rows of one side, in parallel. */
CAN_FAIL bool als_solve_side(const struct csr *interactions, const struct mat *others,
                             const struct als_options *options, struct mat *rows, struct err *err);

#endif
