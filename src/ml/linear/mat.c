/* Matrices of floats: memory, views, and the few element-wise duties that need no BLAS. */
#include "ml/linear/mat.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int mat_ld(int cols)
{
    assert(cols >= 0 && cols <= INT32_MAX - MAT_ALIGN_FLOATS);
    int rounded = (cols + MAT_ALIGN_FLOATS - 1) / MAT_ALIGN_FLOATS * MAT_ALIGN_FLOATS;
    /* BLAS wants an ld of at least 1, also where there are no columns */
    return rounded > 0 ? rounded : MAT_ALIGN_FLOATS;
}

struct mat mat_make(int rows, int cols)
{
    assert(rows >= 0);
    int ld = mat_ld(cols);
    size_t row_bytes = (size_t)ld * sizeof(float);
    float *data = mem_wide((size_t)(rows > 0 ? rows : 1), row_bytes);
    return (struct mat){.data = data, .rows = rows, .cols = cols, .ld = ld};
}

void mat_free(struct mat *m)
{
    free(m->data);
    *m = (struct mat){0};
}

struct mat mat_view(const float *data, int rows, int cols, int ld)
{
    assert(rows >= 0 && cols >= 0 && ld >= cols);
    /* One struct serves readers and writers; a view of const data is for reading, as
     * the header says. */
    union {
        const float *in;
        float *out;
    } borrowed = {.in = data};
    return (struct mat){.data = borrowed.out, .rows = rows, .cols = cols, .ld = ld};
}

float mat_dot(const float *restrict a, const float *restrict b, int count)
{
    /* Sixteen independent sums: the compiler may use vectors without being allowed
     * to reorder additions. */
    float lane[MAT_ALIGN_FLOATS] = {0};
    int i = 0;
    for (; i + MAT_ALIGN_FLOATS <= count; i += MAT_ALIGN_FLOATS) {
        for (int j = 0; j < MAT_ALIGN_FLOATS; j++) {
            lane[j] += a[i + j] * b[i + j];
        }
    }
    float tail = 0;
    for (; i < count; i++) {
        tail += a[i] * b[i];
    }
    /* the lanes pairwise, as a tree: its order depends on nothing but the constant */
    for (int width = MAT_ALIGN_FLOATS / 2; width > 0; width /= 2) {
        for (int j = 0; j < width; j++) {
            lane[j] += lane[j + width];
        }
    }
    return lane[0] + tail;
}

void mat_copy(const struct mat *from, struct mat *to)
{
    assert(from->rows == to->rows && from->cols == to->cols);
    /* row by row: the two may differ in ld, and the padding of a view belongs to somebody else */
    for (int r = 0; r < from->rows; r++) {
        memcpy(mat_row(to, r), mat_row(from, r), (size_t)from->cols * sizeof(float));
    }
}

bool floats_are_finite(const float *values, size_t count)
{
    /* 0 * x is 0 for every finite x and NaN for the others: no branch in the loop. */
    float lane[MAT_ALIGN_FLOATS] = {0};
    float sum = 0;
    size_t i = 0;
    for (; i + MAT_ALIGN_FLOATS <= count; i += MAT_ALIGN_FLOATS) {
        for (size_t j = 0; j < MAT_ALIGN_FLOATS; j++) {
            lane[j] += 0.0F * values[i + j];
        }
    }
    for (; i < count; i++) {
        sum += 0.0F * values[i];
    }
    for (size_t j = 0; j < MAT_ALIGN_FLOATS; j++) {
        sum += lane[j];
    }
    /* NaN equals nothing; without -ffast-math the compiler must not drop the product */
    return sum == 0.0F;
}

bool mat_is_finite(const struct mat *m)
{
    for (int r = 0; r < m->rows; r++) {
        if (!floats_are_finite(mat_row(m, r), (size_t)m->cols)) {
            return false;
        }
    }
    return true;
}

void mat_fill_normal(struct mat *m, double stdev, struct rng *rng)
{
    assert(isfinite(stdev) && stdev >= 0);
    for (int r = 0; r < m->rows; r++) {
        float *row = mat_row(m, r);
        /* not over the padding: that stays zero, and k factors draw the same numbers
         * whatever the ld */
        for (int c = 0; c < m->cols; c++) {
            row[c] = (float)(stdev * rng_normal(rng));
        }
    }
}
