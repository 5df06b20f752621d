/* Rows of factors into another basis: a tall matrix times a small square one. See the header. */
#include "ml/als/als_rotation.h"

#include "ml/linear/blas.h"
#include "ml/linear/cpu.h"

#include <assert.h>
#include <string.h>

enum {
    BLOCK_ROWS = 256, /* for BLAS at once: they stay in the second cache with the basis */
    GROUP_ROWS = 24,  /* for the kernel at once: they stay in the first */
    TILE_ROWS = 6,    /* whose sums are held in registers */
    TILE_PARTS = 4,   /* of 16 columns */
    LANES = 16,
    KERNEL_FACTORS_MAX = 256 /* above, BLAS blocks better */
};

static bool by_kernel(int factors)
{
    /* six rows of four vectors need 24 sums: AVX2's sixteen registers do not hold them */
    return cpu_level() >= CPU_AVX512 && factors <= KERNEL_FACTORS_MAX;
}

struct als_rotation als_rotation_make(const struct mat *basis)
{
    assert(basis->rows == basis->cols && basis->ld == mat_ld(basis->cols));
    struct als_rotation rotation = {.basis = *basis};
    if (by_kernel(basis->cols)) {
        rotation.columns = mat_make(basis->cols, basis->cols);
        for (int i = 0; i < basis->rows; i++) {
            for (int j = 0; j < basis->cols; j++) {
                /* by column: the kernel reads one number of a row and all of a
                 * basis vector's place */
                mat_row(&rotation.columns, j)[i] = mat_row(basis, i)[j];
            }
        }
    }
    return rotation;
}

void als_rotation_free(struct als_rotation *rotation)
{
    mat_free(&rotation->columns);
}

size_t als_rotation_scratch(int factors)
{
    return (size_t)(by_kernel(factors) ? GROUP_ROWS : BLOCK_ROWS) * (size_t)mat_ld(factors);
}

#if CPU_HAS_X86
#include <immintrin.h>

#define KERNEL __attribute__((target(CPU_TARGET_AVX512)))

/* Columns [16 at, 16 (at + parts)) of TILE_ROWS rows `from`, of which the first `count` are written
 * to `to`. */
KERNEL static inline __attribute__((always_inline)) void tile(const struct mat *columns,
                                                              const float *from, float *to,
                                                              int count, size_t at,
                                                              const size_t parts)
{
    const size_t ld = (size_t)columns->ld;
    __m512 sum[TILE_ROWS][TILE_PARTS];
    for (size_t r = 0; r < TILE_ROWS; r++) {
        for (size_t p = 0; p < parts; p++) {
            sum[r][p] = _mm512_setzero_ps();
        }
    }
    const float *column = columns->data + at * LANES;
    for (size_t i = 0; i < (size_t)columns->rows; i++, column += ld) {
        /* a line of the next tile; behind the last one a prefetch faults nowhere */
        if (i * LANES < TILE_ROWS * ld) {
            _mm_prefetch((const char *)(from + TILE_ROWS * ld + i * LANES), _MM_HINT_T0);
        }
        __m512 v[TILE_PARTS];
        for (size_t p = 0; p < parts; p++) {
            v[p] = _mm512_load_ps(column + p * LANES);
        }
        for (size_t r = 0; r < TILE_ROWS; r++) {
            const __m512 x = _mm512_set1_ps(from[r * ld + i]);
            for (size_t p = 0; p < parts; p++) {
                sum[r][p] = _mm512_fmadd_ps(x, v[p], sum[r][p]);
            }
        }
    }
    /* written at the end, when every number of the rows has been read: that is why a tile of all
     * columns may be rotated in place */
    for (int r = 0; r < count; r++) {
        for (size_t p = 0; p < parts; p++) {
            _mm512_store_ps(to + (size_t)r * ld + (at + p) * LANES, sum[r][p]);
        }
    }
}

KERNEL static void tiles(const struct mat *columns, const float *from, float *to, int count)
{
    const size_t all = (size_t)columns->ld / LANES;
    size_t at = 0;
    for (; at + TILE_PARTS <= all; at += TILE_PARTS) {
        tile(columns, from, to, count, at, TILE_PARTS);
    }
    /* a constant number of parts here too, so that the loop is unrolled */
    for (; at < all; at++) {
        tile(columns, from, to, count, at, 1);
    }
}

/* Where one pass makes all columns, whole tiles are rotated in place. */
KERNEL static void rotate_group(const struct mat *columns, float *rows, int count, float *scratch)
{
    const size_t ld = (size_t)columns->ld;
    int r = 0;
    if (ld == (size_t)TILE_PARTS * LANES) {
        for (; r + TILE_ROWS <= count; r += TILE_ROWS) {
            tile(columns, rows + (size_t)r * ld, rows + (size_t)r * ld, TILE_ROWS, 0, TILE_PARTS);
        }
    }
    /* the rest through a copy: tiles of 16 columns would otherwise read what they have already
     * overwritten; rows of zeros fill the last tile */
    const int whole = (count - r + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS;
    memcpy(scratch, rows + (size_t)r * ld, (size_t)(count - r) * ld * sizeof *rows);
    memset(scratch + (size_t)(count - r) * ld, 0, (size_t)(whole - count + r) * ld * sizeof *rows);
    for (const float *from = scratch; r < count; r += TILE_ROWS, from += (size_t)TILE_ROWS * ld) {
        tiles(columns, from, rows + (size_t)r * ld, count - r < TILE_ROWS ? count - r : TILE_ROWS);
    }
}
#endif

static void rotate_by_blas(const struct mat *basis, struct mat *m, int from, int count,
                           float *scratch)
{
    struct mat rows = mat_view(mat_row(m, from), count, m->cols, m->ld);
    struct mat before = mat_view(scratch, count, m->cols, m->ld);
    /* BLAS cannot multiply in place */
    memcpy(before.data, rows.data, (size_t)count * (size_t)m->ld * sizeof *rows.data);
    blas_gemm_transposed(&before, basis, &rows);
}

void als_rotation_apply(const struct als_rotation *rotation, struct mat *m, int begin, int end,
                        float *scratch)
{
    assert(m->cols == rotation->basis.cols && m->ld == rotation->basis.ld);
    /* for the kernel a whole number of tiles: only the last group can have rows left over */
    const int step = rotation->columns.data ? GROUP_ROWS : BLOCK_ROWS;
    for (int from = begin; from < end; from += step) {
        const int count = end - from < step ? end - from : step;
#if CPU_HAS_X86
        if (rotation->columns.data) {
            rotate_group(&rotation->columns, mat_row(m, from), count, scratch);
            continue;
        }
#endif
        rotate_by_blas(&rotation->basis, m, from, count, scratch);
    }
}
