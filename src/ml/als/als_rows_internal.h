#ifndef ML_ALS_ALS_ROWS_INTERNAL_H
#define ML_ALS_ALS_ROWS_INTERNAL_H

#include "ml/als/als_rows.h"

/* What als_rows.c and als_rows_vec.c share; nobody else includes this. */

/* A squared preconditioned residual that counts as zero. A row that is solved exactly after fewer steps than asked for (fewer entries than
 * steps) would otherwise divide 0 by 0 next. Far above the smallest float, whose square roots still behave, far below any that matters. */
#define ALS_RESIDUAL_ZERO 1e-30F

/* The kernels of als_rows_vec.c for the system's length and storage. */
als_row_fn *als_rows_choose_avx2(const struct als_system *system);
als_row_fn *als_rows_choose_avx512(const struct als_system *system);

#endif
