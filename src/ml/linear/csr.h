#ifndef ML_LINEAR_CSR_H
#define ML_LINEAR_CSR_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* One interaction before it is sorted. */
struct triple {
    int32_t row;
    int32_t col;
    float weight;
};

/* A sparse matrix in compressed rows: entries of row r are start[r] .. start[r + 1] - 1, columns
 * ascending and distinct. Owns its arrays; {0} is the empty matrix. */
struct csr {
    int rows;
    int cols;
    int64_t *start;  /* (rows + 1) */
    int32_t *column; /* (start[rows]) */
    float *weight;   /* (start[rows]), finite */
};

/* Builds from triples in any order; duplicates of one cell are added up in their given order (in
 * double), so the same triples give the same bytes. Fails with ERR_INVALID on a row or column out
 * of range, a weight or sum of weights that is not finite, or rows/cols < 0. */
CAN_FAIL bool csr_build(int rows, int cols, const struct triple *triples, size_t count,
                        struct csr *out, struct err *err);

struct csr csr_transpose(const struct csr *a); /* owned by the caller */
void csr_free(struct csr *a);                  /* accepts {0} */

static inline int64_t csr_entries(const struct csr *a)
{
    return a->start ? a->start[a->rows] : 0;
}

#endif
